-- nn.Unflatten: one dim into several.

local core = require "embla.core"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local repr = require "embla.base.python_repr"

local spec = options.spec("Unflatten", {
  {name = "dim", type = "integer", required = true, doc = "dim that is split"},
  {name = "unflattened_size", type = "integers", required = true, doc = "its new sizes; one may be -1: what is left"},
})

--- Splits a dim: (N, C T) -> (N, C, T). Source: PyTorch's nn.Unflatten.
local Unflatten = Module:extend "Unflatten"
Unflatten.spec = spec

--- Makes the layer.
-- @param ... the options, by position or by name
-- @raise for options that do not fit
function Unflatten:init(...)
  local o = spec.arguments(...)
  self.dim, self.unflattened_size = o.dim, table.move(o.unflattened_size, 1, #o.unflattened_size, 1, {})
end

--- Splits the dim.
-- @param input Tensor
-- @return Tensor of the same elements
-- @raise if the sizes do not multiply to the dim's
function Unflatten:forward(input) return core.ops.unflatten(input, self.dim, self.unflattened_size) end

function Unflatten:extra_repr() return ("dim=%d, unflattened_size=%s"):format(self.dim, repr(self.unflattened_size)) end

return Unflatten
