-- nn.ModuleDict: modules by name.

local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

--- Modules by name, read as fields: layers.encoder(x).
local ModuleDict = Module:extend "ModuleDict"

-- Name and module of an entry of the argument: {name, module} in a list keeps the order, a table is sorted by name.
local function entries(modules)
  if #modules > 0 then return modules end
  local list = {}
  for name, module in pairs(modules) do list[#list + 1] = {name, module} end
  table.sort(list, function(a, b) return tostring(a[1]) < tostring(b[1]) end)
  return list
end

--- Makes the dictionary.
-- @param modules table name -> Module (taken in the order of their names), or a sequence of {name, module}; or nil
-- @raise if a name is taken by a method or a value is no module
function ModuleDict:init(modules)
  if modules == nil then return end
  if type(modules) ~= "table" then
    raise("ModuleDict: argument modules: expected a table of modules, got %s", options.show(modules))
  end
  for _, entry in ipairs(entries(modules)) do
    if type(entry) ~= "table" or type(entry[1]) ~= "string" then
      raise("ModuleDict: argument modules: expected {name, module} with a name, got %s", options.show(entry))
    end
    self:add_module(entry[1], entry[2])
  end
end

return ModuleDict
