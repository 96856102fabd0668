-- The locals of a piece of code, told from all that looks like them.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local locals = require "embla.repl.locals"

local CASES = {
  {"", {}},
  {"local x = 1", {"x"}},
  {"local a, b = 1", {"a", "b"}},
  {"local x", {"x"}},
  {"local a = 1; local b = a local a = 2", {"a", "b", "a"}},
  {"local function f() local x = 1 return x end", {"f"}},
  {"local N <const>, b <const> = 10, 2", {"N", "b"}},
  {"local a, f <close>, b = 1, nil, 2", {"a", "b"}},
  {"x = 1 y.z = 2", {}},
  {"for i = 1, 2 do local x = i end", {}},
  {"do local x = 1 end local y = 2", {"y"}},
  {"while true do local x = 1 break end local y", {"y"}},
  {"if a then local x elseif b then local y else local z end local w", {"w"}},
  {"repeat local x = 1 until x local y = 2", {"y"}},
  {"function f() local x end local y = function() local z end", {"y"}},
  {"local t = {function() local q end, a = 1} local u", {"t", "u"}},
  {"print 'local x' local y = \"local z\"", {"y"}},
  {"local y = 'it\\'s local x' local z = \"\\\\\" local w", {"y", "z", "w"}},
  {"local y = [[ local x ]] local z = [==[ ]] local x ]==]", {"y", "z"}},
  {"-- local x\nlocal y -- local z", {"y"}},
  {"--[[ local x ]] local y --[=[ ]] local z ]=]", {"y"}},
  {"local x = 0x1p-3 + 1e-5 + .5 + 3 ..2", {"x"}},
  {"local x = 1 return x", {}},
  {"local f = function() return 1 end local y", {"f", "y"}},
  {"goto done local x ::done::", {"x"}},
  {"local x = a // b - -c", {"x"}},
}

for _, case in ipairs(CASES) do
  t.test(("%q"):format(case[1]), function()
    assert(load(case[1]))
    t.equal(locals(case[1]), case[2])
  end)
end

t.test("what is closed at the end is told", function()
  t.equal({select(2, locals "local a <const>, b <close> = 1")}, {true})
  t.equal({select(2, locals "local a = 1 do local b <close> = 1 end")}, {false})
end)

t.finish()
