-- text.Vocab: words and their ids, counted from 0.

local class = require "embla.base.class"
local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local spec = options.spec("Vocab", {
  {name = "min_count", type = "integer", default = 1, range = ">= 0", doc = "words counted less often are left out"},
  {name = "max_size", type = "integer", range = ">= 0", doc = "at most so many words, special ones included"},
  {name = "specials", type = "table", default = {}, doc = "words that come first, in this order: {'<pad>', '<unk>'}"},
  {name = "unknown", type = "string", doc = "the special word that stands for words the vocabulary lacks"},
})

--- Words with ids 0, 1, … and counts: special words first, then the most frequent first, equal ones in the order in
-- which they first came. # is the number of words. `unknown` is the word that stands for all others, or nil.
local Vocab = class "Vocab"

-- ---- making ----------------------------------------------------------------------------------------------------

local function check_word(word)
  if type(word) ~= "string" then raise("Vocab: argument word: expected a string, got %s", options.show(word)) end
  return word
end

local function check_path(caller, path)
  if type(path) ~= "string" then
    raise("Vocab: %s: argument path: expected a path, got %s", caller, options.show(path))
  end
end

-- Calls f with every word of a string, of a list of sources, or of an iterator that gives such.
local function each_word(source, f)
  if type(source) == "string" then
    f(source)
  elseif type(source) == "table" then
    for _, part in ipairs(source) do each_word(part, f) end
  elseif type(source) == "function" then
    for part in source do each_word(part, f) end
  else
    raise("Vocab: argument words: expected a list of words or an iterator, got %s", options.show(source))
  end
end

local function add_specials(handle, o)
  local unknown = -1
  for _, word in ipairs(o.specials) do
    local id = core.vocab_add(handle, check_word(word), 0)
    if word == o.unknown then unknown = id end
  end
  if o.unknown and unknown < 0 then unknown = core.vocab_add(handle, o.unknown, 0) end
  core.vocab_special(handle, (core.vocab_info(handle)), unknown)
end

-- The object around a vocabulary of the core.
function Vocab:adopt(handle)
  local _, _, _, unknown = core.vocab_info(handle)
  self.handle = handle
  self.unknown = unknown >= 0 and core.vocab_word(handle, unknown) or nil
  return self
end

--- Counts words.
-- @param words list of words, or of lists of words; or an iterator of either
-- @param opt   the options
-- @raise if something is no string, or an option does not fit
function Vocab:init(words, opt)
  local o = spec.read(opt)
  if type(words) == "string" then
    raise("Vocab: argument words: expected a list of words or an iterator, got %s", options.show(words))
  end
  local handle = core.vocab_new()
  add_specials(handle, o)
  each_word(words or {}, function(word) core.vocab_add(handle, check_word(word), 1) end)
  core.vocab_trim(handle, o.min_count, o.max_size or -1)
  self:adopt(handle)
end

--- The same as calling the class: Vocab.build(words, opt).
-- @param words list of words, or of lists of words; or an iterator of either
-- @param opt   the options of the class
-- @return Vocab
function Vocab.build(words, opt) return Vocab(words, opt) end

--- Reads a vocabulary that `save` wrote.
-- @param path file
-- @return Vocab
-- @raise if the file cannot be read or is malformed, naming path and byte
function Vocab.load(path)
  check_path("load", path)
  return Vocab:allocate():adopt(core.vocab_load(path))
end

--- Writes the vocabulary to a file of text, whole or not at all.
-- @param path file
-- @raise if it cannot be written
function Vocab:save(path)
  check_path("save", path)
  core.vocab_save(self.handle, path)
end

-- ---- asking ----------------------------------------------------------------------------------------------------

function Vocab.__len(self) return (core.vocab_info(self.handle)) end

--- The id of a word.
-- @param word string
-- @return integer from 0; for a word it lacks the unknown word's id, or nil if there is none
function Vocab:id(word)
  local id = core.vocab_find(self.handle, check_word(word))
  if not id and self.unknown then id = core.vocab_find(self.handle, self.unknown) end
  return id
end

--- Whether the vocabulary has a word.
-- @param word string
-- @return boolean
function Vocab:contains(word) return core.vocab_find(self.handle, check_word(word)) ~= nil end

-- What stands at an id, which was given as the argument `name`.
local function word_and_count(self, id, name, expected)
  if math.tointeger(id) == nil or type(id) ~= "number" then
    raise("Vocab: argument %s: expected %s, got %s", name, expected, options.show(id))
  end
  local word, count = core.vocab_word(self.handle, math.tointeger(id))
  if not word then raise("Vocab: id %d is out of range for %d words (ids count from 0)", id, #self) end
  return word, count
end

--- The word with an id.
-- @param id integer from 0
-- @return string
-- @raise if there is no such id
function Vocab:word(id) return (word_and_count(self, id, "id", "an integer")) end

--- How often a word was counted.
-- @param word string or id; 0 for a word it lacks
-- @return integer
function Vocab:count(word)
  if type(word) ~= "string" then return select(2, word_and_count(self, word, "word", "a string or an id")) end
  local id = core.vocab_find(self.handle, word)
  return id and select(2, core.vocab_word(self.handle, id)) or 0
end

--- The count of each word.
-- @return Tensor (V) int64
function Vocab:counts() return core.vocab_counts(self.handle) end

--- Sum of all counts.
-- @return integer
function Vocab:total() return (select(2, core.vocab_info(self.handle))) end

--- The ids of several words.
-- @param words list of n strings
-- @return Tensor (n) int64
-- @raise for a word it lacks, unless it has an unknown word
function Vocab:ids(words)
  if type(words) ~= "table" then
    raise("Vocab: ids: argument words: expected a list of words, got %s", options.show(words))
  end
  local ids = {}
  for i, word in ipairs(words) do
    if type(word) ~= "string" then
      raise("Vocab: ids: argument words: expected strings, got %s at %d", options.show(word), i)
    end
    ids[i] = self:id(word) or raise("Vocab: word %q is not in the vocabulary", word)
  end
  return core.tensor(ids, "int64")
end

-- Calls f with every number of a nested list.
local function each_id(ids, f)
  if type(ids) ~= "table" then return f(ids) end
  for _, part in ipairs(ids) do each_id(part, f) end
end

--- Words by their ids.
-- @param ids Tensor of integers, of any shape, or list of ids; all words in order if left out
-- @return list of strings
-- @raise if an id is out of range
function Vocab:words(ids)
  local words = {}
  if ids == nil then
    for id = 0, #self - 1 do words[id + 1] = core.vocab_word(self.handle, id) end
    return words
  end
  if type(ids) ~= "table" and not core.is_tensor(ids) then
    raise("Vocab: words: argument ids: expected a tensor or a list, got %s", options.show(ids))
  end
  each_id(core.is_tensor(ids) and ids:tolist() or ids, function(id)
    words[#words + 1] = word_and_count(self, id, "ids", "integers")
  end)
  return words
end

-- ---- keeping ---------------------------------------------------------------------------------------------------

-- What embla.save keeps of it (io/kept.lua).
function Vocab.__keep(self)
  local _, _, special, unknown = core.vocab_info(self.handle)
  return {words = self:words(), counts = self:counts(), special = special, unknown = unknown}
end

function Vocab.__restore(value)
  local handle = core.vocab_new()
  local whole = type(value) == "table" and type(value.words) == "table" and core.is_tensor(value.counts)
                and value.counts.dtype == "int64" and value.counts:numel() == #value.words
                and math.type(value.special) == "integer" and math.type(value.unknown) == "integer"
  if not whole then raise "Vocab: what was kept of it is malformed" end
  local counts = value.counts:tolist()
  for i, word in ipairs(value.words) do
    if core.vocab_add(handle, check_word(word), counts[i]) ~= i - 1 then raise("Vocab: word %q stands twice", word) end
  end
  core.vocab_special(handle, value.special, value.unknown)
  return Vocab:allocate():adopt(handle)
end

function Vocab.__tostring(self) return ("Vocab(%d words)"):format(#self) end

return Vocab
