-- What functions of a script hand back is looked at before it is used: hooks, functions with a backward, datasets,
-- schedules; and a checkpoint that fails half-way leaves nothing behind.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"
local F, nn, optim, data = embla.F, embla.nn, embla.optim, embla.data

local function leaf(values, dtype) return embla.tensor(values, {requires_grad = true, dtype = dtype}) end

-- ---- hooks -----------------------------------------------------------------------------------------------------

-- backward of y = 2 x, with a hook on y; x gets no gradient when it fails.
local function with_hook(f)
  local x = leaf {1.0, 2.0, 3.0}
  local y = x * 2
  y:register_hook(f)
  local ok, message = pcall(function() y:backward(embla.tensor {1.0, 10.0, 100.0}) end)
  return not ok and message or nil, x.grad
end

local function refused(f, ...)
  local message, grad = with_hook(f)
  t.equal(grad, nil)
  t.raises(function() if message then error(message, 0) end end, "test_callbacks.lua", ...)
end

t.test("a hook's gradient has the tensor's shape", function()
  refused(function(g) return g:norm() end, "backward: a hook gave a gradient of shape (), the tensor has shape (3)")
  refused(function(g) return g:view(3, 1) end, "shape (3, 1)")
  refused(function() return embla.ones(2) end, "shape (2)")
  refused(function() return embla.ones(1000000) end, "shape (1000000)")
end)

t.test("a hook's gradient has the tensor's dtype", function()
  refused(function(g) return g:double() end, "backward: a hook gave a gradient of float64, the tensor is float32")
  refused(function(g) return g:to "int64" end, "gradient of int64")
  refused(function(g) return g:half() end, "gradient of float16")
end)

t.test("a hook returns a tensor or nil", function()
  for _, value in ipairs {3, "g", true, false, {1.0, 2.0, 3.0}} do
    refused(function() return value end, ("backward: a hook returned a %s, expected a tensor or nil")
      :format(type(value)))
  end
  local message, grad = with_hook(function() return nil end)
  t.equal({message, grad:tolist()}, {nil, {2.0, 20.0, 200.0}})
end)

t.test("a hook's gradient is row-sparse where the gradient is, and only there", function()
  local function lookup(hook)
    local w = leaf {{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}
    w:register_hook(hook)
    F.embedding(embla.tensor {0, 2}, w, {sparse = true}):sum():backward()
    return w.grad
  end
  t.raises(function() lookup(function(g) return g:to_dense() end) end,
    "backward: a hook gave a dense gradient in place of a row-sparse one")
  t.equal(lookup(function(g) return g * 3 end):to_dense(), {{3.0, 3.0}, {0.0, 0.0}, {3.0, 3.0}})
  refused(function()
    return embla.sparse_coo_tensor(embla.tensor {{0, 2}}, embla.tensor {1.0, 2.0}, {3})
  end, "a hook gave a row-sparse gradient in place of a dense one")
end)

t.test("a hook's gradient goes on without its history", function()
  local x, w = leaf {1.0}, leaf {5.0}
  local y = x * 2
  y:register_hook(function(g) return embla.autograd.enable_grad(function() return g * w end) end)
  y:sum():backward()
  t.equal({x.grad:item(), x.grad.requires_grad, w.grad}, {10.0, false})
end)

t.test("one of several hooks that fails ends backward, and the next one is as if nothing had been", function()
  local x, fail = leaf {1.0, 2.0}, true
  local y = x * 2
  y:register_hook(function(g) return g * 10 end)
  y:register_hook(function(g) return fail and g:sum() or nil end)
  t.raises(function() y:sum():backward() end, "shape ()")
  t.equal(x.grad, nil)
  fail = false
  y:sum():backward()
  t.equal(x.grad, {20.0, 20.0})
end)

-- ---- functions -------------------------------------------------------------------------------------------------

local function double_with(backward)
  local cls = embla.autograd.Function:extend "Double"
  function cls.forward(_, x) return x * 2 end
  cls.backward = backward
  return cls
end

t.test("a Function's gradients are checked like a hook's", function()
  local x = leaf {1.0, 2.0}
  local function backward(f) return function() double_with(f).apply(x):sum():backward() end end
  t.raises(backward(function(_, dy) return dy:sum() end), "shape () for argument 1, which has shape (2)")
  t.raises(backward(function(_, dy) return dy:to "int64" end), "gradient of int64 for argument 1, which is float32")
  t.raises(backward(function() return 3 end), "returned 3 as the gradient of argument 1")
  t.raises(backward(function() return {1.0, 2.0} end), "as the gradient of argument 1")
  t.equal(x.grad, nil)
  backward(function(_, dy) return dy:double() * 3 end)()          -- floats are converted, as PyTorch does
  t.equal({x.grad.dtype, x.grad:tolist()}, {"float32", {3.0, 3.0}})
end)

t.test("what a Function puts in place of the tensors it saves is refused", function()
  local cls = embla.autograd.Function:extend "Odd"
  function cls.forward(ctx, x)
    ctx.to_save = {3, "x"}
    return x * 2
  end
  function cls.backward(_, dy) return dy end
  t.raises(function() cls.apply(leaf {1.0}) end, "Odd", "saved value 1 is no tensor")
end)

-- ---- the dtype of gradients ------------------------------------------------------------------------------------

t.test("each gradient has its tensor's dtype, on the way too", function()
  for _, dtype in ipairs {"float32", "float64", "float16", "bfloat16"} do
    for _, sparse in ipairs {false, true} do
      local w, seen = embla.ones(200, 64):to(dtype):requires_grad_(), {}
      local table_of = w * 1
      table_of:retain_grad()
      table_of:register_hook(function(g) seen[#seen + 1] = g.dtype end)
      w:register_hook(function(g) seen[#seen + 1] = g.dtype end)
      local y = F.embedding(embla.tensor {0, 2, 2}, table_of, {sparse = sparse})
      local g = embla.grad(y:sum(), {table_of, w}, {retain_graph = true})
      y:sum():backward()
      t.equal({seen, w.grad.dtype, table_of.grad.dtype, g[1].dtype, g[2].dtype},
        {{dtype, dtype, dtype, dtype}, dtype, dtype, dtype, dtype})
      for _, grad in ipairs {w.grad, table_of.grad, g[1], g[2]} do
        local dense = grad.is_sparse and grad:to_dense() or grad
        t.equal(dense:float():sum():item(), 192.0)
      end
    end
  end
end)

t.test("mixed dtypes, and results kept in a tensor of another dtype", function()
  local a, b = leaf({1.0, 2.0}, "float16"), leaf({3.0, 4.0}, "float32")
  local y = a * 1
  y:mul_(b)                                       -- kept in float16
  y:retain_grad()
  y:float():sum():backward()
  t.equal({y.dtype, y.grad.dtype, a.grad.dtype, b.grad.dtype}, {"float16", "float16", "float16", "float32"})
  t.equal({a.grad:float():tolist(), b.grad:tolist()}, {{3.0, 4.0}, {1.0, 2.0}})
end)

-- ---- data, schedules -------------------------------------------------------------------------------------------

t.test("what a dataset hands back", function()
  local function set(get, n)
    local cls = data.Dataset:extend "Mine"
    function cls.__len() return n or 4 end
    function cls.get(_, i) return get(i) end
    return cls()
  end
  local function first(dataset) return function() return data.DataLoader(dataset, {batch_size = 4}):iter()() end end
  t.raises(first(set(function(i) return i < 2 and 1 or nil end)), "Mine: get(2): field 1: expected a tensor",
    "got nil")
  t.raises(first(set(function(i) if i < 2 then return 1, 2 end return 1 end)), "get(2): the sample has 1 fields",
    "first 2")
  t.raises(first(set(function() return print end)), "field 1: expected a tensor, a number", "got a function")
  t.raises(first(set(function(i) return i == 0 and embla.ones(2) or 3 end)), "get(1): field 1: expected a tensor")
  t.raises(first(set(function(i) return embla.ones(i + 1) end)), "stack")
  for _, n in ipairs {"a", 2.5, -1, {}} do
    t.raises(first(set(function() return 1 end, n)), "Mine: # of the dataset: expected an integer >= 0")
  end
  t.equal(first(set(function(i) return i * 1.5 end))(), {0.0, 1.5, 3.0, 4.5})
end)

t.test("what a schedule's function hands back", function()
  local function optimizer() return optim.SGD({nn.Parameter(embla.ones(1))}, {lr = 0.5}) end
  for _, value in ipairs {"x", {}, true, 0 / 0} do
    t.raises(function() optim.lr_scheduler.LambdaLR(optimizer(), function() return value end) end,
      "LambdaLR: lr_lambda returned", "expected a number")
    t.raises(function()
      optim.lr_scheduler.CyclicLR(optimizer(), {base_lr = 0.1, max_lr = 1, cycle_momentum = false,
                                                scale_fn = function() return value end})
    end, "CyclicLR: scale_fn returned", "expected a number")
  end
  t.raises(function() optim.lr_scheduler.LambdaLR(optimizer(), {3}) end, "lr_lambda")
  local opt, good = optimizer(), true
  local s = optim.lr_scheduler.LambdaLR(opt, function(epoch) return good and 1 / (1 + epoch) or nil end)
  good = false
  t.raises(function() s:step() end, "lr_lambda returned nil for epoch 1")
  good = true
  s:step()
  t.equal({opt.param_groups[1].lr, s.last_epoch, s._step_count}, {0.25, 1, 2})
end)

-- ---- checkpoints that fail -------------------------------------------------------------------------------------

t.test("a checkpoint's backward that fails leaves nothing behind", function()
  local x, fail = leaf {1.0, 2.0}, nil
  local function f(v)
    local h = (v * v):exp()
    if fail then fail() end
    return embla.utils.checkpoint(function(u) return u * u end, h):sum()
  end
  for _, reason in ipairs {function() error "half-way" end, function() core.fail_after(0) embla.ones(3) end} do
    local y = embla.utils.checkpoint(f, x)
    embla.manual_seed(3)
    local seed, position = core.get_rng_state()
    fail = reason
    t.equal(pcall(y.backward, y), false)
    core.fail_after(-1)
    fail = nil
    t.equal({core.is_grad_enabled(), x.grad, core.get_rng_state()}, {true, nil, seed, position})
    -- x^2 exp(x^2)^2 has the slope 4 x exp(2 x^2); calls made now keep their values
    local g = embla.grad((x * x):exp():pow(2):sum(), x)[1]
    y:backward()
    t.close(x.grad, {4 * math.exp(2), 8 * math.exp(8)})
    t.same_bits(x.grad:tolist(), g:tolist())
    x.grad = nil
  end
end)

t.test("each allocation of a checkpoint's backward fails once", function()
  local x = leaf {1.0, 2.0}
  local failures = 0
  for k = 0, 200 do
    local y = embla.utils.checkpoint(function(v) return (v * v):exp():sum() end, x)
    core.fail_after(k)
    local ok = pcall(y.backward, y, {retain_graph = true})
    core.fail_after(-1)
    t.equal(core.is_grad_enabled(), true)
    if ok then break end
    failures = failures + 1
    t.equal(x.grad, nil)
    y:backward()
    t.close(x.grad, {2 * math.exp(1), 4 * math.exp(4)})
    x.grad = nil
  end
  t.equal(failures > 5 and failures < 200, true)
end)

t.finish()
