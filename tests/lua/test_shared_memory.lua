-- Memory that several look at: what a script writes after a call does not reach what the call has handed out; what a
-- call reads of the memory that it writes to is what stood there before; elements that share a place are not written.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F, optim = embla.F, embla.optim

-- ---- ids and values of sparse gradients --------------------------------------------------------------------------

local function dense(g) return g:to_dense():tolist() end

-- Each makes a loss of a table w (10, 2) and ids {1, 2}, and the rows 1 and 2 of its gradient.
local LOOKUPS = {
  lookup = {{1, 1}, {1, 1}, function(w, ids) return F.embedding(ids, w, {sparse = true}):sum() end},
  weighted = {{1, 2}, {3, 4}, function(w, ids)
    return (F.embedding(ids, w, {sparse = true}) * embla.tensor {{1.0, 2.0}, {3.0, 4.0}}):sum()
  end},
  ["by frequency"] = {{1, 1}, {1, 1}, function(w, ids)
    return F.embedding(ids, w, {sparse = true, scale_grad_by_freq = true}):sum()
  end},
  bag = {{1, 1}, {1, 1}, function(w, ids)
    return F.embedding_bag(ids:unsqueeze(0), w, nil, {mode = "sum", sparse = true}):sum()
  end},
  ["mean of a bag"] = {{0.5, 0.5}, {0.5, 0.5}, function(w, ids)
    return F.embedding_bag(ids, w, embla.tensor {0}, {mode = "mean", sparse = true}):sum()
  end},
  ["largest of a bag"] = {{1, 1}, {0, 0}, function(w, ids)
    return F.embedding_bag(ids, w + embla.arange(10):neg():unsqueeze(1), embla.tensor {0},
                           {mode = "max", sparse = true}):sum()
  end},
  dot = {{1, 1}, {1, 1}, function(w, ids) return F.embedding_dot(embla.ones(1, 2), ids, w, {sparse = true}):sum() end},
  ["dot, ids of each"] = {{1, 1}, {1, 1}, function(w, ids)
    return F.embedding_dot(embla.ones(1, 2), ids:unsqueeze(0), w, {sparse = true}):sum()
  end},
  distance = {{-1, -1}, {-1, -1}, function(w, ids)
    return F.embedding_distance(embla.ones(1, 2), ids:unsqueeze(0), w, {p = 1, sparse = true}):sum()
  end},
}

for name, case in pairs(LOOKUPS) do
  local row1, row2, loss = table.unpack(case)
  for _, dtype in ipairs {"int64", "int32"} do
    t.test("a buffer of ids filled anew after backward: " .. name .. ", " .. dtype, function()
      for _, other in ipairs {7, 1 << 30} do
        local w = embla.zeros(10, 2, {requires_grad = true})
        local ids = embla.tensor({1, 2}, dtype)
        loss(w, ids):backward()
        ids:fill_(other)
        optim.SGD({w}, {lr = 1}):step()
        local want = embla.zeros(10, 2)
        want[1], want[2] = embla.tensor(row1):float():neg(), embla.tensor(row2):float():neg()
        t.close(w:detach(), want, 0, 1e-6)
      end
    end)
  end
end

t.test("each way to write is noticed", function()
  local WRITES = {
    function(i) i:fill_(5) end, function(i) i:zero_() end, function(i) i:copy_(embla.tensor {5, 6}) end,
    function(i) i:add_(1) end, function(i) i[0] = 4 end, function(i) i[{{}}] = 3 end, function(i) i:random_(0, 2) end,
    function(i) i[embla.tensor {0, 1}] = 9 end, function(i) i:scatter_(0, embla.tensor {0}, 3) end,
    function(i) i:view(2, 1):t():mul_(0) end, function(i) i[i:eq(1)] = 2 end, function(i) i:clamp_(0, 0) end,
    function(i) i:index_add_(0, embla.tensor {0}, embla.tensor {1}) end, function(i) i:masked_fill_(i:eq(1), 7) end,
  }
  for k, write in ipairs(WRITES) do
    local w, ids = embla.zeros(10, 2, {requires_grad = true}), embla.tensor {1, 2}
    F.embedding(ids, w, {sparse = true}):sum():backward()
    write(ids)
    t.equal({k, w.grad:_indices():tolist()}, {k, {{1, 2}}})
  end
end)

t.test("gradients of one buffer's ids keep those of their own step", function()
  local w, ids = embla.zeros(6, 1, {requires_grad = true}), embla.tensor {0, 1}
  F.embedding(ids, w, {sparse = true}):sum():backward()
  ids:add_(1)
  F.embedding(ids, w, {sparse = true}):sum():backward()
  ids:add_(2)
  t.equal(dense(w.grad), {{1.0}, {2.0}, {1.0}, {0.0}, {0.0}, {0.0}})
end)

t.test("a vector and a bias of the same ids", function()
  local v, b = embla.zeros(4, 2, {requires_grad = true}), embla.zeros(4, 1, {requires_grad = true})
  local ids = embla.tensor {3, 3}
  ;(F.embedding(ids, v, {sparse = true}) + F.embedding(ids, b, {sparse = true})):sum():backward()
  ids:zero_()
  optim.SGD({v, b}, {lr = 1}):step()
  t.equal(v:detach()[3], {-2.0, -2.0})
  t.equal(b:detach(), {{0.0}, {0.0}, {0.0}, {-4.0}})
end)

t.test("the upstream gradient, given, kept and hooked, may be written to afterwards", function()
  local ids, values = embla.tensor {0, 2}, {{1.0, 2.0}, {3.0, 4.0}}
  local want = {{1.0, 2.0}, {0.0, 0.0}, {3.0, 4.0}}
  local function table_of() return embla.zeros(3, 2, {requires_grad = true}) end
  local w, g = table_of(), embla.tensor(values)
  F.embedding(ids, w, {sparse = true}):backward(g)
  g:zero_()
  t.equal(dense(w.grad), want)

  w = table_of()
  local y = F.embedding(ids, w, {sparse = true})
  y:retain_grad()
  ;(y * embla.tensor(values)):sum():backward()
  y.grad:mul_(100)
  t.equal(dense(w.grad), want)

  local seen
  w = table_of()
  y = F.embedding(ids, w, {sparse = true})
  y:register_hook(function(grad) seen = grad end)
  ;(y * embla.tensor(values)):sum():backward()
  seen:fill_(9)
  t.equal(dense(w.grad), want)

  w, g = table_of(), embla.tensor(values)                               -- repeated by one row
  F.embedding(ids, w, {sparse = true}):backward(g[0]:expand(2, 2))
  g:zero_()
  t.equal(dense(w.grad), {{1.0, 2.0}, {0.0, 0.0}, {1.0, 2.0}})
end)

t.test("a query that the same step updates, whichever comes first", function()
  for _, first in ipairs {true, false} do
    local q = embla.tensor({{1.0, 2.0}}, {requires_grad = true})
    local w = embla.ones(3, 2, {requires_grad = true})
    F.embedding_dot(q, embla.tensor {{0}}, w, {sparse = true}):sum():backward()
    optim.SGD(first and {q, w} or {w, q}, {lr = 1}):step()
    t.equal(w:detach()[0], {0.0, -1.0})
    t.equal(q:detach(), {{0.0, 1.0}})
  end
end)

t.test("weights of a bag's samples", function()
  local w, by = embla.zeros(3, 1, {requires_grad = true}), embla.tensor {{2.0, 3.0}}
  local function bag(mode)
    return F.embedding_bag(embla.tensor {{0, 1}}, w, nil, {mode = mode, sparse = true, per_sample_weights = by})
  end
  bag "sum":sum():backward()
  by:zero_()
  t.equal(dense(w.grad), {{2.0}, {3.0}, {0.0}})
  w.grad, by = nil, embla.tensor {{2.0, 3.0}}
  bag "max":sum():backward()
  by:zero_()
  t.equal(dense(w.grad), {{2.0}, {0.0}, {0.0}})
end)

t.test("sparse tensors made by hand", function()
  local i, v = embla.tensor {{1, 2, 2}}, embla.ones(3, 3)
  local g = embla.sparse_coo_tensor(i, v, {6, 3})
  i:fill_(1 << 40)
  v:zero_()
  t.equal(g:to_dense():sum():item(), 9.0)
  t.equal(g:coalesce():indices(), {{1, 2}})
  local slow = embla.tensor {{1, 0}, {2, 0}}:t()                       -- ids and values with strides
  v = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}
  g = embla.sparse_coo_tensor(slow[0], v:t(), {3, 2})
  slow:zero_()
  v:zero_()
  t.equal(dense(g), {{0.0, 0.0}, {1.0, 3.0}, {2.0, 4.0}})
end)

t.test("a gradient accumulated in place is no other's source", function()
  local a, w = embla.zeros(2, 1, {requires_grad = true}), embla.zeros(2, 1, {requires_grad = true})
  ;(a * embla.tensor {{1.0}, {2.0}}):sum():backward()
  F.embedding(embla.tensor {0, 1}, w, {sparse = true}):backward(a.grad)
  ;(a * embla.tensor {{10.0}, {10.0}}):sum():backward()                   -- adds to a.grad in place
  t.equal(a.grad, {{11.0}, {12.0}})
  t.equal(dense(w.grad), {{1.0}, {2.0}})
  F.embedding(embla.tensor {0, 1}, w, {sparse = true}):backward(a.grad)
  embla.nn.utils.clip_grad_value_({a}, 1)
  t.equal(dense(w.grad), {{12.0}, {14.0}})
end)

t.test("writing costs a copy once, and what was kept goes with its gradient", function()
  local memory = require("embla.core").memory
  local w, ids = embla.zeros(1000, 2, {requires_grad = true}), embla.arange(512)
  local function step()
    w.grad = nil
    F.embedding(ids, w, {sparse = true}):sum():backward()
    for _ = 1, 5 do ids:add_(1):sub_(1) end
  end
  local function settled()
    step()
    w.grad = nil
    collectgarbage()
    collectgarbage()
    return memory()
  end
  local before = settled()
  for _ = 1, 20 do step() end
  t.equal(settled(), before)
end)

t.test("without memory for the copy the write is refused, and may be tried again", function()
  local core = require "embla.core"
  local w, ids = embla.zeros(10, 2, {requires_grad = true}), embla.tensor {1, 2}
  F.embedding(ids, w, {sparse = true}):sum():backward()
  core.fail_after(0, true)
  local done = pcall(ids.zero_, ids)
  core.fail_after(-1)
  t.equal(done, false)
  t.equal(ids, {1, 2})
  ids:zero_()
  t.equal(w.grad:_indices(), {{1, 2}})
end)

-- ---- ids while they are written ----------------------------------------------------------------------------------

t.test("an index that holds new values", function()
  local x = embla.arange(8):flip(0):clone()
  x[x] = 1 << 40
  t.equal(x:eq(1 << 40):all():item(), true)
  x = embla.tensor {1, 2, 0}
  x[x] = x
  t.equal(x, {0, 1, 2})
  x = embla.tensor {1, 2, 0}
  x:scatter_(0, x, embla.tensor {7, 8, 9})
  t.equal(x, {9, 7, 8})
  x = embla.tensor {1, 2, 0}
  x:index_copy_(0, x, x)
  t.equal(x, {0, 1, 2})
  x = embla.tensor {1, 2, 0}
  x:index_add_(0, x, x)
  t.equal(x, {1, 3, 2})
  x = embla.tensor {1, 2, 0}
  x:scatter_add_(0, x, x)
  t.equal(x, {1, 3, 2})
  x = embla.tensor {1, 2, 0}
  x:index_fill_(0, x[{{0, 2}}], 5)
  t.equal(x, {1, 5, 5})
  x = embla.tensor {2, 0, 1, 3}
  x[{x[{{0, 2}}]}] = x[{{1, 3}}]
  t.equal(x, {1, 0, 0, 3})
  local mask = embla.tensor {true, false, true}
  mask[mask] = mask[{{1, 3}}]
  t.equal(mask, {false, false, true})
end)

t.test("for any number of threads", function()
  local n, threads = 100000, embla.get_num_threads()
  for _, count in ipairs {1, 2, 4} do
    embla.set_num_threads(count)
    local x = embla.arange(n):flip(0):clone()
    x[x] = x
    t.equal(x:equal(embla.arange(n)), true)
    x = embla.arange(n):float()
    x[{{1, n}}]:add_(x[{{0, n - 1}}])
    t.equal(x:equal(embla.arange(n):float() + embla.cat {embla.zeros(1), embla.arange(n - 1):float()}), true)
  end
  embla.set_num_threads(threads)
end)

-- ---- other elements of the same memory ---------------------------------------------------------------------------

t.test("shifted and transposed", function()
  local x = embla.tensor {1.0, 2.0, 3.0, 4.0}
  x[{{1, 4}}]:add_(x[{{0, 3}}])
  t.equal(x, {1.0, 3.0, 5.0, 7.0})
  x[{{0, 3}}]:copy_(x[{{1, 4}}])
  t.equal(x, {3.0, 5.0, 7.0, 7.0})
  x[{{1, 4}}]:lerp_(x[{{0, 3}}], 0.5)
  t.equal(x, {3.0, 4.0, 6.0, 7.0})
  x[{{1, 4}}]:addcmul_(x[{{0, 3}}], x[{{0, 3}}])
  t.equal(x, {3.0, 13.0, 22.0, 43.0})
  x:sub_(x[0])
  t.equal(x, {0.0, 10.0, 19.0, 40.0})
  local m = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}
  m:add_(m:t())
  t.equal(m, {{2.0, 5.0}, {5.0, 8.0}})
  m = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}
  m:copy_(m:t())
  t.equal(m, {{1.0, 3.0}, {2.0, 4.0}})
  m:t():mul_(m)
  t.equal(m, {{1.0, 6.0}, {6.0, 16.0}})
  local b = embla.tensor {true, false, false}
  b[{{1, 3}}]:masked_fill_(b[{{0, 2}}], 1)
  t.equal(b, {true, true, false})
end)

t.test("gradients are those of what stood there before", function()
  local a = embla.tensor({1.0, 2.0, 3.0, 4.0}, {requires_grad = true})
  local x = a * 1
  x[{{1, 4}}]:mul_(x[{{0, 3}}])                         -- 1, 2, 6, 12
  t.equal(x, {1.0, 2.0, 6.0, 12.0})
  x:sum():backward()
  t.equal(a.grad, {1.0 + 2, 1.0 + 3, 2.0 + 4, 3.0})     -- of a0 + a0 a1 + a1 a2 + a2 a3
  a = embla.tensor({{1.0, 2.0}, {3.0, 4.0}}, {requires_grad = true})
  x = a * 1
  x:mul_(x:t())
  x:sum():backward()
  t.equal(a.grad, {{2.0, 6.0}, {4.0, 8.0}})             -- of a00^2 + 2 a01 a10 + a11^2
end)

-- ---- elements in one place ---------------------------------------------------------------------------------------

t.test("several elements in one place are not written each with a value of its own", function()
  local n = 6
  local v = embla.arange(n):float()
  local WRITES = {
    copy_ = function(x) x:copy_(v) end, add_ = function(x) x:add_(v) end, mul_ = function(x) x:mul_(2) end,
    relu_ = function(x) x:relu_() end, normal_ = function(x) x:normal_() end, uniform_ = function(x) x:uniform_() end,
    random_ = function(x) x:random_(0, 5) end, exponential_ = function(x) x:exponential_() end,
    bernoulli_ = function(x) x:bernoulli_(0.5) end, ["t[{{}}]"] = function(x) x[{{}}] = v end,
    ["t[{a, b}]"] = function(x) x[{{1, 3}}] = v[{{1, 3}}] end,
    ["t[ids]"] = function(x) x[embla.tensor {0, 1}] = v[{{0, 2}}] end,
    ["t[mask]"] = function(x) x[v:gt(3)] = v[{{0, 2}}] end,
    scatter_ = function(x) x:scatter_(0, embla.arange(n), v) end,
    scatter_add_ = function(x) x:scatter_add_(0, embla.arange(n), v) end,
    index_add_ = function(x) x:index_add_(0, embla.arange(n), v) end,
    index_copy_ = function(x) x:index_copy_(0, embla.arange(n), v) end,
    index_fill_ = function(x) x:index_fill_(0, embla.tensor {1}, 3) end,
    masked_fill_ = function(x) x:masked_fill_(v:gt(3), 1) end, clamp_ = function(x) x:clamp_(0, 1) end,
    lerp_ = function(x) x:lerp_(v, 0.5) end, addcmul_ = function(x) x:addcmul_(v, v) end,
    dropout_ = function(x) F.dropout_(x, 0.5) end,
    SGD = function(x)
      local p = x:requires_grad_()
      p.grad = v
      optim.SGD({p}, {lr = 1}):step()
    end,
    clip_grad_norm_ = function()
      local p = embla.zeros(n, {requires_grad = true})
      p.grad = embla.ones(1):expand(n)
      embla.nn.utils.clip_grad_norm_({p}, 0.1)
    end,
    max_norm = function() F.embedding(embla.tensor {0}, embla.ones(1, 2):expand(n, 2), {max_norm = 0.1}) end,
    running_mean = function()
      F.batch_norm(embla.randn(3, n), embla.zeros(1):expand(n), embla.ones(n), {training = true})
    end,
  }
  for name, write in pairs(WRITES) do
    local x = embla.ones(1):expand(n)
    local done, message = pcall(write, x)
    t.equal({name, done}, {name, false})
    if not tostring(message):find("in one place", 1, true) then t.fail(name .. ": " .. tostring(message)) end
    t.equal(x, {1.0, 1.0, 1.0, 1.0, 1.0, 1.0})
  end
end)

t.test("one value for all of them may be written, as in PyTorch", function()
  local x = embla.zeros(1):expand(3)
  t.equal(x:fill_(2), {2.0, 2.0, 2.0})
  x[1] = 5
  t.equal(x, {5.0, 5.0, 5.0})
  t.equal(x:zero_(), {0.0, 0.0, 0.0})
  x[{{}}] = 4
  t.equal(x, {4.0, 4.0, 4.0})
end)

t.test("parameters and gradients in one memory", function()
  local whole = embla.tensor {1.0, 2.0, 3.0, 4.0}
  local p = whole[{{0, 3}}]:detach():requires_grad_()
  p.grad = whole[{{1, 4}}]:detach()
  optim.SGD({p}, {lr = 1}):step()
  t.equal(whole, {-1.0, -1.0, -1.0, 4.0})
  local m = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}
  local a, b = m:detach():requires_grad_(), m:t():detach():requires_grad_()
  a.grad, b.grad = embla.ones(2, 2), embla.tensor {{10.0, 20.0}, {30.0, 40.0}}
  optim.SGD({a, b}, {lr = 1}):step()                    -- one after the other
  t.equal(m, {{-10.0, -29.0}, {-18.0, -37.0}})
end)

t.finish()
