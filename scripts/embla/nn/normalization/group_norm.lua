-- nn.GroupNorm: groups of channels brought to one size.

local core = require "embla.core"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local repr = require "embla.base.python_repr"
local weights = require "embla.nn.weights"

local spec = options.spec("GroupNorm", {
  {name = "eps", type = "number", default = 1e-5, range = ">= 0", doc = "added to the variance"},
  {name = "affine", type = "boolean", default = true, doc = "whether there are weights"},
  weights.DTYPE,
})

--- (x - mean) / sqrt(var + eps) * weight + bias, mean and variance over a group of channels of one sample.
-- (N, C, *) -> (N, C, *). Source: PyTorch's nn.GroupNorm, Wu and He 2018.
local GroupNorm = Module:extend "GroupNorm"
GroupNorm.spec = spec

--- Makes the weights, ones and zeros.
-- @param num_groups   how many groups; divides num_channels
-- @param num_channels C
-- @param ...          the options, by position or by name
-- @raise for sizes or options that do not fit
function GroupNorm:init(num_groups, num_channels, ...)
  local o = spec.arguments(...)
  self.num_groups = weights.size("GroupNorm", "num_groups", num_groups)
  self.num_channels = weights.size("GroupNorm", "num_channels", num_channels)
  if self.num_groups == 0 or self.num_channels % self.num_groups ~= 0 then
    raise("GroupNorm: %d channels cannot be divided into %d groups", self.num_channels, self.num_groups)
  end
  self.eps, self.affine = o.eps, o.affine
  if o.affine then
    self.weight = weights.new(o.dtype, self.num_channels)
    self.bias = weights.new(o.dtype, self.num_channels)
  end
  self:reset_parameters()
end

--- Sets weight to ones and bias to zeros.
function GroupNorm:reset_parameters()
  if not self.affine then return end
  self.weight:detach():fill_(1)
  self.bias:detach():zero_()
end

--- Normalizes.
-- @param input Tensor (N, C, *)
-- @return Tensor of the same shape
-- @raise if input has another number of channels
function GroupNorm:forward(input)
  return core.ops.group_norm(input, self.weight, self.bias, self.num_groups, self.eps)
end

function GroupNorm:extra_repr()
  return ("%d, %d, eps=%s, affine=%s"):format(self.num_groups, self.num_channels, repr(self.eps), repr(self.affine))
end

return GroupNorm
