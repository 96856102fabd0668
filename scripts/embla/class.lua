-- Classes: tables that are called to make an object and extended to make another class.
--
--   local Point = class "Point"
--   function Point:init(x, y) self.x, self.y = x, y end
--   local Pixel = Point:extend "Pixel"
--   function Pixel:init(x, y, colour) Point.init(self, x, y); self.colour = colour end
--   local p = Pixel(1, 2, "red")

local Base = {}
Base.__index, Base.__name = Base, "Object"

--- Makes the bare object that init then fills. A class that keeps books on its objects replaces it.
-- @return a table of the class
function Base:allocate() return setmetatable({}, self) end

--- Fills a new object with the arguments of the call. Classes define their own.
function Base.init() end

local function construct(cls, ...)
  local object = cls:allocate()
  object:init(...)
  return object
end

--- A class that inherits everything it does not define itself, metamethods defined so far included.
-- @param name text, the name of the class in messages and in tostring
-- @return the class; its `super` is the class it extends
function Base:extend(name)
  if type(name) ~= "string" then error("extend: expected the name of the class, got " .. type(name), 2) end
  local cls = {}
  for key, value in pairs(self) do
    if type(key) == "string" and key:sub(1, 2) == "__" then cls[key] = value end
  end
  cls.__index, cls.__name, cls.super = cls, name, self
  return setmetatable(cls, {__index = self, __call = construct, __tostring = function() return "class " .. name end})
end

--- A class that extends nothing.
-- @param name text
-- @return the class
local function class(name)
  local cls = Base:extend(name)
  cls.super = nil
  return cls
end

return class
