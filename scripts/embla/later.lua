-- Tables with parts that not every script needs: they are loaded when first asked for.

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

--- Adds parts that are loaded when first asked for; pairs() over the table loads all that are left.
-- @param t       table of the parts that are there at once
-- @param prefix  what the names of the modules begin with, "embla.nn." say
-- @param modules module -> what it is: the name of one part, or those of several, with spaces between, its fields
-- @return t
return function(t, prefix, modules)
  local loaders = loaders_of(modules, prefix)

  local function load(self, name)
    if not loaders[name] then return nil end
    self[name] = loaders[name]()
    return self[name]
  end

  local function all(self)
    for name in pairs(loaders) do
      if rawget(self, name) == nil then load(self, name) end
    end
    return next, self, nil
  end

  return setmetatable(t, {__index = load, __pairs = all})
end
