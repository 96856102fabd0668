-- Classes whose objects embla.save keeps. A class has two functions of its own:
--
--   function Vocab.__keep(self) return {words = …} end      -- a plain value: what save takes, objects included
--   function Vocab.__restore(value) return … end            -- an object from it; value may be anything: check it
--
-- and a name here, which is all that a file tells of it: nothing that is read is ever run.

local raise = require "embla.errors.raise"

local kept = {}

-- The library's: name -> module, loaded when first met.
local MODULES = {
  Vocab = "embla.text.vocab", KeyedVectors = "embla.text.keyed_vectors", Classifier = "embla.text.classifier",
}
local classes = {}                                      -- by name
local names = {}                                        -- by class

--- Gives a class a name under which its objects are kept.
-- @param name  text, that stays the same for as long as there are files
-- @param class table with __keep and __restore
-- @raise if another class has the name
function kept.register(name, class)
  if classes[name] ~= nil and classes[name] ~= class then raise("kept: two classes are called %s", name) end
  classes[name], names[class] = class, name
end

--- The class of a name.
-- @param name text
-- @return class, or nil
function kept.class_of(name)
  if not classes[name] and MODULES[name] then kept.register(name, require(MODULES[name])) end
  return classes[name]
end

--- The name of an object's class.
-- @param object table
-- @return text, or nil if it is none that can be kept
function kept.name_of(object)
  local class = getmetatable(object)
  if type(class) ~= "table" or not rawget(class, "__keep") then return nil end
  if not names[class] and MODULES[class.__name] then kept.class_of(class.__name) end
  return names[class]
end

return kept
