-- io.word2vec: vectors as word2vec writes them.
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
  local kv = word2vec.load(path)
  t.equal(kv.vocab:words(), {"the", "cat"})
  t.equal(kv.matrix, embla.tensor {{1, -0.5}, {0.25, 3}})
  os.remove(path)
end)

t.test("every bit comes back, as text and binary", function()
  local path = os.tmpname()
  embla.manual_seed(1)
  local vocab, matrix = embla.text.Vocab {"a", "b", "c"}, embla.randn(3, 50)
  for _, binary in ipairs {false, true} do
    word2vec.save(path, vocab, matrix, {binary = binary})
    local kv = word2vec.load(path)
    t.same_bits(kv.matrix, matrix)
    t.equal(kv:id "c", 2)
    t.same_bits(word2vec.load(path, {binary = binary}).matrix, matrix)
  end
  os.remove(path)
end)

t.test("what does not fit is refused", function()
  local path = os.tmpname()
  local m = embla.zeros(2, 3)
  t.raises(function() word2vec.save(path, {"a"}, m) end, "test_word2vec.lua",
           "1 words and a matrix of shape (2, 3) (expected (1, D))")
  t.raises(function() word2vec.save(path, {"a", "a"}, m) end, 'word "a" stands twice')
  t.raises(function() word2vec.save(path, {"a", 1}, m) end, "word 2: expected a string, got 1")
  t.raises(function() word2vec.save(path, {"a", "b c"}, m) end, "word 1 is empty or has whitespace")
  t.raises(function() word2vec.save(path, "a", m) end, "argument words: expected a Vocab or a list of words")
  t.raises(function() word2vec.save(path, {"a", "b"}, {}) end, "expected")
  t.raises(function() word2vec.save(path, {"a", "b"}, m, {binry = true}) end, "did you mean 'binary'?")
  t.equal(read(path), "")
  t.raises(function() word2vec.load(path) end, path, "byte 0")
  t.raises(function() word2vec.load "/no/such/file" end, "/no/such/file: No such file")
  os.remove(path)
end)

t.test("a binary file read as text tells of the option", function()
  local path = os.tmpname()
  local file <close> = io.open(path, "wb")
  file:write("1 2\nabc ", ("<ff"):pack(0.5, 2.5), "\n")
  file:close()
  t.raises(function() word2vec.load(path, {binary = false}) end, path, "binary = true")
  t.equal(word2vec.load(path, {binary = true}).matrix, {{0.5, 2.5}})
  t.equal(word2vec.load(path).matrix, {{0.5, 2.5}})
  os.remove(path)
end)

t.test("options and arguments are checked, and errors say no name of the core", function()
  t.raises(function() word2vec.load() end, "io.word2vec.load: argument path: expected a path, got nil")
  t.raises(function() word2vec.load(7) end, "io.word2vec.load: argument path: expected a path, got 7")
  t.raises(function() word2vec.load("x", {limit = 0}) end, "option limit: expected integer >= 1, got 0")
  t.raises(function() word2vec.load("x", {encoding_errors = "ignore"}) end, "one of error, replace, skip")
  t.raises(function() word2vec.save(7, {"a"}, embla.ones(1, 1)) end, "io.word2vec.save: argument path: expected a path")
  t.raises(function() word2vec.save("x", {"a"}) end, "KeyedVectors: argument matrix: expected a tensor (1, D), got nil")
end)

t.test("KeyedVectors are saved, with options behind them", function()
  local path = os.tmpname()
  local kv = embla.text.KeyedVectors({"a", "b"}, embla.tensor {{1.0, 2}, {3, 4}})
  word2vec.save(path, kv)
  t.equal(read(path), "2 2\na 1 2\nb 3 4\n")
  word2vec.save(path, kv, {binary = true})
  t.equal(read(path), "2 2\na " .. ("<ff"):pack(1, 2) .. "\nb " .. ("<ff"):pack(3, 4) .. "\n")
  os.remove(path)
end)

t.test("options say what is read", function()
  local path = os.tmpname()
  local file <close> = io.open(path, "wb")
  file:write "3 1\na 1\nb\xff 2\na 3\n"
  file:close()
  t.raises(function() word2vec.load(path) end, path .. ": line 3, byte 8: a word that is not valid UTF-8")
  t.raises(function() word2vec.load(path, {encoding_errors = "replace"}) end, "line 4, byte 13: a word stands twice")
  local kv = word2vec.load(path, {encoding_errors = "replace", duplicates = "first"})
  t.equal(kv.vocab:words(), {"a", "b\u{FFFD}"})
  t.equal(kv.matrix, {{1}, {2}})
  t.equal(word2vec.load(path, {limit = 1}).vocab:words(), {"a"})
  t.equal(word2vec.load(path, {encoding_errors = "skip", limit = 2}).vocab:words(), {"a"})
  os.remove(path)
end)

-- ---- gensim ----------------------------------------------------------------------------------------------------

-- Written by gensim 4.2's save_word2vec_format of vectors rounded to four digits.
t.test("gensim's files are read", function()
  local text, binary = word2vec.load "tests/data/vectors/gensim.txt", word2vec.load "tests/data/vectors/gensim.bin"
  t.equal(text.vocab:words(), {"the", "king", "queen", "man", "woman", "apple", "café"})
  t.close(text["queen"], {-0.2095, -1.6335, -0.0956, -0.9915, 3.2773}, 1e-7)
  t.same_bits(text.matrix, binary.matrix)
  t.equal(binary.vocab:words(), text.vocab:words())
end)

t.test("a file that gzip has packed is unpacked on the way", function()
  local path = os.tmpname()
  for _, ending in ipairs {"txt", "bin"} do
    local plain = "tests/data/vectors/gensim." .. ending
    assert(os.execute(("gzip -c %s > '%s'"):format(plain, path)))
    t.same_bits(word2vec.load(path).matrix, word2vec.load(plain).matrix)
  end
  os.remove(path)
end)

local PYTHON = "/usr/bin/python3"
if not os.execute(PYTHON .. " -c 'import gensim' 2>/dev/null") then
  t.skip("gensim reads what is written", "there is no gensim")
else
  t.test("gensim reads what is written", function()
    local path, script = os.tmpname(), os.tmpname()
    embla.manual_seed(2)
    local kv = embla.text.KeyedVectors({"a", "été", "c"}, embla.randn(3, 4))
    local file <close> = io.open(script, "w")
    file:write [[
import sys
from gensim.models import KeyedVectors
kv = KeyedVectors.load_word2vec_format(sys.argv[1], binary=sys.argv[2] == "true")
print("|".join(kv.index_to_key))
for row in kv.vectors: print(" ".join("%.9g" % x for x in row))
]]
    file:close()
    for _, binary in ipairs {true, false} do
      kv:save(path, {binary = binary})
      local pipe <close> = assert(io.popen(("%s %s %s %s"):format(PYTHON, script, path, binary)))
      t.equal(pipe:read "l", "a|été|c")
      local rows = {}
      for line in pipe:lines() do
        rows[#rows + 1] = {}
        for number in line:gmatch "%S+" do table.insert(rows[#rows], tonumber(number)) end
      end
      t.same_bits(embla.tensor(rows), kv.matrix)
    end
    os.remove(path)
    os.remove(script)
  end)
end

t.finish()
