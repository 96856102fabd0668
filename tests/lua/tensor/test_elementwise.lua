-- Elementwise functions made of others, in-place forms and other names: by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local INF, NAN = 1 / 0, 0 / 0

local function grads_of(f, ...)
  local leaves = {}
  for i, values in ipairs {...} do leaves[i] = embla.tensor(values, "float64"):requires_grad_() end
  f(table.unpack(leaves)):sum():backward()
  local grads = {}
  for i, leaf in ipairs(leaves) do grads[i] = leaf.grad:tolist() end
  return grads
end

t.test("bounds: numbers and tensors", function()
  local x = embla.tensor {1.0, 5.0, 9.0}
  t.equal(x:clamp(2, 8), {2.0, 5.0, 8.0})
  t.equal(x:clamp(embla.tensor {0.0, 6.0, 0.0}), {1.0, 6.0, 9.0})
  t.equal(x:clamp({max = embla.tensor {0.0, 6.0, 7.0}}), {0.0, 5.0, 7.0})
  t.equal(x:clamp_min(4), {4.0, 5.0, 9.0})
  t.equal(embla.clamp_max(x, embla.tensor {4.0, 4.0, 10.0}), {1.0, 4.0, 9.0})
  t.equal(x:clone():clamp_(embla.tensor(3.0)), {3.0, 5.0, 9.0})
  t.equal(x:clone():clamp_min_(4):clamp_max_(6), {4.0, 5.0, 6.0})
  t.equal(x:clip(2, 8), {2.0, 5.0, 8.0})
  t.raises(function() x:clamp_min("a") end, "clamp_min: min")
end)

t.test("two tensors", function()
  t.close(embla.hypot(embla.tensor {3.0, 1e30, 0.0, INF}, embla.tensor {4.0, 1e30, 0.0, 1.0}),
          {5.0, 2 ^ 0.5 * 1e30, 0.0, INF})
  t.close(grads_of(embla.hypot, {3}, {4}), {{0.6}, {0.8}})
  t.close(embla.logaddexp(embla.tensor {0.0, 1000.0, -INF, INF}, embla.tensor {0.0, 1000.0, -INF, 1.0}),
          {math.log(2), 1000 + math.log(2), -INF, INF})
  t.close(grads_of(embla.logaddexp, {0, 0}, {math.log(3), 0}), {{0.25, 0.5}, {0.75, 0.5}})
  t.equal(embla.xlogy(embla.tensor {0.0, 2.0, 0.0}, embla.tensor {0.0, 1.0, NAN}), {0.0, 0.0, NAN})
  t.equal(embla.heaviside(embla.tensor {-1.0, 0.0, 2.0}, embla.tensor(0.5)), {0.0, 0.5, 1.0})
  t.equal(embla.fmax(embla.tensor {1.0, NAN, 3.0}, embla.tensor {2.0, 5.0, NAN}), {2.0, 5.0, 3.0})
  t.equal(embla.fmin(embla.tensor {1.0, NAN, 3.0}, embla.tensor {2.0, 5.0, NAN}), {1.0, 5.0, 3.0})
  t.equal(embla.lerp(embla.tensor {0.0, 10.0}, embla.tensor {10.0, 20.0}, embla.tensor {0.1, 0.5}), {1.0, 15.0})
  t.equal(embla.lerp(embla.tensor {0.0}, embla.tensor {10.0}, 0.25), {2.5})
end)

t.test("one tensor", function()
  t.close(embla.asinh(embla.tensor({1, -1, 1e-8}, "float64")), {0.881373587019543, -0.881373587019543, 1e-8}, 1e-14, 0)
  t.close(embla.acosh(embla.tensor({1, 2}, "float64")), {0, 1.3169578969248166}, 1e-14)
  t.close(embla.atanh(embla.tensor({0, 0.5}, "float64")), {0, 0.5493061443340548}, 1e-14)
  t.close(embla.logit(embla.tensor {0.5, 0.75}), {0, math.log(3)})
  t.close(embla.logit(embla.tensor {0.0}, 0.25), {-math.log(3)})
  t.close(embla.sinc(embla.tensor {0.0, 0.5, 1.0}), {1, 2 / math.pi, 0})
  t.close(embla.deg2rad(embla.tensor {180.0}), {math.pi})
  t.close(embla.rad2deg(embla.tensor {math.pi}), {180})
  local odd = embla.tensor {NAN, INF, -INF, 1.0}
  t.equal(odd:isposinf(), {false, true, false, false})
  t.equal(odd:isneginf(), {false, false, true, false})
  t.equal(odd:nan_to_num(7, 8, 9), {7.0, 8.0, 9.0, 1.0})
  t.equal(embla.tensor({INF, -INF}, "float16"):nan_to_num(), embla.tensor({65504, -65504}, "float16"))
  t.equal(embla.isin(embla.tensor {1, 5, 3}, {3, 1}), {true, false, true})
  t.equal(embla.isin(embla.tensor {1}, embla.zeros(0)), {false})
end)

t.test("logic and bits in place", function()
  local x, y = embla.tensor {true, true, false}, embla.tensor {true, false, false}
  t.equal(x:clone():logical_and_(y), {true, false, false})
  t.equal(x:clone():logical_or_(y), {true, true, false})
  t.equal(x:clone():logical_xor_(y), {false, true, false})
  t.equal(x:clone():logical_not_(), {false, false, true})
  t.equal(embla.tensor({2.0, 0.0}):logical_not_(), {0.0, 1.0})
  t.equal(embla.tensor({6, 3}):bitwise_and_(2), {2, 2})
  t.equal(x:bitwise_not(), {false, false, true})
end)

t.test("other names are the same functions", function()
  local x = embla.tensor {-4.0, 9.0}
  t.equal(x:absolute(), {4.0, 9.0})
  t.equal(embla.multiply(x, 2), {-8.0, 18.0})
  t.equal(x:clone():subtract_(1), {-5.0, 8.0})
  t.equal(x:greater(0), {false, true})
  t.equal(embla.ger(x, x), embla.outer(x, x))
  t.equal(x:positive(), x)
end)

t.finish()
