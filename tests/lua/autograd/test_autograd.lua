-- grad and its options, hooks, retain_grad, detach_, grad_fn.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local function leaf(data) return embla.tensor(data, {requires_grad = true}) end

-- ---- grad ------------------------------------------------------------------------------------------------------

t.test("gradients of several outputs for several inputs, grads untouched", function()
  local x, y = leaf {1.0, 2.0}, leaf {3.0, 4.0}
  local gx, gy = table.unpack(embla.grad({(x * y):sum(), x:sum()}, {x, y}))
  t.equal({gx:tolist(), gy:tolist()}, {{4.0, 5.0}, {1.0, 2.0}})
  t.equal({x.grad, y.grad}, {})
end)

t.test("grad_outputs, a tensor or a list", function()
  local x = leaf {1.0, 2.0}
  local k = embla.tensor {10.0, 100.0}
  t.equal(embla.grad(x * x, x, k)[1], {20.0, 400.0})
  t.equal(embla.grad({x * x, x * 3}, {x}, {k, k})[1], {50.0, 700.0})
  t.raises(function() embla.grad(x * x, x) end, "a gradient must be given for a tensor of 2 elements")
  t.raises(function() embla.grad(x * x, x, embla.ones(3)) end, "gradient has shape (3), the tensor (2)")
end)

t.test("an input in the middle of the graph", function()
  local x = leaf {2.0}
  local middle = x * 3
  t.equal(embla.grad((middle * middle):sum(), middle)[1], {12.0})
end)

t.test("allow_unused: false where an input was not reached, else an error", function()
  local x, other = leaf {1.0}, leaf {1.0}
  local grads = embla.grad(x:sum(), {x, other}, {allow_unused = true})
  t.equal({grads[1]:tolist(), grads[2]}, {{1.0}, false})
  t.raises(function() embla.grad(x:sum(), {x, other}) end, "test_autograd.lua", "grad: input 2 was not used")
  t.raises(function() embla.grad(x:sum(), embla.ones(1)) end, "input 1 does not require grad")
  t.raises(function() embla.grad({true}, x) end, "grad: outputs: element 1 is not a tensor")
  t.raises(function() embla.grad(x:sum(), {x, false}) end, "grad: inputs: element 2 is not a tensor")
end)

t.test("retain_graph", function()
  local x = leaf {3.0}
  local y = (x * x):sum()
  t.equal(embla.grad(y, x, {retain_graph = true})[1], {6.0})
  t.equal(embla.grad(y, x)[1], {6.0})
  t.raises(function() embla.grad(y, x) end, "retain_graph = true")
end)

-- ---- hooks -----------------------------------------------------------------------------------------------------

t.test("a hook sees and replaces the gradient until it is removed", function()
  local x, seen = leaf {1.0}, {}
  local handle = x:register_hook(function(g)
    seen[#seen + 1] = g:item()
    return g * 10
  end)
  ;(x * 2):sum():backward()
  t.equal({seen, x.grad:item()}, {{2.0}, 20.0})
  handle.remove()
  handle.remove()
  ;(x * 2):sum():backward()
  t.equal({seen, x.grad:item()}, {{2.0}, 22.0})
end)

t.test("a hook may remove itself and those after it", function()
  local x, calls, first, second = leaf {1.0}, 0, nil, nil
  first = x:register_hook(function()
    calls = calls + 1
    first.remove()
    second.remove()
  end)
  second = x:register_hook(function() calls = calls + 100 end)
  for _ = 1, 2 do (x * 2):sum():backward() end
  t.equal({calls, x.grad:item()}, {1, 4.0})
end)

t.test("a hook may change what hangs on the tensors of the walk", function()
  local x = leaf {1.0}
  local y = x * 2
  local z = y:sum()
  y:register_hook(function()
    y:detach_()
    z:detach_()
    collectgarbage()
  end)
  z:backward()
  t.equal(x.grad, {2.0})
end)

t.test("an error of a hook becomes that of backward", function()
  local x = leaf {1.0}
  x:register_hook(function() error "hook" end)
  t.raises(function() (x * 2):sum():backward() end, "hook")
  t.equal(x.grad, nil)
  t.raises(function() x:register_hook(3) end, "register_hook: argument f: expected a function, got 3")
  t.raises(function() embla.ones(1):register_hook(print) end, "register_hook: the tensor does not require grad")
end)

-- ---- leaves and others -----------------------------------------------------------------------------------------

t.test("retain_grad keeps the gradient of a result", function()
  local x = leaf {1.0}
  local y = x * 2
  t.equal({y:retain_grad() == y, x.is_leaf, y.is_leaf}, {true, true, false})
  ;(y * 3):sum():backward()
  t.equal({y.grad:item(), x.grad:item()}, {3.0, 6.0})
end)

t.test("detach_ takes the history off", function()
  local x = leaf {1.0}
  local y = x * 2
  y:detach_()
  t.equal({y.requires_grad, y.is_leaf, y.grad_fn}, {false, true, nil})
  t.raises(function() (x * 2):view(1, 1):detach_() end, "detach_: a view cannot lose its history")
end)

t.test("grad_fn", function()
  local x = leaf {1.0, 2.0}
  t.equal(x.grad_fn, nil)
  t.equal((x + 1).grad_fn:name(), "AddBackward0")
  t.equal(tostring(x:sum().grad_fn), "<SumBackward0>")
  local y = x * 1
  y[0] = 5
  t.equal(y.grad_fn:name(), "CopySlices")
end)

t.finish()
