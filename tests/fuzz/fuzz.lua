-- Random calls over everything that a script can reach: no crash, no report of a sanitizer, no switch left turned.
--
--   embla tests/fuzz/fuzz.lua [--seed N] [--calls N | --seconds S] [--trace] [--report] [--only SCENE]
--
-- A seed gives the same calls every time. --trace tells each call on standard error before it is made, --report which
-- functions never succeeded. Memory is best bounded from outside (ulimit -v), since sizes are part of what is random.
package.path = (arg[0]:match("^(.-)tests/fuzz/") or "") .. "tests/?.lua;" .. package.path

local o = {seed = 1, calls = math.huge, seconds = math.huge}
for at = 1, #arg do
  local name = arg[at]:match "^%-%-(%w+)$"
  if name then o[name] = tonumber(arg[at + 1]) or arg[at + 1] or true end
end
if o.calls == math.huge and o.seconds == math.huge then o.seconds = 10 end

local core = require "embla.core"
-- Calls may put anything into the library's tables: what this program needs of them it keeps.
local library, embla = require "embla", {}
for name, value in next, library do embla[name] = value end
embla.nn, embla.optim = {Embedding = library.nn.Embedding}, {SGD = library.optim.SGD}
math.randomseed(o.seed)
embla.manual_seed(o.seed)
local values = require "fuzz.values"
local surface = require "fuzz.surface"
local scenes = require "fuzz.scenes"

local THREADS = 2
embla.set_num_threads(THREADS)

local function trace(...)
  if o.trace then io.stderr:write(table.concat({...}, " "), "\n") end
end

local function show(value)
  if embla.is_tensor(value) then
    local ok, text = pcall(function()
      return ("%s(%s)%s"):format(value.dtype, table.concat(value.shape, ","), value.requires_grad and "*" or "")
    end)
    return ok and text or "tensor"
  end
  if type(value) == "string" then return ("%q"):format(value:sub(1, 20)) end
  if type(value) == "table" and not getmetatable(value) then
    local parts = {}
    for key, member in next, value do
      if #parts == 6 then break end
      parts[#parts + 1] = tostring(key) .. "=" .. (type(member) == "table" and "{…}" or show(member))
    end
    return "{" .. table.concat(parts, ", ") .. "}"
  end
  return type(value) == "number" and tostring(value) or type(value)
end

-- ---- what must not change --------------------------------------------------------------------------------------

local GLOBALS = {}
for name in next, _G do GLOBALS[name] = true end

-- A small training from a seed, as text. No finalizer of a hostile table draws numbers in the middle of it.
local function canary()
  collectgarbage "stop"
  embla.manual_seed(7)
  local e = embla.nn.Embedding(6, 4, {sparse = true})
  local w = embla.randn(4, 2, {requires_grad = true})
  local opt = embla.optim.SGD({e.weight, w}, {lr = 0.1})
  for _ = 1, 3 do
    opt:zero_grad()
    e(embla.tensor {1, 2, 2, 5}):matmul(w):tanh():sum():backward()
    opt:step()
  end
  collectgarbage "restart"
  return tostring(e.weight) .. tostring(w)
end

local first_song = canary()

-- Blocks of the core that are left when nothing is kept: what a round leaves behind for good.
local SLACK = 400
local function blocks_left()
  values.clear()
  collectgarbage()
  collectgarbage()
  return (select(4, core.memory()))
end

local function fail(calls, text)
  io.stderr:write(("fuzz: seed %d, after %d calls: %s\n"):format(o.seed, calls, text))
  os.exit(1)
end

-- 0 times infinity in a backward, which detect_anomaly alone minds.
local function passes_over_nan()
  local x = embla.zeros(1, {requires_grad = true})
  return (pcall(function() (x:sqrt() * 0):sum():backward() end))
end

local function check_switches(calls)
  local state = embla.get_rng_state()
  local wrong
  if not passes_over_nan() then wrong = "NaN in a backward is an error" end
  if not embla.is_grad_enabled() then wrong = "gradients are off" end
  if embla.get_default_dtype() ~= "float32" then wrong = "the default dtype is " .. embla.get_default_dtype() end
  if embla.get_num_threads() ~= THREADS then wrong = "threads are " .. embla.get_num_threads() end
  if core.in_parallel() then wrong = "a parallel region is still open" end
  wrong = scenes.wrong or wrong
  for name in next, _G do
    if not GLOBALS[name] then wrong = "a global was made: " .. tostring(name) end
  end
  local sung, song = pcall(canary)
  if not wrong and song ~= first_song then
    wrong = sung and "the same training gives other numbers" or "the same training fails: " .. tostring(song)
  end
  embla.set_rng_state(state)
  if wrong then fail(calls, wrong) end
end

-- ---- calls -----------------------------------------------------------------------------------------------------

local succeeded = {}

-- In a coroutine of its own, which may be left inside the call.
local function in_coroutine(f, list, n)
  local co = coroutine.create(function(...) return f(...) end)
  local results = table.pack(coroutine.resume(co, table.unpack(list, 1, n)))
  if coroutine.status(co) == "suspended" then
    if values.once_in(2) then coroutine.resume(co) end
    if values.once_in(2) then coroutine.close(co) end
  end
  return results
end

-- An interrupt somewhere in the call, as Ctrl-C's, or just after it.
local function with_interrupt(f, list, n)
  local results = {n = 0}
  pcall(function()
    debug.sethook(function() debug.sethook() error "interrupted!" end, "", math.random(60))
    results = table.pack(pcall(f, table.unpack(list, 1, n)))
    debug.sethook()
  end)
  return results
end

-- The k-th allocation of the core from now fails.
local function with_failure(f, list, n)
  core.fail_after(math.random(12), values.once_in(2))
  local results = table.pack(pcall(f, table.unpack(list, 1, n)))
  core.fail_after(-1)
  return results
end

local function plainly(f, list, n) return table.pack(pcall(f, table.unpack(list, 1, n))) end

local WAYS = {in_coroutine, with_interrupt, with_failure}       -- the first of twenty

local function call(name, f, list, n)
  if o.trace then
    local parts = {}
    for i = 1, n do parts[i] = show(list[i]) end
    trace(name, table.concat(parts, ", "))
  end
  local results = (WAYS[math.random(20)] or plainly)(f, list, n)
  if results[1] then succeeded[name] = true end
  for i = 2, math.min(results.n, 4) do
    local kind = type(results[i])
    if kind == "userdata" or kind == "table" or kind == "function" then values.keep(results[i]) end
  end
end

local function play(name)
  local f = scenes[name]
  if math.random(8) == 1 then return call("scene " .. name, f, {}, 0) end
  trace("scene", name)
  if pcall(f) then succeeded["scene " .. name] = true end
end

-- ---- the run ---------------------------------------------------------------------------------------------------

local ROUND = 3000
local least                             -- blocks left by the best round so far
local modes = {"incremental", "generational"}
local start, calls = os.time(), 0
local clock = os.clock()
values.start()
while calls < o.calls do
  calls = calls + 1
  if o.only then
    play(o.only)
  elseif math.random(12) == 1 then
    play(values.one_of(scenes.names))
  else
    local made = table.pack(pcall(surface.pick))
    if made[1] then call(table.unpack(made, 2, made.n)) end
  end
  if calls % 500 == 0 then
    trace "canary"
    check_switches(calls)
    if os.time() - start >= o.seconds then break end
  end
  if calls % ROUND == 0 then
    local left = blocks_left()
    if least and left > least + SLACK then
      fail(calls, ("%d blocks are kept for good, %d before"):format(left, least))
    end
    if calls > ROUND then least = math.min(least or left, left) end
    collectgarbage(values.one_of(modes))
    values.start()
  end
end
check_switches(calls)
scenes.finish()
surface.finish()
if o.report then
  for _, entry in ipairs(surface.entries) do
    if not succeeded[entry[1]] then print("never succeeded: " .. entry[1]) end
  end
  for _, name in ipairs(scenes.names) do
    if not succeeded["scene " .. name] then print("never succeeded: scene " .. name) end
  end
end
print(("fuzz: seed %d, %d calls in %.0f s of processor time, nothing found"):format(o.seed, calls, os.clock() - clock))
