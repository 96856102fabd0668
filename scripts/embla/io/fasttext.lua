-- io.fasttext: fastText's word vectors and models.

local KeyedVectors = require "embla.text.keyed_vectors"
local format = require "embla.io.format"

local fasttext = {}

--- Reads word vectors as text (.vec), or a model (.bin), told by content. A model's vectors are those that
-- `fasttext print-word-vectors` prints, also for words that it lacks, by their n-grams: zeros for one that has none.
-- Quantized models (.ftz) are refused.
-- @param path file
-- @param opt  {limit, encoding_errors = "error", duplicates = "error", output = false}
-- @return KeyedVectors
-- @return table, of a model: `labels` Vocab, if it has some; with output = true `output` Tensor (V or labels, D)
-- @raise if the file cannot be read or is malformed, naming path and position
-- source: https://fasttext.cc
function fasttext.load(path, opt)
  local values = format.load("fasttext", path, opt)
  local more = {labels = values.labels, output = values.output}
  if not values.buckets then return KeyedVectors(values.vocab, values.matrix), more end
  local subwords = {buckets = values.buckets, minn = values.lengths[0], maxn = values.lengths[1]}
  return KeyedVectors(values.vocab, values.matrix, {subwords = subwords}), more
end

return fasttext
