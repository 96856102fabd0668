-- Anomaly detection: a NaN in a backward names the operation and the line that called it.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local autograd = embla.autograd

local function line() return debug.getinfo(2, "l").currentline end

-- sqrt at 0 has an infinite slope; times a gradient of 0 that is NaN.
local function bad()
  local x = embla.tensor({0.0, 1.0}, {requires_grad = true})
  local y, at = x:sqrt(), line()
  return (y * 0):sum(), at, x
end

t.test("off, NaN goes through", function()
  local y, _, x = bad()
  y:backward()
  t.equal(x.grad, {0 / 0, 0.0})
end)

t.test("on, it is an error that names operation and line", function()
  autograd.detect_anomaly(function()
    local y, at, x = bad()
    t.raises(function() y:backward() end, "sqrt gave NaN", ("sqrt was called at tests/lua/autograd/test_anomaly.lua:%d")
      :format(at))
    t.equal(x.grad, nil)
  end)
  bad():backward()
end)

t.test("a call made before it was on is only named", function()
  local y = bad()
  autograd.set_detect_anomaly(true)
  t.raises(function() y:backward() end, "sqrt gave NaN", "while anomaly detection was off")
  autograd.set_detect_anomaly(false)
end)

t.test("a scope, and an error inside it", function()
  do
    local _ <close> = autograd.detect_anomaly()
    t.raises(function() bad():backward() end, "sqrt gave NaN")
  end
  pcall(autograd.detect_anomaly, function() error "out" end)
  bad():backward()
end)

t.test("a function of Lua is named too", function()
  local Nan = autograd.Function:extend "Nan"
  function Nan.forward(_, x) return x * 1 end
  function Nan.backward(_, dy) return dy * (0 / 0) end
  autograd.detect_anomaly(function()
    local y = Nan.apply(embla.ones(1, {requires_grad = true}))
    t.raises(function() y:sum():backward() end, "Nan gave NaN", "test_anomaly.lua:")
  end)
end)

t.test("a line inside a coroutine", function()
  autograd.detect_anomaly(function()
    local y, at
    coroutine.wrap(function() y, at = bad() end)()
    t.raises(function() y:backward() end, ("test_anomaly.lua:%d"):format(at))
  end)
end)

t.test("row-sparse gradients are looked through", function()
  autograd.detect_anomaly(function()
    local w = embla.ones(3, 2, {requires_grad = true})
    local y = embla.F.embedding(embla.LongTensor {1}, w, {sparse = true})
    t.raises(function() y:backward(embla.full({1, 2}, 0 / 0)) end, "Embedding gave NaN")
  end)
end)

t.test("bad arguments", function()
  t.raises(function() autograd.set_detect_anomaly(1) end, "set_detect_anomaly: argument on")
  t.raises(function() autograd.detect_anomaly(1) end, "detect_anomaly: argument f: expected a function")
end)

t.finish()
