-- io.word2vec and io.files.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local word2vec = embla.io.word2vec

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

t.test("text is as word2vec writes it", function()
  local path = os.tmpname()
  word2vec.save(path, {"the", "cat"}, embla.tensor {{1, -0.5}, {0.25, 3}})
  t.equal(read(path), "2 2\nthe 1 -0.5\ncat 0.25 3\n")
  local words, matrix = word2vec.load(path)
  t.equal(words:words(), {"the", "cat"})
  t.equal(matrix, embla.tensor {{1, -0.5}, {0.25, 3}})
  os.remove(path)
end)

t.test("every bit comes back, as text and binary", function()
  local path = os.tmpname()
  embla.manual_seed(1)
  local vocab, matrix = embla.text.Vocab {"a", "b", "c"}, embla.randn(3, 50)
  for _, binary in ipairs {false, true} do
    word2vec.save(path, vocab, matrix, {binary = binary})
    local words, got = word2vec.load(path, {binary = binary})
    t.same_bits(got, matrix)
    t.equal(words:id "c", 2)
  end
  os.remove(path)
end)

t.test("what does not fit is refused", function()
  local path = os.tmpname()
  local m = embla.zeros(2, 3)
  t.raises(function() word2vec.save(path, {"a"}, m) end, "test_word2vec.lua", "1 words and a matrix of shape (2, 3)")
  t.raises(function() word2vec.save(path, {"a", "a"}, m) end, 'word "a" stands twice')
  t.raises(function() word2vec.save(path, {"a", 1}, m) end, "word 2: expected a string, got 1")
  t.raises(function() word2vec.save(path, {"a", "b c"}, m) end, "word 1 is empty or has a blank")
  t.raises(function() word2vec.save(path, "a", m) end, "expected a Vocab or a list of words")
  t.raises(function() word2vec.save(path, {"a", "b"}, {}) end, "expected")
  t.raises(function() word2vec.save(path, {"a", "b"}, m, {binry = true}) end, "did you mean 'binary'?")
  t.equal(read(path), "")
  t.raises(function() word2vec.load(path) end, path, "byte 0")
  t.raises(function() word2vec.load "/no/such/file" end, "/no/such/file: No such file")
  os.remove(path)
end)

t.test("files below a folder are listed", function()
  local list = embla.io.files("scripts/embla/text", {suffix = ".lua"})
  t.equal(list, {"scripts/embla/text/corpus.lua", "scripts/embla/text/init.lua", "scripts/embla/text/skipgram.lua",
                 "scripts/embla/text/vocab.lua", "scripts/embla/text/word2vec.lua"})
  t.raises(function() embla.io.files "/no/such/folder" end, "test_word2vec.lua", "/no/such/folder: No such file")
  t.raises(function() return embla.io.no_such_format end, "embla.io has no 'no_such_format'")
end)

t.test("a binary file read as text tells of the option", function()
  local path = os.tmpname()
  local file <close> = io.open(path, "wb")
  file:write("1 2\nabc ", ("<ff"):pack(0.5, 2.5), "\n")
  file:close()
  t.raises(function() embla.io.word2vec.load(path) end, path, "{binary = true}")
  local _, matrix = embla.io.word2vec.load(path, {binary = true})
  t.equal(matrix, {{0.5, 2.5}})
  os.remove(path)
end)

t.finish()
