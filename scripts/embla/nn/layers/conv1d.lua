-- nn.Conv1d: a kernel that moves along a sequence.

local core = require "embla.core"
local F = require "embla.nn.functional"
local init = require "embla.nn.initializers"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local padding = require "embla.nn.layers.padding"
local raise = require "embla.errors.raise"
local repr = require "embla.base.python_repr"
local weights = require "embla.nn.weights"

local spec = options.spec("Conv1d", {
  {name = "stride", type = "integer", default = 1, range = ">= 1", doc = "positions from one window to the next"},
  {name = "padding", type = "integer|string", default = 0, range = ">= 0, \"same\" or \"valid\"",
   check = function(v) return v == "same" or v == "valid" or math.type(v) == "integer" and v >= 0 end,
   doc = "positions added at either end"},
  {name = "dilation", type = "integer", default = 1, range = ">= 1", doc = "positions from one tap to the next"},
  {name = "groups", type = "integer", default = 1, range = ">= 1",
   doc = "groups of channels that do not see each other"},
  {name = "bias", type = "boolean", default = true, doc = "whether a bias is added"},
  {name = "padding_mode", default = "zeros", choices = {"zeros", "reflect", "replicate", "circular"},
   doc = "what stands in the padding"},
  weights.DTYPE,
})

--- Sums of the input under a kernel that moves along the last dim, plus a bias. (N, C, T) -> (N, O, T'), T' = (T +
-- 2 padding - dilation (K - 1) - 1) / stride + 1; without N too. weight (O, C / groups, K), bias (O), drawn from
-- U(-s, s), s = 1 / sqrt(K C / groups). Source: PyTorch's nn.Conv1d.
local Conv1d = Module:extend "Conv1d"
Conv1d.spec = spec

local function check_sizes(self, kernel_size)
  if self.groups > 0 and (self.in_channels % self.groups ~= 0 or self.out_channels % self.groups ~= 0) then
    raise("Conv1d: %d channels in and %d out do not divide into groups = %d", self.in_channels, self.out_channels,
          self.groups)
  end
  if kernel_size == 0 then raise("Conv1d: argument kernel_size: expected integer > 0, got 0") end
  if self.padding == "same" and self.stride ~= 1 then
    raise('Conv1d: option padding: "same" needs stride = 1, got %d', self.stride)
  end
end

--- Makes the weights.
-- @param in_channels  C
-- @param out_channels O
-- @param kernel_size  K > 0, an integer or {K}
-- @param ...          the options, by position or by name
-- @raise for sizes or options that do not fit
function Conv1d:init(in_channels, out_channels, kernel_size, ...)
  local o = spec.arguments(...)
  if type(kernel_size) == "table" then kernel_size = kernel_size[1] end
  self.in_channels = weights.size("Conv1d", "in_channels", in_channels)
  self.out_channels = weights.size("Conv1d", "out_channels", out_channels)
  self.kernel_size = weights.size("Conv1d", "kernel_size", kernel_size)
  self.stride, self.padding, self.dilation, self.groups = o.stride, o.padding, o.dilation, o.groups
  self.padding_mode = o.padding_mode
  check_sizes(self, self.kernel_size)
  self.weight = weights.new(o.dtype, self.out_channels, self.in_channels // self.groups, self.kernel_size)
  self:register_parameter("bias", o.bias and weights.new(o.dtype, self.out_channels) or nil)
  self:reset_parameters()
end

--- Draws weight and bias anew.
function Conv1d:reset_parameters()
  local fan_in = self.in_channels // self.groups * self.kernel_size
  local bound = fan_in > 0 and 1 / math.sqrt(fan_in) or 0
  init.uniform_(self.weight, -bound, bound)
  if self.bias then init.uniform_(self.bias, -bound, bound) end
end

--- Moves the kernel along.
-- @param input Tensor (N, C, T) or (C, T)
-- @return Tensor (N, O, T') or (O, T')
-- @raise if input has other channels or is too short
function Conv1d:forward(input)
  local width = self.padding
  if self.padding_mode ~= "zeros" and width ~= "valid" and width ~= 0 then
    if not core.is_tensor(input) or input:dim() < 2 then
      raise("Conv1d: argument input: expected a tensor (N, C, T) or (C, T), got %s", options.show(input))
    end
    local before, behind = width, width
    if width == "same" then before, behind = padding.same(self.kernel_size, self.dilation) end
    input, width = padding.extend(input, before, behind, self.padding_mode), 0
  end
  return F.conv1d(input, self.weight, self.bias, self.stride, width, self.dilation, self.groups)
end

function Conv1d:extra_repr()
  local parts = {("%d, %d, kernel_size=(%d,), stride=(%d,)"):format(self.in_channels, self.out_channels,
                                                                   self.kernel_size, self.stride)}
  if type(self.padding) == "string" then
    parts[#parts + 1] = "padding=" .. self.padding
  elseif self.padding ~= 0 then
    parts[#parts + 1] = "padding=" .. repr({self.padding})
  end
  if self.dilation ~= 1 then parts[#parts + 1] = "dilation=" .. repr({self.dilation}) end
  if self.groups ~= 1 then parts[#parts + 1] = "groups=" .. self.groups end
  if not self.bias then parts[#parts + 1] = "bias=False" end
  if self.padding_mode ~= "zeros" then parts[#parts + 1] = "padding_mode=" .. self.padding_mode end
  return table.concat(parts, ", ")
end

return Conv1d
