-- Options that C describes: as rows for a spec, and read from a table into what they are for.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"
local options = require "embla.arguments.options"
local text = embla.text

local function row(rows, name)
  for _, each in ipairs(rows) do
    if each.name == name then return each end
  end
end

t.test("a description says kind, default, range or choices", function()
  local window, dtype = row(core.skipgram_options, "window"), row(core.skipgram_options, "dtype")
  t.equal({window.kind, window.initial, window.range, window.choices}, {"int", "5", "[1, 1000]"})
  t.equal({dtype.kind, dtype.initial, dtype.range}, {"dtype", "int64"})
  t.equal(dtype.choices, {"int64", "int32"})
  t.equal(row(core.word2vec_options, "model").choices, {"skipgram", "cbow"})
end)

t.test("rows of a spec have defaults as values", function()
  local rows = options.rows(core.skipgram_options)
  t.equal({row(rows, "window").default, math.type(row(rows, "window").default)}, {5, "integer"})
  t.equal(row(rows, "sample").default, 0.001)
  t.equal({row(rows, "seed").default, row(rows, "seed").required}, {nil, false})
  t.equal(row(options.rows(core.corpus_options), "digits").default, true)
end)

local path = os.tmpname()
do
  local file <close> = assert(io.open(path, "w"))
  file:write("a b a c\nb a d a\n")
end
local corpus = text.Corpus(path)

t.test("each kind of value finds its field", function()
  local function batch(opt)
    return text.SkipGram(corpus, opt):iter()()
  end
  local centre, targets = batch {sample = 0, negative = 3, batch_size = 2, dtype = "int32", seed = 1, window = 1}
  t.equal({centre.dtype, targets.dtype, centre:size(0), targets:size(1)}, {"int32", "int32", 2, 4})
  t.equal(batch({sample = 0, batch_size = 2, window = 1}).dtype, "int64")
  local one = text.Corpus(path, {split = "blanks", sentence = "file", max_words = 5, min_count = 2})
  t.equal({one.words, #one, one:sentences(), #one.vocab}, {5, 4, 1, 2})       -- a b a c b without c
  t.equal(#text.Corpus(path, {max_size = 1}).vocab, 1)
end)

t.test("a value of another kind is refused by name", function()
  local v, c = embla.zeros(#corpus.vocab, 2), embla.zeros(#corpus.vocab, 2)
  for opt, message in pairs {
    [{model = "glove"}] = "Word2Vec: option model: expected one of skipgram, cbow, got \"glove\"",
    [{window = 1.5}] = "Word2Vec: option window: expected an integer, got 1.5",
    [{lr = "1"}] = "Word2Vec: option lr: expected a number, got \"1\"",
    [{lr = -1}] = "Word2Vec: option lr: expected a number >= 0, got -1",
    [{shared_negatives = 1}] = "Word2Vec: option shared_negatives: expected true or false, got 1",
  } do
    t.raises(function() core.word2vec_new(corpus.handle, v, c, opt) end, message)
  end
  t.raises(function() core.skipgram_new(corpus.handle, {dtype = "int8"}) end,
           "SkipGram: option dtype: expected a dtype (float32, float64, int64, ...), got \"int8\"")
end)

os.remove(path)
t.finish()
