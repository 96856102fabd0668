-- equal, isclose, allclose: PyTorch's formula by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("equal: shape and values", function()
  t.equal(embla.equal(embla.tensor {1, 2}, embla.tensor {1, 2}), true)
  t.equal(embla.tensor({1, 2}):equal(embla.tensor {1, 3}), false)
  t.equal(embla.equal(embla.tensor {1, 2}, embla.tensor {{1, 2}}), false)
  t.equal(embla.equal(embla.zeros(0), embla.zeros(0)), true)
  t.equal(embla.equal(embla.tensor {0 / 0}, embla.tensor {0 / 0}), false)
  t.raises(function() embla.equal(embla.zeros(1), 1) end, "equal: argument other: expected a tensor, got 1")
end)

t.test("isclose: |a - b| <= atol + rtol |b|", function()
  local a = embla.tensor({1, 1, 1.05, 0}, "float64")
  local b = embla.tensor({1 + 1e-6, 1 + 1e-4, 1, 1e-9}, "float64")
  t.equal(embla.isclose(a, b), {true, false, false, true})
  t.equal(a:isclose(b, 0.1, 0), {true, true, true, false})
  t.equal(embla.isclose(a, b, {rtol = 0, atol = 0.01}), {true, true, false, true})
  t.equal(embla.isclose(embla.tensor {10.0}, embla.tensor {11.0}, 0.095, 0), {true})    -- measured by the second
  t.equal(embla.isclose(embla.tensor {11.0}, embla.tensor {10.0}, 0.095, 0), {false})
end)

t.test("infinities are close to themselves, NaN if asked", function()
  local a = embla.tensor {1 / 0, 1 / 0, 0 / 0, -1 / 0}
  local b = embla.tensor {1 / 0, -1 / 0, 0 / 0, 5.0}
  t.equal(embla.isclose(a, b), {true, false, false, false})
  t.equal(embla.isclose(a, b, {equal_nan = true}), {true, false, true, false})
  t.equal(embla.isclose(a, b, {rtol = 1e9, atol = 1e9}), {true, false, false, false})
end)

t.test("allclose is one answer for all", function()
  t.equal(embla.allclose(embla.ones(2, 2), embla.ones(2) + 1e-7), true)
  t.equal(embla.ones(2):allclose(embla.tensor {1.0, 2.0}), false)
  t.equal(embla.allclose(embla.tensor {true}, embla.tensor {true}), true)
  t.equal(embla.allclose(embla.tensor {1, 2}, embla.tensor {1, 3}, {atol = 1}), true)
  t.raises(function() embla.allclose(embla.ones(2), embla.ones(3)) end, "(2)", "(3)")
  t.raises(function() embla.allclose(embla.ones(2), embla.ones(2), {tol = 1}) end, "unknown option 'tol'")
  t.raises(function() embla.allclose(embla.ones(2), embla.ones(2), -1) end, "option rtol", ">= 0")
end)

t.finish()
