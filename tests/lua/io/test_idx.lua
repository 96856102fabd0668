-- io.idx: what the C reader gives, as scripts see it.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local function file_of(bytes)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
  return path
end

t.test("a file of images and one of labels", function()
  local path = file_of "\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\2\1\2\3\4\5\6\7\8"
  local images = embla.io.idx.load(path)
  t.equal({images.dtype, images:tolist()}, {"uint8", {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}})
  os.remove(path)
end)

t.test("bad input names the argument, or path and byte", function()
  t.raises(function() embla.io.idx.load() end, "test_idx.lua", "io.idx.load: argument path: expected a path, got nil")
  t.raises(function() embla.io.idx.load "/no/such/file" end, "/no/such/file: No such file")
  t.raises(function() embla.io.idx.load "/usr" end, "/usr: Is a directory")
  t.raises(function() embla.io.idx.load "a\0b" end, "zero byte")
  local path = file_of "\0\0\x08\1\0\0\0\5abc"
  t.raises(function() embla.io.idx.load(path) end, path .. ": byte 8: the file ends")
  os.remove(path)
end)

t.finish()
