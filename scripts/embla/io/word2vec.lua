-- io.word2vec: word vectors in the format of word2vec.

local Vocab = require "embla.text.vocab"
local core = require "embla.core"
local options = require "embla.options"
local raise = require "embla.raise"

local word2vec = {}

local spec = options.spec("io.word2vec", {
  {name = "binary", type = "boolean", default = false, doc = "numbers as float32, little-endian, not as text"},
})

local function vocab_of(words)
  if getmetatable(words) == Vocab then return words.handle end
  if type(words) ~= "table" then
    raise("io.word2vec.save: expected a Vocab or a list of words, got %s", options.show(words))
  end
  local handle = core.vocab_new()
  for i, word in ipairs(words) do
    if type(word) ~= "string" then
      raise("io.word2vec.save: word %d: expected a string, got %s", i, options.show(word))
    end
    if core.vocab_add(handle, word, 0) ~= i - 1 then raise("io.word2vec.save: word %q stands twice", word) end
  end
  return handle
end

--- Writes words and their vectors to a file, whole or not at all. Text is "V D", then a line "word x x …" each.
-- @param path   file
-- @param words  Vocab, or list of V words without blanks
-- @param matrix Tensor (V, D)
-- @param opt    {binary = false}
-- @raise if sizes do not fit, a word has a blank in it, or the file cannot be written
function word2vec.save(path, words, matrix, opt)
  core.vectors_save(path, vocab_of(words), matrix, spec.read(opt).binary)
end

--- Reads words and their vectors.
-- @param path file
-- @param opt  {binary = false}
-- @return Vocab (of counts 0), Tensor (V, D)
-- @raise if the file cannot be read or is malformed, naming path and byte
function word2vec.load(path, opt)
  local handle, matrix = core.vectors_load(path, spec.read(opt).binary)
  return Vocab:allocate():adopt(handle), matrix
end

return word2vec
