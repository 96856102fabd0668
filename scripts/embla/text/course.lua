-- What text.SkipGram and text.Word2Vec note of the corpus and the options that their draws depend on, so that a state
-- is taken over only where it leads to the same draws.

local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local course = {}

-- What need not be as it was.
local FREE = {seed = true, epochs = true, lr = true, mode = true, dim = true, dtype = true, prefetch = true}

--- The options that an object was made with, and the size of its corpus: for its state_dict.
-- @param self object with `corpus` and `_options`
-- @return table of numbers, strings and booleans
function course.options(self)
  local o = {words = #self.corpus, vocab = #self.corpus.vocab}
  for name, value in pairs(self._options) do o[name] = value end
  return o
end

--- The options of an object with the seed of a state.
-- @param self  object with `corpus` and `_options`
-- @param state table, whose `options` are as from course.options, or nil
-- @return table
-- @raise if what the draws depend on is another
function course.resumed(self, state)
  local own, saved, resumed = course.options(self), state.options or {}, {}
  if type(saved) ~= "table" then
    raise("%s: load_state_dict: argument state: options: expected a table, got %s", self.__name, options.show(saved))
  end
  for name, value in pairs(own) do
    if saved[name] ~= nil and saved[name] ~= value and not FREE[name] then
      raise("%s: load_state_dict: argument state: %s is %s, here %s", self.__name, name, options.show(saved[name]),
            options.show(value))
    end
  end
  for name, value in pairs(self._options) do resumed[name] = value end
  if saved.seed ~= nil then
    course.check_integers(self.__name, saved, {"seed"})
    resumed.seed = saved.seed
  end
  return resumed
end

--- Refuses fields of a state that are no integers.
-- @param owner name for the message
-- @param state table
-- @param names list
-- @raise naming the first that is none
function course.check_integers(owner, state, names)
  for _, name in ipairs(names) do
    if not options.is_integer(state[name]) then
      raise("%s: load_state_dict: argument state: %s: expected an integer, got %s", owner, name,
            options.show(state[name]))
    end
  end
end

return course
