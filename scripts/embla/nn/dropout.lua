-- nn.Dropout: zeroes at random in training.

local core = require "embla.core"
local Module = require "embla.nn.module"
local options = require "embla.options"
local repr = require "embla.repr"

local dropout, dropout_ = core.ops.dropout, core.ops.dropout_

local spec = options.spec("Dropout", {
  {name = "p", type = "number", default = 0.5, range = "[0, 1]", doc = "chance of an element to be dropped"},
  {name = "inplace", type = "boolean", default = false, doc = "write over the input"},
})

--- In training each element is 0 with chance p and divided by 1 - p otherwise; in evaluation nothing happens.
-- (*) -> (*). Source: PyTorch's nn.Dropout.
local Dropout = Module:extend "Dropout"
Dropout.spec = spec

--- Makes the layer.
-- @param ... {p = 0.5, inplace = false}, or these in order by position
-- @raise if p is not in 0 .. 1
function Dropout:init(...)
  local o = spec.arguments(...)
  self.p, self.inplace = o.p, o.inplace
end

--- Drops elements.
-- @param x Tensor (*)
-- @return Tensor (*)
function Dropout:forward(x)
  if not self.training or self.p == 0 then return x end
  return (self.inplace and dropout_ or dropout)(x, self.p)
end

function Dropout:extra_repr() return ("p=%s, inplace=%s"):format(repr(self.p), repr(self.inplace)) end

return Dropout
