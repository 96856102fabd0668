-- io.word2vec: word vectors in the format of word2vec.

local KeyedVectors = require "embla.text.keyed_vectors"

local word2vec = {}

--- Reads words and their vectors, text or binary. Text may be word2vec's, gensim's or fastText's; binary files with and
-- without line ends behind the vectors. A file that gzip has packed is unpacked.
-- @param path file
-- @param opt  {binary, limit, encoding_errors = "error", duplicates = "error"}
-- @return KeyedVectors; its words count 0 each
-- @raise if the file cannot be read or is malformed, naming path and position
function word2vec.load(path, opt) return KeyedVectors.load(path, opt) end

--- Writes words and their vectors to a file, whole or not at all. Text is "V D", then a line "word x x …" each.
-- @param path   file
-- @param words  KeyedVectors; or Vocab, or list of V words without blanks
-- @param matrix Tensor (V, D), unless `words` has it
-- @param opt    {binary = false}
-- @raise if sizes do not fit, a word has a blank in it, or the file cannot be written
function word2vec.save(path, words, matrix, opt)
  if getmetatable(words) == KeyedVectors then return words:save(path, opt or matrix) end
  KeyedVectors(words, matrix):save(path, opt)
end

return word2vec
