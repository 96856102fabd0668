-- Tables of the library: parts that not every script needs are loaded when first asked for, functions take arguments by
-- name, and a name that there is not is an error that tells the nearest.

local arguments = require "embla.arguments.by_name"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

-- The name of each part -> a function that loads it.
local function loaders_of(modules, prefix)
  local loaders = {}
  for module, names in pairs(modules) do
    local several = names:find "%s"
    for name in names:gmatch "%S+" do
      loaders[name] = function()
        local loaded = require(prefix .. module)
        return several and loaded[name] or loaded
      end
    end
  end
  return loaders
end

local function refuse(self, loaders, title, name)
  local names = {}
  for _, home in ipairs {self, loaders} do
    for known in next, home do
      if type(known) == "string" then names[#names + 1] = known end
    end
  end
  table.sort(names)
  local near = options.nearest(name, names)
  raise("%s has no '%s'%s", title, name, near and (", did you mean '%s'?"):format(near) or "")
end

--- Adds parts that are loaded when first asked for; pairs() over the table loads all that are left. A name that is not
-- there is an error; rawget tells without one.
-- @param t       table of the parts that are there at once
-- @param prefix  what the names of the modules begin with, "embla.nn." say
-- @param modules module -> what it is: the name of one part, or those of several, with spaces between, its fields
-- @param title   what scripts call the table; left out: the prefix without its dot
-- @return t
return function(t, prefix, modules, title)
  local loaders = loaders_of(modules, prefix)
  title = title or prefix:gsub("%.$", "")

  local function load(self, name)
    if type(name) ~= "string" then return nil end
    if not loaders[name] then refuse(self, loaders, title, name) end
    local part = {[name] = loaders[name]()}
    self[name] = arguments.all(part)[name]
    return self[name]
  end

  local function all(self)
    for name in pairs(loaders) do
      if rawget(self, name) == nil then load(self, name) end
    end
    return next, self, nil
  end

  return setmetatable(arguments.all(t), {__index = load, __pairs = all, __library = title, __name = title})
end
