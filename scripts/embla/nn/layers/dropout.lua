-- nn.Dropout, nn.Dropout1d, nn.AlphaDropout: elements or channels dropped at random in training.

local core = require "embla.core"
local F = require "embla.nn.functional"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local repr = require "embla.base.python_repr"

local dropout, dropout_ = core.ops.dropout, core.ops.dropout_

local droppers = {}

local function spec_of(owner)
  return options.spec(owner, {
    {name = "p", type = "number", default = 0.5, range = "[0, 1]", doc = "chance of being dropped"},
    {name = "inplace", type = "boolean", default = false, doc = "write over the input"},
  })
end

local function show(self) return ("p=%s, inplace=%s"):format(repr(self.p), repr(self.inplace)) end

--- In training each element is 0 with chance p and divided by 1 - p otherwise; in evaluation nothing happens.
-- (*) -> (*). Source: PyTorch's nn.Dropout.
local Dropout = Module:extend "Dropout"
droppers.Dropout, Dropout.spec, Dropout.extra_repr = Dropout, spec_of "Dropout", show

--- Makes the layer.
-- @param ... the options, by position or by name
-- @raise if p is not in 0 .. 1
function Dropout:init(...)
  local o = self.spec.arguments(...)
  self.p, self.inplace = o.p, o.inplace
end

--- Drops elements.
-- @param input Tensor (*)
-- @return Tensor (*)
function Dropout:forward(input)
  if not self.training or self.p == 0 then return input end
  return (self.inplace and dropout_ or dropout)(input, self.p)
end

--- In training each channel is 0 with chance p and divided by 1 - p otherwise. (N, C, T) -> (N, C, T), or without N.
-- Source: PyTorch's nn.Dropout1d, Tompson et al. 2015.
local Dropout1d = Module:extend "Dropout1d"
droppers.Dropout1d, Dropout1d.spec, Dropout1d.extra_repr = Dropout1d, spec_of "Dropout1d", show

--- Makes the layer.
-- @param ... the options, by position or by name
-- @raise if p is not in 0 .. 1
function Dropout1d:init(...)
  local o = self.spec.arguments(...)
  self.p, self.inplace = o.p, o.inplace
end

--- Drops channels.
-- @param input Tensor (N, C, T) or (C, T)
-- @return Tensor of the same shape
-- @raise if input has other dims
function Dropout1d:forward(input) return F.dropout1d(input, self.p, self.training, self.inplace) end

--- In training each element becomes, with chance p, SELU's least value; then all are scaled and shifted so that mean 0
-- and variance 1 stay. (*) -> (*). Source: PyTorch's nn.AlphaDropout, Klambauer et al. 2017.
local AlphaDropout = Module:extend "AlphaDropout"
droppers.AlphaDropout, AlphaDropout.spec, AlphaDropout.extra_repr = AlphaDropout, spec_of "AlphaDropout", show

--- Makes the layer.
-- @param ... the options, by position or by name
-- @raise if p is not in 0 .. 1
function AlphaDropout:init(...)
  local o = self.spec.arguments(...)
  self.p, self.inplace = o.p, o.inplace
end

--- Drops elements.
-- @param input Tensor (*)
-- @return Tensor (*)
function AlphaDropout:forward(input) return F.alpha_dropout(input, self.p, self.training, self.inplace) end

return droppers
