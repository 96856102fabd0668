-- Loading in two steps: load_state_dict(dict) is _prepare_load(dict), which checks a state and makes copies, all that
-- can fail, and then a call of what that returns, which takes them over. So several objects can load all or nothing
-- (io/checkpoint.lua).

local two_steps = {}

local noted = setmetatable({}, {__mode = "k"})          -- load_state_dict of such classes

--- Notes that a class loads so.
-- @param cls class, with both functions
function two_steps.note(cls) noted[cls.load_state_dict] = true end

--- Whether an object loads so, and not by a load_state_dict that a script has put in the place of the class's.
-- @param object anything with load_state_dict
-- @return boolean
function two_steps.of(object) return noted[object.load_state_dict] == true end

return two_steps
