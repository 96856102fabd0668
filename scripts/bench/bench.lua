-- Timings of the workloads Embla cares about, one line a case:
--
--     case<TAB>threads<TAB>median_seconds<TAB>extra
--
--     embla [-t N] scripts/bench/bench.lua [--quick] [--case NAME[,NAME…]] [--list] [--budget SECONDS] [--once]
--
-- A case runs in samples of at least a millisecond, at least 7 of them and until the budget is spent; the median of a
-- call is reported, and in `extra` the 10th percentile, the number of samples, the processors that other processes used
-- meanwhile, and rates. Ids rotate through a pool, so
-- that calls touch different rows. Zipf ids are drawn from p(r) ~ 1 / (r + 1), as words sorted by frequency are.
--
-- --quick   a representative few
-- --case    only cases whose name contains NAME, or matches it as a glob
-- --list    their names alone
-- --budget  seconds of sampling a case (0.35; quick 0.2)
-- --once    each case is called once only, to see that it runs
--
-- A case that fails is told on standard error as "# case: message", the others go on, and the exit status is 1.

local core = require "embla.core"
local embla = require "embla"

package.path = (arg[0]:match "^.*/" or "./") .. "?.lua;" .. package.path
local arguments = require "arguments"
local cases = require "cases"
local others = require "others"

local set = arguments.read {quick = "flag", list = "flag", once = "flag", case = "text", budget = "number"}
local budget = set.budget or (set.quick and 0.2 or 0.35)

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
  local first = run(1)
  if set.once then return first, first, 1 end
  local once
  local warm = clock() + 1
  for _ = 1, 32 do                                        -- the first calls touch pages of tables and their state
    once = run(1)
    if clock() > warm then break end
  end
  local function calls_for(seconds) return math.max(1, math.min(5000, math.floor(1e-3 / math.max(seconds, 1e-7)))) end
  local inner = calls_for(once)
  if inner > 1 then inner = calls_for(run(inner)) end
  local samples, stop = {}, clock() + budget
  while #samples < 7 or (clock() < stop and #samples < 400) do
    samples[#samples + 1] = run(inner)
    if #samples >= 3 and clock() > stop + 6 * budget + 2 then break end
  end
  table.sort(samples)
  return samples[#samples // 2 + 1], samples[#samples // 10 + 1], #samples
end

-- "unit=amount" for each, in the order of the units.
local function add_amounts(extra, amounts, over)
  local units = {}
  for unit in pairs(amounts or {}) do units[#units + 1] = unit end
  table.sort(units)
  for _, unit in ipairs(units) do extra[#extra + 1] = ("%s=%.4g"):format(unit, amounts[unit] / over) end
end

local function line_of(case)
  embla.manual_seed(7)
  collectgarbage()
  local run, rates, notes = case.make()
  local moment = others.now()
  local median, low, n = timed(run)
  local extra = {("p10=%.3e n=%d other=%.2f"):format(low, n, others.since(moment) or 0 / 0)}
  add_amounts(extra, rates, median)
  add_amounts(extra, notes, 1)
  return ("%s\t%d\t%.4e\t%s\n"):format(case.name, embla.get_num_threads(), median, table.concat(extra, " "))
end

local failed = false
local function report(case)
  local ok, line = pcall(line_of, case)
  if ok then
    io.stdout:write(line):flush()
  else
    io.stderr:write(("# %s: %s\n"):format(case.name, line))
    failed = true
  end
end

for _, case in ipairs(cases) do
  if (case.quick or not set.quick) and arguments.chosen(case.name, set.case) then
    if set.list then print(case.name .. (case.quick and "\tquick" or "")) else report(case) end
  end
end
os.exit(not failed, true)
