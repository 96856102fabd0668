-- Files as the library's scripts open them: in one piece, at their ends, and the folders they lie in.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local process = require "support.process"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

t.test("a file in one piece is written and read, whatever its bytes", function()
  process.with_file("old", function(path)
    local bytes = ("\0\255a\r\n"):rep(40000)
    for _, text in ipairs {bytes, "", "x"} do
      core.write_file(path, text)
      t.equal(read(path) == text, true)
      t.equal(core.read_file(path) == text, true)
    end
  end)
  t.raises(function() core.read_file "/no/such/file" end, "/no/such/file: No such file")
  t.raises(function() core.read_file "/tmp" end, "/tmp: Is a directory")
  t.raises(function() core.write_file("/tmp", "x") end, "/tmp: Is a directory")
  t.raises(function() core.read_file "a\0b" end, "zero byte")
end)

t.test("what is appended is in the file at once", function()
  process.with_file("one\n", function(path)
    local handle, size = core.append_open(path)
    t.equal(size, 4)
    core.append_write(handle, "two\0\n")
    t.equal(read(path), "one\ntwo\0\n")
    core.append_cut(handle, 2)
    core.append_write(handle, "!")
    core.append_sync(handle)
    t.equal(read(path), "on!")
    t.raises(function() core.append_cut(handle, -1) end, "it is negative")
    core.append_close(handle)
    t.raises(function() core.append_write(handle, "x") end, "it was closed")
    t.raises(function() core.append_write({}, "x") end, "embla.core.Appender expected")
  end)
  t.raises(function() core.append_open "/tmp" end, "/tmp: Is a directory")
  t.raises(function() core.append_write(core.append_open "/dev/full", "x") end, "/dev/full: No space left")
end)

t.test("a folder is made with those above it", function()
  process.with_file("x", function(path)
    local folder = path .. ".d/a/b"
    core.make_folder(folder)
    core.make_folder(folder)
    core.write_file(folder .. "/file", "x")
    t.equal(core.files(path .. ".d", ""), {folder .. "/file"})
    t.raises(function() core.make_folder(path .. "/a") end, path .. ": Not a directory")
    process.run("rm -r " .. process.quote(path .. ".d"))
  end)
end)

t.finish()
