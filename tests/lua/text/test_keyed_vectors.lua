-- text.KeyedVectors: vectors by words, and what is like what.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local KeyedVectors = embla.text.KeyedVectors

local function small()
  return KeyedVectors({"north", "east", "zero", "northeast"}, embla.tensor {{0.0, 2}, {3, 0}, {0, 0}, {1, 1}})
end

-- ---- asking ----------------------------------------------------------------------------------------------------

t.test("vectors are had by words", function()
  local kv = small()
  t.equal(kv["east"], {3, 0})
  t.equal(kv:vector "north", {0, 2})
  t.equal(kv:vectors {"east", "zero", "east"}, {{3, 0}, {0, 0}, {3, 0}})
  t.equal(kv:vectors({}).shape, {0, 2})
  t.equal({#kv, kv.dim, kv.vector_size, kv:id "zero", kv:word(3)}, {4, 2, 2, 2, "northeast"})
  t.equal({kv:contains "zero", kv:contains "west"}, {true, false})
  t.equal(kv:id "west", nil)
  t.equal(kv.matrix.shape, {4, 2})
  t.equal(kv.vocab:words(), {"north", "east", "zero", "northeast"})
  t.equal(tostring(kv), "KeyedVectors(4 words, 2 numbers each)")
end)

t.test("a word that is the name of a method is had by vector()", function()
  local kv = KeyedVectors({"save", "dim", "unit", "subwords", "init"}, embla.eye(5))
  t.equal(type(kv["save"]), "function")
  t.equal(kv["dim"], 5)
  t.equal(kv["subwords"], false)
  for i, word in ipairs {"save", "dim", "unit", "subwords", "init"} do t.equal(kv:vector(word)[i - 1], 1) end
  t.equal(kv["unit"], {0, 0, 1, 0, 0})
  kv:normalized()
  t.equal(kv["unit"], {0, 0, 1, 0, 0})
end)

t.test("a word that it lacks is told with the nearest spellings", function()
  local kv = small()
  t.raises(function() return kv["norht"] end, "test_keyed_vectors.lua",
           'KeyedVectors: the word "norht" is not among the 4 words, did you mean "north"?')
  t.raises(function() kv:vector "est" end, 'KeyedVectors.vector: the word "est"', 'did you mean "east"?')
  t.raises(function() kv:vectors {"east", "qqqqqqq"} end, 'the word "qqqqqqq" is not among the 4 words')
  t.raises(function() kv:similarity("east", "West") end, 'KeyedVectors.similarity: the word "West"', '"east"')
  t.raises(function() kv:most_similar "wast" end, 'KeyedVectors.most_similar: the word "wast"')
  t.raises(function() return kv[1] end, "KeyedVectors: expected a word in [ ], got 1")
  t.raises(function() kv:vector(3) end, "KeyedVectors.vector: argument word: expected a string, got 3")
  t.raises(function() kv:vectors {"east", 3} end, "expected a string, got 3")
end)

t.test("what does not fit is refused", function()
  local m = embla.ones(2, 3)
  t.raises(function() KeyedVectors({"a"}, m) end, "1 words and a matrix of shape (2, 3) (expected (1, D))")
  t.raises(function() KeyedVectors({"a", "a"}, m) end, 'word "a" stands twice')
  t.raises(function() KeyedVectors({"a", 2}, m) end, "word 2: expected a string, got 2")
  t.raises(function() KeyedVectors("ab", m) end, "expected a Vocab or a list of words")
  t.raises(function() KeyedVectors({"a", "b"}, "m") end, "expected a tensor (2, D)")
  t.raises(function() KeyedVectors({"a", "b"}, embla.ones(2)) end, "a matrix of shape (2)")
  t.raises(function() KeyedVectors({"a", "b"}, m:long()) end, "expected floats, got int64")
  t.raises(function() KeyedVectors({"a", "b"}, m, {subwords = {}}) end, "argument subwords")
  t.raises(function() KeyedVectors({"a", "b"}, m, {subwords = {buckets = embla.ones(4, 2), minn = 1, maxn = 2}}) end,
           "buckets of shape (4, 2) for vectors of 3 numbers")
end)

t.test("words that it lacks have vectors by their n-grams", function()
  local subwords = {buckets = embla.tensor {{4.0, 8}}, minn = 2, maxn = 2}
  local kv = KeyedVectors({"ab"}, embla.tensor {{1.0, 2}}, {subwords = subwords})
  t.equal(kv["ab"], {1, 2})
  t.equal(kv["cd"], {4, 8})
  t.equal(kv:vectors {"x", "ab", "y"}, {{4, 8}, {1, 2}, {4, 8}})
  t.equal(kv:contains "cd", false)
end)

t.test("a vector is a copy, the matrix is shared", function()
  local m = embla.tensor {{1.0, 2}}
  local kv = KeyedVectors({"a"}, m)
  kv["a"]:fill_(9)
  t.equal(kv["a"], {1, 2})
  m:fill_(5)
  t.equal(kv["a"], {5, 5})
end)

t.test("vectors outlast a scope", function()
  local kv
  do
    local _ <close> = embla.scope()
    kv = KeyedVectors({"a", "b"}, embla.tensor {{1.0, 2}, {3, 4}})
    kv:most_similar "a"
  end
  t.equal(kv["b"], {3, 4})
  t.equal(kv:most_similar("a")[1].word, "b")
end)

t.test("an Embedding shares the table", function()
  local kv = small()
  local layer = kv:embedding()
  t.equal(layer(embla.LongTensor {3, 1}), {{1, 1}, {3, 0}})
  t.equal({layer.weight.requires_grad, kv:embedding({freeze = false}).weight.requires_grad}, {false, true})
end)

-- ---- likeness --------------------------------------------------------------------------------------------------

t.test("similarity is the cosine, 0 of zeros", function()
  local kv = small()
  t.close(kv:similarity("north", "northeast"), math.sqrt(0.5), 1e-6)
  t.equal(kv:similarity("north", "east"), 0)
  t.equal(kv:similarity("north", "zero"), 0)
  t.equal(kv:similarity("zero", "zero"), 0)
end)

t.test("the most similar leave out what was asked with; equal ones come in the order of ids", function()
  local kv = small()
  local list = kv:most_similar "northeast"
  t.equal({#list, list[1].word, list[2].word, list[3].word}, {3, "north", "east", "zero"})
  t.equal({list[1].id, list[2].id, list[3].id, list[3].score}, {0, 1, 2, 0})
  t.close(list[1].score, math.sqrt(0.5), 1e-6)
  t.equal(#kv:most_similar("northeast", {topn = 2}), 2)
  t.equal(#kv:most_similar("northeast", {topn = 0}), 0)
  t.equal(kv:most_similar(embla.tensor {5.0, 5}, {topn = 1})[1].word, "northeast")
  t.equal(kv:most_similar({positive = {"north", "east"}})[1].word, "northeast")
  t.equal(kv:most_similar({positive = {"northeast"}, negative = "north"}, {topn = 1})[1].word, "east")
  t.equal(kv:most_similar({positive = "north", topn = 1})[1].word, "northeast")
  t.raises(function() kv:most_similar() end, "expected a word, a vector, or lists of them, got none")
  t.raises(function() kv:most_similar(embla.ones(3)) end, "expected words or vectors of 2 numbers, got a tensor")
  t.raises(function() kv:most_similar("north", {topm = 2}) end, "did you mean 'topn'?")
end)

t.test("lengths are taken anew when the matrix has changed", function()
  local kv = small()
  t.equal(kv:most_similar("north", {topn = 1})[1].word, "northeast")
  kv.matrix[1] = embla.tensor {0.0, 7}
  t.equal(kv:most_similar("north", {topn = 1})[1].word, "east")
  kv.matrix = embla.tensor {{1.0, 0}, {0, 1}, {1, 0}, {0, 1}}
  t.equal(kv:most_similar("north", {topn = 1})[1].word, "zero")
end)

-- gensim 4.2: KeyedVectors.load_word2vec_format("gensim.txt"), then .most_similar and .similarity.
t.test("likeness is gensim's", function()
  local kv = KeyedVectors.load "tests/data/vectors/gensim.txt"
  local function check(list, want)
    t.equal(#list, #want)
    for i, record in ipairs(list) do
      t.equal(record.word, want[i][1])
      t.close(record.score, want[i][2], 0, 1e-6)
      t.equal(kv:word(record.id), record.word)
    end
  end
  check(kv:most_similar("king", {topn = 3}), {{"queen", 0.99513769}, {"the", 0.26775613}, {"café", 0.06689445}})
  check(kv:most_similar({positive = {"king", "woman"}, negative = {"man"}}, {topn = 3}),
        {{"queen", 0.65023178}, {"apple", 0.3181099}, {"the", 0.20615321}})
  check(kv:most_similar(embla.tensor {1, -.5, .25, 0, 2}, {topn = 2}), {{"queen", 0.81482345}, {"king", 0.801449}})
  check(kv:most_similar({negative = {"the"}}, {topn = 2}), {{"man", 0.64661348}, {"woman", 0.56720155}})
  t.close(kv:similarity("king", "queen"), 0.9951376, 0, 1e-6)
  t.close(kv:similarity("apple", "café"), -0.41437086, 0, 1e-6)
end)

-- ---- changing --------------------------------------------------------------------------------------------------

t.test("words are added, or take other vectors", function()
  local kv = small()
  local vocab, m = kv.vocab, kv.matrix
  t.equal(rawequal(kv:add({"south", "west"}, embla.tensor {{0.0, -1}, {-1, 0}}), kv), true)
  t.equal({#kv, kv:id "west", kv["south"]:tolist(), kv["east"]:tolist()}, {6, 5, {0, -1}, {3, 0}})
  t.equal({#vocab, m.shape}, {4, {4, 2}})                                -- others' stay
  kv:add({"up", "east"}, embla.tensor {{5.0, 5}, {4, 0}}, {replace = true})
  t.equal({#kv, kv["up"]:tolist(), kv["east"]:tolist(), m[1]:tolist()}, {7, {5, 5}, {4, 0}, {3, 0}})
  kv:add("down", embla.tensor {1.0, 2})
  t.equal(kv["down"], {1, 2})
  t.equal(kv:most_similar("up", {topn = 1})[1].word, "northeast")
  t.raises(function() kv:add({"east"}, embla.ones(1, 2)) end, 'KeyedVectors.add: the word "east" is there')
  t.raises(function() kv:add({"a"}, embla.ones(1, 3)) end, "vectors of 3 numbers to those of 2")
  t.raises(function() kv:add({"a", "b"}, embla.ones(1, 2)) end, "2 words and a matrix of shape (1, 2)")
  t.equal(#kv, 8)
end)

t.test("words of both take the other's vectors", function()
  local kv = small()
  local other = KeyedVectors({"west", "east", "north"}, embla.tensor {{9.0, 9}, {1, 2}, {3, 4}})
  t.equal(kv:intersect(other), 2)
  t.equal({#kv, kv["east"]:tolist(), kv["north"]:tolist(), kv["northeast"]:tolist()}, {4, {1, 2}, {3, 4}, {1, 1}})
  local path = os.tmpname()
  other:save(path)
  t.equal(small():intersect(path), 2)
  os.remove(path)
  t.equal(kv:intersect(KeyedVectors({"up"}, embla.ones(1, 2))), 0)
  t.raises(function() kv:intersect(KeyedVectors({"east"}, embla.ones(1, 3))) end, "vectors of 3 numbers to those of 2")
  t.raises(function() kv:intersect(7) end, "expected KeyedVectors or a path, got 7")
end)

t.test("turned vectors are turned back", function()
  local angle = 0.7
  local turn = embla.tensor {{math.cos(angle), math.sin(angle)}, {-math.sin(angle), math.cos(angle)}}
  local theirs, ours = small(), small()
  ours.matrix = theirs.matrix:matmul(turn)
  ours:add("south", embla.tensor {0.0, -1})
  local before = ours:similarity("south", "northeast")
  t.equal(rawequal(ours:align(theirs), ours), true)
  t.close(ours.matrix[{{0, 4}}], theirs.matrix:tolist(), 0, 1e-6)
  t.close(ours:similarity("south", "northeast"), before, 0, 1e-6)
  ours.matrix = theirs.matrix:matmul(turn)
  ours.vocab = theirs.vocab
  t.close(ours:align(theirs, {"north", "east"}).matrix, theirs.matrix:tolist(), 0, 1e-6)
  t.raises(function() ours:align(theirs, {"up"}) end, 'KeyedVectors.align: the word "up"')
  t.raises(function() ours:align(KeyedVectors({"up"}, embla.ones(1, 2))) end, "is there one that both have?")
  t.raises(function() ours:align(KeyedVectors({"up"}, embla.ones(1, 3))) end, "vectors of 2 numbers")
end)

t.test("normalized, all lengths are 1 but those of zeros", function()
  local kv = small()
  local m = kv.matrix
  t.equal(rawequal(kv:normalize(), kv), true)
  t.close(kv.matrix:norm(2, 1):tolist(), {1, 1, 0, 1}, 1e-6)
  t.equal(m[1], {3, 0})
end)

-- ---- files -----------------------------------------------------------------------------------------------------

t.test("what is saved is loaded", function()
  local path, kv = os.tmpname(), small()
  for _, binary in ipairs {true, false} do
    kv:save(path, {binary = binary})
    local got = KeyedVectors.load(path)
    t.same_bits(got.matrix, kv.matrix)
    t.equal(got.vocab:words(), kv.vocab:words())
  end
  t.raises(function() kv:save() end, "io.word2vec.save: argument path: expected a path, got nil")
  os.remove(path)
end)

t.test("embla.save keeps them, and a mapped file answers as they do", function()
  local path, kv = os.tmpname(), KeyedVectors.load "tests/data/vectors/gensim.txt"
  embla.save(path, {kv = kv})
  for _, map in ipairs {false, true} do
    local got = embla.load(path, {map = map}).kv
    t.same_bits(got.matrix, kv.matrix)
    t.equal({got:most_similar "king"}, {kv:most_similar "king"})
    t.equal(got:embedding()(embla.tensor {got:id "king"}):tolist(), {kv["king"]:tolist()})
  end
  local model = embla.io.fasttext.load "tests/data/vectors/skipgram.bin"
  embla.save(path, model)
  t.same_bits(embla.load(path):vector "unseenword", model:vector "unseenword")
  os.remove(path)
end)

t.finish()
