-- text.KeyedVectors: vectors looked up by words.

local Embedding = require "embla.nn.embedding.embedding"
local Vocab = require "embla.text.vocab"
local class = require "embla.base.class"
local core = require "embla.core"
local format = require "embla.io.format"
local modes = require "embla.autograd.modes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local similar_spec = options.spec("most_similar", {
  {name = "positive", type = "any", doc = "words or vectors to be like: one, or a list"},
  {name = "negative", type = "any", doc = "words or vectors to be unlike: one, or a list"},
  {name = "topn", type = "integer", default = 10, range = ">= 0", doc = "how many"},
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

local function shape_text(t)
  local sizes = {}
  for d = 0, t:dim() - 1 do sizes[d + 1] = t:size(d) end
  return "(" .. table.concat(sizes, ", ") .. ")"
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

-- ---- likeness --------------------------------------------------------------------------------------------------

-- Rows divided by their lengths; those of length 0 stay 0.
local function unit_rows(rows)
  local lengths = rows:norm(2, -1, true)
  return rows / lengths:masked_fill(lengths:eq(0), 1)
end

local units = setmetatable({}, {__mode = "k"})          -- of KeyedVectors: {rows, matrix, version}

--- The vectors divided by their lengths, zeros where the length is 0. They are kept until `matrix` changes.
-- @return Tensor (V, D)
function KeyedVectors:normalized()
  local unit, version = units[self], core.version(self.matrix)
  if not unit or unit.matrix ~= self.matrix or unit.version ~= version then
    unit = {rows = core.handle(modes.no_grad(unit_rows, self.matrix)), matrix = self.matrix, version = version}
    units[self] = unit
  end
  return unit.rows
end

--- Cosine of the angle between the vectors of two words; 0 for a vector of zeros.
-- @param a string
-- @param b string
-- @return number
-- @raise for a word that it lacks
function KeyedVectors:similarity(a, b)
  check_word("KeyedVectors.similarity", a)
  check_word("KeyedVectors.similarity", b)
  return modes.no_grad(function()
    local pair = unit_rows(look_up(self, "KeyedVectors.similarity", {a, b}))
    return (pair[0] * pair[1]):sum():item()
  end)
end

-- Adds unit vectors of words, and vectors as they are, times a sign; notes the ids of the words.
local function add_terms(self, terms, sign, sum, seen)
  if terms == nil then return sum, 0 end
  if type(terms) ~= "table" then terms = {terms} end
  for _, term in ipairs(terms) do
    local row
    if type(term) == "string" then
      row = unit_rows(look_up(self, "KeyedVectors.most_similar", {term}))[0]
      local id = find(self, term)
      if id then seen[id] = true end
    elseif core.is_tensor(term) and term:dim() == 1 and term:size(0) == self.dim then
      row = term:to(self.matrix.dtype)
    else
      raise("KeyedVectors.most_similar: expected words or vectors of %d numbers, got %s", self.dim, options.show(term))
    end
    sum = sum + row * sign
  end
  return sum, #terms
end

local function records(self, scores, seen, topn)
  local excluded = 0
  for _ in pairs(seen) do excluded = excluded + 1 end
  local values, ids = scores:topk(math.min(topn + excluded, #self))
  values, ids = values:tolist(), ids:tolist()
  local list = {}
  for i, id in ipairs(ids) do
    if #list < topn and not seen[id] then list[#list + 1] = {word = self.vocab:word(id), score = values[i], id = id} end
  end
  return list
end

--- The words whose vectors have the greatest cosine with a word's, with a vector, or with a mean: of the unit vectors
-- of the words to be like, minus those of the words to be unlike. Words asked with are left out; of equal ones the
-- lower id comes first.
-- @param query word, Tensor (D), or {positive =, negative =} of words and vectors
-- @param opt   {topn = 10}
-- @return list of {word =, score =, id =}, the most similar first
-- @raise for a word that it lacks
function KeyedVectors:most_similar(query, opt)
  if type(query) == "table" and (query.positive or query.negative) then
    opt, query = opt or {}, query
    opt = similar_spec.read {positive = query.positive, negative = query.negative, topn = query.topn or opt.topn}
  else
    opt = similar_spec.read(opt)
    if query ~= nil then opt.positive = query end
  end
  return modes.no_grad(function()
    local seen, sum = {}, core.zeros({self.dim}, self.matrix.dtype)
    local likes, unlikes
    sum, likes = add_terms(self, opt.positive, 1, sum, seen)
    sum, unlikes = add_terms(self, opt.negative, -1, sum, seen)
    if likes + unlikes == 0 then
      raise "KeyedVectors.most_similar: expected a word, a vector, or lists of them, got none"
    end
    local mean = unit_rows(sum:unsqueeze(0))[0]
    return records(self, self:normalized():mv(mean), seen, opt.topn)
  end)
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

function KeyedVectors.__tostring(self)
  return ("KeyedVectors(%d words, %d numbers each%s)"):format(#self, self.dim,
         self.subwords and ", n-grams for others" or "")
end

return KeyedVectors
