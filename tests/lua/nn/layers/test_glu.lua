-- nn.GLU: values by hand, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

local function sigmoid(x) return 1 / (1 + math.exp(-x)) end

t.test("the first half times the sigmoid of the second", function()
  local x = embla.tensor {{1.0, 2.0, 0.0, -1.0}, {3.0, -4.0, 0.5, 2.0}}
  t.close(nn.GLU()(x), {{0.5, 2 * sigmoid(-1)}, {3 * sigmoid(0.5), -4 * sigmoid(2)}})
  t.close(nn.GLU(0)(x), {{sigmoid(3), 2 * sigmoid(-4), 0, -sigmoid(2)}})
  t.equal(tostring(nn.GLU {dim = 1}), "GLU(dim=1)")
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.GLU()(embla.ones(2, 3)) end, "glu: dim -1 has size 3")
  t.raises(function() nn.GLU("1") end, "GLU: option dim", "integer")
  t.raises(function() nn.GLU()(1) end, "glu", "tensor")
end)

t.finish()
