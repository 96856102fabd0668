-- How alike and how far apart vectors are.

local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"

local F = {}

local cosine_spec = options.spec("cosine_similarity", {
  {name = "dim", type = "integer", default = 1, doc = "dim of the vectors"},
  {name = "eps", type = "number", default = 1e-8, range = ">= 0", doc = "least norm; a smaller one counts as this"},
})

-- Both with as many dims, and as many components along the dim: what broadcasts there is repeated, as a norm is one of
-- all components.
local function with_components(x1, x2, dim)
  while x1:dim() < x2:dim() do x1 = x1:unsqueeze(0) end
  while x2:dim() < x1:dim() do x2 = x2:unsqueeze(0) end
  if x1:dim() == 0 then return x1, x2 end
  local n1, n2 = x1:size(dim), x2:size(dim)
  local shape1, shape2, at = x1.shape, x2.shape, dim % x1:dim() + 1
  shape1[at], shape2[at] = n2, n1
  if n1 == 1 and n2 ~= 1 then x1 = x1:expand(shape1) end
  if n2 == 1 and n1 ~= 1 then x2 = x2:expand(shape2) end
  return x1, x2
end

--- Cosine of the angle between vectors: x1 . x2 / (|x1| |x2|).
-- @param x1  Tensor (*, D, *)
-- @param x2  Tensor that broadcasts with it
-- @param ... the options, by position or by name
-- @return Tensor (*, *), without dim
-- @raise if the shapes do not broadcast
function F.cosine_similarity(x1, x2, ...)
  local o = cosine_spec.arguments(...)
  expect.tensor("cosine_similarity", "x1", x1)
  expect.tensor("cosine_similarity", "x2", x2)
  x1, x2 = with_components(x1, x2, o.dim)
  local size1, size2 = x1:norm(2, o.dim, true):clamp(o.eps), x2:norm(2, o.dim):clamp(o.eps)
  return (x1 / size1 * x2):sum(o.dim) / size2           -- |x1| |x2| may be larger than any number
end

local distance_spec = options.spec("pairwise_distance", {
  {name = "p", type = "number", default = 2, doc = "which norm"},
  {name = "eps", type = "number", default = 1e-6, doc = "added to each component of the difference"},
  {name = "keepdim", type = "boolean", default = false, doc = "keep the last dim, of size 1"},
})

--- p-norm of differences: |x1 - x2 + eps|.
-- @param x1  Tensor (*, D)
-- @param x2  Tensor that broadcasts with it
-- @param ... the options, by position or by name
-- @return Tensor (*)
-- @raise if the shapes do not broadcast
function F.pairwise_distance(x1, x2, ...)
  local o = distance_spec.arguments(...)
  expect.tensor("pairwise_distance", "x1", x1)
  expect.tensor("pairwise_distance", "x2", x2)
  return (x1 - x2 + o.eps):norm(o.p, -1, o.keepdim)
end

local normalize_spec = options.spec("normalize", {
  {name = "p", type = "number", default = 2, doc = "which norm"},
  {name = "dim", type = "integer", default = 1, doc = "dim of the vectors"},
  {name = "eps", type = "number", default = 1e-12, doc = "least norm; a smaller one counts as this"},
})

--- Vectors divided by their p-norms.
-- @param input Tensor (*, D, *)
-- @param ...   the options, by position or by name
-- @return Tensor of the same shape
function F.normalize(input, ...)
  local o = normalize_spec.arguments(...)
  expect.tensor("normalize", "input", input)
  return input / input:norm(o.p, o.dim, true):clamp(o.eps)
end

return F
