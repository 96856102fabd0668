-- text.Vocab: ids, counts, special words, files, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local Vocab = embla.text.Vocab

local sentences = {{"the", "cat", "sat"}, {"on", "the", "mat", "the", "cat"}}

t.test("words are numbered by count, then in the order they came", function()
  local v = Vocab.build(sentences)
  t.equal(v:words(), {"the", "cat", "sat", "on", "mat"})
  t.equal(#v, 5)
  t.equal({v:id "the", v:id "mat", v:id "dog"}, {0, 4})
  t.equal({v:word(0), v:word(4)}, {"the", "mat"})
  t.equal({v:count "the", v:count(1), v:count "dog", v:total()}, {3, 2, 0, 8})
  t.equal(v:counts(), embla.LongTensor {3, 2, 1, 1, 1})
  t.equal({v:contains "cat", v:contains "dog"}, {true, false})
  t.equal(v.unknown, nil)
  t.equal(tostring(v), "Vocab(5 words)")
end)

t.test("lists, iterators and nested lists say the same", function()
  local flat = {"the", "cat", "sat", "on", "the", "mat", "the", "cat"}
  local i = 0
  local function each()
    i = i + 1
    return flat[i]
  end
  t.equal(Vocab(flat):words(), Vocab(sentences):words())
  t.equal(Vocab(each):words(), Vocab(sentences):words())
  t.equal(Vocab({}):words(), {})
  t.equal(Vocab():words(), {})
end)

t.test("rare words are left out", function()
  t.equal(Vocab(sentences, {min_count = 2}):words(), {"the", "cat"})
  t.equal(Vocab(sentences, {max_size = 3}):words(), {"the", "cat", "sat"})
  t.equal(Vocab(sentences, {max_size = 0}):words(), {})
end)

t.test("special words come first, and one may stand for the unknown", function()
  local v = Vocab(sentences, {min_count = 2, specials = {"<pad>", "<unk>"}, unknown = "<unk>"})
  t.equal(v:words(), {"<pad>", "<unk>", "the", "cat"})
  t.equal(v:counts():tolist(), {0, 3, 3, 2})
  t.equal({v:id "dog", v:id "cat", v.unknown}, {1, 3, "<unk>"})
  t.equal(v:ids {"cat", "dog", "the"}, embla.LongTensor {3, 1, 2})
  t.equal(v:words(embla.LongTensor {{3, 1}, {2, 0}}), {"cat", "<unk>", "the", "<pad>"})
  t.equal(v:words {2}, {"the"})
  t.equal(Vocab({"a"}, {unknown = "?"}):words(), {"?", "a"})
end)

t.test("a saved vocabulary comes back", function()
  local path = os.tmpname()
  local v = Vocab({"a b", "x\ny", "", "a\0b", "a b"}, {specials = {"<unk>"}, unknown = "<unk>"})
  v:save(path)
  local w = Vocab.load(path)
  t.equal(w:words(), v:words())
  t.equal(w:counts(), v:counts())
  t.equal(w.unknown, "<unk>")
  t.equal(w:id "new", 0)
  os.remove(path)
end)

t.test("what does not fit is refused", function()
  local v = Vocab(sentences)
  t.raises(function() v:word(5) end, "test_vocab.lua", "Vocab: id 5 is out of range for 5 words (ids count from 0)")
  t.raises(function() v:word(-1) end, "id -1 is out of range")
  t.raises(function() v:word "the" end, 'argument id: expected an integer, got "the"')
  t.raises(function() v:word(1.5) end, "argument id: expected an integer, got 1.5")
  t.raises(function() v:count {} end, "argument word: expected a string or an id, got a table")
  t.raises(function() v:words {0, "the"} end, 'argument ids: expected integers, got "the"')
  t.raises(function() v:ids {"the", 1} end, "argument words: expected strings, got 1 at 2")
  t.raises(function() v:id(3) end, "argument word: expected a string, got 3")
  t.raises(function() v:ids {"the", "dog"} end, 'word "dog" is not in the vocabulary')
  t.raises(function() v:ids "the" end, "expected a list of words")
  t.raises(function() Vocab {"a", 3} end, "expected a list of words or an iterator, got 3")
  t.raises(function() Vocab "a" end, "expected a list of words or an iterator")
  t.raises(function() Vocab({}, {min_cuont = 2}) end, "Vocab: unknown option 'min_cuont', did you mean 'min_count'?")
  t.raises(function() Vocab({}, {specials = {1}}) end, "argument word: expected a string, got 1")
  t.raises(function() Vocab.load "/no/such/file" end, "test_vocab.lua", "/no/such/file: No such file")
  t.raises(function() Vocab.load "a\0b" end, "zero byte")
  t.raises(function() v:save "/no/such/folder/file" end, "/no/such/folder/file: No such file")
end)

t.finish()
