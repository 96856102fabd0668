-- text.Corpus: files of text, and sentences in memory, as word ids.

local Vocab = require "embla.text.vocab"
local class = require "embla.base.class"
local core = require "embla.core"
local in_memory = require "embla.text.sentences"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local rows = options.rows(core.corpus_options)
table.insert(rows, 6, {name = "vocab", type = "table",
                       doc = "Vocab to encode with; left out, the text's own words are counted"})
table.insert(rows, 7, {name = "unknown", type = "string",
                       doc = "word 0 of a new vocabulary, for words left out; otherwise they are skipped"})
local spec = options.spec("Corpus", rows)

local build_spec = options.spec("Corpus", {
  {name = "unit", choices = {"word", "char"}, default = "word",
   doc = "what a word is: an entry of a list, or a code point"},
  {name = "vocab", type = "table", doc = "Vocab to encode with; left out, the words are counted"},
  {name = "unknown", type = "string",
   doc = "word 0 of a new vocabulary, for words left out; otherwise they are skipped"},
  {name = "min_count", type = "integer", default = 1, range = ">= 0",
   doc = "a new vocabulary: words counted less often are left out"},
  {name = "max_size", type = "integer", range = ">= 0", doc = "a new vocabulary: at most so many words"},
  {name = "lengths", doc = "of a tensor's rows: list or Tensor (N) of integers"},
  {name = "padding", type = "integer", doc = "the id in a tensor that stands for no word"},
})

--- Text as word ids, sentence by sentence. Read, split, counted and encoded in C; no word of it becomes a Lua string.
-- Text is UTF-8; words are in composed form (NFC); bytes that are not UTF-8 part words (split = "blanks": each
-- becomes U+FFFD); a word of more than 255 bytes is cut there. By Unicode's rule for words, combining marks and the
-- joiners U+200C and U+200D stay in the word they follow, the zero width space U+200B parts words, and other invisible
-- format characters (soft hyphen, byte order mark, marks of direction) are left out; split = "blanks" keeps them all.
--
-- Fields: `vocab` Vocab; `ids` Tensor (T) int32; `starts` Tensor (S + 1) int64, sentence s is ids[starts[s]] up to
-- before ids[starts[s + 1]]; `words` and `bytes` read. # is T. `ids` and `starts` are copies, made when first asked
-- for: what is written to them does not change the corpus.
local Corpus = class "Corpus"

function Corpus.__index(self, key)
  if key == "ids" or key == "starts" then
    local ids, starts = core.corpus_ids(self.handle)
    self.ids, self.starts = core.handle(ids), core.handle(starts)       -- which outlast a scope around the call
  end
  local own = rawget(self, key)
  if own ~= nil then return own end
  return Corpus[key]
end

local function check_vocab(vocab)
  if vocab and not (getmetatable(vocab) == Vocab and vocab.handle) then
    raise("Corpus: option vocab: expected a Vocab, got %s", options.show(vocab))
  end
end

local function list_of_paths(paths)
  if type(paths) == "string" then return {paths} end
  if type(paths) ~= "table" then
    raise("Corpus: argument paths: expected a path or a list of paths, got %s", options.show(paths))
  end
  local list = {}
  for i, path in ipairs(paths) do
    if type(path) ~= "string" then raise("Corpus: path %d: expected a string, got %s", i, options.show(path)) end
    list[i] = path
  end
  return list
end

--- Reads files one after the other.
-- @param paths path, or list of paths
-- @param opt   {split = "words", sentence = "line", lower, digits = true, punctuation = false, vocab, unknown,
--               min_count = 1, max_size, max_words}
-- @raise if a file cannot be read (with its path) or an option does not fit
function Corpus:init(paths, opt)
  local o = spec.read(opt)
  local list = list_of_paths(paths)
  check_vocab(o.vocab)
  if o.lower == nil then o.lower = o.split == "words" end
  self.handle = core.corpus_read(list, o, o.vocab and o.vocab.handle, o.unknown)
  local vocab
  vocab, self.words, self.bytes, self.size, self.count = core.corpus_parts(self.handle)
  self.vocab = o.vocab or Vocab:allocate():adopt(vocab)
end

--- Sentences that are in memory: lists of words, ids in a tensor, or a function that gives them one by one.
-- Words are taken as they are. With unit = "char" each sentence is a string and its Unicode code points are the words;
-- a byte that is not UTF-8 becomes U+FFFD. The ids of a tensor stay as they are: those of `vocab`, or, without one, of
-- a new vocabulary of the numbers "0", "1", … up to the largest.
-- @param sentences list of sentences, or iterator that gives them; or Tensor (T) or (N, L) of integers, a row a
--                  sentence. With unit = "char" also a single string
-- @param opt       {unit = "word", vocab, unknown, min_count = 1, max_size}; for a tensor {vocab, lengths, padding}
-- @return Corpus; its `bytes` are 0
-- @raise if something is no word, an id is out of range, or an option does not fit
function Corpus.build(sentences, opt)
  local o = build_spec.read(opt)
  check_vocab(o.vocab)
  local self = Corpus:allocate()
  local ids, vocab, trim
  if core.is_tensor(sentences) then
    for _, name in ipairs {"unknown", "max_size"} do
      if o[name] then raise("Corpus: option %s: a tensor's ids stay as they are", name) end
    end
    if o.min_count ~= 1 or o.unit ~= "word" then
      raise "Corpus: options min_count and unit: a tensor's ids stay as they are"
    end
    ids, vocab, trim = in_memory.of_tensor(sentences, o)
  else
    for _, name in ipairs {"lengths", "padding"} do
      if o[name] then raise("Corpus: option %s: only with a tensor of ids", name) end
    end
    ids, vocab, trim = in_memory.of_words(sentences, o)
  end
  self.handle = core.corpus_from_ids(ids, vocab.handle, trim, o.min_count, o.max_size or -1)
  self.vocab = vocab
  self.words, self.bytes, self.size, self.count = select(2, core.corpus_parts(self.handle))
  return self
end

function Corpus.__len(self) return self.size end

--- Number of sentences.
-- @return integer
function Corpus:sentences() return self.count end

--- The ids of one sentence.
-- @param at position of the sentence, from 0; negative ones count from the end
-- @return Tensor (n) int32, a view
-- @raise if there is no such sentence
function Corpus:sentence(at)
  local n = self:sentences()
  local i = math.tointeger(at) or raise("Corpus: sentence: argument at: expected the position of a sentence, got %s",
                                        options.show(at))
  if i < 0 then i = i + n end
  if i < 0 or i >= n then raise("Corpus: sentence %d is out of range for %d sentences (they count from 0)", at, n) end
  return self.ids[{ {self.starts[i], self.starts[i + 1]} }]
end

function Corpus.__tostring(self)
  return ("Corpus(%d words, %d sentences, %d types)"):format(#self, self:sentences(), #self.vocab)
end

return Corpus
