-- nn.Sequential: one after the other.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("Sequential calls one after the other; empty, it returns its argument", function()
  local x = embla.ones(1, 1)
  t.equal(rawequal(nn.Sequential()(x), x), true)
  local Double = nn.Module:extend "Double"
  function Double.forward(_, y) return y * 2 end
  t.equal(nn.Sequential(Double(), Double(), Double())(x):tolist(), {{8}})
end)

t.test("further arguments go to the first module", function()
  local Sum = nn.Module:extend "Sum"
  function Sum.forward(_, a, b) return a + b end
  t.equal(nn.Sequential(Sum(), nn.Identity())(embla.ones(2), embla.ones(2)):tolist(), {2, 2})
end)

t.test("what the last returns is returned, all of it", function()
  local y, state = nn.Sequential(nn.Linear(2, 3), nn.LSTM(3, 4), nn.LSTM(4, 5))(embla.ones(6, 1, 2))
  t.equal({y.shape, state[1].shape}, {{6, 1, 5}, {1, 1, 5}})
  t.equal(select("#", nn.Sequential(nn.GRU(2, 3))(embla.ones(1, 1, 2))), 2)
end)

t.finish()
