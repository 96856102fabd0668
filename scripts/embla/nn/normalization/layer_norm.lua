-- nn.LayerNorm and nn.RMSNorm: rows brought to one size, each by itself.

local core = require "embla.core"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local repr = require "embla.base.python_repr"
local weights = require "embla.nn.weights"

local layer_norm, rms_norm = core.ops.layer_norm, core.ops.rms_norm

local norms = {}

local AFFINE = {name = "elementwise_affine", type = "boolean", default = true, doc = "whether there are weights"}

-- The sizes of a row, from a table of sizes or a single one.
local function row_shape(owner, given)
  local list = type(given) == "table" and given or {given}
  local shape = {}
  for i, size in ipairs(list) do shape[i] = weights.size(owner, "normalized_shape", size) end
  if #shape == 0 then
    raise("%s: argument normalized_shape: expected a size or a table of sizes, got %s", owner, options.show(given))
  end
  return shape
end

-- ---- LayerNorm -------------------------------------------------------------------------------------------------

local layer_spec = options.spec("LayerNorm", {
  {name = "eps", type = "number", default = 1e-5, range = ">= 0", doc = "added to the variance"},
  AFFINE,
  {name = "bias", type = "boolean", default = true, doc = "whether there is a bias beside the weight"},
  weights.DTYPE,
})

--- (x - mean) / sqrt(var + eps) * weight + bias, mean and variance over the last dims. (*, shape) -> (*, shape).
-- Source: PyTorch's nn.LayerNorm, Ba et al. 2016.
local LayerNorm = Module:extend "LayerNorm"
norms.LayerNorm, LayerNorm.spec = LayerNorm, layer_spec

--- Makes the weights, ones and zeros.
-- @param normalized_shape the last sizes of the input: a table, or one integer
-- @param ...              the options, by position or by name
-- @raise for sizes or options that do not fit
function LayerNorm:init(normalized_shape, ...)
  local o = layer_spec.arguments(...)
  self.normalized_shape = row_shape("LayerNorm", normalized_shape)
  self.eps, self.elementwise_affine = o.eps, o.elementwise_affine
  if o.elementwise_affine then
    self.weight = weights.new(o.dtype, table.unpack(self.normalized_shape))
    if o.bias then self.bias = weights.new(o.dtype, table.unpack(self.normalized_shape)) end
  end
  self:reset_parameters()
end

--- Sets weight to ones and bias to zeros.
function LayerNorm:reset_parameters()
  if self.weight then self.weight:detach():fill_(1) end
  if self.bias then self.bias:detach():zero_() end
end

--- Normalizes.
-- @param input Tensor (*, shape)
-- @return Tensor of the same shape
-- @raise if the last sizes of input are others
function LayerNorm:forward(input) return layer_norm(input, self.weight, self.bias, self.normalized_shape, self.eps) end

function LayerNorm:extra_repr()
  return ("%s, eps=%s, elementwise_affine=%s"):format(repr(self.normalized_shape), repr(self.eps),
                                                      repr(self.elementwise_affine))
end

-- ---- RMSNorm ---------------------------------------------------------------------------------------------------

local rms_spec = options.spec("RMSNorm", {
  {name = "eps", type = "number", range = ">= 0", doc = "added to the mean square; left out: the dtype's epsilon"},
  AFFINE,
  weights.DTYPE,
})

--- x / sqrt(mean(x^2) + eps) * weight, the mean over the last dims. (*, shape) -> (*, shape).
-- Source: PyTorch's nn.RMSNorm, Zhang and Sennrich 2019.
local RMSNorm = Module:extend "RMSNorm"
norms.RMSNorm, RMSNorm.spec = RMSNorm, rms_spec

--- Makes the weight, ones.
-- @param normalized_shape the last sizes of the input: a table, or one integer
-- @param ...              the options, by position or by name
-- @raise for sizes or options that do not fit
function RMSNorm:init(normalized_shape, ...)
  local o = rms_spec.arguments(...)
  self.normalized_shape = row_shape("RMSNorm", normalized_shape)
  self.eps, self.elementwise_affine = o.eps, o.elementwise_affine
  if o.elementwise_affine then self.weight = weights.new(o.dtype, table.unpack(self.normalized_shape)) end
  self:reset_parameters()
end

--- Sets the weight to ones.
function RMSNorm:reset_parameters()
  if self.weight then self.weight:detach():fill_(1) end
end

--- Normalizes.
-- @param input Tensor (*, shape)
-- @return Tensor of the same shape
-- @raise if the last sizes of input are others
function RMSNorm:forward(input) return rms_norm(input, self.weight, self.normalized_shape, self.eps) end

function RMSNorm:extra_repr()
  return ("%s, eps=%s, elementwise_affine=%s"):format(repr(self.normalized_shape), repr(self.eps),
                                                      repr(self.elementwise_affine))
end

return norms
