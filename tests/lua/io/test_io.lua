-- embla.io: lists of files, and formats that are loaded when asked for.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("files below a folder are listed", function()
  t.equal(embla.io.files("tests/data", {suffix = ".npz"}),
          {"tests/data/npy/deflated.npz", "tests/data/npy/stored.npz"})
  t.equal(embla.io.files("scripts/examples/data", {suffix = ".txt"}), {"scripts/examples/data/countries.txt"})
  t.equal(embla.io.files("scripts/examples/data", {suffix = ".lua"}), {})
end)

t.test("what does not fit is refused", function()
  t.raises(function() embla.io.files "/no/such/folder" end, "test_io.lua", "/no/such/folder: No such file")
  t.raises(function() embla.io.files(3) end, "files: argument folder: expected a path, got 3")
  t.raises(function() embla.io.files("scripts", {sufix = ".lua"}) end, "did you mean 'suffix'?")
  t.raises(function() return embla.io.no_such_format end, "embla.io has no 'no_such_format'")
end)

t.test("a format is a module of its own", function()
  t.equal(embla.io.word2vec, require "embla.io.word2vec")
end)

t.finish()
