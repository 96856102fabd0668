-- text.KeyedVectors: vectors looked up by words.

local Embedding = require "embla.nn.embedding.embedding"
local Vocab = require "embla.text.vocab"
local class = require "embla.base.class"
local core = require "embla.core"
local format = require "embla.io.format"
local linalg = require "embla.linalg"
local modes = require "embla.autograd.modes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local shape_text = require("embla.arguments.expect").shape_text

local add_spec = options.spec("KeyedVectors.add", {
  {name = "replace", type = "boolean", default = false, doc = "words that are there take the new vectors"},
})

--- Words and a vector for each, such as files of word vectors hold. kv[word] is the vector of a word, unless the word
-- is the name of a method or a field: kv:vector(word) always is.
--
-- Fields: `vocab` Vocab; `matrix` Tensor (V, D); `dim`, also `vector_size`, D; `subwords` false, or of fastText's
-- models {buckets = Tensor (B, D), minn, maxn}, by which words that the vocabulary lacks have vectors too. # is V.
local KeyedVectors = class "KeyedVectors"

-- ---- making ----------------------------------------------------------------------------------------------------

local function vocab_of(words)
  if getmetatable(words) == Vocab then return words end
  if type(words) ~= "table" then
    raise("KeyedVectors: argument words: expected a Vocab or a list of words, got %s", options.show(words))
  end
  local handle = core.vocab_new()
  for i, word in ipairs(words) do
    if type(word) ~= "string" then
      raise("KeyedVectors: word %d: expected a string, got %s", i, options.show(word))
    end
    if core.vocab_add(handle, word, 0) ~= i - 1 then raise("KeyedVectors: word %q stands twice", word) end
  end
  return Vocab:allocate():adopt(handle)
end

-- The words of a vocabulary and their counts in another one.
local function copy_words(vocab)
  local handle, counts = core.vocab_new(), vocab:counts():tolist()
  for i, word in ipairs(vocab:words()) do core.vocab_add(handle, word, counts[i]) end
  local _, _, specials, unknown = core.vocab_info(vocab.handle)
  core.vocab_special(handle, specials, unknown)
  return handle
end

local function check_subwords(subwords, matrix)
  if type(subwords) ~= "table" or not core.is_tensor(subwords.buckets) or not options.is_integer(subwords.minn)
     or not options.is_integer(subwords.maxn) then
    raise("KeyedVectors: argument subwords: expected {buckets = Tensor (B, D), minn =, maxn =}, got %s",
          options.show(subwords))
  end
  local buckets = subwords.buckets
  if buckets:dim() ~= 2 or buckets:size(1) ~= matrix:size(1) then
    raise("KeyedVectors: argument subwords: buckets of shape %s for vectors of %d numbers", shape_text(buckets),
          matrix:size(1))
  end
end

--- Words with their vectors.
-- @param words    Vocab, or list of V words
-- @param matrix   Tensor (V, D) of floats; it is shared, not copied
-- @param subwords {buckets = Tensor (B, D), minn =, maxn =}, or nil; the rows of `matrix` then are as fastText makes
--   them
-- @raise if they do not fit each other
function KeyedVectors:init(words, matrix, subwords)
  local vocab = vocab_of(words)
  if not core.is_tensor(matrix) or matrix.is_sparse then
    raise("KeyedVectors: argument matrix: expected a tensor (%d, D), got %s", #vocab, options.show(matrix))
  end
  if matrix:dim() ~= 2 or matrix:size(0) ~= #vocab then
    raise("KeyedVectors: %d words and a matrix of shape %s (expected (%d, D))", #vocab, shape_text(matrix), #vocab)
  end
  if not matrix.dtype:find "float" then
    raise("KeyedVectors: argument matrix: expected floats, got %s", matrix.dtype)
  end
  if subwords ~= nil then check_subwords(subwords, matrix) end
  self.vocab, self.matrix, self.subwords = vocab, core.handle(matrix), subwords or false
  self.dim, self.vector_size = matrix:size(1), matrix:size(1)
end

--- Reads word vectors from a file in the format of word2vec.
-- @param path file
-- @param opt  the options of io.word2vec.load
-- @return KeyedVectors
-- @raise if the file cannot be read or is malformed, naming path and position
function KeyedVectors.load(path, opt)
  local values = format.load("word2vec", path, opt)
  return KeyedVectors(values.vocab, values.matrix)
end

--- Writes words and vectors to a file in the format of word2vec, whole or not at all.
-- @param path file
-- @param opt  {binary = false}
-- @raise if a word has a blank in it, or the file cannot be written
function KeyedVectors:save(path, opt)
  format.save("word2vec", path, {"vocab", "matrix"}, {vocab = self.vocab, matrix = self.matrix}, opt)
end

-- ---- asking ----------------------------------------------------------------------------------------------------

function KeyedVectors.__len(self) return #self.vocab end

local function check_word(caller, word)
  if type(word) ~= "string" then
    raise("%s: argument word: expected a string, got %s", caller, options.show(word))
  end
  return word
end

local function raise_unknown(self, caller, word)
  local near = {}
  for i, id in ipairs(core.vocab_nearest(self.vocab.handle, word, 3)) do
    near[i] = options.show(self.vocab:word(id))
  end
  raise("%s: the word %s is not among the %d words%s", caller, options.show(word), #self,
        #near > 0 and (", did you mean %s?"):format(table.concat(near, " or ")) or "")
end

-- The id of a word as it stands in the vocabulary: the unknown word's stands for no other.
local function find(self, word) return core.vocab_find(self.vocab.handle, word) end

-- Vectors (n, D) of a list of words.
local function look_up(self, caller, words)
  local ids, unknown, places = {}, {}, {}
  for i, word in ipairs(words) do
    ids[i] = find(self, check_word(caller, word))
    if not ids[i] then
      if not self.subwords then raise_unknown(self, caller, word) end
      ids[i], unknown[#unknown + 1], places[#places + 1] = 0, word, i - 1
    end
  end
  local rows
  if #unknown < #ids or #ids == 0 then
    rows = self.matrix:index_select(0, core.tensor(ids, "int64"))
    if #unknown == 0 then return rows end
  end
  local s = self.subwords
  local composed = core.subwords_vectors(unknown, s.buckets, s.minn, s.maxn)
  if not rows then return composed end
  return rows:index_copy(0, core.tensor(places, "int64"), composed:to(rows.dtype))
end

--- The vector of a word: a copy.
-- @param word string
-- @return Tensor (D)
-- @raise for a word that it lacks, unless its n-grams give it a vector
function KeyedVectors:vector(word)
  return look_up(self, "KeyedVectors.vector", {check_word("KeyedVectors.vector", word)})[0]
end

--- The vectors of several words.
-- @param words list of n strings
-- @return Tensor (n, D)
-- @raise for a word that it lacks, unless its n-grams give it a vector
function KeyedVectors:vectors(words)
  if type(words) ~= "table" then
    raise("KeyedVectors.vectors: argument words: expected a list of words, got %s", options.show(words))
  end
  return look_up(self, "KeyedVectors.vectors", words)
end

--- Whether a word is one of its own; those that n-grams give a vector are not.
-- @param word string
-- @return boolean
function KeyedVectors:contains(word) return find(self, check_word("KeyedVectors.contains", word)) ~= nil end

--- The id of a word.
-- @param word string
-- @return integer from 0, or nil for a word that it lacks
function KeyedVectors:id(word) return find(self, check_word("KeyedVectors.id", word)) end

--- The word with an id.
-- @param id integer from 0
-- @return string
-- @raise if there is no such id
function KeyedVectors:word(id) return self.vocab:word(id) end

--- A layer with these vectors as its table.
-- @param ... the options of nn.Embedding.from_pretrained, {freeze = true}
-- @return nn.Embedding
function KeyedVectors:embedding(...) return Embedding.from_pretrained(self.matrix, ...) end

-- ---- changing --------------------------------------------------------------------------------------------------

--- Adds words with their vectors; it has a matrix and a vocabulary of its own from then on.
-- @param words  list of n words
-- @param matrix Tensor (n, D)
-- @param opt    {replace = false}: a word that is there takes the new vector, otherwise it is an error
-- @return itself
-- @raise if they do not fit, or a word is there
function KeyedVectors:add(words, matrix, opt)
  local o = add_spec.read(opt)
  if type(words) == "string" then words = {words} end
  if core.is_tensor(matrix) and not matrix.is_sparse and matrix:dim() == 1 then matrix = matrix:unsqueeze(0) end
  local new = KeyedVectors(words, matrix)
  if new.dim ~= self.dim then
    raise("KeyedVectors.add: vectors of %d numbers to those of %d", new.dim, self.dim)
  end
  local handle = copy_words(self.vocab)
  local places, from, fresh = {}, {}, {}
  for id = 0, #new - 1 do
    local word = new.vocab:word(id)
    local there = find(self, word)
    if there and not o.replace then raise("KeyedVectors.add: the word %q is there (replace = true?)", word) end
    if there then
      places[#places + 1], from[#from + 1] = there, id
    else
      core.vocab_add(handle, word, 0)
      fresh[#fresh + 1] = id
    end
  end
  modes.no_grad(function()
    local function rows(ids) return new.matrix:index_select(0, core.tensor(ids, "int64")):to(self.matrix.dtype) end
    local grown = self.matrix:index_copy(0, core.tensor(places, "int64"), rows(from))
    self.matrix, self.vocab = core.handle(core.ops.cat({grown, rows(fresh)}, 0)), Vocab:allocate():adopt(handle)
  end)
  return self
end

-- The words that both have, in the order of the other's ids.
local function shared_words(self, other)
  local both = {}
  for _, word in ipairs(other.vocab:words()) do
    if find(self, word) then both[#both + 1] = word end
  end
  return both
end

--- Takes the vectors of those words that both have from other vectors.
-- @param other KeyedVectors, or the path of a file in word2vec's format
-- @return how many words there were
-- @raise if the vectors are of another size
function KeyedVectors:intersect(other)
  if type(other) == "string" then other = KeyedVectors.load(other) end
  if getmetatable(other) ~= KeyedVectors then
    raise("KeyedVectors.intersect: argument other: expected KeyedVectors or a path, got %s", options.show(other))
  end
  local both = shared_words(self, other)
  if #both > 0 then self:add(both, other:vectors(both), {replace = true}) end
  return #both
end

--- Turns the vectors so that those of words that others have too lie as near to these as an orthogonal matrix can
-- bring them (orthogonal Procrustes: Schönemann, "A generalized solution of the orthogonal Procrustes problem", 1966).
-- It has a matrix of its own from then on; cosines between its own words stay.
-- @param other KeyedVectors with vectors of as many numbers
-- @param words list of words to go by; by default all that both have
-- @return itself
-- @raise if there is no word to go by, or one is unknown to either
function KeyedVectors:align(other, words)
  local caller = "KeyedVectors.align"
  if getmetatable(other) ~= KeyedVectors or other.dim ~= self.dim then
    raise("%s: argument other: expected KeyedVectors with vectors of %d numbers, got %s", caller, self.dim,
          options.show(other))
  end
  words = words or shared_words(self, other)
  if type(words) ~= "table" or #words == 0 then
    raise("%s: argument words: expected a list of words%s", caller,
          type(words) == "table" and ", got none: is there one that both have?" or ", got " .. options.show(words))
  end
  modes.no_grad(function()
    local ours, theirs = look_up(self, caller, words):double(), look_up(other, caller, words):double()
    local u, _, vh = linalg.svd(ours:t():matmul(theirs))
    local turned = self.matrix:matmul(u:matmul(vh):to(self.matrix.dtype))
    self.matrix = core.handle(turned)
  end)
  return self
end

--- Divides the vectors by their lengths, in a matrix of its own from then on; zeros stay.
-- @return itself
function KeyedVectors:normalize()
  self.matrix = core.handle(self:normalized())
  return self
end

-- ---- kv[word] --------------------------------------------------------------------------------------------------

function KeyedVectors.__index(self, key)
  local method = rawget(KeyedVectors, key)
  if method ~= nil then return method end
  if type(key) ~= "string" then raise("KeyedVectors: expected a word in [ ], got %s", options.show(key)) end
  if not rawget(self, "vocab") then return nil end      -- not made yet
  return look_up(self, "KeyedVectors", {key})[0]
end

-- What embla.save keeps of it (io/kept.lua).
function KeyedVectors.__keep(self) return {vocab = self.vocab, matrix = self.matrix, subwords = self.subwords} end

function KeyedVectors.__restore(value)
  if type(value) ~= "table" then raise "KeyedVectors: what was kept of it is malformed" end
  return KeyedVectors(value.vocab, value.matrix, value.subwords and {subwords = value.subwords} or nil)
end

-- Rows divided by their lengths; those of length 0 stay 0.
local function unit_rows(rows)
  local lengths = rows:norm(2, -1, true)
  return rows / lengths:masked_fill(lengths:eq(0), 1)
end

require "embla.text.neighbours"(KeyedVectors, {
  look_up = look_up, find = find, check_word = check_word, raise_unknown = raise_unknown, unit_rows = unit_rows,
})
require "embla.text.word_tests"(KeyedVectors, unit_rows)

function KeyedVectors.__tostring(self)
  return ("KeyedVectors(%d words, %d numbers each%s)"):format(#self, self.dim,
         self.subwords and ", n-grams for others" or "")
end

return KeyedVectors
