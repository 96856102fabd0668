-- Classes: tables that are called to make an object and extended to make another class.
--
--   local Point = class "Point"
--   function Point:init(x, y) self.x, self.y = x, y end
--   local Pixel = Point:extend "Pixel"
--   function Pixel:init(x, y, colour) Point.init(self, x, y); self.colour = colour end
--   local p = Pixel(1, 2, "red")
--
-- Methods of the library's classes take arguments by name, and say so when they are called with a dot.

local arguments = require "embla.arguments.by_name"
local place = require "embla.errors.place"
local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local Base = {}
Base.__index, Base.__name = Base, "Object"

--- Makes the bare object that init then fills. A class that keeps books on its objects replaces it.
-- @return a table of the class
function Base:allocate() return setmetatable({}, self) end

--- Fills a new object with the arguments of the call. Classes define their own.
function Base.init() end

local function construct(cls, ...)
  local first = ...
  local meta = type(first) == "table" and getmetatable(first)
  if type(meta) == "table" and meta.__library then
    raise("%s: write %s.%s(...), with a dot, not a colon", cls.__name, meta.__library, cls.__name)
  end
  local object = cls:allocate()
  object:init(...)
  return object
end

-- ---- definitions -----------------------------------------------------------------------------------------------

-- The library's own. A forward of one argument, or of any number, stays what it is too: it runs at each step, and calls
-- of the module read the names (Module.__call).
local BARE = {allocate = true, extend = true, prepare = true, setup = true, is_instance = true,
              adopt = true, rate = true, of_table = true}

local known = {}                                        -- names of methods and of fields that modules hold

--- Notes a name that objects have, so that a slip in writing it is told.
-- @param name anything; only texts count
local function note(name)
  if type(name) == "string" then known[name] = true end
end

local function define(cls, name, value)
  if type(name) == "string" and type(value) == "function" and name:sub(1, 1) ~= "_" then
    note(name)
    value = arguments.origin(value)                     -- of another class, perhaps
    local nparams, more_follow, first = core.parameters(value)
    if nparams and not BARE[name] and place.is_ours(debug.getinfo(value, "S")) then
      if name == "forward" and (more_follow or nparams < 3) then
        if first == "self" and nparams > 1 then arguments.note_forward(cls, value) end
      elseif first == "self" then
        value = arguments.method(cls, name, value)
      elseif nparams > 0 then
        value = arguments.reader(name, value)
      end
    end
  end
  rawset(cls, name, value)
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
  return setmetatable(cls, {__index = self, __newindex = define, __call = construct,
                            __tostring = function() return "class " .. name end})
end

-- ---- names that there are not ----------------------------------------------------------------------------------

local absent = {}                                       -- looked at before: reading a field that is nil stays cheap

-- A name that neither an object nor its classes have is nil, unless it is a slip in writing one that there is.
setmetatable(Base, {__index = function(_, name)
  if absent[name] or type(name) ~= "string" or known[name] then return nil end
  for other in next, known do
    if options.is_slip(name, other) then raise("no field or method is called '%s', did you mean '%s'?", name, other) end
  end
  absent[name] = true
end})

--- A class that extends nothing.
-- @param name text
-- @return the class
local function class(name)
  local cls = Base:extend(name)
  cls.super = nil
  return cls
end

return setmetatable({note = note}, {__call = function(_, name) return class(name) end})
