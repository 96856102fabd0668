-- KeyedVectors' questions of likeness. Numbers are gensim 4.2's of the same file, unless they are worked by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local KeyedVectors = embla.text.KeyedVectors

local function words() return KeyedVectors.load "tests/data/vectors/gensim.txt" end

local function check(list, want)
  t.equal(#list, #want)
  for i, record in ipairs(list) do
    t.equal({i, record.word}, {i, want[i][1]})
    t.close(record.score, want[i][2], 0, 1e-6)
  end
end

-- ---- gensim's ---------------------------------------------------------------------------------------------------

t.test("products of cosines", function()
  check(words():most_similar_cosmul({positive = {"king", "woman"}, negative = {"man"}}, {topn = 3}),
        {{"queen", 1.20034993}, {"the", 0.77631682}, {"apple", 0.72224194}})
  t.raises(function() words():most_similar_cosmul {positive = {{"king", 2}}} end, "words have no weights here")
end)

t.test("weights, some words alone, vectors", function()
  local kv = words()
  -- gensim wants the weight of a negative word below 0: -0.5 there
  check(kv:most_similar {positive = {{"king", 2.0}, "woman"}, negative = {{"man", 0.5}}, topn = 3},
        {{"queen", 0.89900088}, {"apple", 0.27166951}, {"the", 0.14280677}})
  check(kv:most_similar("king", {topn = 3, restrict_vocab = 4}),
        {{"queen", 0.99513763}, {"the", 0.26775613}, {"man", -0.49213845}})
  check(kv:similar_by_vector(kv["king"] * 3 + kv["apple"], {topn = 3}),
        {{"queen", 0.99215245}, {"king", 0.98220974}, {"the", 0.16078475}})
  check(kv:similar_by_word("king", {topn = 1}), {{"queen", 0.99513763}})
  check(kv:most_similar("king", {restrict = {"man", "the", "king"}}), {{"the", 0.26775613}, {"man", -0.49213845}})
end)

t.test("numbers of two words and of sets", function()
  local kv = words()
  t.close(kv:n_similarity({"king", "queen"}, {"man", "woman"}), -0.6354604959487915, 0, 1e-6)
  t.close(kv:distance("king", "man"), 1.4921384155750275, 0, 1e-6)
  t.close(kv:distances("king"), {0.7322438955307007, 0, 0.004862308502197266, 1.492138385772705, 1.4967272281646729,
                                 1.0463707447052002, 0.9331055879592896}, 0, 1e-6)
  t.close(kv:distances("king", {"man", "apple"}), {1.492138385772705, 1.0463707447052002}, 0, 1e-6)
  t.close(kv:relative_cosine_similarity("king", "queen", {topn = 3}), 0.7483429020654074, 0, 1e-6)
end)

t.test("what does not go with the others, what is nearer", function()
  local kv = words()
  t.equal({kv:doesnt_match {"king", "queen", "apple"}, kv:doesnt_match {"man", "woman", "the", "apple"}},
          {"apple", "the"})
  t.equal(kv:closer_than("king", "man"), {"the", "queen", "apple", "café"})
  t.equal({kv:rank("king", "man"), kv:rank("king", "queen")}, {5, 1})
end)

-- ---- by hand -----------------------------------------------------------------------------------------------------

local function small()
  return KeyedVectors({"north", "east", "zero", "northeast"}, embla.tensor {{0.0, 2}, {3, 0}, {0, 0}, {1, 1}})
end

t.test("a filter is asked until there are enough", function()
  local n = 300
  local list = {}
  for i = 1, n do list[i] = "w" .. i end
  local kv = KeyedVectors(list, embla.stack({embla.ones(n), embla.arange(n):float()}, 1))
  local asked = 0
  local found = kv:similar_by_vector(embla.tensor {1.0, 0}, {topn = 2, filter = function(word, id)
    t.equal(word, "w" .. id + 1)
    asked = asked + 1
    return id % 100 == 99
  end})
  t.equal({#found, found[1].id, found[2].id, asked}, {2, 99, 199, 200})
  t.equal(#kv:most_similar("w1", {filter = function() return false end}), 0)
  t.raises(function() kv:most_similar("w1", {filter = function() error("no luck", 0) end}) end, "no luck")
end)

t.test("zeros have the cosine 0 with all, NaN is no answer", function()
  local kv = small()
  local list = kv:most_similar "zero"
  t.equal({#list, list[1].word, list[1].score, list[3].word, list[3].score}, {3, "north", 0, "northeast", 0})
  kv.matrix[1] = embla.tensor {0 / 0, 1}
  list = kv:most_similar "north"
  t.equal({#list, list[1].word, list[2].word}, {2, "northeast", "zero"})
  t.equal(kv:most_similar "east", {})
  t.equal(#kv:most_similar_cosmul "north", 2)
end)

t.test("more than there are, none, and an empty vocabulary", function()
  local kv = small()
  t.equal({#kv:most_similar("north", {topn = 100}), #kv:most_similar("north", {topn = 0})}, {3, 0})
  t.equal(tostring(kv:most_similar("north", {topn = 0})), "(no words)")
  t.equal(#kv:most_similar("north", {restrict = 0}), 0)
  local empty = KeyedVectors({}, embla.zeros(0, 2))
  t.equal(#empty:similar_by_vector(embla.ones(2)), 0)
  t.equal(empty:evaluate_word_pairs({{"a", "b", 1}}).unknown, 1)
  t.raises(function() empty:most_similar "a" end, 'the word "a" is not among the 0 words')
end)

t.test("answers print as a table", function()
  local kv = KeyedVectors({"a", "café", "bee"}, embla.tensor {{1.0, 0}, {1, 1}, {0, -1}})
  t.equal(tostring(kv:most_similar "a"), "café   0.7071\nbee    0.0000")
end)

t.test("halves are asked as their float32 are", function()
  local kv = words()
  local half = KeyedVectors(kv.vocab, kv.matrix:to "float16")
  local wide = KeyedVectors(kv.vocab, kv.matrix:to("float16"):float())
  for _, ask in ipairs {"most_similar", "most_similar_cosmul"} do
    local a, b = half[ask](half, "king"), wide[ask](wide, "king")
    for i, record in ipairs(b) do
      t.equal(a[i].word, record.word)
      t.close(a[i].score, record.score, 0, 1e-6)
    end
  end
  t.close(half:similarity("king", "man"), wide:similarity("king", "man"), 0, 1e-6)
end)

t.test("what does not fit is refused by name", function()
  local kv = small()
  t.raises(function() kv:doesnt_match {} end, "KeyedVectors.doesnt_match: argument words", "an empty one")
  t.raises(function() kv:doesnt_match {"north", "west"} end, 'the word "west"')
  t.raises(function() kv:n_similarity({"north"}, {}) end, "KeyedVectors.n_similarity", "an empty one")
  t.raises(function() kv:n_similarity({"north"}) end, "expected two lists of words, got 1")
  t.raises(function() kv:rank("north", "norht") end, 'the word "norht"', 'did you mean "north"')
  t.raises(function() kv:similar_by_vector "north" end, "expected a tensor, got a word")
  t.raises(function() kv:similar_by_vector(embla.ones(3)) end, "vectors of 2 numbers")
  t.raises(function() kv:most_similar("north", {restrict = {"west"}}) end, 'the word "west"')
  t.raises(function() kv:most_similar("north", {restrict = -1}) end, "restrict")
  t.raises(function() kv:most_similar {positive = {{"north", "heavy"}}} end, "expected {word, weight}")
  t.raises(function() kv:distances("north", "east") end, "expected a list of words")
end)

t.finish()
