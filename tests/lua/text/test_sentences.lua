-- Corpus.build: sentences from lists, iterators, characters and tensors, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local text = embla.text
local build = text.Corpus.build

t.test("lists of words become ids, the frequent first", function()
  local c = build {{"b", "a", "a"}, {}, {"a", "c"}}
  t.equal(c.ids, embla.IntTensor {1, 0, 0, 0, 2})
  t.equal(c.starts, embla.LongTensor {0, 3, 5})
  t.equal({#c, c.words, c.bytes, c:sentences(), c.vocab:count "a"}, {5, 5, 0, 2, 3})
end)

t.test("an iterator, rare words, a given vocabulary", function()
  local left = {{"x", "y"}, {"x"}}
  local c = build(function() return table.remove(left, 1) end, {min_count = 2})
  t.equal({c.vocab:words(c.ids), c.words, c:sentences()}, {{"x", "x"}, 3, 2})
  t.equal(build({{"x", "y"}, {"x"}}, {min_count = 2, unknown = "?"}).ids, embla.IntTensor {1, 0, 1})
  local v = text.Vocab {"y"}
  t.equal(build({{"x", "y"}}, {vocab = v}).ids, embla.IntTensor {0})
  t.equal({#v, v:count "y"}, {1, 1})
end)

t.test("characters are code points, bytes that are none U+FFFD", function()
  local c = build("aé\xff€a", {unit = "char"})
  t.equal(c.vocab:words(c.ids), {"a", "é", "\u{FFFD}", "€", "a"})
  t.equal(build({"ab", "", "c"}, {unit = "char"}):sentences(), 2)
end)

t.test("a tensor's ids stay as they are", function()
  local c = build(embla.LongTensor {{2, 0, -1}, {2, 2, 0}}, {padding = -1})
  t.equal(c.ids, embla.IntTensor {2, 0, 2, 2, 0})
  t.equal(c.starts, embla.LongTensor {0, 2, 5})
  t.equal(c.vocab:counts(), embla.LongTensor {2, 0, 3})
  t.equal(build(embla.IntTensor {{1, 9}, {0, 1}}, {lengths = {1, 2}}).ids, embla.IntTensor {1, 0, 1})
  t.equal(build(embla.LongTensor {0, 0}):sentences(), 1)
end)

t.test("what fits nothing is refused", function()
  t.equal({#build {}, build({}):sentences()}, {0, 0})
  t.raises(function() build "a b" end, "expected a list of sentences")
  t.raises(function() build {"a b"} end, "sentence 1: expected a list of words")
  t.raises(function() build {{"a"}, {"b", 3}} end, "word 2 of sentence 2: expected a string")
  t.raises(function() build(embla.LongTensor {-1}) end, "id -1 is out of range")
  t.raises(function() build(embla.LongTensor {1}, {vocab = text.Vocab {"a"}}) end, "id 1 is out of range for 1 words")
  t.raises(function() build(embla.ones(2)) end, "integers")
  t.raises(function() build(embla.LongTensor {2 ^ 40 // 1 | 0}) end, "too large")
  t.raises(function() build(embla.LongTensor {{1, 2}}, {lengths = {3}}) end, "lengths")
  t.raises(function() build(embla.LongTensor {{1, 2}}, {lengths = {0.5}}) end, "lengths: expected 1 integers")
  t.raises(function() build({{"a"}}, {padding = 0}) end, "only with a tensor")
end)

t.finish()
