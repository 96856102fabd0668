-- text.Corpus: files of text as word ids.

local Vocab = require "embla.text.vocab"
local class = require "embla.base.class"
local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local rows = options.rows(core.corpus_options)
table.insert(rows, 6, {name = "vocab", type = "table",
                       doc = "Vocab to encode with; left out, the text's own words are counted"})
table.insert(rows, 7, {name = "unknown", type = "string",
                       doc = "word 0 of a new vocabulary, for words left out; otherwise they are skipped"})
local spec = options.spec("Corpus", rows)

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
  if o.vocab and not (getmetatable(o.vocab) == Vocab and o.vocab.handle) then
    raise("Corpus: option vocab: expected a Vocab, got %s", options.show(o.vocab))
  end
  if o.lower == nil then o.lower = o.split == "words" end
  self.handle = core.corpus_read(list, o, o.vocab and o.vocab.handle, o.unknown)
  local vocab
  vocab, self.words, self.bytes, self.size, self.count = core.corpus_parts(self.handle)
  self.vocab = o.vocab or Vocab:allocate():adopt(vocab)
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
