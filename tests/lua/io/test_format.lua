-- The descriptors of formats, as Lua gets them from the core.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"
local format = require "embla.io.format"

t.test("each format of the core is a module of embla.io, with a reader, and a writer if there is one", function()
  local count = 0
  for name, described in pairs(core.formats) do
    count = count + 1
    local module = embla.io[name]               -- tables are read and written, all else loaded and saved
    t.equal({name, type(module.load or module.read)}, {name, "function"})
    if described.writing then t.equal({name, type(module.save or module.write)}, {name, "function"}) end
    t.equal({name, described.name, #described.doc > 20}, {name, name, true})
  end
  t.equal(count > 0, true)
end)

t.test("formats are told by the first bytes", function()
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write "\0\0\x08\1\0\0\0\1a"
  file:close()
  t.equal(core.format_of(path), "idx")
  assert(io.open(path, "wb")):write("text"):close()
  t.equal(core.format_of(path), nil)
  os.remove(path)
  t.raises(function() core.format_of "/no/such/file" end, "/no/such/file: No such file")
end)

t.test("a name that is no format's, and one that has no writer", function()
  t.raises(function() core.format_read("nothing", "x", {}) end, "no format is called nothing")
  t.raises(function() core.format_write("idx", "x", {}, {}, {}) end, "idx: files of this format are only read")
  t.equal(type(format.load), "function")
end)

t.test("what stands for a list and is none", function()
  t.raises(function() core.format_write("npy", "x") end, "table expected")
  t.raises(function() core.format_write("npy", "x", 3, {}, {}) end, "table expected")
  t.raises(function() core.format_write("npy", "x", {"a"}, 3, {}) end, "table expected")
  t.raises(function() core.window(embla.ones(3), 0, 16, {1}) end, "window: sizes: expected a list of integers, got 16")
  t.raises(function() core.window(embla.ones(3), 0, {1}) end, "window: strides: expected a list of integers, got no")
end)

t.finish()
