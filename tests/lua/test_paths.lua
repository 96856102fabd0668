-- Paths that cannot be: every function that reads or writes a file names the path and leaves nothing behind.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local Vocab, Corpus, word2vec = embla.text.Vocab, embla.text.Corpus, embla.io.word2vec

local words, vectors = Vocab {"a", "b"}, embla.ones(2, 3)

local readers = {
  ["Vocab.load"] = Vocab.load,
  Corpus = Corpus,
  ["Corpus of a list"] = function(path) return Corpus {path} end,
  ["word2vec.load"] = word2vec.load,
  ["word2vec.load, binary"] = function(path) return word2vec.load(path, {binary = true}) end,
  ["glove.load"] = embla.io.glove.load,
  ["fasttext.load"] = embla.io.fasttext.load,
  ["KeyedVectors.load"] = embla.text.KeyedVectors.load,
}
local writers = {
  ["Vocab.save"] = function(path) words:save(path) end,
  ["word2vec.save"] = function(path) word2vec.save(path, words, vectors) end,
  ["KeyedVectors.save"] = function(path) embla.text.KeyedVectors(words, vectors):save(path) end,
  ["word2vec.save, binary"] = function(path) word2vec.save(path, words, vectors, {binary = true}) end,
}

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir " .. folder))
local file = folder .. "/file"
do
  local f <close> = assert(io.open(file, "w"))
  f:write "as it was\n"
end

-- The names in the folder, and what stands in the file: as they were.
local function check_nothing_changed()
  t.equal(embla.io.files(folder), {file})
  local f <close> = assert(io.open(file))
  t.equal(f:read "a", "as it was\n")
end

for name, read in pairs(readers) do
  t.test(name .. " refuses paths that are no file", function()
    t.raises(function() read(file .. "\0.txt") end, "test_paths.lua", "zero byte", file)
    t.raises(function() read(folder) end, folder .. ": Is a directory")
    t.raises(function() read(folder .. "/none") end, folder .. "/none: No such file or directory")
    t.raises(function() read(file .. "/below") end, file .. "/below: Not a directory")
    t.raises(function() read "" end, ": No such file or directory")
    check_nothing_changed()
  end)
end

for name, write in pairs(writers) do
  t.test(name .. " refuses paths that cannot be written, and leaves nothing behind", function()
    t.raises(function() write(file .. "\0.txt") end, "test_paths.lua", "zero byte", file)
    t.raises(function() write(folder) end, folder .. ": Is a directory")
    t.raises(function() write(folder .. "/none/file") end, folder .. "/none/file: No such file or directory")
    t.raises(function() write(file .. "/below") end, file .. "/below: Not a directory")
    t.raises(function() write "/proc/no_file" end, "/proc/no_file: ")
    t.raises(function() write "" end, ": No such file or directory")
    check_nothing_changed()
  end)
end

t.test("io.files refuses paths that are not there; a file is all of its list", function()
  t.raises(function() embla.io.files(folder .. "\0none") end, "test_paths.lua", "zero byte", folder)
  t.raises(function() embla.io.files(folder .. "/none") end, folder .. "/none: No such file or directory")
  t.raises(function() embla.io.files(file .. "/below") end, file .. "/below: Not a directory")
  t.equal(embla.io.files(file), {file})
end)

os.execute("rm -r " .. folder)
t.finish()
