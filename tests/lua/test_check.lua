-- The test framework itself: what it accepts, what it rejects, and what it says.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"

local NAN, INF = 0 / 0, math.huge

-- The message of a comparison that must fail.
local function rejected(fn, ...)
  local ok, err = pcall(fn, ...)
  if ok then t.fail("was accepted") end
  return tostring(err)
end

t.test("equal takes equal values", function()
  t.equal(1, 1.0)
  t.equal(NAN, NAN)
  t.equal({1, {2, "x"}, key = {true}}, {1, {2, "x"}, key = {true}})
end)

t.test("equal rejects what differs and says where", function()
  t.equal(rejected(t.equal, {1, {2, 3}}, {1, {2, 4}}):match("at.*"), "at [2, 2] got 3, want 4")
  t.equal(rejected(t.equal, {1, 2, 3}, {1, 2}):match("at.*"), "at [3] got 3, want nil")
  t.equal(rejected(t.equal, {1}, {1, 2}):match("at.*"), "at [2] got nil, want 2")
  t.equal(rejected(t.equal, {a = "x"}, {a = "y"}):match("at.*"), 'at [a] got "x", want "y"')
  rejected(t.equal, true, 1)
  rejected(t.equal, "1", 1)
  rejected(t.equal, {}, 1)
end)

t.test("close keeps to its tolerance", function()
  t.close({1.0, {100.0}}, {1.000001, {100.0005}})
  t.close(1.05, 1.0, 0.1, 0)
  t.close(0.05, 0.0, 0, 0.1)
  t.close({NAN, INF, -INF}, {NAN, INF, -INF})
  rejected(t.close, 1.0, 1.0001)
  rejected(t.close, 1.2, 1.0, 0.1, 0)
  rejected(t.close, INF, 1e308)
  rejected(t.close, 1e308, INF)
  rejected(t.close, INF, -INF)
  rejected(t.close, NAN, 1.0)
  rejected(t.close, 1.0, NAN)
  rejected(t.close, 1000000, 1000001)      -- integers are exact
  rejected(t.close, "1", 1.0)
  rejected(t.close, nil, 1.0)
end)

t.test("same_bits tells zeros and kinds apart", function()
  t.same_bits({0.0, -0.0, 1}, {0.0, -0.0, 1})
  rejected(t.same_bits, 0.0, -0.0)
  rejected(t.same_bits, 1, 1.0)
  rejected(t.same_bits, {0.1 + 0.2}, {0.3})
end)

t.test("raises wants a string with every part", function()
  local text = t.raises(function() error("lr must be >= 0, got -1", 0) end, "lr", ">= 0", "-1")
  t.equal(text, "lr must be >= 0, got -1")
  rejected(t.raises, function() end)
  rejected(t.raises, function() error("something else") end, "lr")
  t.equal(rejected(t.raises, function() error("no such name", 0) end):match "raises needs.*",
          "raises needs a text to look for; the error was \"no such name\"")
  rejected(t.raises, function() error({"lr"}) end, "lr")
  rejected(t.raises, function() t.equal("lr", "lr 2") end, "lr")
end)

t.test("globals are forbidden", function()
  t.raises(function() return a_misspelt_name end, "a_misspelt_name", "not defined")   -- luacheck: ignore
  t.raises(function() a_new_global = 1 end, "a_new_global", "must not be made")       -- luacheck: ignore
end)

-- Runs a test file in a process of its own; returns its output and exit status.
local function run(body)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(("package.path = %q\nlocal t = require 'support.check'\n"):format(package.path), body)
  file:close()
  local i = 0
  while arg[i - 1] do i = i - 1 end          -- the program that runs this file
  local pipe = assert(io.popen(("'%s' '%s' 2>&1"):format(arg[i], path)))
  local output = pipe:read("a")
  local _, _, status = pipe:close()
  os.remove(path)
  return output, status
end

t.test("finish counts and sets the exit status", function()
  local output, status = run("t.test('one', function() end) t.skip('two', 'not now') t.finish()")
  t.equal(output, "skip two: not now\n1 passed, 0 failed, 1 skipped\n")
  t.equal(status, 0)

  output, status = run("t.test('one', function() t.equal(1, 2) end) t.finish()")
  t.equal(output:match("\n([^\n]*)\n$"), "0 passed, 1 failed, 0 skipped")
  t.equal(output:match("^FAIL one\n"), "FAIL one\n")
  t.equal(status, 1)

  output, status = run("t.test('one', function() error('broken') end) t.finish()")
  t.equal(output:match("broken"), "broken")
  t.equal(status, 1)
end)

t.test("a file that runs nothing or forgets to finish fails", function()
  t.equal(select(2, run("t.finish()")), 1)
  t.equal(select(2, run("t.skip('one', 'all of it') t.finish()")), 1)
  t.equal(select(2, run("t.test('one', function() end)")), 1)
end)

t.finish()
