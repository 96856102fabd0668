-- io.fasttext: fastText's vectors and models. The models in tests/data/vectors are fastText 0.9.2's, trained on three
-- lines; skipgram.printed is what its print-word-vectors says, with five digits.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local fasttext = embla.io.fasttext

local FOLDER = "tests/data/vectors/"

t.test("vectors are fastText's, also of words that the model lacks", function()
  local kv, more = fasttext.load(FOLDER .. "skipgram.bin")
  t.equal({#kv, kv.dim, kv.subwords.minn, kv.subwords.maxn}, {18, 4, 2, 4})
  t.equal(more, {})
  local words, rows = {}, {}
  for line in io.lines(FOLDER .. "skipgram.printed") do
    local word, a, b, c, d = line:match "^(%S+) (%S+) (%S+) (%S+) (%S+)"
    words[#words + 1], rows[#rows + 1] = word, {tonumber(a), tonumber(b), tonumber(c), tonumber(d)}
    t.close(kv:vector(word), rows[#rows], 6e-5)
    t.close(kv[word], rows[#rows], 6e-5)
  end
  t.equal(#words, 10)
  t.close(kv:vectors(words), rows, 6e-5)
  t.equal({kv:contains "cat", kv:contains "cats", kv:id "cats"}, {true, false, nil})
  t.equal(tostring(kv), "KeyedVectors(18 words, 4 numbers each, n-grams for others)")
  t.equal(kv.vocab:count "the", 9)
end)

-- The same words asked of gensim 4.2's load_facebook_vectors, nine digits.
t.test("vectors are gensim's", function()
  local kv = fasttext.load(FOLDER .. "skipgram.bin")
  t.close(kv["the"], {-0.0192688312, 0.0229566861, -0.0176266767, -0.00594175002}, 1e-7)
  t.close(kv["cats"], {-0.00189063733, 0.0025228383, -0.00134021265, -0.000882877735}, 1e-6)
  t.close(kv["zebra"], {-0.00207680929, 0.00285140472, -0.00163187645, -0.000958694029}, 1e-6)
  t.close(kv["é"], {-0.000904640183, 0.00126695388, -0.000431035558, -0.000586658716}, 1e-6)
end)

t.test("a word without n-grams is zeros, as fastText has it", function()
  t.equal(fasttext.load(FOLDER .. "skipgram.bin"):vector "", {0, 0, 0, 0})
end)

t.test("labels and the table of the output are given when they are there", function()
  local kv, more = fasttext.load(FOLDER .. "supervised.bin", {output = true})
  t.equal(more.labels:words(), {"__label__a", "__label__b"})
  t.equal(more.output.shape, {2, 3})
  t.close(kv["good"], {-0.0070179, 0.016293, 0.0041192}, 6e-5)
  t.equal(select(2, fasttext.load(FOLDER .. "supervised.bin")).output, nil)
end)

t.test("text is read too", function()
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write "2 2\nthe 0.5 1 \n</s> 2 3 \n"
  file:close()
  local kv = fasttext.load(path)
  t.equal(kv.vocab:words(), {"the", "</s>"})
  t.equal(kv.matrix, {{0.5, 1}, {2, 3}})
  t.equal(kv.subwords, false)
  os.remove(path)
end)

t.test("what is no such file is refused", function()
  local path = os.tmpname()
  local from <close> = assert(io.open(FOLDER .. "skipgram.bin", "rb"))
  local file <close> = assert(io.open(path, "wb"))
  file:write(from:read(1000))
  file:close()
  t.raises(function() fasttext.load(path) end, "test_fasttext.lua", path .. ": byte ", "elements")
  t.raises(function() fasttext.load(path, {binary = true}) end, "io.fasttext.load: unknown option 'binary'")
  t.raises(function() fasttext.load() end, "io.fasttext.load: argument path: expected a path, got nil")
  os.remove(path)
end)

t.finish()
