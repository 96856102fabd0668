-- Timings of the workloads Embla cares about, one line a case:
--
--     case<TAB>threads<TAB>median_seconds<TAB>extra
--
--     embla [-t N] scripts/bench/bench.lua [--quick] [--case NAME[,NAME…]] [--list] [--budget SECONDS]
--
-- A case runs in samples of at least a millisecond, at least 7 of them and until the budget is spent; the median of a
-- call is reported, and in `extra` the 10th percentile, the number of samples and rates. Ids rotate through a pool, so
-- that calls touch different rows. Zipf ids are drawn from p(r) ~ 1 / (r + 1), as words sorted by frequency are.

local core = require "embla.core"
local embla = require "embla"

package.path = arg[0]:match "^(.*/)" .. "?.lua;" .. package.path
local cases = require "cases"

local set = {budget = 0.35}
do
  local i = 1
  while arg[i] do
    local word = arg[i]
    if word == "--quick" then
      set.quick, set.budget = true, 0.2
    elseif word == "--list" then
      set.list = true
    elseif word == "--case" then
      i = i + 1
      set.case = arg[i]
    elseif word == "--budget" then
      i = i + 1
      set.budget = assert(tonumber(arg[i]), "--budget needs seconds")
    else
      error("unknown option " .. word, 0)
    end
    i = i + 1
  end
end

local clock = core.clock

-- Runs f(i) with a running counter; seconds a call: median, 10th percentile, number of samples.
local function timed(f)
  local i = 0
  local function run(n)
    local start = clock()
    for _ = 1, n do
      f(i)
      i = i + 1
    end
    return (clock() - start) / n
  end
  run(1)
  local once = run(1)
  local function calls_for(seconds) return math.max(1, math.min(5000, math.floor(1e-3 / math.max(seconds, 1e-7)))) end
  local inner = calls_for(once)
  if inner > 1 then inner = calls_for(run(inner)) end     -- the first calls are cold
  local samples, stop = {}, clock() + set.budget
  while #samples < 7 or (clock() < stop and #samples < 400) do
    samples[#samples + 1] = run(inner)
    if #samples >= 3 and clock() > stop + 6 * set.budget + 2 then break end
  end
  table.sort(samples)
  return samples[#samples // 2 + 1], samples[#samples // 10 + 1], #samples
end

local function wanted(case)
  if set.quick and not case.quick then return false end
  if not set.case then return true end
  for name in set.case:gmatch "[^,]+" do
    if case.name:find(name, 1, true) then return true end
  end
  return false
end

for _, case in ipairs(cases) do
  if wanted(case) then
    if set.list then
      print(case.name .. (case.quick and "\tquick" or ""))
    else
      embla.manual_seed(7)
      collectgarbage()
      local run, rates = case.make()
      local median, low, n = timed(run)
      local extra = {("p10=%.3e n=%d"):format(low, n)}
      for unit, amount in pairs(rates or {}) do extra[#extra + 1] = ("%s=%.4g"):format(unit, amount / median) end
      print(("%s\t%d\t%.4e\t%s"):format(case.name, embla.get_num_threads(), median, table.concat(extra, " ")))
      io.stdout:flush()
    end
  end
end
