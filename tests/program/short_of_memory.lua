-- Lua itself runs out of memory at each point of an opening: nothing stays switched, nothing of values is lost.
package.path = "scripts/?.lua;scripts/?/init.lua;tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local fail_lua = _G.fail_lua

local function records() return (embla.ones(1, {requires_grad = true}) * 2).requires_grad end

-- Runs f with the k-th allocation of Lua failing, k = 1, 2, …, until it runs to its end; check after each. Returns how
-- many there were.
local function at_each(f, check)
  local k = 0
  while true do
    local ok = pcall(function()
      fail_lua(k)
      f()
    end)
    fail_lua(-1)
    t.equal({records(), embla.is_grad_enabled()}, {true, true}, k)
    if check then check() end
    if ok then return k end
    k = k + 1
  end
end

t.test("modes", function()
  for _, open in ipairs {embla.no_grad, embla.enable_grad, embla.autograd.detect_anomaly} do
    t.equal(at_each(function()
      local _ <close> = open()
      open(records)
    end) > 5, true)
  end
end)

t.test("scopes", function()
  t.equal(at_each(function()
    local s <close> = embla.scope()
    s:keep(embla.ones(1) + 1)
  end, function()
    local x = embla.ones(1)
    collectgarbage()
    t.equal(x, {1})
  end) > 5, true)
end)

t.test("EMA:averaged", function()
  local p = embla.nn.Parameter(embla.tensor {1.0, 2.0})
  local ema = embla.optim.EMA({p}, {decay = 0.5})
  p:detach():fill_(3)
  ema:update()
  t.equal(at_each(function() ema:averaged(function() return p:detach():sum():item() end) end, function()
    t.equal({p:detach():tolist(), ema.averages[1]:tolist()}, {{3, 3}, {2, 2.5}})
  end) > 2, true)
end)

t.test("a checkpoint's backward", function()
  local state
  t.equal(at_each(function()
    state = nil
    local x = embla.ones(3, {requires_grad = true})
    local y = embla.utils.checkpoint(function(a) return embla.F.dropout(a, 0.5) end, x):sum()
    state = embla.get_rng_state()
    y:backward()
  end, function()
    if state then t.equal(embla.get_rng_state(), state) end
  end) > 10, true)
end)

t.finish()
