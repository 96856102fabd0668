-- nn.Identity.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("Identity gives back what it is given, whatever it was made with", function()
  local x = embla.ones(2)
  t.equal(rawequal(nn.Identity(1, {a = 2})(x), x), true)
  t.equal(tostring(nn.Identity()), "Identity()")
end)

t.finish()
