-- Options, scripts and their arguments, exit status, messages.
package.path = (arg[0]:match("^(.-)tests/program/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local EMBLA = process.quote(assert(arg[1], "usage: test_options.lua PROGRAM"))

local function embla(options, input)
  return process.run(EMBLA .. " " .. options, input)
end

t.test("-e runs code, several times, in order and in one state", function()
  local out, err, status = embla [[-e 'x = 1' -e 'print(x + 1)' -e"print('joined')"]]
  t.equal({out, err, status}, {"2\njoined\n", "", 0})
end)

t.test("-e stops at the first error", function()
  local out, err, status = embla [[-e 'print(1)' -e 'error("boom")' -e 'print(2)']]
  t.equal({out, status}, {"1\n", 1})
  t.equal(err:match("^[^\n]*"), "embla: (command line):1: boom")
end)

t.test("a script has its arguments in arg and in ...", function()
  process.with_file("print(arg[0] == ..., #arg, arg[1], arg[2], select('#', ...), select(2, ...))", function(path)
    local out, err, status = embla(path .. " " .. path .. " -x")
    t.equal({out, err, status}, {("true\t2\t%s\t-x\t2\t-x\n"):format(path), "", 0})
  end)
end)

t.test("arg holds the program and its options below 0", function()
  process.with_file("print(arg[-1], arg[-2] ~= nil, arg[-3])", function(path)
    t.equal(embla("-i " .. path .. " </dev/null"):match("^[^\n]*"), "-i\ttrue\tnil")
  end)
end)

t.test("options after the script are the script's", function()
  process.with_file("print(...)", function(path)
    t.equal(embla(path .. " -e 'print(1)' -t 2"), "-e\tprint(1)\t-t\t2\n")
  end)
end)

t.test("a minus is standard input, with arguments", function()
  local out, err, status = embla("- a b", "print(arg[0], ...)")
  t.equal({out, err, status}, {"-\ta\tb\n", "", 0})
end)

t.test("without a script and without a terminal, standard input is run", function()
  local out, err, status = embla("", "print('from stdin')")
  t.equal({out, err, status}, {"from stdin\n", "", 0})
  t.equal(embla("-t 1", "print('with an option')"), "with an option\n")
end)

t.test("a first line that begins with # is skipped", function()
  process.with_file("#!/usr/bin/env embla\nprint('ran')", function(path) t.equal(embla(path), "ran\n") end)
end)

t.test("-- ends the options", function()
  local _, err, status = embla "-- -e"
  t.equal(status, 1)
  t.equal(err:match("cannot open %-e") ~= nil, true)
end)

t.test("-v shows the version, -h the help", function()
  local out, err, status = embla "-v"
  t.equal({out:match("^Embla %d+%.%d+%.%d+, Lua 5%.4") ~= nil, err, status}, {true, "", 0})
  t.equal(embla "--version", out)
  t.equal(embla "-v -e 'print(1)'", out .. "1\n")
  out, err, status = embla "-h"
  t.equal({out:match("^usage: embla %[options%]") ~= nil, err, status}, {true, "", 0})
  t.equal(embla "--help", out)
end)

t.test("-v says which BLAS, how many threads, which instruction set", function()
  for threads, spoken in pairs {["1"] = "1 thread", ["2"] = "2 threads"} do
    local line = embla("-v -t " .. threads)
    local blas, count, instructions = line:match "^Embla [%d.]+, Lua 5%.4%.%d+, ([^,]+), ([^,]+), ([^,\n]+)\n$"
    t.equal(count, spoken)
    if not (blas:find "^OpenBLAS [%d.]+ %(OpenMP%)$" or blas == "a BLAS that is not OpenBLAS") then t.fail(line) end
    t.equal(({base = true, AVX2 = true, ["AVX-512"] = true})[instructions], true)
  end
end)

t.test("a wrong option is refused with the usage", function()
  for _, bad in ipairs {"-x", "--sandbo", "-e", "-t", "-vv", "-ii"} do
    local out, err, status = embla(bad)
    t.equal({out, status}, {"", 1})
    t.equal(err:find("'" .. bad .. "'", 1, true) ~= nil and err:find("usage: embla", 1, true) ~= nil, true)
  end
end)

t.test("-t takes a number of threads", function()
  for _, bad in ipairs {"0", "-1", "257", "x", "2x", "''", "99999999999999999999"} do
    local _, err, status = embla("-t " .. bad .. " -e 'print(1)'")
    t.equal(status, 1)
    t.equal(err:find("-t: expected a number of threads from 1 to 256, given", 1, true) ~= nil, true)
  end
  t.equal(embla "-t 3 -e 'print(1)'", "1\n")
  t.equal(embla "-t3 -e 'print(1)'", "1\n")
end)

t.test("an error ends with status 1, its message and a traceback", function()
  process.with_file("local function f()\n  error('boom')\nend\nf()", function(path)
    local out, err, status = embla(path)
    t.equal({out, status}, {"", 1})
    t.equal(err:find("embla: " .. path .. ":2: boom\nstack traceback:", 1, true), 1)
    t.equal(err:find("in main chunk", 1, true) ~= nil, true)
  end)
end)

t.test("an error without a place is its message alone", function()
  local _, err, status = embla [[-e 'error("a: 12 b\n:3:", 0)']]
  t.equal({err, status}, {"embla: a: 12 b\n:3:\n", 1})
  process.with_file("require('embla').args('Does.', {})", function(path)
    _, err, status = embla(path .. " --nonesuch")
    t.equal({err:match ": (.*)", status}, {path:match "[^/]*$" ..
            ": unknown option --nonesuch (--help shows what there is)\n", 1})
  end)
  _, err = embla [[-e 'error("a:12: b", 0)']]
  t.equal(err:find("embla: a:12: b\nstack traceback:", 1, true), 1)
end)

t.test("what was printed comes before the error", function()
  local out = process.run(EMBLA .. [[ -e 'io.write("before ") error("after", 0)' 2>&1]])
  t.equal(out:match("^[^\n]*"), "before embla: after")
end)

t.test("error values that are no strings are shown", function()
  local _, err, status = embla [[-e 'error(setmetatable({}, {__tostring = function() return "an object" end}))']]
  t.equal({err:match("^[^\n]*"), status}, {"embla: an object", 1})
  _, err, status = embla [[-e 'error {}']]
  t.equal({err:match("^[^\n]*"), status}, {"embla: (error object is a table value)", 1})
  _, err, status = embla [[-e 'error()']]
  t.equal({err:match("^[^\n]*"), status}, {"embla: (error object is a nil value)", 1})
end)

t.test("a script that is missing or broken ends with status 1", function()
  local _, err, status = embla "/no/such/script.lua"
  t.equal({err, status}, {"embla: cannot open /no/such/script.lua: No such file or directory\n", 1})
  process.with_file("local = 1", function(path)
    _, err, status = embla(path)
    t.equal({err, status}, {"embla: " .. path .. ":1: <name> expected near '='\n", 1})
  end)
end)

t.test("os.exit gives its status", function()
  t.equal(select(3, embla "-e 'os.exit(7)'"), 7)
  t.equal(select(3, embla "-e 'os.exit(true, true)'"), 0)
end)

t.test("warnings are shown", function()
  local _, err, status = embla [[-e 'warn("mind ", "the gap")']]
  t.equal({err, status}, {"Lua warning: mind the gap\n", 0})
end)

t.test("no globals besides Lua's own", function()
  local out = embla [[-e 'print(embla, nn, F, optim)']]
  t.equal(out, "nil\tnil\tnil\tnil\n")
end)

t.test("the program finds its scripts from any folder and through a link", function()
  local code = process.quote [[
    local path = assert(package.searchpath("embla.arguments.options", package.path))
    print((path:gsub("^.*/share", "share")))]]
  t.equal(process.run("cd / && " .. EMBLA .. " -e " .. code), "share/lua/5.4/embla/arguments/options.lua\n")
  local link = os.tmpname()
  t.equal(process.run(("ln -sf %s %s && %s -e %s; rm -f %s"):format(EMBLA, link, link, code, link)),
    "share/lua/5.4/embla/arguments/options.lua\n")
end)

t.test("an element that is asked for its item tells that it is a number already", function()
  process.with_file('local x = require "embla".ones(2, 2)\nprint(x[{0, 1}]:item())', function(path)
    local _, err, status = embla(path)
    t.equal({status, err:find("leave out :item()", 1, true) ~= nil}, {1, true})
  end)
  process.with_file("local x = 1\nprint(x.y)", function(path)
    local _, err = embla(path)
    t.equal(err:find("leave out", 1, true), nil)
  end)
end)

t.finish()
