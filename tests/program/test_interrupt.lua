-- Ctrl-C (SIGINT) stops a script with an error, soon, and status 1.
package.path = (arg[0]:match("^(.-)tests/program/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local EMBLA = process.quote(assert(arg[1], "usage: test_interrupt.lua PROGRAM"))
local LATEST = 0.5      -- seconds from the signal to the end

-- Runs code, sends SIGINT once it has printed a line, `times` in all, and reports how it ended and after how long. A
-- shell ignores SIGINT for what it runs in the background, which env undoes; ulimit ends what does not stop at all.
local function interrupt(code, times)
  local base = os.tmpname()
  local script = ([[
    ulimit -t 10
    env --default-signal=INT EMBLA -e CODE >BASE.line 2>BASE.err & pid=$!
    for try in $(seq 100); do [ -s BASE.line ] && break; sleep 0.05; done
    for try in $(seq TIMES); do sleep 0.2; start=$(date +%s%N); kill -INT $pid; done
    wait $pid; status=$?; stop=$(date +%s%N)
    echo "$status $((stop - start))"; sed 1d BASE.line; cat BASE.err >&2; rm BASE.line BASE.err]]
  ):gsub("%u%u%u%u+", {EMBLA = EMBLA, CODE = process.quote(code), BASE = base, TIMES = times or 1})
  local out, err = process.run(script)
  os.remove(base)
  local status, nanoseconds, rest = out:match("^(%d+) (%d+)\n(.*)$")
  return tonumber(status), err, tonumber(nanoseconds) / 1e9, rest
end

local READY = "print 'ready' io.stdout:flush() "

local function stops(code)
  local status, err, seconds = interrupt(code)
  t.equal(status, 1)
  t.equal(err:find("interrupted!", 1, true) ~= nil and err:find("stack traceback:", 1, true) ~= nil, true)
  if seconds > LATEST then t.fail(("stopped after %.2f s"):format(seconds)) end
end

t.test("a loop of Lua stops", function() stops(READY .. "while true do end") end)

t.test("a loop of calls stops", function() stops(READY .. "local s = 0 while true do s = s + #tostring(s) end") end)

t.test("a loop inside a coroutine stops", function()
  stops(READY .. "assert(coroutine.resume(coroutine.create(function() while true do end end)))")
  stops(READY .. "coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()")
end)

t.test("a loop that goes in and out of coroutines stops", function()
  stops(READY .. "local f = coroutine.wrap(function() while true do coroutine.yield() end end) while true do f() end")
end)

local LARGE = "local embla = require 'embla' local a = embla.ones(8000, 8000) " .. READY

t.test("a long kernel stops", function() stops(LARGE .. "a:matmul(a) os.exit(2)") end)

t.test("a script may catch an interrupt inside a kernel, and go on", function()
  local status, err, _, rest = interrupt(LARGE .. [[
    local ok, message = pcall(a.matmul, a, a)
    print(ok, message:match("interrupted!"), embla.ones(2) + 1)]])
  t.equal({status, err, rest}, {0, "", "false\tinterrupted!\ttensor([2., 2.])\n"})
end)

t.test("a script may catch the interrupt, clean up, and go on", function()
  local status, err, _, rest = interrupt(READY .. [[
    print(pcall(function() while true do end end))
    print "cleaned up"
    os.exit(3)]])
  t.equal({status, err, rest}, {3, "", "false\t(command line):1: interrupted!\ncleaned up\n"})
end)

t.test("coroutines are those of Lua", function()
  local status, err, _, rest = interrupt(READY .. [[
    local f = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) error("end " .. b) end)
    print(f(1), pcall(f, 5))
    print(pcall(f))
    print(coroutine.resume(coroutine.create(function(...) return select("#", ...) end), nil, nil))
    print(pcall(coroutine.resume, 3))
    local closed = coroutine.wrap(function()
      local _ <close> = setmetatable({}, {__close = function(_, e) print("closed", e) end})
      error({}, 0)
    end)
    print(select(2, pcall(closed)) ~= nil)
    os.exit(0)]], 0)
  t.equal({status, err}, {0, ""})
  rest = rest:gsub("table: 0x%x+", "TABLE")
  t.equal(rest, "2\tfalse\t(command line):1: end 5\nfalse\tcannot resume dead coroutine\ntrue\t2\n"
    .. "false\tbad argument #1 to 'coroutine.resume' (thread expected, got number)\nclosed\tTABLE\ntrue\n")
end)

t.test("a second interrupt ends a script that does not come to the first", function()
  local status = interrupt(READY .. "local _ = ('a'):rep(40):find(('a*'):rep(40) .. 'b')", 2)
  t.equal(status, 130)
end)

-- Scripts in which `first` catches an interrupt, and a second one finds a block to close.
local CLOSES = [[
  local _ <close> = setmetatable({}, {__close = function() print "closed" end})
  print(pcall(function() FIRST end))
  SECOND]]

t.test("after an interrupt that a script has caught, the next is an error like it", function()
  for _, code in ipairs {
    READY .. CLOSES:gsub("FIRST", "while true do end"):gsub("SECOND", "while true do end"),
    LARGE .. CLOSES:gsub("FIRST", "a:matmul(a)"):gsub("SECOND", "while true do end"),
    LARGE .. CLOSES:gsub("FIRST", "while true do end"):gsub("SECOND", "a:matmul(a)"),
    LARGE .. CLOSES:gsub("FIRST", "coroutine.wrap(function() a:matmul(a) end)()"):gsub("SECOND", "a:matmul(a)"),
  } do
    local status, err, _, rest = interrupt(code, 2)
    t.equal(status, 1)
    t.equal(rest:match("^false\t.-interrupted!\n(.*)$"), "closed\n")
    t.equal(err:find("interrupted!", 1, true) ~= nil, true)
  end
end)

t.finish()
