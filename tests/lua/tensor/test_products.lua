-- Traces and sums of products: by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("traces and sums of products", function()
  t.equal(embla.tensor({{1, 2, 3}, {4, 5, 6}}):trace(), embla.tensor(6))
  t.raises(function() embla.trace(embla.ones(2)) end, "a matrix")
  local a, b = embla.arange(6.0):view(2, 3), embla.arange(12.0):view(3, 4)
  t.equal(embla.tensordot(a, b, 1), {{20.0, 23.0, 26.0, 29.0}, {56.0, 68.0, 80.0, 92.0}})
  t.equal(embla.tensordot(a, a), embla.tensor(55.0))
  t.equal(embla.tensordot(a, a, {{0}, {0}}), {{9.0, 12.0, 15.0}, {12.0, 17.0, 22.0}, {15.0, 22.0, 29.0}})
  t.equal(embla.tensordot(embla.tensor {1.0, 2.0}, embla.tensor {3.0, 4.0}, 0), {{3.0, 4.0}, {6.0, 8.0}})
  t.equal(embla.inner(a, a), {{5.0, 14.0}, {14.0, 50.0}})
  t.raises(function() embla.tensordot(a, b, {{0}, {0}}) end, "dim 0 of a has size 2, dim 0 of b 3")
end)

t.finish()
