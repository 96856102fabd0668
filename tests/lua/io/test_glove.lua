-- io.glove: vectors as GloVe writes them.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local glove = embla.io.glove

local function file_of(text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
  return path
end

t.test("words with blanks are split from the right", function()
  local path = file_of "the 0.5 -1\n. . 2 3\nat name@x.com 4 5\n<unk> 6 7\n"
  local kv = glove.load(path)
  t.equal(kv.vocab:words(), {"the", ". .", "at name@x.com", "<unk>"})
  t.equal(kv.matrix, {{0.5, -1}, {2, 3}, {4, 5}, {6, 7}})
  t.equal(kv[". ."], {2, 3})
  t.equal(#glove.load(path, {limit = 2}), 2)
  t.raises(function() kv:save(path) end, "word2vec.save: word 1 is empty or has whitespace in it")
  os.remove(path)
end)

t.test("a header is allowed", function()
  local path = file_of "2 3\na 1 2 3\nb 4 5 6\n"
  t.equal(glove.load(path).matrix, {{1, 2, 3}, {4, 5, 6}})
  os.remove(path)
end)

t.test("what is malformed is told with its line", function()
  local path = file_of "a 1 2\nb 3 4\nc 5\n"
  t.raises(function() glove.load(path) end, "test_glove.lua", path .. ": line 3, byte 15: the line has too few numbers")
  t.raises(function() glove.load(path, {binary = true}) end, "io.glove.load: unknown option 'binary'")
  t.raises(function() glove.load() end, "io.glove.load: argument path: expected a path, got nil")
  os.remove(path)
end)

t.finish()
