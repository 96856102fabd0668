-- Gradients that a script has: it may write to them, and what it does then is seen by nobody else. Hooks, retain_grad
-- and views when something changes in place.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F = embla.F

local function leaf(values) return embla.tensor(values, {requires_grad = true}) end

-- ---- writing to what is handed out -----------------------------------------------------------------------------

t.test("embla.grad", function()
  local x = leaf {1.0, 2.0, 3.0}
  t.equal(embla.grad(x:sum(), {x})[1]:mul_(embla.tensor {1.0, 2.0, 3.0}), {1.0, 2.0, 3.0})
  local a, b = leaf {1.0, 2.0}, leaf {3.0, 4.0}
  local g = embla.grad((a + b):sum(), {a, b, a})
  g[1]:mul_(5)
  g[3]:mul_(7)
  t.equal({g[1]:tolist(), g[2]:tolist(), g[3]:tolist()}, {{5.0, 5.0}, {1.0, 1.0}, {7.0, 7.0}})
end)

t.test("embla.grad of the tensor itself is not the gradient given", function()
  local x, given = leaf {1.0, 2.0}, embla.tensor {3.0, 4.0}
  local y = x * 1
  local g = embla.grad({y}, {y}, {given})[1]
  g:zero_()
  t.equal(given, {3.0, 4.0})
end)

t.test("row-sparse gradients of embla.grad are apart", function()
  local w, given = leaf {{1.0, 2.0}, {3.0, 4.0}}, embla.tensor {{1.0, 1.0}, {2.0, 2.0}}
  local y = F.embedding(embla.tensor {0, 1}, w, {sparse = true})
  local g = embla.grad({y}, {w, w}, {given})
  g[1]:zero_()
  given:zero_()
  t.equal({g[1]:to_dense():tolist(), g[2]:to_dense():tolist()}, {{{0.0, 0.0}, {0.0, 0.0}}, {{1.0, 1.0}, {2.0, 2.0}}})
end)

t.test("a hook that writes to its gradient changes that one, element by element", function()
  local a, b = leaf {1.0, 2.0, 3.0}, leaf {1.0, 2.0, 3.0}
  local x = a * 1
  x:register_hook(function(g) g:mul_(embla.tensor {1.0, 2.0, 3.0}) end)
  ;(x + b):sum():backward()
  t.equal({a.grad:tolist(), b.grad:tolist()}, {{1.0, 2.0, 3.0}, {1.0, 1.0, 1.0}})
end)

t.test("a backward that masks its gradient in place", function()
  local Mask = embla.autograd.Function:extend "Mask"
  function Mask.forward(_, x) return x * 1 end
  function Mask.backward(_, dy)
    dy:mul_(embla.tensor {0.0, 1.0, 0.0})
    return dy
  end
  local x, z = leaf {1.0, 2.0, 3.0}, leaf {1.0, 2.0, 3.0}
  ;(Mask.apply(x) + z):sum():backward()
  t.equal({x.grad:tolist(), z.grad:tolist()}, {{0.0, 1.0, 0.0}, {1.0, 1.0, 1.0}})
end)

-- ---- a gradient is worth what it was when backward ended --------------------------------------------------------

t.test("the gradient given is changed afterwards", function()
  local x, given = leaf {1.0, 2.0}, embla.tensor {3.0, 4.0}
  local y = x + 0
  y:retain_grad()
  y:backward(given)
  given:zero_()
  t.equal({x.grad:tolist(), y.grad:tolist()}, {{3.0, 4.0}, {3.0, 4.0}})
  y.grad:zero_()
  t.equal(x.grad, {3.0, 4.0})
end)

t.test("a row-sparse gradient does not follow what the script has", function()
  local w = leaf {{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}
  local want = {{1.0, 2.0}, {0.0, 0.0}, {3.0, 4.0}}
  local given = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}
  local function lookup() return F.embedding(embla.tensor {0, 2}, w, {sparse = true}) end

  lookup():backward(given)
  given:zero_()
  t.equal(w.grad:to_dense(), want)

  w.grad, given = nil, embla.tensor {{1.0, 2.0}, {3.0, 4.0}}
  local y, kept = lookup(), nil
  y:retain_grad()
  y:register_hook(function(g) kept = g end)
  y:backward(given)
  kept:zero_()
  y.grad:zero_()
  t.equal(w.grad:to_dense(), want)

  w.grad, kept = nil, nil
  y = lookup()
  y:register_hook(function()
    kept = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}
    return kept
  end)
  y:sum():backward()
  kept:zero_()
  t.equal(w.grad:to_dense(), want)

  w.grad = nil
  local Pass = embla.autograd.Function:extend "Pass"
  function Pass.forward(_, x) return x * 1 end
  function Pass.backward()
    kept = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}
    return kept
  end
  Pass.apply(lookup()):sum():backward()
  kept:zero_()
  t.equal(w.grad:to_dense(), want)

  w.grad = nil
  w:register_hook(function(g) kept = g end)
  lookup():backward(embla.tensor {{1.0, 2.0}, {3.0, 4.0}})
  kept:zero_()
  t.equal(w.grad:to_dense(), want)
end)

t.test("nor does one made of the script's own values", function()
  local w, values = leaf {{1.0, 2.0}, {3.0, 4.0}}, embla.tensor {{5.0, 6.0}}
  local sparse = embla.sparse_coo_tensor(embla.tensor {{1}}, values, {2, 2})
  w:register_hook(function() return sparse end)
  F.embedding(embla.tensor {1}, w, {sparse = true}):sum():backward()
  values:zero_()
  t.equal(w.grad:to_dense(), {{0.0, 0.0}, {5.0, 6.0}})
end)

t.test("a constant gradient given for a row-sparse one", function()
  local w, given = leaf {{1.0, 2.0}, {3.0, 4.0}}, embla.tensor {{5.0}, {7.0}}
  F.embedding(embla.tensor {1, 0}, w, {sparse = true}):backward(given:expand(2, 2))
  given:zero_()
  t.equal(w.grad:to_dense(), {{7.0, 7.0}, {5.0, 5.0}})
end)

t.test("adding to a .grad that is expanded", function()
  local x = leaf {1.0, 2.0, 3.0}
  x.grad = embla.ones(1):expand(3)
  x:backward(embla.tensor {1.0, 2.0, 3.0})
  t.equal(x.grad, {2.0, 3.0, 4.0})
end)

-- ---- changes in place -------------------------------------------------------------------------------------------

t.test("a hook on a view whose base has changed", function()
  local x, seen = leaf {{1.0, 2.0}, {3.0, 4.0}}, {}
  local y = x * 1
  local v = y[0]
  y:mul_(3)
  v:register_hook(function(g) seen[#seen + 1] = g:tolist() end)
  ;(v * 5):sum():backward()
  t.equal({seen, x.grad:tolist()}, {{{5.0, 5.0}}, {{15.0, 15.0}, {0.0, 0.0}}})
end)

t.test("retain_grad on a view whose base has changed, or then changes", function()
  local x = leaf {{1.0, 2.0}, {3.0, 4.0}}
  local y = x * 1
  local v, w = y[0], y[1]
  w:retain_grad()
  y:mul_(3)
  v:retain_grad()
  ;(v * 5 + w * 7):sum():backward()
  t.equal({v.grad:tolist(), w.grad:tolist()}, {{5.0, 5.0}, {7.0, 7.0}})
end)

t.test("retain_grad before a change in place keeps the gradient of what the tensor has become", function()
  local x = leaf {{1.0, 2.0}, {3.0, 4.0}}
  local y = x * 1
  y:retain_grad()
  y:mul_(3)
  ;(y * 5):sum():backward()
  t.equal({y.grad:tolist(), x.grad:tolist()}, {{{5.0, 5.0}, {5.0, 5.0}}, {{15.0, 15.0}, {15.0, 15.0}}})

  local z = x * 1
  z:retain_grad()
  z[0]:mul_(3)                                    -- through a view
  ;(z * 5):sum():backward()
  t.equal(z.grad, {{5.0, 5.0}, {5.0, 5.0}})
end)

t.test("a change in place that fails leaves retain_grad as it was", function()
  local x = leaf {1.0, 2.0}
  local y = x * 1
  y:retain_grad()
  t.raises(function() y:mul_(embla.ones(3, 2)) end, "mul_")
  ;(y * 5):sum():backward()
  t.equal(y.grad, {5.0, 5.0})
end)

t.test("a hook stays with the value it was hung on", function()
  local x, seen = leaf {1.0}, {}
  local y = x * 1
  y:register_hook(function(g) seen.before = g:item() end)
  y:mul_(3)
  y:register_hook(function(g) seen.after = g:item() end)
  ;(y * 5):sum():backward()
  t.equal(seen, {before = 15.0, after = 5.0})
end)

t.test("a view made inside no_grad is not changed in place while gradients are recorded", function()
  local x = leaf {{1.0, 2.0}, {3.0, 4.0}}
  local y = x * 1
  local v = embla.no_grad(function() return y[0] end)
  local inner = v:view(2, 1)
  for name, change in pairs {
    mul_ = function() v:mul_(2) end, add_ = function() v:add_(embla.ones(2)) end, zero_ = function() v:zero_() end,
    fill_ = function() v:fill_(3) end, copy_ = function() v:copy_(embla.ones(2)) end,
    element = function() v[0] = 5 end, mask = function() v[embla.tensor {true, false}] = 5 end,
    normal_ = function() v:normal_() end, uniform_ = function() v:uniform_() end,
    view_of_it = function() inner:mul_(2) end,
  } do
    local ok, message = pcall(change)
    t.equal({name, ok, not ok and message:find("no_grad", 1, true) and "no_grad" or message}, {name, false, "no_grad"})
  end
  t.equal(y, {{1.0, 2.0}, {3.0, 4.0}})
  local of_leaf = embla.no_grad(function() return x[0] end)
  t.raises(function() of_leaf:mul_(2) end, "a leaf that requires grad, of which this is a view")
  local base = embla.zeros(2, 2)
  local early = embla.no_grad(function() return base[0] end)
  early:add_(1)                                   -- no history yet
  base:add_(x)
  t.raises(function() early:mul_(2) end, "no_grad")
  t.equal(base, {{2.0, 3.0}, {3.0, 4.0}})
  embla.no_grad(function() v:mul_(2) end)
  local free = embla.no_grad(function() return y:detach()[1] end)
  free:mul_(2)
  t.equal(y, {{2.0, 4.0}, {6.0, 8.0}})
end)

t.finish()
