-- Activations that are made of several operations.

local core = require "embla.core"
local creation = require "embla.tensor.creation"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local F = {}

--- input above 0, weight * input below, with a learned weight.
-- @param input  Tensor (N, C, *), or any shape if weight has one element
-- @param weight Tensor (1) or (C)
-- @return Tensor of input's shape
-- @raise if weight has another number of elements
function F.prelu(input, weight)
  expect.tensor("prelu", "input", input)
  expect.tensor("prelu", "weight", weight)
  if weight:dim() > 1 then
    raise("prelu: argument weight: expected 0 or 1 dim, got shape (%s)", table.concat(weight.shape, ", "))
  end
  if weight:numel() == 1 then weight = weight:reshape({}) end
  local channels = input:dim() > 1 and input:size(1) or 1
  if weight:numel() ~= 1 and weight:numel() ~= channels then
    raise("prelu: argument weight: expected 1 or %d elements, got %d", channels, weight:numel())
  end
  if weight:numel() > 1 then
    local shape = {1, channels}
    for i = 3, input:dim() do shape[i] = 1 end
    weight = weight:reshape(table.unpack(shape))
  end
  return core.ops.prelu(input, weight)
end

local glu_spec = options.spec("glu", {{name = "dim", type = "integer", default = -1, doc = "dim that is halved"}})

--- The first half of input times the sigmoid of the second.
-- @param input Tensor (*, 2 D, *)
-- @param ...   the options, by position or by name
-- @return Tensor (*, D, *)
-- @raise if the dim's size is odd
function F.glu(input, ...)
  local dim = glu_spec.arguments(...).dim
  expect.tensor("glu", "input", input)
  local size = input:size(dim)
  if size % 2 ~= 0 then raise("glu: dim %d has size %d, expected an even one", dim, size) end
  return core.ops.glu(input:narrow(dim, 0, size // 2), input:narrow(dim, size // 2, size // 2))
end

core.methods.prelu, core.methods.glu = F.prelu, F.glu            -- whose names their inner operations have

local gumbel_spec = options.spec("gumbel_softmax", {
  {name = "tau", type = "number", default = 1, range = "> 0", doc = "temperature: the lower, the nearer to one-hot"},
  {name = "hard", type = "boolean", default = false, doc = "one-hot forwards, the soft one's gradient backwards"},
  {name = "dim", type = "integer", default = -1, doc = "dim of the classes"},
})

--- A draw of classes that has a gradient: softmax((logits + g) / tau), g from the Gumbel distribution.
-- Source: Jang et al. 2017.
-- @param logits Tensor (*, C, *): logarithms of weights
-- @param ...    the options, by position or by name
-- @return Tensor of the same shape, adding up to 1 along the dim
-- @raise if tau is not above 0
function F.gumbel_softmax(logits, ...)
  local o = gumbel_spec.arguments(...)
  expect.tensor("gumbel_softmax", "logits", logits)
  local gumbels = creation.empty_like(logits):exponential_():log_():neg_()
  local soft = core.ops.softmax((logits + gumbels) / o.tau, o.dim)
  if not o.hard then return soft end
  local hard = creation.zeros_like(soft):scatter_(o.dim, soft:detach():argmax(o.dim, true), 1)
  return hard - soft:detach() + soft
end

return F
