-- utils.checkpoint: the same gradients to the last bit, less memory.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, checkpoint = embla.nn, embla.utils.checkpoint
local core = require "embla.core"

local function block()
  return nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Dropout(0.3), nn.Linear(32, 8), nn.ReLU())
end

-- Gradients of two blocks, one after the other and with a way around, after `run` of each.
local function gradients(run)
  embla.manual_seed(7)
  local a, b = block(), block()
  local x = embla.randn(5, 8):requires_grad_()
  local y = run(a, x)
  y = run(b, y) + y + run(a, y)
  embla.rand(3)                 -- numbers drawn between forward and backward
  y:square():sum():backward()
  local list = {y:detach(), x.grad}
  for _, net in ipairs {a, b} do
    for _, p in ipairs(net:parameters()) do list[#list + 1] = p.grad end
  end
  return list, embla.get_rng_state()
end

t.test("bits are those of the plain run, dropout and all", function()
  local plain, state = gradients(function(f, x) return f(x) end)
  local checked, later = gradients(checkpoint)
  t.equal(#checked, 2 + 8)
  for i = 1, #plain do t.same_bits(checked[i], plain[i]) end
  t.equal(later, state)         -- running again leaves the generator where it was
end)

t.test("one checkpoint inside another", function()
  local plain = gradients(function(f, x) return f(x) end)
  local nested = gradients(function(f, x)
    return checkpoint(function(y) return checkpoint(f, y) end, x)
  end)
  for i = 1, #plain do t.same_bits(nested[i], plain[i]) end
end)

t.test("several results, tensors from outside, embla.grad", function()
  local w = embla.tensor({2.0}, {requires_grad = true})
  local x = embla.tensor({3.0}, {requires_grad = true})
  local outside = w * 5
  local a, b, name = checkpoint(function(y) return y * outside, (y * w):exp(), "both" end, x)
  t.equal(name, "both")
  local gw, gx = table.unpack(embla.grad((a + b):sum(), {w, x}))
  t.close({gw:item(), gx:item()}, {15 + 3 * math.exp(6), 10 + 2 * math.exp(6)})
  t.equal({w.grad, x.grad}, {})
end)

t.test("a Function inside runs its forward again", function()
  local forwards = 0
  local Twice = embla.autograd.Function:extend "Twice"
  function Twice.forward(ctx, x)
    forwards = forwards + 1
    ctx:save_for_backward(x)
    return x * x
  end
  function Twice.backward(ctx, dy) return dy * 2 * ctx.saved_tensors[1] end
  local x = embla.tensor({3.0}, {requires_grad = true})
  checkpoint(Twice.apply, x):sum():backward()
  t.equal({x.grad:item(), forwards}, {6.0, 2})
end)

t.test("it runs once without gradients, twice with, and again only once for retain_graph", function()
  local runs = 0
  local function f(x)
    runs = runs + 1
    return x:exp()
  end
  local x = embla.zeros(2, {requires_grad = true})
  embla.no_grad(checkpoint, f, x)
  t.equal(runs, 1)
  local y = checkpoint(f, x):sum()
  y:backward({retain_graph = true})
  y:backward()
  t.equal({runs, x.grad:tolist()}, {3, {2.0, 2.0}})
end)

t.test("memory holds arguments and results", function()
  local function most(run)
    local x = embla.zeros(256, 256, {requires_grad = true})
    for _ = 1, 3 do collectgarbage() end
    local before = core.memory()
    local y = run(function(z)
      for _ = 1, 10 do z = z:exp() end
      return z
    end, x)
    for _ = 1, 3 do collectgarbage() end
    local held = core.memory() - before
    y:sum():backward()
    return held
  end
  local plain, checked = most(function(f, x) return f(x) end), most(checkpoint)
  if plain < 9 * checked then t.fail(("plain holds %d bytes, checkpoint %d"):format(plain, checked)) end
end)

t.test("errors", function()
  local x = embla.ones(2, {requires_grad = true})
  t.raises(function() checkpoint(3, x) end, "checkpoint: argument f: expected a function, got 3")
  t.raises(function() checkpoint(function() error "first" end, x) end, "first")
  local runs = 0
  local function changing(y)
    runs = runs + 1
    return runs == 1 and y:exp() or y:sin()
  end
  t.raises(function() checkpoint(changing, x):sum():backward() end, "checkpoint: run again", "was exp, now it is sin")
  runs = 0
  local function longer(y)
    runs = runs + 1
    return runs == 1 and y:exp() or y:exp() * 1
  end
  t.raises(function() checkpoint(longer, x):sum():backward() end, "more calls than the first time")
  runs = 0
  local function failing(y)
    runs = runs + 1
    if runs > 1 then error "second" end
    return y * y
  end
  t.raises(function() checkpoint(failing, x):sum():backward() end, "second")
  t.equal({x.grad, embla.is_grad_enabled()}, {nil, true})
  local z = x * 1
  local y = checkpoint(function(u) return u:exp() end, z)
  z:mul_(2)
  t.raises(function() y:sum():backward() end, "checkpoint: argument 1 was modified")
end)

t.test("bytes come back", function()
  local function once()
    local x = embla.zeros(4, {requires_grad = true})
    checkpoint(function(y) return y:exp():sin() end, x):sum():backward()
    checkpoint(function(y) return y:exp():sin() end, x)
  end
  local function settle()
    for _ = 1, 4 do collectgarbage() end
    return (core.memory())
  end
  once()
  local before = settle()
  for _ = 1, 20 do once() end
  t.equal(settle(), before)
end)

t.finish()
