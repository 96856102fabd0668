-- Sentences in memory as one stream of ids, as core.corpus_from_ids takes it (for Corpus.build).

local Vocab = require "embla.text.vocab"
local core = require "embla.core"
local creation = require "embla.tensor.creation"
local dtypes = require "embla.arguments.dtypes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local sentences = {}

local SKIPPED, END = -1, -2     -- EM_CORPUS_SKIPPED, EM_CORPUS_END

-- A text in which each byte that is not UTF-8 is U+FFFD.
local function repaired(text)
  local parts, from = {}, 1
  repeat
    local whole, bad = utf8.len(text, from)
    parts[#parts + 1] = text:sub(from, whole and -1 or bad - 1)
    if not whole then parts[#parts + 1], from = "\u{FFFD}", bad + 1 end
  until whole
  return table.concat(parts)
end

local function each_char(sentence, at, f)
  if type(sentence) ~= "string" then
    raise("Corpus: sentence %d: expected a string, got %s", at, options.show(sentence))
  end
  for char in (utf8.len(sentence) and sentence or repaired(sentence)):gmatch(utf8.charpattern) do f(char) end
end

local function each_word(sentence, at, f)
  if type(sentence) ~= "table" then
    raise("Corpus: sentence %d: expected a list of words, got %s", at, options.show(sentence))
  end
  for i = 1, #sentence do
    local word = sentence[i]
    if type(word) ~= "string" then
      raise("Corpus: word %d of sentence %d: expected a string, got %s", i, at, options.show(word))
    end
    f(word)
  end
end

-- Calls f with each sentence of a list or an iterator, and its number from 1.
local function each_sentence(source, f)
  if type(source) == "table" then
    for i = 1, #source do f(source[i], i) end
  elseif type(source) == "function" then
    local n = 0
    for sentence in source do
      n = n + 1
      f(sentence, n)
    end
  else
    raise("Corpus: argument sentences: expected a list of sentences, a tensor or an iterator, got %s",
          options.show(source))
  end
end

--- Numbers the words of sentences.
-- @param source list of sentences or iterator; with unit = "char" also one string
-- @param o      {unit, vocab, unknown}
-- @return Tensor (T) int32; Vocab; whether it is new, to be trimmed
function sentences.of_words(source, o)
  local chars = o.unit == "char"
  if chars and type(source) == "string" then source = {source} end
  local vocab = o.vocab or Vocab({}, {unknown = o.unknown})
  local ids, n = {}, 0
  local handle, add, find = vocab.handle, core.vocab_add, core.vocab_find
  local other = vocab.unknown and find(handle, vocab.unknown) or SKIPPED
  local function put(word)
    n = n + 1
    ids[n] = o.vocab and (find(handle, word) or other) or not o.vocab and add(handle, word, 1)
  end
  each_sentence(source, function(sentence, at)
    (chars and each_char or each_word)(sentence, at, put)
    n = n + 1
    ids[n] = END
  end)
  return core.tensor(ids, "int32"), vocab, not o.vocab
end

-- A vocabulary of the numbers that occur, each at its own id.
local function numbers(ids, most)
  local vocab = Vocab {}
  if most < 0 then return vocab end
  if most >= ids:numel() * 100 + 1000000 then
    raise("Corpus: id %d is too large to number all below it for %d words; give a vocab", most, ids:numel())
  end
  for id, count in ipairs(ids:bincount():tolist()) do core.vocab_add(vocab.handle, tostring(id - 1), count) end
  return vocab
end

-- Where rows of L go on behind their lengths: mask (N, L).
local function behind(lengths, N, L)
  if not core.is_tensor(lengths) then lengths = creation.tensor(lengths) end
  if lengths:dim() ~= 1 or lengths:size(0) ~= N or N > 0 and not dtypes.IS_INTEGER[lengths.dtype] then
    raise("Corpus: option lengths: expected %d integers, one for each row", N)
  end
  if N > 0 and (lengths:min():item() < 0 or lengths:max():item() > L) then
    raise("Corpus: option lengths: expected numbers from 0 to %d, the length of a row", L)
  end
  return creation.arange(L):unsqueeze(0):ge(lengths:long():unsqueeze(1))
end

--- The rows of a tensor of ids.
-- @param ids Tensor (T) or (N, L) of integers, a row a sentence
-- @param o   {vocab; lengths: how much of each row counts, list or Tensor (N); padding: the id that is none, which
--            parts sentences like the end of a row}
-- @return Tensor (T) int32; Vocab; false
function sentences.of_tensor(ids, o)
  if not dtypes.IS_INTEGER[ids.dtype] or ids:dim() < 1 or ids:dim() > 2 then
    raise("Corpus: argument sentences: expected a tensor (T) or (N, L) of integers, got %s", options.show(ids))
  end
  local rows = ids:long()
  if rows:dim() == 1 then rows = rows:unsqueeze(0) end
  local N, L = rows:size(0), rows:size(1)
  local none = creation.zeros(N, L, {dtype = "bool"})
  if o.padding then none = rows:eq(o.padding) end
  if o.lengths then none = none:logical_or(behind(o.lengths, N, L)) end
  local kept = rows:masked_select(none:logical_not())
  local least, most = 0, -1
  if kept:numel() > 0 then least, most = kept:min():item(), kept:max():item() end
  if least < 0 then raise("Corpus: id %d is out of range (ids count from 0)", least) end
  if o.vocab and most >= #o.vocab then
    raise("Corpus: id %d is out of range for %d words (ids count from 0)", most, #o.vocab)
  end
  local vocab = o.vocab or numbers(kept, most)
  local ends = creation.full({N, 1}, END, "int64")
  return core.ops.cat({rows:masked_fill(none, END), ends}, 1):flatten():int(), vocab, false
end

return sentences
