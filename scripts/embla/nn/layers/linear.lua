-- nn.Linear: the affine map.

local core = require "embla.core"
local init = require "embla.nn.initializers"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local weights = require "embla.nn.weights"

local linear = core.ops.linear

local spec = options.spec("Linear", {
  {name = "bias", type = "boolean", default = true, doc = "whether a bias is added"},
  weights.DTYPE,
})

--- x W^T + b. (*, D) -> (*, K), with weight (K, D) and bias (K) drawn from U(-1/sqrt(D), 1/sqrt(D)).
-- Source: PyTorch's nn.Linear.
local Linear = Module:extend "Linear"
Linear.spec = spec

--- Makes the weights.
-- @param in_features  D >= 0
-- @param out_features K >= 0
-- @param ...          the options, by position or by name
-- @raise for sizes or options that do not fit
function Linear:init(in_features, out_features, ...)
  local o = spec.arguments(...)
  self.in_features = weights.size("Linear", "in_features", in_features)
  self.out_features = weights.size("Linear", "out_features", out_features)
  self.weight = weights.new(o.dtype, self.out_features, self.in_features)
  self:register_parameter("bias", o.bias and weights.new(o.dtype, self.out_features) or nil)
  self:reset_parameters()
end

--- Draws weight and bias anew.
function Linear:reset_parameters()
  local bound = self.in_features > 0 and 1 / math.sqrt(self.in_features) or 0
  init.uniform_(self.weight, -bound, bound)
  if self.bias then init.uniform_(self.bias, -bound, bound) end
end

--- Computes input W^T + b.
-- @param input Tensor (*, D)
-- @return Tensor (*, K)
-- @raise if the last size of input is not D
function Linear:forward(input) return linear(input, self.weight, self.bias) end

function Linear:extra_repr()
  return ("in_features=%d, out_features=%d, bias=%s"):format(self.in_features, self.out_features,
                                                           self.bias and "True" or "False")
end

return Linear
