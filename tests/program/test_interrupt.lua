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

-- Each of these is one line of numbers, which one thread goes through for seconds.
local LINE = "local embla = require 'embla' local F = embla.nn.functional local x = embla.rand(30000000) "

t.test("work on one long line stops", function()
  for _, work in ipairs {
    "x:sort()", "x:kthvalue(15000000)", "x:logcumsumexp(0)", "embla.unique(x)", "x:median()",
    "for i = 1, 100 do F.max_pool1d(x:view(1, 1, -1), 5) end", "for i = 1, 100 do F.log_softmax(x, 0) end",
    "for i = 1, 100 do x:cummax(0) end", "for i = 1, 100 do embla.arange(30000000) end",
    "for i = 1, 100 do embla.histc(x) end",
  } do
    local status, err, seconds = interrupt(LINE .. READY .. work .. " os.exit(2)")
    t.equal({work, status, err:find("interrupted!", 1, true) ~= nil}, {work, 1, true})
    if seconds > 4 * LATEST then t.fail(("%s stopped after %.2f s"):format(work, seconds)) end
  end
end)

t.test("picking along a dim by columns stops", function()
  stops("local embla = require 'embla' local x = embla.rand(2000, 2000):t() local i = embla.randint(0, 2000, " ..
        "{2000, 2000}):t() " .. READY .. "for k = 1, 10000 do x:gather(0, i) end os.exit(2)")
end)

-- A pipe with nobody at its other end.
local function with_pipe(use)
  local path = os.tmpname()
  os.remove(path)
  process.run("mkfifo " .. process.quote(path))
  local ok, message = pcall(use, ("%q"):format(path))
  os.remove(path)
  if not ok then error(message, 0) end
end

t.test("waiting for a pipe stops", function()
  with_pipe(function(path)
    local head = "local embla = require 'embla' local word2vec = embla.io.word2vec " .. READY
    stops(head .. "word2vec.load(" .. path .. ")")
    stops(head .. "word2vec.save(" .. path .. ", {'a'}, embla.ones(1, 1))")
    stops("local f = io.open(" .. path .. ", 'r+') " .. READY .. "f:read() while true do end")
    stops(READY .. "io.open(" .. path .. ") while true do end")
  end)
end)

t.test("in a pattern the second interrupt ends the process", function()
  local status = interrupt(READY .. "; ('a'):rep(40):find(('a?'):rep(40) .. ('a'):rep(40)) os.exit(2)", 2)
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
