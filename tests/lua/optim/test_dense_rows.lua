-- A lookup's dense gradient knows which rows it has: what is faster for it may change no bit.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, optim = embla.nn, embla.optim

local ROWS, WIDTH = 5000, 40

embla.manual_seed(3)

-- Steps of two tables from the same start: one gets the gradient that backward made, the other a copy, of which
-- nothing is known. `change` may do something to the gradient first.
local function both(make, options, change)
  local a, b = nn.Embedding(ROWS, WIDTH), nn.Embedding(ROWS, WIDTH)
  b.weight:detach():copy_(a.weight:detach())
  if options.freeze then
    a:freeze_rows {7, 9}
    b:freeze_rows {7, 9}
  end
  local opt_a, opt_b = make(a:parameters()), make(b:parameters())
  for step = 1, 4 do
    local ids = embla.randint(0, ROWS, {300})
    ids[0], ids[1] = 7, 7
    opt_a:zero_grad()
    a(ids):pow(2):sum():backward()
    if change then change(a.weight.grad, step) end
    b.weight.grad = a.weight.grad:clone()
    opt_a:step()
    opt_b:step()
    t.same_bits(a.weight:detach(), b.weight:detach())
  end
end

local RULES = {
  SGD = function(p) return optim.SGD(p, {lr = 0.1}) end,
  ["SGD with momentum"] = function(p) return optim.SGD(p, {lr = 0.1, momentum = 0.9}) end,
  ["SGD with decay"] = function(p) return optim.SGD(p, {lr = 0.1, weight_decay = 0.1}) end,
  Adagrad = function(p) return optim.Adagrad(p, {lr = 0.1}) end,
  ["Adagrad with decay"] = function(p) return optim.Adagrad(p, {lr = 0.1, weight_decay = 0.1}) end,
  ["Adagrad without eps"] = function(p) return optim.Adagrad(p, {lr = 0.1, eps = 0}) end,
  RowWiseAdagrad = function(p) return optim.RowWiseAdagrad(p, {lr = 0.1}) end,
  Adam = function(p) return optim.Adam(p, {lr = 0.1}) end,
}

for name, make in pairs(RULES) do
  t.test(name .. ": the same bits as by a gradient of which nothing is known", function() both(make, {}) end)
end

t.test("frozen rows rest", function() both(RULES.SGD, {freeze = true}) end)

t.test("a gradient that is changed counts as it is then", function()
  both(RULES.SGD, {}, function(grad) grad:add_(0.5) end)
  both(RULES.SGD, {}, function(grad) grad[11] = 2 end)
  both(RULES.Adagrad, {}, function(grad, step) if step % 2 == 0 then grad:view(-1)[{{100, 200}}]:fill_(1) end end)
end)

t.test("zeros are zeros, whatever gradients came and went", function()
  local emb = nn.Embedding(ROWS, WIDTH)
  for step = 1, 6 do
    emb.weight.grad = nil
    local ids = embla.randint(0, ROWS, {200})
    emb(ids):sum():backward()
    if step % 3 == 1 then emb(embla.randint(0, ROWS, {200})):sum():backward() end        -- added to the first
    if step % 3 == 2 then emb.weight.grad[{{0, 50}}] = step end
    ids:fill_(step)                                                                       -- ids may change meanwhile
    emb.weight.grad = nil
    collectgarbage()
    t.equal(embla.zeros(ROWS, WIDTH):abs():sum():item(), 0.0)
    t.equal(embla.zeros(ROWS, WIDTH):count_nonzero():item(), 0)
  end
end)

t.test("a gradient of few rows is what a loop finds", function()
  local emb = nn.Embedding(ROWS, WIDTH)
  for _ = 1, 3 do
    emb.weight.grad = nil
    local ids, slope = embla.randint(0, ROWS, {100}), embla.randn(100, WIDTH)
    emb(ids):backward(slope)
    local want = embla.zeros(ROWS, WIDTH)
    for i = 0, 99 do want[ids[i]]:add_(slope[i]) end
    t.close(emb.weight.grad, want, 1e-6)
  end
end)

t.finish()
