-- nn.Identity: nothing happens.

local Module = require "embla.nn.module"

--- Returns what it is given; it takes and passes over any arguments of construction, to stand in for another layer.
local Identity = Module:extend "Identity"

--- Returns its argument.
-- @param input anything
-- @return input
function Identity.forward(_, input) return input end

return Identity
