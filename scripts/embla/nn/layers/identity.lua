-- nn.Identity: nothing happens.

local Module = require "embla.nn.module"

--- Returns what it is given; it takes and passes over any arguments of construction, to stand in for another layer.
local Identity = Module:extend "Identity"

--- Returns its argument.
-- @param x anything
-- @return x
function Identity.forward(_, x) return x end

return Identity
