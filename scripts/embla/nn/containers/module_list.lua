-- nn.ModuleList: modules in a row, for a network that calls them as it likes.

local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

--- A list of modules. It counts from 1 as any Lua table, ipairs and # work; the modules' names, as in state_dict, count
-- from 0 as PyTorch's do ("0.weight").
local ModuleList = Module:extend "ModuleList"

-- [0] is the one slip worth catching. Only names that no list defines come here.
getmetatable(ModuleList).__index = function(_, key)
  if key == 0 then raise("ModuleList: modules count from 1 (only their names, as in state_dict, count from 0)") end
  return Module[key]
end

--- Makes the list.
-- @param modules sequence of modules, or nil
-- @raise if a member is no module
function ModuleList:init(modules)
  if modules == nil then return end
  if type(modules) ~= "table" or Module.is_instance(modules) and not modules[1] then
    raise("%s: argument modules: expected a list of modules, got %s", self.__name, options.show(modules))
  end
  self:extend_with(modules)
end

--- Adds a module at the end.
-- @param module Module
-- @return the list itself
-- @raise if it is no module
function ModuleList:append(module)
  if not Module.is_instance(module) then
    raise("%s: argument module: expected a module at position %d, got %s", self.__name, #self + 1, options.show(module))
  end
  self[#self + 1] = module
  return self
end

--- Adds all modules of a list at the end.
-- @param modules sequence of modules
-- @return the list itself
-- @raise if a member is no module; those before it are added
function ModuleList:extend_with(modules)
  if type(modules) ~= "table" then
    raise("%s: extend_with: argument modules: expected a list, got %s", self.__name, options.show(modules))
  end
  for _, module in ipairs(modules) do self:append(module) end
  return self
end

return ModuleList
