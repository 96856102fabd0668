-- io.glove: word vectors as GloVe writes them.

local KeyedVectors = require "embla.text.keyed_vectors"
local format = require "embla.io.format"

local glove = {}

--- Reads words and their vectors: a line of a word and its numbers each, with no header, or with a line "V D". Words
-- may have blanks: how many numbers there are is what most of the first 100 lines have.
-- @param path file
-- @param opt  {limit, encoding_errors = "error", duplicates = "error"}
-- @return KeyedVectors
-- @raise if the file cannot be read or is malformed, naming path and position
-- source: https://nlp.stanford.edu/projects/glove
function glove.load(path, opt)
  local values = format.load("glove", path, opt)
  return KeyedVectors(values.vocab, values.matrix)
end

return glove
