-- EMA against its recurrence by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local points = require "support.points"
local embla = require "embla"
local optim = embla.optim

local function param(...) return embla.tensor({...}, "float32"):requires_grad_() end

t.test("averages follow their recurrence", function()
  local p, q = param(1, 2), param(8)
  local ema = optim.EMA({p, q}, {decay = 0.75})
  p:detach():fill_(5)
  ema:update()
  t.equal(ema.averages[1], {2.0, 2.75})         -- 0.75 x + 0.25 * 5
  t.equal(ema.averages[2], {8.0})
  q:detach():fill_(0)
  ema:update()
  t.equal(ema.averages[1], {2.75, 3.3125})
  t.equal(ema.averages[2], {6.0})
  t.equal({p:detach():tolist(), q:detach():tolist()}, {{5.0, 5.0}, {0.0}})
end)

t.test("warm-up keeps less in the first updates", function()
  local p = param(1)
  local ema = optim.EMA({p}, {decay = 0.25, warmup = true})
  p:detach():fill_(0)
  ema:update()
  t.close(ema.averages[1], {2 / 11})
  ema:update()
  t.close(ema.averages[1], {2 / 11 * 3 / 12})
  ema:update()                                  -- 4 / 13 is more than decay
  t.close(ema.averages[1], {2 / 11 * 3 / 12 * 0.25})
end)

t.test("averages go to the parameters and the parameters come back", function()
  local p, other = param(1, 2), param(0, 0)
  local ema = optim.EMA({p}, 0.5)
  p:detach():add_(2)
  ema:update()
  ema:store()
  ema:copy_to()
  t.equal(p:detach(), {2.0, 3.0})
  ema:restore()
  t.equal(p:detach(), {3.0, 4.0})
  ema:swap()
  t.equal({p:detach():tolist(), ema.averages[1]:tolist()}, {{2.0, 3.0}, {3.0, 4.0}})
  ema:swap()
  t.equal({p:detach():tolist(), ema.averages[1]:tolist()}, {{3.0, 4.0}, {2.0, 3.0}})
  ema:copy_to {other}
  t.equal({other:detach():tolist(), p:detach():tolist()}, {{2.0, 3.0}, {3.0, 4.0}})
  t.equal(p.is_leaf and p.requires_grad, true)
end)

t.test("a function runs on the averages, and errors put the parameters back", function()
  local p = param(1)
  local ema = optim.EMA({p}, {decay = 0.5})
  p:detach():fill_(3)
  ema:update()
  t.equal({ema:averaged(function(a, b) return p:detach():item() + a, b end, 10, nil)}, {12.0})
  t.raises(function() ema:averaged(error, "stop") end, "stop")
  t.equal({p:detach():item(), ema.averages[1]:item()}, {3.0, 2.0})
end)

t.test("an error at any point of update leaves all averages or none as they were", function()
  local p, q, h = param(1, 2), param(8), embla.ones(3, {dtype = "bfloat16"})
  local ema = optim.EMA({p, q, h}, {decay = 0.5})
  local function averages()
    return {ema.averages[1]:tolist(), ema.averages[2]:tolist(), ema.averages[3]:tolist(), ema.num_updates}
  end
  local before = averages()
  p:detach():fill_(3) q:detach():fill_(0) h:fill_(2)
  local after = {{2.0, 2.5}, {4.0}, {1.5, 1.5, 1.5}, 1}
  local function check()
    local now = averages()
    t.equal(now, now[4] == 0 and before or after)
    ema = optim.EMA({param(1, 2), param(8), embla.ones(3, {dtype = "bfloat16"})}, {decay = 0.5})
    ema.params = {p, q, h}
  end
  check()
  t.equal(points.instructions(function() ema:update() end, check) > 5, true)
  t.equal(points.allocations(function() ema:update() end, check) > 0, true)
end)

t.test("a parameter that got other rows is refused, and no average changes", function()
  local p, e = param(1), embla.nn.Embedding(2, 1)
  local ema = optim.EMA({p, e.weight}, {decay = 0.5})
  p:detach():fill_(3)
  e:resize(3)
  t.raises(function() ema:update() end, "EMA: parameter 2 has shape (3, 1), its average (2, 1)")
  t.equal({ema.averages[1]:item(), ema.num_updates}, {1.0, 0})
end)

t.test("an error at any point of averaged puts the parameters back", function()
  local p, q = param(2), param(1)
  local ema = optim.EMA({p, q}, {decay = 0.5})
  p:detach():fill_(3)
  ema:update()
  local averaged = {ema.averages[1]:tolist(), ema.averages[2]:tolist()}
  local before = {p:detach():tolist(), q:detach():tolist()}
  local function f()
    ema:averaged(function() t.equal({p:detach():tolist(), q:detach():tolist()}, averaged) end)
  end
  local function check()
    t.equal({p:detach():tolist(), q:detach():tolist()}, before)
    t.equal({ema.averages[1]:tolist(), ema.averages[2]:tolist()}, averaged)
  end
  t.equal(points.instructions(f, check) > 50, true)
  t.equal(points.allocations(f, check) > 1, true)
end)

t.test("averaged: the function may yield", function()
  local p = param(1)
  local ema = optim.EMA({p})
  p:detach():fill_(3)
  local inside = coroutine.wrap(function() return ema:averaged(function() coroutine.yield(p:detach():item()) end) end)
  t.equal({inside(), inside(), p:detach():item()}, {ema.averages[1]:item(), nil, 3.0})
end)

t.test("state there and back", function()
  local p, q = param(1, 2), param(1, 2)
  local a, b = optim.EMA({p}, {decay = 0.9, warmup = true}), optim.EMA({q})
  for i = 1, 3 do
    p:detach():mul_(1.5 + i)
    a:update()
  end
  local dict = a:state_dict()
  b:load_state_dict(dict)
  q:detach():copy_(p:detach())
  a:update()
  b:update()
  t.same_bits(b.averages[1], a.averages[1])
  t.equal({b.num_updates, b.decay, b.warmup}, {4, 0.9, true})
  t.equal(dict.num_updates, 3)
end)

t.test("what does not fit is refused", function()
  local p = param(1, 2)
  t.raises(function() optim.EMA(p) end, "EMA: params must be a sequence of tensors, got a tensor")
  t.raises(function() optim.EMA({}) end, "EMA: params must be a sequence of tensors")
  t.raises(function() optim.EMA({p, 3}) end, "EMA: parameter 2 must be a tensor of float dtype, got 3")
  t.raises(function() optim.EMA({p, param(1), p}) end, "more than once: parameter 3 is also parameter 1")
  t.raises(function() optim.EMA({embla.tensor {1}}) end, "EMA: parameter 1 must be a tensor of float dtype")
  t.raises(function() optim.EMA({p}, {decay = 1.5}) end, "EMA: option decay: expected number in [0, 1], got 1.5")
  t.raises(function() optim.EMA({p}, {dekay = 1}) end, "did you mean 'decay'?")
  local ema = optim.EMA({p})
  t.raises(function() ema:restore() end, "EMA: restore: nothing was stored")
  t.raises(function() ema:copy_to {p, p} end,
           "EMA: copy_to: argument params: expected a sequence of 1 tensors, got one of 2")
  t.raises(function() ema:copy_to {param(1)} end, "EMA: copy_to: tensor 1 has shape (1), its average (2)")
  local dict = ema:state_dict()
  dict.averages = {}
  t.raises(function() ema:load_state_dict(dict) end,
           "EMA: load_state_dict: argument dict.averages: expected a sequence of 1 tensors, got one of 0")
  dict.averages = {embla.zeros(3)}
  t.raises(function() ema:load_state_dict(dict) end, "EMA: load_state_dict: tensor 1 has shape (3)")
  dict.averages = {embla.sparse_coo_tensor(embla.tensor {{0}}, embla.ones(1), {2})}
  t.raises(function() ema:load_state_dict(dict) end, "EMA: load_state_dict: tensor 1: expected a dense tensor of float")
  dict.averages = {embla.ones(2)}
  for _, updates in ipairs {-1, 0.5, 0 / 0, "3"} do
    dict.num_updates = updates
    t.raises(function() ema:load_state_dict(dict) end,
             "EMA: load_state_dict: num_updates: expected integer from 0 to 2^53 - 1, got ")
  end
  dict.num_updates, dict.decay = 1, 0 / 0
  t.raises(function() ema:load_state_dict(dict) end, "EMA: option decay")
  t.equal({ema.num_updates, ema.averages[1]:tolist()}, {0, {1, 2}})
  t.raises(function() ema:load_state_dict(3) end, "EMA: load_state_dict: argument dict: expected a table, got 3")
end)

t.test("a number of updates that cannot be is refused", function()
  local ema = embla.optim.EMA({embla.ones(2)}, {warmup = true})
  for _, n in ipairs {-1, -10, math.mininteger, 1 << 53, math.maxinteger, 0.5} do
    local dict = ema:state_dict()
    dict.num_updates = n
    t.raises(function() ema:load_state_dict(dict) end, "EMA: load_state_dict: num_updates: expected integer from 0")
  end
  t.equal(ema.num_updates, 0)
end)

t.finish()
