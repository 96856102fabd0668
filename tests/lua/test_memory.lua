-- The collector learns of the bytes behind tensors: loops over large temporaries stay small.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local MEGA = 1 << 20

-- A field of /proc/self/status in bytes: VmHWM, the most this process has had in memory; VmRSS, what it has now.
local function status(field)
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^" .. field .. ":%s*(%d+) kB")
    if kilobytes then return tonumber(kilobytes) << 10 end
  end
end

local TEN_MEGABYTES = 10 * MEGA // 4          -- float32 elements

t.test("a loop of 10^5 steps over 10 MB temporaries stays under 200 MB", function()
  local x = embla.zeros(TEN_MEGABYTES)
  for _ = 1, 100000 do embla.empty(TEN_MEGABYTES) end
  for _ = 1, 300 do
    local _ = x + 1.0
  end
  local most = status("VmHWM")
  if most > 200 * MEGA then t.fail(("%d MB in memory at the peak"):format(most // MEGA)) end
end)

t.test("so does a loop of training steps over large graphs", function()
  local w = embla.ones(TEN_MEGABYTES):requires_grad_()
  for _ = 1, 50 do
    local loss = (w * w):sum()
    w.grad = nil
    loss:backward()
  end
  local most = status("VmHWM")
  if most > 200 * MEGA then t.fail(("%d MB in memory at the peak"):format(most // MEGA)) end
end)

t.test("sparse training leaves nothing behind", function()
  local emb = embla.nn.Embedding(2000, 64, {sparse = true})
  local opt = embla.optim.Adagrad(emb:parameters(), {lr = 0.1})
  local function steps(n)
    for _ = 1, n do
      opt:zero_grad()
      emb(embla.randint(0, 2000, {5000})):sum():backward()
      opt:step()
    end
    collectgarbage()
  end
  steps(50)
  local before = status("VmRSS")
  steps(300)
  local grown = status("VmRSS") - before
  if grown > 8 * MEGA then t.fail(("grew by %d KB in 300 steps"):format(grown >> 10)) end
end)

-- ---- scopes ----------------------------------------------------------------------------------------------------

t.test("a scope frees what was made in it at the end of the block", function()
  collectgarbage()
  collectgarbage("stop")
  local before = status("VmRSS")
  for _ = 1, 100 do
    local _ <close> = embla.scope()
    local x = embla.ones(TEN_MEGABYTES)
    local _ = (x + x) * x
  end
  local grown = status("VmRSS") - before
  collectgarbage("restart")
  if grown > 100 * MEGA then t.fail(("grew by %d MB though every step had a scope"):format(grown // MEGA)) end
end)

t.test("a scope keeps what it is told to keep, and what others hold", function()
  local kept, param
  do
    local scope <close> = embla.scope()
    kept = scope:keep(embla.ones(3) + 1)
    param = embla.ones(2):requires_grad_()
    scope:keep(param)
    local loss = (param * 3):sum()
    loss:backward()
  end
  t.equal(kept, {2, 2, 2})
  t.equal(param, {1, 1})
  t.equal(param.grad, {3, 3})
end)

t.test("a tensor freed by its scope answers with an error", function()
  local gone
  do
    local _ <close> = embla.scope()
    gone = embla.ones(3)
  end
  t.raises(function() return gone + 1 end)
  t.raises(function() return gone:tolist() end)
end)

t.test("scopes may be nested, and an error closes them", function()
  local outer <close> = embla.scope()
  local x = embla.ones(3)
  pcall(function()
    local _ <close> = embla.scope()
    local _ = x + 1
    error("stop")
  end)
  t.equal(x, {1, 1, 1})
  t.equal(outer:keep(x + 1), {2, 2, 2})
end)

t.finish()
