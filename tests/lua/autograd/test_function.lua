-- autograd.Function: a forward and a backward written in Lua.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local Function, gradcheck = embla.autograd.Function, embla.autograd.gradcheck

local function leaf(data, dtype) return embla.tensor(data, {requires_grad = true, dtype = dtype}) end

local Exp = Function:extend "Exp"
function Exp.forward(ctx, x)
  local y = x:exp()
  ctx:save_for_backward(y)
  return y
end
function Exp.backward(ctx, dy) return dy * ctx.saved_tensors[1] end

-- A function of this name with a forward that doubles and the backward given.
local function doubling(name, backward, forward)
  local cls = Function:extend(name)
  cls.forward = forward or function(_, x) return x * 2 end
  cls.backward = backward
  return cls
end

t.test("forward and backward", function()
  local x = leaf {0.0, 1.0}
  local y = Exp.apply(x)
  t.close(y, {1.0, math.exp(1)})
  t.equal({y.requires_grad, y.is_leaf, y.grad_fn:name()}, {true, false, "ExpBackward"})
  ;(y * embla.tensor {1.0, 10.0}):sum():backward()
  t.close(x.grad, {1.0, 10 * math.exp(1)})
  t.equal(gradcheck(Exp.apply, {leaf({0.5, -1.0}, "float64")}), true)
end)

t.test("it is called in three ways", function()
  local x = leaf {1.0}
  t.same_bits(Exp(x):detach(), Exp.apply(x):detach())
  t.same_bits(Exp:apply(x):detach(), Exp.apply(x):detach())
end)

t.test("tostring shows it as PyTorch does", function()
  t.equal(tostring(Exp(leaf {0.0})), "tensor([1.], grad_fn=<ExpBackward>)")
end)

t.test("several arguments and results, numbers among them, a gradient of nil", function()
  local seen
  local Both = Function:extend "Both"
  function Both.forward(ctx, x, k, y, name)
    seen = ctx.needs_input_grad
    ctx:save_for_backward(x, y)
    ctx.k = k
    return x * y * k, name, x + y
  end
  function Both.backward(ctx, da, none, db)
    t.equal(none, nil)
    local x, y = table.unpack(ctx.saved_tensors)
    return da * y * ctx.k + db, nil, ctx.needs_input_grad[3] and da * x * ctx.k + db or nil, nil
  end
  local x, y = leaf {3.0}, leaf {5.0}
  local a, name, b = Both.apply(x, 2, y, "sum")
  t.equal({a:item(), name, b:item()}, {30.0, "sum", 8.0})
  t.equal(seen, {true, false, true, false})
  ;(a + 10 * b):sum():backward()
  t.equal({x.grad:item(), y.grad:item()}, {20.0, 16.0})
  a = Both.apply(x, 2, y:detach(), "")
  t.equal(seen, {true, false, false, false})
  a:sum():backward()
  t.equal(x.grad:item(), 20.0 + 10)
end)

t.test("a gradient of nil stops there", function()
  local x = leaf {1.0}
  doubling("Stop", function() return nil end).apply(x):sum():backward()
  t.equal(x.grad, nil)
end)

t.test("results without a gradient: zeros, or nil if asked for", function()
  local seen
  local function two(materialize)
    local cls = Function:extend "Two"
    function cls.forward(ctx, x)
      if not materialize then ctx:set_materialize_grads(false) end
      return x * 1, x * 2
    end
    function cls.backward(_, da, db)
      seen = db == nil and "nil" or db:tolist()
      return da
    end
    return cls
  end
  local x = leaf {1.0, 2.0}
  two(true).apply(x):sum():backward()
  t.equal(seen, {0.0, 0.0})
  two(false).apply(x):sum():backward()
  t.equal(seen, "nil")
end)

t.test("results that are not differentiable", function()
  local Top = Function:extend "Top"
  function Top.forward(ctx, x)
    local sign, ids = x:sign(), embla.arange(2)
    ctx:mark_non_differentiable(sign)
    return x * 3, sign, ids
  end
  function Top.backward(_, dy, dsign, dids)
    t.equal({dsign, dids}, {nil, nil})
    return dy * 3
  end
  local x = leaf {-1.0, 2.0}
  local y, sign, ids = Top.apply(x)
  t.equal({y.requires_grad, sign.requires_grad, sign.is_leaf, ids.dtype}, {true, false, true, "int64"})
  y:sum():backward()
  t.equal(x.grad, {3.0, 3.0})
end)

t.test("an argument returned as it is, and twice", function()
  local Same = Function:extend "Same"
  function Same.forward(_, x) return x, x end
  function Same.backward(_, a, b) return a * 2 + b * 3 end
  local x = leaf {1.0}
  local a, b = Same.apply(x)
  t.equal({x.is_leaf, a.is_leaf, rawequal(a, x)}, {true, false, false})
  ;(a + 10 * b):sum():backward()
  t.equal(x.grad, {32.0})
end)

t.test("an error of backward names the function, with a traceback", function()
  local Bad = doubling("Bad", function() error "no luck" end)
  local x = leaf {1.0}
  local y = Bad.apply(x):sum()
  t.raises(function() y:backward() end, "test_function.lua", "no luck", "in the backward of Bad", "stack traceback:")
  t.equal(x.grad, nil)
  local object = {}
  local Object = doubling("Object", function() error(object) end)
  local ok, got = pcall(function() Object.apply(x):sum():backward() end)
  t.equal({ok, rawequal(got, object)}, {false, true})
end)

t.test("wrong gradients are named", function()
  local x = leaf {1.0, 2.0}
  local function fails(backward, ...)
    local y = doubling("Wrong", backward).apply(x):sum()
    t.raises(function() y:backward() end, "test_function.lua", "Wrong", ...)
    t.equal(x.grad, nil)
  end
  fails(function(_, dy) return dy, dy end, "backward returned 2 gradients, expected 1")
  fails(function() end, "backward returned 0 gradients, expected 1")
  fails(function(_, dy) return dy:sum() end, "gradient of shape ()", "argument 1, which has shape (2)")
  fails(function() return "dy" end, 'returned "dy" as the gradient of argument 1')
  fails(nil, "backward is not defined")
  local Number = doubling("Number", function(_, dy) return dy, dy end, function(_, y, k) return y * k end)
  t.raises(function() Number.apply(x, 2):sum():backward() end, "gradient for argument 2, which is no tensor")
  t.raises(function() Function:extend("None").apply(x) end, "None: forward is not defined")
  t.raises(function() doubling("Save", nil, function(ctx) ctx:save_for_backward(3) end).apply(x) end,
    "save_for_backward: argument 1: expected a tensor, got 3")
end)

t.test("saved tensors that change in place are noticed", function()
  local w = embla.tensor {2.0}
  local Scale = doubling("Scale", function(ctx, dy) return dy * ctx.saved_tensors[1] end,
    function(ctx, x) ctx:save_for_backward(w) return x * w end)
  local y = Scale.apply(leaf {1.0}):sum()
  w:add_(1)
  t.raises(function() y:backward() end, "tensor 1 that Scale saved for its gradient was modified", "expected 0")
end)

t.test("a second backward needs retain_graph", function()
  local x = leaf {0.0}
  local y = Exp.apply(x)
  y:backward({retain_graph = true})
  y:backward()
  t.equal(x.grad, {2.0})
  t.raises(function() y:backward() end, "Exp were freed by an earlier backward")
end)

t.test("within no_grad, and without a gradient asked for, forward alone runs", function()
  local y = embla.no_grad(Exp.apply, leaf {0.0})
  t.equal({y.requires_grad, y:item()}, {false, 1.0})
  t.equal(Exp.apply(embla.tensor {0.0}).requires_grad, false)
end)

t.test("forward records nothing of its own", function()
  local inner
  local Peek = doubling("Peek", nil, function(_, x)
    inner = x * 2
    return inner
  end)
  Peek.backward = function(_, dy) return dy end
  local x = leaf {1.0}
  Peek.apply(x):sum():backward()
  t.equal({embla.is_grad_enabled(), x.grad:item()}, {true, 1.0})
end)

t.test("a function inside a function, and a backward inside a backward", function()
  local Outer = Function:extend "Outer"
  function Outer.forward(ctx, x)
    ctx:save_for_backward(x)
    return Exp.apply(x) * 2
  end
  function Outer.backward(ctx, dy)
    local x = ctx.saved_tensors[1]:detach():requires_grad_()
    embla.enable_grad(function() (Exp.apply(x) * 2):backward(dy) end)
    return x.grad
  end
  local x = leaf({0.3, -0.7}, "float64")
  t.equal(gradcheck(Outer.apply, x), true)
end)

t.test("a backward inside a backward through the same calls is refused", function()
  local outer
  local Loop = doubling("Loop", function(_, dy)
    outer:backward(nil, {retain_graph = true})
    return dy
  end)
  outer = Loop.apply(leaf {1.0} * 1):sum()
  t.raises(function() outer:backward(nil, {retain_graph = true}) end, "inside another backward")
end)

t.test("a coroutine may run it", function()
  local x = leaf {0.0}
  local ok, message = coroutine.resume(coroutine.create(function() Exp.apply(x):sum():backward() end))
  t.equal({ok, message, x.grad:item()}, {true, nil, 1.0})
  local Bad = doubling("Bad", function() error "in here" end)
  ok, message = coroutine.resume(coroutine.create(function() Bad.apply(x):sum():backward() end))
  t.equal({ok, message:find("in here", 1, true) ~= nil}, {false, true})
end)

t.test("bytes come back, also when backward never runs or fails", function()
  local memory = require "embla.core".memory
  local Bad = doubling("Bad", function() error "no" end)
  local function once()
    local x = leaf {{1.0, 2.0}, {3.0, 4.0}}
    Exp.apply(x):sum():backward()
    Exp.apply(Exp.apply(x))
    pcall(function() Bad.apply(x):sum():backward() end)
  end
  local function settle()
    for _ = 1, 4 do collectgarbage() end
    return memory()
  end
  once()
  local before = settle()
  for _ = 1, 20 do once() end
  t.equal(settle(), before)
end)

t.test("a state may close with a graph alive", function()
  local program = arg[-1]
  local code = [[
    local embla = require "embla"
    local F = embla.autograd.Function:extend "F"
    function F.forward(ctx, x) ctx:save_for_backward(x) return x * 2 end
    function F.backward(_, dy) return dy * 2 end
    kept = F.apply(embla.ones(3, {requires_grad = true}))
    kept:register_hook(function() end)
    kept2 = embla.utils.checkpoint(F.apply, kept)]]
  local pipe = io.popen(("'%s' -e '%s' 2>&1; echo $?"):format(program, code))
  t.equal(pipe:read "a", "0\n")
  pipe:close()
end)

t.finish()
