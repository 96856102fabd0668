-- Convolution with the paddings that have names.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local padding = require "embla.nn.layers.padding"
local raise = require "embla.errors.raise"

local F = {}

local conv1d_spec = options.spec("conv1d", {
  {name = "bias", type = "tensor", doc = "(O)"},
  {name = "stride", type = "integer", default = 1, doc = "positions from one window to the next"},
  {name = "padding", type = "integer|string", default = 0,
   doc = 'zeros added at either end; "same" keeps the length, "valid" is 0'},
  {name = "dilation", type = "integer", default = 1, doc = "positions from one tap of the kernel to the next"},
  {name = "groups", type = "integer", default = 1, doc = "groups of channels that do not see each other"},
})

--- Sums of the input under a kernel that moves along the last dim.
-- @param input  Tensor (N, C, T) or (C, T)
-- @param weight Tensor (O, C / groups, K)
-- @param ...    the options, by position or by name
-- @return Tensor (N, O, T') or (O, T'), T' = (T + 2 padding - dilation (K - 1) - 1) / stride + 1
-- @raise if the shapes do not fit
function F.conv1d(input, weight, ...)
  local o = conv1d_spec.arguments(...)
  local width = o.padding
  if width == "same" then
    expect.tensor("conv1d", "input", input)
    expect.tensor("conv1d", "weight", weight)
    if o.stride ~= 1 then raise('conv1d: option padding: "same" needs stride = 1, got %d', o.stride) end
    if weight:dim() ~= 3 or input:dim() < 2 then
      raise("conv1d: expected input (N, C, T) and weight (O, C / groups, K), got (%s) and (%s)",
            table.concat(input.shape, ", "), table.concat(weight.shape, ", "))
    end
    local before, behind = padding.same(weight:size(2), o.dilation)
    if behind > before then input = padding.extend(input, 0, behind - before, "zeros") end
    width = before
  elseif width == "valid" then
    width = 0
  elseif type(width) == "string" then
    raise('conv1d: option padding: expected an integer, "same" or "valid", got %q', width)
  end
  return core.ops.conv1d(input, weight, o.bias, o.stride, width, o.dilation, o.groups)
end

return F
