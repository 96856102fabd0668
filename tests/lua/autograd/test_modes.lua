-- What a block switches until it ends: the recording of gradients, anomaly detection, scopes; in any order, out of
-- coroutines and finalizers, after errors at any point.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local points = require "support.points"
local core = require "embla.core"
local embla = require "embla"
local autograd = embla.autograd

local function leaf(data) return embla.tensor(data, {requires_grad = true}) end

-- Whether a product of two tensors would have a gradient now.
local function records() return (leaf {1.0} * 2).requires_grad end

-- Whether a NaN in a backward is an error now.
local function detects()
  local y = (leaf {0.0}:sqrt() * 0):sum()
  return not pcall(y.backward, y)
end

local function line() return debug.getinfo(2, "l").currentline end

local function collect()
  collectgarbage()
  collectgarbage()
end

-- Nothing that a test opens is in effect after it.
local function test(name, fn)
  t.test(name, function()
    fn()
    t.equal({records(), embla.is_grad_enabled(), detects()}, {true, true, false})
    local x = embla.ones(1)
    collect()
    t.equal(x, {1})
  end)
end

-- The two modes, each as {open(f, …), whether it is in effect}.
local MODES = {
  no_grad = {autograd.no_grad, function() return not records() end},
  detect_anomaly = {autograd.detect_anomaly, detects},
}

-- ---- modes -----------------------------------------------------------------------------------------------------

for name, mode in pairs(MODES) do
  local open, is_on = table.unpack(mode)

  test(name .. " holds for its block", function()
    do
      local _ <close> = open()
      t.equal(is_on(), true)
    end
    t.equal(is_on(), false)
    t.equal({open(function(a, b) return is_on(), a, b end, nil, 3)}, {true, nil, 3})
  end)

  test(name .. ": blocks inside each other, and an error in the inner one", function()
    local _ <close> = open()
    local ok = pcall(function()
      local _ <close> = open()
      error "out"
    end)
    t.equal({ok, is_on(), pcall(open, error, "out"), is_on()}, {false, true, false, true})
  end)

  test(name .. ": blocks that end in another order than they began", function()
    local first, second, third = open(), open(), open()
    local close = debug.getmetatable(first).__close
    close(first)
    t.equal(is_on(), true)
    close(first)
    close(third)
    t.equal(is_on(), true)
    close(second)
    t.equal(is_on(), false)
  end)

  test(name .. ": a generator switches nothing for its caller", function()
    local inside = {}
    local function values()
      return coroutine.wrap(function()
        for i = 1, 3 do
          local _ <close> = open()
          inside[#inside + 1] = is_on()
          coroutine.yield(i)
          inside[#inside + 1] = is_on()
        end
      end)
    end
    for _ in values() do t.equal(is_on(), false) end
    values()()                              -- left in the middle
    t.equal(is_on(), false)
    collect()
    t.equal(is_on(), false)
    t.equal(inside, {true, true, true, true, true, true, true})
  end)

  test(name .. ": two coroutines take turns", function()
    local function turns(opens)
      return coroutine.wrap(function()
        local _ <close> = opens and open() or nil
        while true do coroutine.yield(is_on()) end
      end)
    end
    local with, without = turns(true), turns(false)
    for _ = 1, 3 do t.equal({with(), without(), is_on()}, {true, false, false}) end
    do
      local _ <close> = open()
      t.equal({with(), without(), is_on()}, {true, true, true})
    end
    t.equal({with(), without(), is_on()}, {true, false, false})
  end)

  test(name .. " holds in a coroutine resumed from its block, and in one resumed from there", function()
    local _ <close> = open()
    local deep = coroutine.wrap(function() return coroutine.wrap(is_on)() end)
    t.equal(deep(), true)
  end)

  test(name .. "(f): f may yield", function()
    local resume = coroutine.wrap(function()
      return open(function()
        coroutine.yield(is_on())
        return is_on(), "end"
      end)
    end)
    t.equal({resume(), is_on()}, {true, false})
    t.equal({resume()}, {true, "end"})
  end)

  test(name .. ": a coroutine closed in its block, by hand, by an error, by a finalizer", function()
    local function opened()
      local thread = coroutine.create(function()
        local _ <close> = open()
        coroutine.yield()
        error "out"
      end)
      coroutine.resume(thread)
      return thread
    end
    t.equal({coroutine.close(opened()), is_on()}, {true, false})
    local failed = opened()
    t.equal({coroutine.resume(failed), is_on()}, {false, false})
    t.equal(coroutine.close(failed), false)
    local held = opened()
    setmetatable({}, {__gc = function() coroutine.close(held) end})
    collect()
    t.equal(is_on(), false)
  end)

  test(name .. ": a guard closed by another coroutine, and by a finalizer", function()
    local guard = open()
    local close = debug.getmetatable(guard).__close
    t.equal(is_on(), true)
    coroutine.wrap(function() close(guard) end)()
    t.equal(is_on(), false)
    local other = open()
    t.equal(is_on(), true)
    setmetatable({}, {__gc = function() close(other) end})
    collect()
    t.equal(is_on(), false)
  end)

  test(name .. " without <close> ends with the variable that holds it", function()
    open()
    t.equal(is_on(), false)
    do
      local _ = open()
      t.equal(is_on(), true)
    end
    t.equal(is_on(), false)
    local function quiet()
      local _ = open()
      local on = is_on()
      return on
    end
    t.equal({quiet(), is_on()}, {true, false})
    local list = {open()}
    t.equal({#list, is_on()}, {1, false})
  end)

  test(name .. ": a guard may be handed on", function()
    local function quiet()
      local guard = open()
      t.equal(is_on(), true)
      return guard
    end
    local function holds(guard) return guard ~= nil and is_on() end
    do
      local _ <close> = quiet()
      t.equal(is_on(), true)
    end
    t.equal({holds(open()), is_on()}, {true, false})
    local _ <close>, before = open(), is_on()
    t.equal({before, is_on()}, {false, true})
  end)

  test(name .. " holds in deep calls and shallow ones", function()
    local function deep(n)
      if n == 0 then return is_on() end
      local result = deep(n - 1)
      return result
    end
    local _ <close> = open()
    for _, n in ipairs {3, 0, 150, 2, 1000, 10} do t.equal(deep(n), true) end
    local function opens_deep(n)
      if n == 0 then
        local _ <close> = open()
        return deep(3) and deep(0)
      end
      local result = opens_deep(n - 1)
      return result
    end
    t.equal(opens_deep(500), true)
  end)

  test(name .. ": many coroutines left in their blocks", function()
    for _ = 1, 300 do
      coroutine.wrap(function()
        local _ <close> = open()
        coroutine.yield(is_on())
      end)()
    end
    t.equal(is_on(), false)
  end)
end

test("enable_grad inside no_grad, and the other way round", function()
  local _ <close> = embla.no_grad()
  t.equal(records(), false)
  do
    local _ <close> = embla.enable_grad()
    t.equal({records(), embla.is_grad_enabled()}, {true, true})
    t.equal(embla.no_grad(records), false)
    t.equal({embla.no_grad(function() return coroutine.wrap(function() return embla.enable_grad(records) end)() end),
             records()}, {true, true})
  end
  t.equal({records(), embla.enable_grad(records), records()}, {false, true, false})
  local generator = coroutine.wrap(function()
    local _ <close> = embla.enable_grad()
    while true do coroutine.yield(records()) end
  end)
  t.equal({generator(), records(), generator(), records()}, {true, false, true, false})
end)

test("a coroutine that opened nothing has what holds where it was resumed", function()
  local outer = coroutine.wrap(function()
    local _ <close> = embla.enable_grad()
    coroutine.yield()
    local own = records()
    return own, coroutine.wrap(records)()
  end)
  outer()
  local _ <close> = embla.no_grad()
  t.equal({records(), outer()}, {false, true, true})
end)

test("the closing value of a loop holds a mode", function()
  local inside = {}
  for i in ipairs {1, 2}, {1, 2}, 0, embla.no_grad() do inside[i] = records() end
  t.equal({inside, records()}, {{false, false}, true})
end)

test("functions of the wrong type", function()
  t.raises(function() embla.no_grad(3) end, "test_modes.lua", "no_grad: argument f: expected a function")
  t.raises(function() embla.enable_grad {} end, "enable_grad: argument f: expected a function")
  t.raises(function() autograd.detect_anomaly "f" end, "detect_anomaly: argument f: expected a function")
end)

test("set_detect_anomaly is what holds where no block says otherwise", function()
  autograd.set_detect_anomaly(true)
  t.equal({detects(), coroutine.wrap(detects)(), autograd.detect_anomaly(detects)}, {true, true, true})
  autograd.set_detect_anomaly(false)
  t.equal(detects(), false)
end)

-- ---- backward and modes ----------------------------------------------------------------------------------------

test("backward says where gradients were switched off", function()
  local w = leaf {1.0}
  local _ = embla.no_grad()
  local at = line() - 1
  local loss = (w * 2):sum()
  t.raises(function() loss:backward() end, "does not require grad and has no history",
    ("gradients are off since tests/lua/autograd/test_modes.lua:%d"):format(at))
  t.raises(function() embla.no_grad(loss.backward, loss) end, ("off since tests/lua/autograd/test_modes.lua:%d")
    :format(line() - 1))
  t.raises(function() embla.grad(loss, w) end, ("off since tests/lua/autograd/test_modes.lua:%d"):format(at))
end)

test("backward of a tensor without history, while gradients are recorded", function()
  local ok, message = pcall(function() embla.ones(1):backward() end)
  t.equal({ok, message:find("off since", 1, true)}, {false, nil})
end)

test("hooks run without recording, whatever was switched outside, and may switch", function()
  local seen = {}
  local x = leaf {1.0, 2.0}
  local y = x * x
  y:register_hook(function(g)
    seen[1] = (g * x).requires_grad
    seen[2] = embla.enable_grad(function() return (g * x).requires_grad end)
    seen[3] = coroutine.wrap(function() return (g * x).requires_grad end)()
    local _ = embla.enable_grad()                               -- left open
    return g * 2
  end)
  embla.enable_grad(function() y:sum():backward() end)
  t.equal(seen, {false, true, false})
  t.equal({x.grad, x.grad.requires_grad}, {{4, 8}, false})
end)

test("a hook that ends the block around backward", function()
  local x = leaf {3.0}
  local y = x * x
  local guard = embla.no_grad()
  y:register_hook(function() debug.getmetatable(guard).__close(guard) end)
  t.equal(records(), false)
  y:backward()
  t.equal({records(), x.grad}, {true, {6}})
end)

test("a checkpoint records when it runs again, and Function.forward does not", function()
  local x = leaf {2.0}
  local Cube = autograd.Function:extend "Cube"
  local inside = {}
  function Cube.forward(ctx, a)
    inside[#inside + 1] = records()
    ctx:save_for_backward(a)
    return a * a * a
  end
  function Cube.backward(ctx, dy) return dy * ctx.saved_tensors[1] ^ 2 * 3 end
  local y = embla.utils.checkpoint(function(a) return Cube.apply(a) * 2 end, x):sum()
  embla.no_grad(y.backward, y)
  t.equal({x.grad, inside}, {{24}, {false, false}})
end)

test("a finalizer in the middle of a call changes nothing for it", function()
  local x = leaf {1.0}
  for _ = 1, 200 do
    setmetatable({}, {__gc = function()
      local _ = embla.no_grad()
      local _ = x + 1
    end})
    local list = {}
    for i = 1, 20 do list[i] = (x * 2).requires_grad end
    for i = 1, 20 do t.equal(list[i], true) end
  end
  collect()
end)

-- ---- scopes ----------------------------------------------------------------------------------------------------

-- Whether a tensor can still be used.
local function lives(x) return (pcall(x.numel, x)) end

test("scopes end in any order", function()
  local a, b = embla.scope(), embla.scope()
  local of_b = embla.ones(3)
  a:close()
  t.equal(lives(of_b), true)
  local again = embla.ones(3)
  b:close()
  t.equal({lives(of_b), lives(again)}, {false, false})
  a:close()
  b:close()
  t.equal(embla.ones(3), {1, 1, 1})
end)

test("a scope keeps, gives the tensor back, and refuses what is none", function()
  local kept, gone, weight
  do
    local s <close> = embla.scope()
    kept, gone = s:keep(embla.ones(2)), embla.ones(2)
    weight = embla.nn.Parameter(embla.ones(2))
    t.raises(function() s:keep(3) end, "test_modes.lua", "keep: argument t: expected a tensor, got 3")
  end
  t.equal({lives(kept), lives(gone), lives(weight)}, {true, false, true})
end)

test("tensors belong to the scope of the coroutine that makes them", function()
  local mine, theirs, ours
  local other = coroutine.wrap(function()
    local _ <close> = embla.scope()
    theirs = embla.ones(1)
    coroutine.yield()
    ours = embla.ones(1)
  end)
  other()
  mine = embla.ones(1)
  do
    local s <close> = embla.scope()
    local in_scope = embla.ones(1)
    local from_generator = coroutine.wrap(function() return embla.ones(1) end)()
    other()
    s:close()
    t.equal({lives(in_scope), lives(from_generator)}, {false, true})
  end
  t.equal({lives(mine), lives(theirs), lives(ours)}, {true, false, false})
end)

test("a coroutine left in its scope keeps nothing of others, and nothing at all once it is garbage", function()
  local function leave()
    coroutine.wrap(function()
      local _ <close> = embla.scope()
      coroutine.yield(embla.ones(1000))
    end)()
  end
  leave()
  collect()
  local before = core.memory()
  for _ = 1, 50 do leave() end
  for _ = 1, 50 do embla.ones(1000) end
  collect()
  t.equal(core.memory() - before, 0)
end)

test("a coroutine closed in its scope frees what it made", function()
  local made
  local thread = coroutine.create(function()
    local _ <close> = embla.scope()
    made = embla.ones(1)
    coroutine.yield()
  end)
  coroutine.resume(thread)
  t.equal({lives(made), coroutine.close(thread), lives(made)}, {true, true, false})
end)

test("an error in the block closes the scope", function()
  local made
  pcall(function()
    local _ <close> = embla.scope()
    made = embla.ones(1)
    error "out"
  end)
  t.equal(lives(made), false)
end)

test("a scope that is never closed frees nothing", function()
  local function opened()
    local s = embla.scope()
    local x = embla.ones(1)
    return x, s ~= nil
  end
  local x = opened()
  embla.scope()
  local y = embla.ones(1)
  collect()
  t.equal({lives(x), lives(y), lives(embla.ones(1))}, {true, true, true})
end)

-- Calls f(x) again and again until a finalizer, which may run in the middle of it, has taken x away.
local function taken_away(make, f)
  for _ = 1, 30 do
    local x, free = make()
    setmetatable({}, {__gc = free})
    for _ = 1, 12 do
      local ok, message = pcall(f, x)
      if not ok then
        t.equal(lives(x), false, message)
        break
      end
    end
    free()
  end
  collect()
end

local WAYS = {
  ["a scope closed"] = function()
    local s = embla.scope()
    local x = embla.full({64, 400}, 3.0)
    return x, function() s:close() end
  end,
  ["a coroutine closed that has a scope"] = function()
    local x
    local thread = coroutine.create(function()
      local _ <close> = embla.scope()
      x = embla.full({64, 400}, 3.0)
      coroutine.yield()
    end)
    coroutine.resume(thread)
    return x, function() coroutine.close(thread) end
  end,
  ["__close called"] = function()
    local x = embla.full({64, 400}, 3.0)
    return x, function() debug.getmetatable(x).__close(x) end
  end,
  ["__gc called"] = function()
    local x = embla.full({64, 400}, 3.0)
    return x, function()
      embla.ones(1):numel()
      debug.getmetatable(x).__gc(x)
    end
  end,
}

local USES = {
  ["an operation"] = function(x) t.equal((x + 1)[3][5], 4) end,
  ["one in place"] = function(x) x:mul_(1) end,
  ["one of a list"] = function(x) t.equal(embla.cat({x, x, embla.ones(2, 400)}, {dim = 0})[70][5], 3) end,
  ["one with named options"] = function(x) t.equal(embla.F.softmax(x, {dim = 1}).shape, {64, 400}) end,
  ["an index"] = function(x) t.equal(x[{{0, 60}, embla.LongTensor {1, 2}}][5], {3, 3}) end,
  ["a mask in an index"] = function(x) t.equal(x[{x:select(1, 0):gt(2), {0, 2}}].shape, {64, 2}) end,
  ["ids that go together"] = function(x) t.equal(x[{embla.LongTensor {1, 2}, embla.LongTensor {3, -1}}], {3, 3}) end,
  ["an assignment"] = function(x) x[{embla.LongTensor {1, 2}, {0, 10}}] = 3 end,
  ["a copy"] = function(x) t.equal(embla.tensor(x)[3][5], 3) end,
  ["bytes"] = function(x) t.equal(#x:tobytes(), 64 * 400 * 4) end,
}

for use, f in pairs(USES) do
  test("a scope around it closed in a finalizer, in the middle of " .. use, function()
    for _ = 1, 30 do
      local s = embla.scope()
      local x = embla.full({64, 400}, 3.0)
      setmetatable({}, {__gc = function() s:close() end})
      for _ = 1, 12 do
        local ok, message = pcall(f, x)
        if not ok then t.equal(lives(x), false, message) end
      end
      s:close()
    end
  end)
end

for way, make in pairs(WAYS) do
  for use, f in pairs(USES) do
    test(("%s in a finalizer, in the middle of %s"):format(way, use), function() taken_away(make, f) end)
  end
end

test("a scope closed by a hook in the middle of its backward", function()
  for _, retain in ipairs {false, true} do
    local s = embla.scope()
    local w = embla.nn.Parameter(embla.full({3}, 2.0))
    local y = w * w
    local z = y * w
    local loss = z:sum()
    z:register_hook(function() s:close() end)
    loss:backward {retain_graph = retain}
    t.equal(w.grad, {12, 12, 12})
    t.equal({lives(y), lives(loss)}, {false, false})
  end
end)

test("what a graph needs outlasts the scope in which it was made", function()
  local Square = autograd.Function:extend "Square"
  function Square.forward(ctx, a)
    ctx:save_for_backward(a)
    return a * a
  end
  function Square.backward(ctx, dy) return dy * ctx.saved_tensors[1] * 2 end
  local w, x = leaf {3.0}, leaf {2.0}
  local y
  do
    local s <close> = embla.scope()
    local double = w * 2                                        -- 6
    local again = embla.utils.checkpoint(function(a, b) return a * a * b end, double, x)        -- 72
    y = s:keep(Square.apply(again) + Square.apply(double * 1))  -- 5184 + 36
  end
  collect()
  y:sum():backward()
  t.equal({y, w.grad, x.grad}, {{5220}, {6936}, {5184}})      -- 2*72*(2*6*2)*2 + 2*6*2; 2*72*36
end)

test("the state of LBFGS outlasts the scope around a step", function()
  local function train(scoped)
    local w = embla.nn.Parameter(embla.tensor {1.0, -2.0})
    local opt = embla.optim.LBFGS({w}, {lr = 0.5, max_iter = 3})
    for _ = 1, 4 do
      local _ <close> = scoped and embla.scope() or nil
      opt:step(function()
        opt:zero_grad()
        local loss = ((w - 3) ^ 4):sum()
        loss:backward()
        return loss
      end)
    end
    return w:tolist()
  end
  t.equal(train(true), train(false))
end)

test("averages of EMA outlast the scope in which they were made", function()
  local p = embla.nn.Parameter(embla.ones(2))
  local ema
  do
    local _ <close> = embla.scope()
    ema = embla.optim.EMA({p}, {decay = 0.5})
    ema:store()
  end
  p:detach():fill_(3)
  ema:update()
  t.equal({ema:averaged(function() return p:tolist() end), p:tolist()}, {{2, 2}, {3, 3}})
  ema:restore()
  t.equal(p, {1, 1})
end)

test("what modules, data sets, loops and corpora of Embla hold outlasts the scope in which it was made", function()
  local path = os.tmpname()
  do
    local f <close> = assert(io.open(path, "w"))
    f:write(("a b c d\n"):rep(20))
  end
  local corpus, set = embla.text.Corpus(path), embla.data.TensorDataset(embla.arange(6))
  os.remove(path)
  local norm, halves, own, loss, sampled, vectors, first, second, batches
  local mine = embla.nn.Module:extend "Mine"
  do
    local _ <close> = embla.scope()
    norm, halves, own = embla.nn.BatchNorm1d(2), embla.nn.BatchNorm1d(2), mine()
    halves:to "float64"
    own:register_buffer("places", embla.arange(3))
    loss = embla.nn.CrossEntropyLoss {weight = embla.tensor {1.0, 3.0}}
    sampled = embla.nn.SampledSoftmaxLoss(2, 4, {num_sampled = 2, distribution = "unigram", counts = embla.ones(4)})
    vectors = embla.text.Word2Vec(corpus, {dim = 4, epochs = 1})
    first, second = embla.data.random_split(set, {2, 4})
    batches = embla.data.DataLoader(set, {batch_size = 3, shuffle = true}):iter()
    t.equal({#corpus.ids, #corpus.starts}, {80, 21})
  end
  collectgarbage()
  norm(embla.ones(3, 2))
  t.close(norm.running_mean, {0.1, 0.1})                -- 0.9 * 0 + 0.1 * 1
  t.equal({halves.running_mean.dtype, halves.num_batches_tracked:item()}, {"float64", 0})
  t.equal(own.places, {0, 1, 2})
  t.close(loss(embla.zeros(2, 2), embla.tensor {0, 1}):item(), math.log(2))
  t.equal(sampled(embla.ones(1, 2), embla.tensor {1}):item() >= 0, true)        -- 0: all drawn were the target
  vectors:train()
  t.equal(vectors.vectors.shape, {4, 4})
  t.equal({#first, #second, first:get(0):dim(), second:get(3):dim()}, {2, 4, 0, 0})
  t.equal(batches():sum():item() + batches():sum():item(), 15)
  t.equal({corpus.ids:size(0), corpus.starts[20]}, {80, 80})
end)

test("a tensor's own <close>", function()
  local x = embla.ones(2)
  local y
  do
    local z <close> = x + 1
    y = z * 2
  end
  t.equal({x:tolist(), y:tolist()}, {{1, 1}, {4, 4}})
end)

-- ---- errors on the way -----------------------------------------------------------------------------------------

local function nothing_changed(k)
  if not (records() and embla.is_grad_enabled() and not detects()) then t.fail("after an error at point " .. k) end
end

local function twice(open)
  return function()
    local _ <close> = open()
    open(function() return leaf {1.0} * 2 end)
  end
end

for _, name in ipairs {"no_grad", "enable_grad", "detect_anomaly"} do
  test(name .. ": an error at any point leaves nothing switched", function()
    local raised = points.instructions(twice(autograd[name]), nothing_changed)
    t.equal(raised > 20, true)
    points.allocations(twice(autograd[name]), nothing_changed)
  end)
end

test("scope: an error at any point leaves none open", function()
  local function f()
    local s <close> = embla.scope()
    s:keep(embla.ones(1) + 1)
  end
  local function check(k)
    local x = embla.ones(1)
    collect()
    if not lives(x) then t.fail("after an error at point " .. k) end
  end
  t.equal(points.instructions(f, check) > 20, true)
  points.allocations(f, check)
  collect()
end)

test("a checkpoint's backward: an error at any point puts the generator back", function()
  local x = leaf {1.0, 2.0}
  local state
  local function f()
    local y = embla.utils.checkpoint(function(a) return embla.F.dropout(a, 0.5) end, x):sum()
    state = embla.get_rng_state()
    y:backward()
  end
  local function check(k)
    nothing_changed(k)
    if state then t.equal(embla.get_rng_state(), state) end
    state = nil
  end
  t.equal(points.instructions(f, check) > 50, true)
  points.allocations(f, check)
  t.equal(x.grad.shape, {2})
end)

t.finish()
