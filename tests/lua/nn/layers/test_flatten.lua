-- nn.Flatten.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("Flatten joins dims", function()
  local x = embla.zeros(2, 3, 4, 5)
  t.equal(nn.Flatten()(x).shape, {2, 60})
  t.equal(nn.Flatten(0)(x).shape, {120})
  t.equal(nn.Flatten {start_dim = 1, end_dim = 2}(x).shape, {2, 12, 5})
  t.equal(tostring(nn.Flatten()), "Flatten(start_dim=1, end_dim=-1)")
  t.raises(function() nn.Flatten {start = 1} end, "Flatten", "start", "start_dim")
end)

t.finish()
