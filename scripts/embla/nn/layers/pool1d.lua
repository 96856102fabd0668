-- nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d: the largest or the mean of each window of a
-- sequence.

local core = require "embla.core"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local repr = require "embla.base.python_repr"

local op = core.ops

local pools = {}

local KERNEL = {name = "kernel_size", type = "integer", required = true, range = ">= 1", doc = "positions in a window"}
local STRIDE = {name = "stride", type = "integer", range = ">= 1",
                doc = "positions from one window to the next; left out: kernel_size"}
local PADDING = {name = "padding", type = "integer", default = 0, range = ">= 0",
                 doc = "positions added at either end, at most kernel_size / 2"}
local DILATION = {name = "dilation", type = "integer", default = 1, range = ">= 1",
                  doc = "positions from one member of a window to the next"}
local CEIL_MODE = {name = "ceil_mode", type = "boolean", default = false,
                   doc = "keeps a last window that the input does not fill"}
local COUNT_PAD = {name = "count_include_pad", type = "boolean", default = true,
                   doc = "means count the padding, as zeros"}

-- ---- windows of one size ---------------------------------------------------------------------------------------

--- Largest of each window; padding never is. (N, C, T) -> (N, C, T'), T' = (T + 2 padding - dilation (kernel_size - 1)
-- - 1) / stride + 1; without N too. Source: PyTorch's nn.MaxPool1d.
local MaxPool1d = Module:extend "MaxPool1d"
pools.MaxPool1d, MaxPool1d.spec = MaxPool1d, options.spec("MaxPool1d", {KERNEL, STRIDE, PADDING, DILATION, CEIL_MODE})

--- Makes the layer.
-- @param ... the options, by position or by name
-- @raise for options that do not fit
function MaxPool1d:init(...)
  local o = self.spec.arguments(...)
  self.kernel_size, self.stride, self.padding = o.kernel_size, o.stride or o.kernel_size, o.padding
  self.dilation, self.ceil_mode = o.dilation, o.ceil_mode
end

--- Takes the largest.
-- @param input Tensor (N, C, T) or (C, T)
-- @return Tensor (N, C, T') or (C, T')
-- @raise if input is shorter than a window
function MaxPool1d:forward(input)
  return op.max_pool1d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
end

function MaxPool1d:extra_repr()
  return ("kernel_size=%d, stride=%d, padding=%d, dilation=%d, ceil_mode=%s"):format(
    self.kernel_size, self.stride, self.padding, self.dilation, repr(self.ceil_mode))
end

--- Mean of each window. (N, C, T) -> (N, C, T'), T' = (T + 2 padding - kernel_size) / stride + 1; without N too.
-- Source: PyTorch's nn.AvgPool1d.
local AvgPool1d = Module:extend "AvgPool1d"
pools.AvgPool1d, AvgPool1d.spec = AvgPool1d, options.spec("AvgPool1d", {KERNEL, STRIDE, PADDING, CEIL_MODE, COUNT_PAD})

--- Makes the layer.
-- @param ... the options, by position or by name
-- @raise for options that do not fit
function AvgPool1d:init(...)
  local o = self.spec.arguments(...)
  self.kernel_size, self.stride, self.padding = o.kernel_size, o.stride or o.kernel_size, o.padding
  self.ceil_mode, self.count_include_pad = o.ceil_mode, o.count_include_pad
end

--- Takes the mean.
-- @param input Tensor (N, C, T) or (C, T)
-- @return Tensor (N, C, T') or (C, T')
-- @raise if input is shorter than a window
function AvgPool1d:forward(input)
  return op.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
end

function AvgPool1d:extra_repr()
  return ("kernel_size=%s, stride=%s, padding=%s"):format(repr({self.kernel_size}), repr({self.stride}),
                                                        repr({self.padding}))
end

-- ---- a number of windows ---------------------------------------------------------------------------------------

local SIZE = {name = "output_size", type = "integer", required = true, range = ">= 1", doc = "number of windows"}

--- Largest of each of output_size windows that cover the input. (N, C, T) -> (N, C, output_size); without N too.
-- Source: PyTorch's nn.AdaptiveMaxPool1d.
local AdaptiveMaxPool1d = Module:extend "AdaptiveMaxPool1d"
pools.AdaptiveMaxPool1d, AdaptiveMaxPool1d.spec = AdaptiveMaxPool1d, options.spec("AdaptiveMaxPool1d", {SIZE})

--- Makes the layer.
-- @param ... the options, by position or by name
-- @raise unless it is an integer >= 1
function AdaptiveMaxPool1d:init(...) self.output_size = self.spec.arguments(...).output_size end

--- Takes the largest.
-- @param input Tensor (N, C, T) or (C, T), T > 0
-- @return Tensor (N, C, output_size) or (C, output_size)
-- @raise if input has other dims or no positions
function AdaptiveMaxPool1d:forward(input) return op.adaptive_max_pool1d(input, self.output_size) end

function AdaptiveMaxPool1d:extra_repr() return "output_size=" .. self.output_size end

--- Mean of each of output_size windows that cover the input. (N, C, T) -> (N, C, output_size); without N too.
-- Source: PyTorch's nn.AdaptiveAvgPool1d.
local AdaptiveAvgPool1d = Module:extend "AdaptiveAvgPool1d"
pools.AdaptiveAvgPool1d, AdaptiveAvgPool1d.spec = AdaptiveAvgPool1d, options.spec("AdaptiveAvgPool1d", {SIZE})

--- Makes the layer.
-- @param ... the options, by position or by name
-- @raise unless it is an integer >= 1
function AdaptiveAvgPool1d:init(...) self.output_size = self.spec.arguments(...).output_size end

--- Takes the mean.
-- @param input Tensor (N, C, T) or (C, T), T > 0
-- @return Tensor (N, C, output_size) or (C, output_size)
-- @raise if input has other dims or no positions
function AdaptiveAvgPool1d:forward(input) return op.adaptive_avg_pool1d(input, self.output_size) end

function AdaptiveAvgPool1d:extra_repr() return "output_size=" .. self.output_size end

return pools
