-- Numbers drawn from distributions. All come from the generator behind manual_seed, so that a seed fixes them.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local ops = require "embla.tensor.operations"
local raise = require "embla.errors.raise"

local sampling = {}
local methods, op = core.methods, core.ops

-- U[0, 1) for each element of t, in t's dtype if that is precise enough, else in float32.
local function uniforms(t)
  return core.empty(t.shape, t.dtype == "float64" and "float64" or "float32"):uniform_()
end

-- A number above 0, which NaN is not.
local function positive(caller, name, value)
  if expect.number(caller, name, value) > 0 then return value end
  raise("%s: argument %s: expected number > 0, got %s", caller, name, options.show(value))
end

local function check_chance(caller, p)
  if type(p) == "number" and not (p >= 0 and p <= 1) then
    raise("%s: argument p: expected number in [0, 1], got %s", caller, options.show(p))
  end
end

-- Puts what was drawn into t, which may have a history.
local function put(t, drawn) return t:copy_(drawn) end

-- ---- in place --------------------------------------------------------------------------------------------------

--- Each element becomes 1 with a chance of p, else 0.
-- @param p number in [0, 1], default 0.5, or Tensor of chances that broadcasts to the tensor's shape
-- @return the tensor
-- @raise if p lies outside [0, 1]
function methods:bernoulli_(p)
  expect.dense("bernoulli_", "tensor", self)
  if p == nil then p = 0.5 end
  if not core.is_tensor(p) then expect.number("bernoulli_", "p", p) end
  check_chance("bernoulli_", p)
  return put(self, uniforms(self):lt(p))
end

--- Each element is drawn from the exponential distribution: density lambd e^(-lambd x).
-- @param lambd number > 0, default 1: how often things happen in a unit of time
-- @return the tensor
-- @raise if lambd is not above 0
function methods:exponential_(lambd)
  expect.dense("exponential_", "tensor", self)
  local u = uniforms(self)
  op.clamp_(u, u.dtype == "float64" and 2 ^ -54 or 2 ^ -25)             -- its logarithm is taken by some: never 0
  return put(self, u:neg_():log1p_():div_(-positive("exponential_", "lambd", lambd or 1)))
end

--- Each element is the number of tries up to the first success: 1, 2, …
-- @param p number in (0, 1): the chance of a try
-- @return the tensor
-- @raise if p lies outside (0, 1)
function methods:geometric_(p)
  expect.dense("geometric_", "tensor", self)
  p = expect.number("geometric_", "p", p)
  if not (p > 0 and p < 1) then raise("geometric_: argument p: expected number in (0, 1), got %s", options.show(p)) end
  return put(self, uniforms(self):neg_():log1p_():div_(math.log(1 - p)):floor_():add_(1))
end

--- Each element is e to the power of a number from N(mean, std^2).
-- @param mean number, default 1
-- @param std  number > 0, default 2
-- @return the tensor
-- @raise if std is not above 0
function methods:log_normal_(mean, std)
  expect.dense("log_normal_", "tensor", self)
  mean, std = expect.number("log_normal_", "mean", mean or 1), positive("log_normal_", "std", std or 2)
  local normal = core.empty(self.shape, self.dtype == "float64" and "float64" or "float32"):normal_(mean, std)
  return put(self, normal:exp_())
end

--- Each element is drawn from the Cauchy distribution.
-- @param median number, default 0
-- @param sigma  number > 0, default 1: half the width at half the height
-- @return the tensor
-- @raise if sigma is not above 0
function methods:cauchy_(median, sigma)
  expect.dense("cauchy_", "tensor", self)
  median, sigma = expect.number("cauchy_", "median", median or 0), positive("cauchy_", "sigma", sigma or 1)
  return put(self, uniforms(self):sub_(0.5):mul_(math.pi):tan_():mul_(sigma):add_(median))
end

-- ---- new tensors -----------------------------------------------------------------------------------------------

--- 1 with the chance that each element says, else 0.
-- @param input Tensor (*) of a float dtype: chances in [0, 1]
-- @param p     number in [0, 1]: the chance instead, input says only shape and dtype
-- @return Tensor (*) of input's dtype
-- @raise if a chance lies outside [0, 1]
function sampling.bernoulli(input, p)
  expect.dense("bernoulli", "input", input)
  if p ~= nil then return core.empty(input.shape, input.dtype):bernoulli_(p) end
  if not input:is_floating_point() then
    raise("bernoulli: argument input: expected chances of a float dtype, got %s", input.dtype)
  end
  if input:numel() > 0 and not (op.ge(input, 0):all():item() and op.le(input, 1):all():item()) then
    raise("bernoulli: argument input: expected chances in [0, 1], got %s to %s", input:min():item(),
          input:max():item())
  end
  return core.empty(input.shape, input.dtype):copy_(uniforms(input):lt(input:detach()))
end

-- Weights of a draw as float64 rows (N, C).
local function check_weights(input)
  expect.dense("multinomial", "input", input)
  if not input:is_floating_point() then
    raise("multinomial: argument input: expected weights of a float dtype, got %s", input.dtype)
  end
  if input:dim() ~= 1 and input:dim() ~= 2 or input:size(-1) == 0 then
    raise("multinomial: argument input: expected weights (C) or (N, C), got shape (%s)",
          table.concat(input.shape, ", "))
  end
  local rows = input:detach():double():reshape(-1, input:size(-1))
  if rows:numel() > 0 and not (rows:isfinite():all():item() and rows:ge(0):all():item()) then
    raise("multinomial: argument input: expected weights >= 0, got a negative, infinite or NaN one")
  end
  if rows:numel() > 0 and not rows:sum(1):gt(0):all():item() then
    raise("multinomial: argument input: expected a weight above 0 in each row")
  end
  return rows
end

-- Where chances of the total weight lead to, behind one another on a line of length `total`.
local function with_replacement(rows, n)
  local edges = rows:cumsum(1)
  local total = edges:narrow(1, edges:size(1) - 1, 1)
  local at = op.searchsorted(edges, core.empty({rows:size(0), n}, "float64"):uniform_() * total, true)
  return at:minimum(op.searchsorted(edges, total:contiguous()))     -- rounding may reach the very end
end

-- The first to arrive, where each class arrives at the rate of its weight.
local function without_replacement(rows, n)
  if rows:numel() > 0 and rows:gt(0):sum(1):min():item() < n then
    raise("multinomial: argument num_samples: %d without replacement, but a row has only %d weights above 0", n,
          rows:gt(0):sum(1):min():item())
  end
  local arrivals = core.empty(rows.shape, "float64"):exponential_() / rows
  local _, first = op.topk(arrivals, n, 1, false)
  return first
end

local multinomial_spec = options.spec("multinomial", {
  {name = "replacement", type = "boolean", default = false, doc = "whether a class may be drawn again"},
})

--- Class ids drawn by weights that need not add up to 1.
-- @param input       Tensor (C) or (N, C) of a float dtype: weights >= 0
-- @param num_samples integer >= 1: draws a row
-- @param ...         the options, by position or by name
-- @return Tensor (num_samples) or (N, num_samples) int64, ids from 0
-- @raise if a weight is negative or not finite, a row has none above 0, or too few to draw from
function sampling.multinomial(input, num_samples, ...)
  local o = multinomial_spec.arguments(...)
  local rows = check_weights(input)
  local n = expect.integer("multinomial", "num_samples", num_samples, 1)
  local ids = o.replacement and with_replacement(rows, n) or without_replacement(rows, n)
  return input:dim() == 1 and ids:reshape(n) or ids
end

local normal_spec = options.spec("normal", {
  {name = "dtype", type = "dtype", doc = "of the elements"},
  {name = "requires_grad", type = "boolean", default = false, doc = "whether gradients are wanted for it"},
})

--- Draws from normal distributions: one of each element's own mean and deviation, or many of one.
-- @param mean number, or Tensor of means
-- @param std  number >= 0, or Tensor of deviations
-- @param size table of sizes, if both are numbers
-- @param opt  the options
-- @return Tensor of `size`, or of the shape to which mean and std broadcast
-- @raise if a deviation is negative, or size is missing or not wanted
function sampling.normal(mean, std, size, opt)
  local of_tensors = core.is_tensor(mean) or core.is_tensor(std)
  if std == nil then std = 1 end
  if not core.is_tensor(mean) then expect.number("normal", "mean", mean) end
  if not core.is_tensor(std) then expect.number("normal", "std", std) end
  if of_tensors and type(size) == "table" and type(next(size)) == "string" then size, opt = nil, size end
  local o = normal_spec.arguments(opt)
  if of_tensors == (size ~= nil) or size ~= nil and type(size) ~= "table" then
    raise("normal: argument size: expected %s, got %s", of_tensors and "none beside tensors" or "a table of sizes",
          options.show(size))
  end
  local deviations = core.is_tensor(std) and std or core.tensor(std)
  if not deviations:ge(0):all():item() then raise("normal: argument std: expected deviations >= 0") end
  local drawn
  if of_tensors then
    local shape = op.add(mean, std)
    drawn = core.empty(shape.shape, o.dtype or shape:is_floating_point() and shape.dtype or core.get_default_dtype())
    drawn:normal_():mul_(core.is_tensor(std) and std:detach() or std)
    drawn:add_(core.is_tensor(mean) and mean:detach() or mean)
  else
    drawn = core.empty(size, o.dtype or core.get_default_dtype()):normal_(mean, std)
  end
  return o.requires_grad and drawn:requires_grad_() or drawn
end

local like_spec = options.spec("randint_like", normal_spec.rows)

--- Integers drawn from [low, high), in the shape and dtype of another tensor.
-- @param input Tensor
-- @param ...   [low = 0,] high [, the options]
-- @return Tensor
-- @raise if low is not below high
function sampling.randint_like(input, ...)
  expect.tensor("randint_like", "input", input)
  local given = table.pack(...)
  local opt
  if given.n > 0 and type(given[given.n]) ~= "number" then opt, given.n = given[given.n], given.n - 1 end
  local o = like_spec.arguments(opt)
  local low = given.n > 1 and expect.integer("randint_like", "low", given[1]) or 0
  local high = expect.integer("randint_like", "high", given[math.max(given.n, 1)])
  local drawn = core.empty(input.shape, o.dtype or input.dtype):random_(low, high)
  return o.requires_grad and drawn:requires_grad_() or drawn
end

for _, name in ipairs {"bernoulli", "multinomial"} do
  methods[name], ops.functional[name] = sampling[name], sampling[name]
end

return sampling
