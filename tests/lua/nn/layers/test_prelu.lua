-- nn.PReLU.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("PReLU has learned slopes", function()
  local layer = nn.PReLU()
  local x = embla.tensor({{-2.0, 4.0}}):requires_grad_()
  local out = layer(x)
  t.equal(out, {{-0.5, 4}})
  out:sum():backward()
  t.equal(layer.weight.grad, {-2})
  t.equal(x.grad, {{0.25, 1}})
  layer = nn.PReLU(2, {init = 0.5})
  t.equal(layer(embla.tensor {{-2.0, -4.0}}), {{-1, -2}})
  t.equal(layer(embla.ones(2, 2, 3)).shape, {2, 2, 3})
  t.equal(tostring(layer), "PReLU(num_parameters=2)")
  t.raises(function() layer(embla.ones(2, 3)) end, "prelu", "3", "2")
  t.raises(function() nn.PReLU(0) end, "PReLU", "num_parameters", "0")
end)

t.finish()
