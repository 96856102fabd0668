-- nn.Sequential: modules called one after the other.

local ModuleList = require "embla.nn.containers.module_list"

--- A chain of modules: each gets the result of the one before. It counts from 1 as any Lua table; the modules' names
-- count from 0.
local Sequential = ModuleList:extend "Sequential"

--- Makes the chain.
-- @param ... modules, or one sequence of modules
-- @raise if one is no module
function Sequential:init(...)
  local first = ...
  if select("#", ...) == 1 and type(first) == "table" and getmetatable(first) == nil then
    self:extend_with(first)
  else
    for i = 1, select("#", ...) do self:append((select(i, ...))) end
  end
end

--- Calls the modules one after the other, each with the first result of the one before.
-- @param ... what the first takes, names too
-- @return what the last returns; the first argument itself if there is none
function Sequential:forward(...)
  local n = #self
  if n == 0 then return (...) end
  if n == 1 then return self[1](...) end
  local x = self[1](...)
  for i = 2, n - 1 do x = self[i](x) end
  return self[n](x)
end

return Sequential
