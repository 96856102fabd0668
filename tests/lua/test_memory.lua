-- The collector learns of the bytes behind tensors: loops over large temporaries stay small.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"

local MEGA = 1 << 20

-- A field of /proc/self/status in bytes. VmHWM: the most this process has had in memory; VmRSS: what it has now;
-- VmPeak: the most it has had of addresses, touched or not.
local function status(field)
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^" .. field .. ":%s*(%d+) kB")
    if kilobytes then return tonumber(kilobytes) << 10 end
  end
end

local function assert_below(limit, bytes, what)
  if bytes > limit then t.fail(("%s: %d MB, allowed are %d MB"):format(what, bytes // MEGA, limit // MEGA)) end
end

local TEN_MEGABYTES = 10 * MEGA // 4          -- float32 elements

-- Sanitizers keep a shadow of all addresses, and freed memory for a while: what is measured then is theirs.
local function measured(name, fn)
  if status("VmSize") > 1 << 40 then return t.skip(name, "a sanitizer holds the memory") end
  t.test(name, fn)
end

measured("a loop of 10^5 steps over 10 MB temporaries stays under 200 MB", function()
  local x = embla.zeros(TEN_MEGABYTES)
  local addresses = status("VmPeak")
  for _ = 1, 100000 do embla.empty(TEN_MEGABYTES) end
  assert_below(200 * MEGA, status("VmPeak") - addresses, "addresses taken by empty tensors")
  for _ = 1, 300 do
    local _ = x + 1.0
  end
  assert_below(200 * MEGA, status("VmHWM"), "memory at the peak")
end)

measured("so does a loop of training steps over large graphs", function()
  local w = embla.ones(TEN_MEGABYTES):requires_grad_()
  for _ = 1, 50 do
    local loss = (w * w):sum()
    w.grad = nil
    loss:backward()
  end
  assert_below(200 * MEGA, status("VmHWM"), "memory at the peak")
end)

measured("sparse training leaves nothing behind", function()
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
  assert_below(8 * MEGA, status("VmRSS") - before, "grown in 300 steps")
end)

-- The most bytes in tensors that were in use at the ends of n calls of f, beyond those in use now.
local function most_grown(n, f)
  local before, most = core.memory(), 0
  for _ = 1, n do
    f()
    most = math.max(most, core.memory() - before)
  end
  return most
end

-- The other tables tell the collector of much memory: a share of that would be more than a processor's cache.
t.test("results that die at once take each other's place, however large the rest is", function()
  local large, x = embla.zeros(TEN_MEGABYTES * 10), embla.ones(MEGA // 4)
  most_grown(1000, function() return x + 1 end)             -- the tests before this one held more
  collectgarbage()
  assert_below(3 * MEGA, most_grown(100, function() return x + 1 end), "results of 1 MB")
  t.equal(large:size(0), TEN_MEGABYTES * 10)
end)

t.test("what the graph of a training step held is gone when the next step begins", function()
  local w = embla.nn.Parameter(embla.ones(MEGA // 4))
  local opt = embla.optim.SGD({w}, {lr = 0})
  local function step()
    opt:zero_grad()
    local a = w * w
    local b = a * w
    local c = b * a
    local loss = (a + b + c):sum()
    loss:backward()
    opt:step()
  end
  for _ = 1, 20 do step() end
  collectgarbage()
  opt:zero_grad()
  assert_below(12 * MEGA, most_grown(100, step), "steps of 8 MB")
end)

-- ---- scopes ----------------------------------------------------------------------------------------------------

measured("a scope frees what was made in it at the end of the block", function()
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
  assert_below(100 * MEGA, grown, "grown though every step had a scope")
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

t.test("memory tells what is used, kept for later, was used at most, and the number of blocks", function()
  collectgarbage()
  local used, _, _, blocks = core.memory()
  do
    local _ <close> = embla.scope()
    embla.empty(1 << 20, {dtype = "float64"})
    t.equal(core.memory() - used >= 8 * MEGA, true)
    t.equal(select(4, core.memory()) > blocks, true)
  end
  collectgarbage()
  local now, cached, peak, left = core.memory()
  t.equal({now - used < MEGA, cached >= 0, peak >= used + 8 * MEGA, left <= blocks}, {true, true, true, true})
end)

t.test("a tensor freed by its scope answers with an error", function()
  local gone
  do
    local _ <close> = embla.scope()
    gone = embla.ones(3)
  end
  t.raises(function() return gone + 1 end, "must be a tensor, got a tensor that was freed with its scope")
  t.raises(function() return gone:tolist() end, "tolist: ", "expected a tensor, got a tensor that was freed")
  t.raises(function() return tostring(gone) end, "tostring: expected a tensor, got a tensor that was freed")
  t.raises(function() embla.nn.Embedding(3, 1, {_weight = gone}) end,
           "option _weight: expected a tensor, got a tensor that was freed")
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
