-- nn.Bilinear: a form of two vectors.

local F = require "embla.nn.functional"
local init = require "embla.nn.initializers"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local weights = require "embla.nn.weights"

local spec = options.spec("Bilinear", {
  {name = "bias", type = "boolean", default = true, doc = "whether a bias is added"},
  weights.DTYPE,
})

--- x1^T W_k x2 + b_k. (*, D1), (*, D2) -> (*, K). Source: PyTorch's nn.Bilinear.
local Bilinear = Module:extend "Bilinear"
Bilinear.spec = spec

--- Makes the weights, drawn from U(-1/sqrt(D1), 1/sqrt(D1)).
-- @param in1_features D1 > 0
-- @param in2_features D2 >= 0
-- @param out_features K >= 0
-- @param ...          the options, by position or by name
-- @raise for sizes or options that do not fit
function Bilinear:init(in1_features, in2_features, out_features, ...)
  local o = spec.arguments(...)
  self.in1_features = weights.size("Bilinear", "in1_features", in1_features)
  self.in2_features = weights.size("Bilinear", "in2_features", in2_features)
  self.out_features = weights.size("Bilinear", "out_features", out_features)
  self.weight = weights.new(o.dtype, self.out_features, self.in1_features, self.in2_features)
  self:register_parameter("bias", o.bias and weights.new(o.dtype, self.out_features) or nil)
  self:reset_parameters()
end

--- Draws weight and bias anew.
function Bilinear:reset_parameters()
  local bound = self.in1_features > 0 and 1 / math.sqrt(self.in1_features) or 0
  init.uniform_(self.weight, -bound, bound)
  if self.bias then init.uniform_(self.bias, -bound, bound) end
end

--- Computes the forms.
-- @param x1 Tensor (*, D1)
-- @param x2 Tensor (*, D2)
-- @return Tensor (*, K)
-- @raise if the sizes do not fit
function Bilinear:forward(x1, x2) return F.bilinear(x1, x2, self.weight, self.bias) end

function Bilinear:extra_repr()
  return ("in1_features=%d, in2_features=%d, out_features=%d, bias=%s"):format(
    self.in1_features, self.in2_features, self.out_features, self.bias and "True" or "False")
end

return Bilinear
