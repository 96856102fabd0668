-- Who keeps the functions that autograd calls back: tensors that lead to them, so that cycles through them are garbage,
-- and no function is lost while a tensor leads to it. In both modes of the collector.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"
local process = require "support.process"
local F, checkpoint = embla.F, embla.utils.checkpoint

local function leaf() return embla.ones(4, {requires_grad = true}) end

local Twice = embla.autograd.Function:extend "Twice"
function Twice.forward(ctx, x, keep)
  ctx.keep = keep
  return x * 2
end
function Twice.backward(ctx, dy)
  if ctx.keep then ctx.keep.used = ctx.keep.tensor:sum() end
  return dy * 2, nil
end

local function settle()
  for _ = 1, 6 do collectgarbage() end
  return (core.memory())
end

local function in_both_modes(name, f)
  for _, mode in ipairs {"incremental", "generational"} do
    t.test(name .. ", " .. mode, function()
      local before = collectgarbage(mode)
      local ok, message = pcall(f)
      collectgarbage(before)
      if not ok then error(message, 0) end
    end)
  end
end

-- ---- nothing stays ---------------------------------------------------------------------------------------------

-- Rounds of which each makes a cycle; most of the time nobody collects but the collector itself.
local function is_flat(round)
  local function rounds(n)
    for i = 1, n do
      round(i)
      if i % 7 == 0 then collectgarbage("step") end
    end
  end
  rounds(20)
  local before = settle()
  rounds(300)
  t.equal(settle() - before, 0)
end

local rounds = {}

function rounds.hook_of_its_own_tensor()
  local y = leaf() * 2
  y:register_hook(function(g) return g * y:sum():item() end)
  y:sum():backward()
end

function rounds.hook_never_run()
  local x = leaf()
  local y = x * 2
  y:register_hook(function(g) return g * y end)
  x:register_hook(function(g) return g * x end)
end

function rounds.hook_of_a_later_tensor()
  local y = leaf() * 2
  local z = (y * 3):exp()
  y:register_hook(function() return nil, z end)
  z:sum():backward()
end

function rounds.hook_whose_tensor_is_gone()
  local function layer()
    local y = leaf() * 2
    local z = y * 3
    y:register_hook(function(g) return g * 1, z, y end)
    return z
  end
  local z = layer()
  collectgarbage("step")
  z:sum():backward()
end

function rounds.hook_on_a_leaf_with_results()
  local x = leaf()
  local y = x * 2
  x:register_hook(function() return nil, y, x end)
  y:sum():backward()
end

function rounds.hook_on_a_view()
  local y = leaf() * 2
  local v = y:view(2, 2)[1]
  v:register_hook(function() return nil, v, y end)
  y[0] = 5
  v:sum():backward()
end

function rounds.function_with_its_result()
  local keep = {}
  keep.tensor = Twice.apply(leaf(), keep)
  keep.tensor:sum():backward()
end

function rounds.function_never_run()
  local keep = {}
  keep.tensor = Twice.apply(Twice.apply(leaf()), keep) * 3
end

function rounds.checkpoint_of_a_later_tensor()
  local later
  local y = checkpoint(function(x)
    if later then later:sum() end
    return (x * 2):exp()
  end, leaf())
  later = y * 3
  later = later * y
end

function rounds.checkpoint_in_a_checkpoint()
  local box = {}
  box.y = checkpoint(function(x)
    return checkpoint(function(u) return u * 2, box end, x:exp())
  end, leaf())
  box.y:sum():backward()
end

function rounds.hook_of_a_gradient()
  local a, b = leaf(), leaf()
  a.grad = b
  b:register_hook(function() return nil, a, b end)
end

function rounds.gradient_computed_from_its_own_tensor()
  local a = leaf()
  a.grad = a * 2
  a.grad = (a.grad * a):exp()
end

function rounds.gradients_of_each_other()
  local a, b = leaf(), leaf()
  a.grad, b.grad = b, a
end

function rounds.gradient_that_leads_back_by_a_hook()
  local a = leaf()
  a.grad = a * 2
  a.grad:register_hook(function() return nil, a end)
  a.grad:sum():backward()
end

function rounds.hook_stored_in_a_buffer()
  local h, buffer = leaf() * 2, embla.zeros(3, 4)
  h:register_hook(function() return nil, buffer end)
  buffer[1] = h
  buffer:add_(h)
  buffer:sum():backward()
end

function rounds.hook_removed()
  local y = leaf() * 2
  local handle = y:register_hook(function() return nil, y end)
  y:sum():backward()
  handle.remove()
end

local names = {}
for name in pairs(rounds) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  in_both_modes("flat: " .. name, function() is_flat(rounds[name]) end)
end

t.test("flat: hooks hung on a parameter and taken off again, in any order", function()
  local w, last = leaf(), nil
  local count = 0
  is_flat(function()
    local big = embla.ones(100)
    local handle = w:register_hook(function() count = count + 1 return nil, big end)
    ;(w * 2):sum():backward()
    if last then last.remove() end
    last = handle
    w.grad = nil
  end)
  t.equal(count, 320 + 319)
end)

t.test("a gradient with a history keeps it, and follows what backward adds", function()
  local a = leaf()
  a.grad = a * a * 3
  collectgarbage()
  t.equal(a.grad.grad_fn:name(), "MulBackward0")
  local g = a.grad
  t.equal(embla.grad(a.grad:sum(), {a})[1]:tolist(), {6, 6, 6, 6})    -- 3 a^2, at 1
  ;(a * 5):sum():backward()
  t.equal(a.grad:tolist(), {8, 8, 8, 8})
  t.equal(g:tolist(), {8, 8, 8, 8})
  a.grad = nil
  ;(a * 5):sum():backward()
  t.equal(a.grad:tolist(), {5, 5, 5, 5})
  t.equal(a.grad.requires_grad, false)
end)

t.test("zero_grad lets go of a gradient's history", function()
  local w = embla.nn.Parameter(embla.ones(4))
  local opt = embla.optim.SGD({w}, {lr = 0.1})
  local seen = setmetatable({}, {__mode = "k"})
  w.grad = w * 2
  seen[w.grad] = true
  opt:step()
  t.close(w:tolist(), {0.8, 0.8, 0.8, 0.8}, 1e-6)       -- 1 - 0.1 * 2
  opt:zero_grad()
  settle()
  t.equal(next(seen), nil)
  t.equal(w.grad, nil)
end)

-- ---- nothing is lost -------------------------------------------------------------------------------------------

local function collect()
  for _ = 1, 3 do collectgarbage() end
  collectgarbage("step")
end

in_both_modes("a hook is called though its tensor's box is gone", function()
  local seen = {}
  local function layer(x)
    local y, mask = x * 2, embla.tensor {1.0, 0.0, 1.0, 0.0}
    y:register_hook(function(g)
      seen[#seen + 1] = y:sum():item()
      return g * mask
    end)
    return y * 3
  end
  local x = leaf()
  local out = layer(x)
  collect()
  local sum = out:exp():log():sum()
  out = nil
  collect()
  sum:backward()
  t.equal(seen, {8.0})
  t.close(x.grad, {6.0, 0.0, 6.0, 0.0})
  t.equal(out, nil)
end)

in_both_modes("so is one hung on when there were results already", function()
  local seen = {}
  local function layer(x)
    local y, mask = x * 2, embla.tensor {1.0, 0.0, 1.0, 0.0}
    local z = y * 3
    y:register_hook(function(g)
      seen[#seen + 1] = y:sum():item() + z:sum():item()
      return g * mask
    end)
    return z
  end
  for _ = 1, 3 do
    local x = leaf()
    local out = layer(x)
    collect()
    local sum = (out + 0):sum()
    out = nil
    collect()
    sum:backward()
    t.equal(x.grad, {6.0, 0.0, 6.0, 0.0})
    t.equal(out, nil)
  end
  t.equal(seen, {32.0, 32.0, 32.0})
end)

in_both_modes("hooks reached through lists, in-place changes, indexing, views and gradients", function()
  local function hooked(seen)
    local y = leaf() * 2
    local mask = embla.tensor {1.0, 0.0, 1.0, 0.0}
    y:register_hook(function(g)
      seen[1] = mask:sum():item()
      return g * mask
    end)
    return y
  end
  for name, use in pairs {
    cat = function(y) return F.cat({embla.ones(2), y}, 0) end,
    stack = function(y) return F.stack({y, y}, 0) end,
    chunk = function(y) return F.cat(F.chunk(y, 2, 0), 0) end,
    index = function(y) return y[{{0, 3}}] end,
    gather = function(y) return y[embla.tensor {0, 1, 2}] end,
    mask = function(y) return y[embla.tensor {true, true, true, false}] end,
    add_ = function(y) return embla.zeros(4):add_(y) end,
    copy_ = function(y) return embla.zeros(2, 4):copy_(y) end,
    assign = function(y) local b = embla.zeros(2, 4) b[1] = y return b end,
    assign_in_a_view = function(y) local b = embla.zeros(2, 2, 4) b[1][0] = y return b end,
    assign_rows = function(y) local b = embla.zeros(2, 4) b[embla.tensor {1}] = y:view(1, 4) return b end,
    fill_ = function(y) return embla.zeros(2):fill_(y:sum()) end,
    view_add_ = function(y) local b = embla.zeros(2, 4) b:view(8):view(4, 2):view(2, 4):add_(y) return b end,
    options = function(y) return F.linear(embla.ones(1, 4), embla.ones(4, 4), {bias = y}) end,
    operator = function(y) return 3 - y end,
    named = function(y) return y:sum {dim = {0}} end,
    apply = function(y) return Twice.apply(y) end,
    checkpoint = function(y) return checkpoint(function(u) return u:exp() end, y) end,
    inside_checkpoint = function(y) return checkpoint(function(u) return u * y end, embla.ones(4)) end,
    embedding_bag = function(y) return F.embedding_bag(embla.tensor {{0, 1}}, y:view(4, 1)) end,
    module = function(y) return embla.nn.Linear(4, 2)(y) end,
  } do
    local seen = {}
    local out = use(hooked(seen))
    collect()
    local _, message = pcall(function() out:sum():backward() end)
    t.equal(name .. ": " .. tostring(seen[1] or message), name .. ": 2.0")
  end
end)

in_both_modes("functions and checkpoints", function()
  local x = leaf()
  local function chain()
    local keep = {tensor = embla.ones(4)}
    local y = Twice.apply(x, keep)
    local offset = embla.tensor {1.0, 2.0, 3.0, 4.0}
    local z = checkpoint(function(u)
      return checkpoint(function(w) return w * offset end, Twice.apply(u + offset * 0, keep))
    end, y)
    return z * 1, keep
  end
  local z, keep = chain()
  collect()
  z:sum():backward()
  t.equal({x.grad:tolist(), keep.used:item()}, {{4.0, 8.0, 12.0, 16.0}, 4.0})
end)

-- In a program of its own: until then no box could be found.
t.test("the first hook of a program, hung on when there were results already", function()
  local code = [[
    local embla = require "embla"
    local function layer(x)
      local y, mask = x * 2, embla.tensor {1.0, 0.0}
      local z = y * 3
      y:register_hook(function(g) return g * mask * z:sum():item() end)
      return z
    end
    local function round()
      local x = embla.ones(2, {requires_grad = true})
      local out = layer(x) + 0
      collectgarbage() collectgarbage()
      out:sum():backward()
      return x.grad:tolist()
    end
    assert(round()[1] == 72 and round()[2] == 0)
    local function settle()
      for _ = 1, 4 do collectgarbage() end
      return (require "embla.core".memory())
    end
    local before = settle()
    for _ = 1, 20 do round() end
    assert(settle() == before, settle() - before)
    print "ok"]]
  t.equal({process.run(("%s -e %s"):format(process.quote(arg[-1]), process.quote(code)))}, {"ok\n", "", 0})
end)

t.test("many hooks along a chain, their tensors gone", function()
  local x, calls = leaf(), 0
  local h = x
  for _ = 1, 2000 do
    h = h * 1
    local own = embla.ones(4)
    h:register_hook(function(g)
      calls = calls + 1
      return g * own
    end)
  end
  collect()
  h:sum():backward()
  t.equal({calls, x.grad:tolist()}, {2000, {1.0, 1.0, 1.0, 1.0}})
end)

t.finish()
