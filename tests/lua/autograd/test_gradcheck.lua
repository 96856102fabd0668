-- gradcheck: right gradients pass, wrong ones are found and placed.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local gradcheck, Function = embla.autograd.gradcheck, embla.autograd.Function

local function leaf(...) return embla.randn(...):double():detach():requires_grad_() end

t.test("right gradients pass", function()
  t.equal(gradcheck(function(x, y) return x * y, (x - y):exp() end, {leaf(2, 3), leaf(3)}), true)
  t.equal(gradcheck(function(x) return x:tanh() end, leaf(4)), true)
  t.equal(gradcheck(function(x, k) return x * k end, {leaf(2), 3}), true)
end)

-- x^3, whose backward has an error at one element.
local function cube(at, by)
  local Cube = Function:extend "Cube"
  function Cube.forward(ctx, x)
    ctx:save_for_backward(x)
    return x * x * x
  end
  function Cube.backward(ctx, dy)
    local x = ctx.saved_tensors[1]
    local dx = dy * 3 * x * x
    dx[at] = dx[at] + by
    return dx
  end
  return Cube.apply
end

t.test("a wrong gradient is placed", function()
  local x = embla.tensor({1.0, 2.0, 3.0}, {dtype = "float64", requires_grad = true})
  t.equal(gradcheck(cube(1, 0), x), true)
  t.raises(function() gradcheck(cube(1, 0.5), x) end, "test_gradcheck.lua", "gradcheck: result 1, element 0, input 1,"
    .. " element 1", "numeric 0, analytic 0.5")
  t.equal(gradcheck(cube(1, 0.5), x, {raise_exception = false}), false)
end)

t.test("tolerances are those of allclose", function()
  local x = embla.tensor({2.0}, {dtype = "float64", requires_grad = true})
  t.equal(gradcheck(cube(0, 0.011), x, {atol = 0, rtol = 1e-3}), true)         -- 12 * 1e-3 = 0.012
  t.equal(gradcheck(cube(0, 0.013), x, {atol = 0, rtol = 1e-3, raise_exception = false}), false)
  t.equal(gradcheck(cube(0, 0.013), x, {atol = 0.002, rtol = 1e-3}), true)
end)

t.test("a backward that changes its mind is found", function()
  local calls = 0
  local Moody = Function:extend "Moody"
  function Moody.forward(_, x) return x * 1 end
  function Moody.backward(_, dy)
    calls = calls + 1
    return dy * (1 + calls * 1e-9)
  end
  local x = leaf(1)
  t.raises(function() gradcheck(Moody.apply, x) end, "different gradients for the same call")
  t.equal(gradcheck(Moody.apply, x, {nondet_tol = 1e-6}), true)
end)

t.test("inputs come back as they were", function()
  local x = leaf(3)
  local before = x:tolist()
  gradcheck(function(y) return y:exp() end, x)
  t.same_bits(x, before)
  t.equal(x.grad, nil)
end)

t.test("what cannot be checked is refused", function()
  t.raises(function() gradcheck(function(x) return x end, embla.ones(2)) end, "no input requires grad")
  t.raises(function() gradcheck(function(x) return x:detach() end, leaf(2)) end, "no result of the function")
  t.raises(function() gradcheck(function(x) return x end, leaf(2, 3):detach():t():requires_grad_()) end,
    "input 1 is not contiguous")
  t.raises(function() gradcheck(function(x) return x end, leaf(2), {epsilon = 1}) end, "unknown option 'epsilon'")
  t.raises(function() gradcheck(function(x) return x end, 3) end, "argument inputs")
end)

t.test("a function whose results change their shape", function()
  local calls = 0
  local x = embla.ones(2, {requires_grad = true, dtype = "float64"})
  t.raises(function()
    embla.autograd.gradcheck(function(y)
      calls = calls + 1
      return calls < 6 and y * 2 or (y * 2)[{{0, 1}}]
    end, {x})
  end, "gradcheck: the function returned results of other shapes")
end)

t.finish()
