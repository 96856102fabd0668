-- nn.Unflatten: shapes by hand, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("one dim into several, and back", function()
  local x = embla.randn(2, 6)
  local y = nn.Unflatten(1, {2, 3})(x)
  t.equal(y.shape, {2, 2, 3})
  t.equal(y[{1, 1, 0}], x[{1, 3}])
  t.same_bits(nn.Flatten()(y), x)
  t.equal(nn.Unflatten {dim = -1, unflattened_size = {3, -1}}(x).shape, {2, 3, 2})
  t.equal(tostring(nn.Unflatten(1, {2, 3})), "Unflatten(dim=1, unflattened_size=(2, 3))")
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.Unflatten(1) end, "Unflatten: option unflattened_size is required")
  t.raises(function() nn.Unflatten(1, 3) end, "Unflatten", "list of integers", "3")
  t.raises(function() nn.Unflatten(1, {4, 2})(embla.ones(2, 6)) end, "unflatten")
  t.raises(function() nn.Unflatten(5, {2, 3})(embla.ones(2, 6)) end, "unflatten", "5")
end)

t.finish()
