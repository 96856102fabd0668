-- Dropout of channels, and dropout that keeps mean and variance.

local core = require "embla.core"
local creation = require "embla.tensor.creation"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local F = {}

local function drop_spec(owner)
  return options.spec(owner, {
    {name = "p", type = "number", default = 0.5, range = "[0, 1]", doc = "chance of being dropped"},
    {name = "training", type = "boolean", default = true, doc = "false: nothing is changed"},
    {name = "inplace", type = "boolean", default = false, doc = "write over the input"},
  })
end
local channel_spec, alpha_spec = drop_spec "dropout1d", drop_spec "alpha_dropout"

--- Each channel is 0 with chance p and divided by 1 - p otherwise.
-- @param input Tensor (N, C, T) or (C, T)
-- @param ...   the options, by position or by name
-- @return Tensor of the same shape
-- @raise if input has other dims or p is not in 0 .. 1
function F.dropout1d(input, ...)
  local o = channel_spec.arguments(...)
  expect.tensor("dropout1d", "input", input)
  if input:dim() ~= 2 and input:dim() ~= 3 then
    raise("dropout1d: argument input: expected shape (N, C, T) or (C, T), got (%s)", table.concat(input.shape, ", "))
  end
  if not o.training or o.p == 0 then return input end
  local shape = input.shape
  shape[#shape] = 1
  local kept = core.ops.dropout(creation.ones(shape, {dtype = input.dtype}), o.p)
  return o.inplace and input:mul_(kept) or input * kept
end

local SELU_LEAST = -1.7580993408473766         -- of selu: -alpha scale

--- Each element becomes, with chance p, SELU's least value; then all are scaled and shifted so that mean 0 and
-- variance 1 stay.
-- @param input Tensor (*)
-- @param ...   the options, by position or by name
-- @return Tensor (*)
-- @raise if p is not in 0 .. 1
function F.alpha_dropout(input, ...)
  local o = alpha_spec.arguments(...)
  expect.tensor("alpha_dropout", "input", input)
  if not o.training or o.p == 0 then return input end
  local p, y = o.p, input * 0
  if p < 1 then
    local kept = core.ops.dropout(creation.ones(input.shape, {dtype = input.dtype}), p) * (1 - p)      -- ones and zeros
    local scale = 1 / math.sqrt((1 - p) * (1 + p * SELU_LEAST ^ 2))
    y = (input * kept + (1 - kept) * SELU_LEAST) * scale - scale * p * SELU_LEAST
  end
  return o.inplace and input:copy_(y) or y
end

return F
