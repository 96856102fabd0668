-- io.lines: lines as string.gmatch would part them, packed files, what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local function lines_of(bytes, packed)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  if packed then os.execute(("gzip -n %s && mv %s.gz %s"):format(path, path, path)) end
  local list = {}
  for line in embla.io.lines(path) do list[#list + 1] = line end
  os.remove(path)
  return list
end

t.test("lines come without their ends", function()
  t.equal(lines_of "", {})
  t.equal(lines_of "a", {"a"})
  t.equal(lines_of "a\nb c\n", {"a", "b c"})
  t.equal(lines_of "\n\r\nx\r\n\n", {"", "", "x", ""})
  t.equal(lines_of(("0123456789"):rep(20000) .. "\nend", true), {("0123456789"):rep(20000), "end"})
end)

t.test("an iterator that has ended stays ended, and one that is left lets go", function()
  local path = os.tmpname()
  local next_line = embla.io.lines(path)
  t.equal({next_line(), next_line()}, {})
  for _ = 1, 2000 do embla.io.lines(path) end           -- more than a process may have open
  os.remove(path)
end)

t.test("what cannot be read is refused", function()
  t.raises(function() embla.io.lines() end, "test_lines.lua", "io.lines: argument path: expected a path, got nil")
  t.raises(function() embla.io.lines "/no/such/file" end, "/no/such/file: No such file")
  t.raises(function() embla.io.lines "/usr"() end, "/usr: Is a directory")
end)

t.finish()
