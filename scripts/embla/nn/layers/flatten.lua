-- nn.Flatten: several dims into one.

local core = require "embla.core"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"

local spec = options.spec("Flatten", {
  {name = "start_dim", type = "integer", default = 1, doc = "first dim that is joined"},
  {name = "end_dim", type = "integer", default = -1, doc = "last dim that is joined"},
})

--- Joins the dims from start_dim to end_dim: (N, C, T) -> (N, C T).
local Flatten = Module:extend "Flatten"
Flatten.spec = spec

--- Makes the layer.
-- @param ... the options, by position or by name
function Flatten:init(...)
  local o = spec.arguments(...)
  self.start_dim, self.end_dim = o.start_dim, o.end_dim
end

--- Joins the dims.
-- @param input Tensor
-- @return Tensor of the same elements
-- @raise if input lacks the dims
function Flatten:forward(input) return core.ops.flatten(input, self.start_dim, self.end_dim) end

function Flatten:extra_repr() return ("start_dim=%d, end_dim=%d"):format(self.start_dim, self.end_dim) end

return Flatten
