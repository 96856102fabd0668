-- Embla and PyTorch on the same cases, in turn, at 1 and 2 threads: a table of ratios, a CSV file and a drawing.
--
--     embla scripts/bench/compare.lua [--peer PEER.py] [--quick] [--case NAME[,NAME…]] [--threads 1,2] [--rounds 3]
--                                     [--budget SECONDS] [--batch 1] [--csv ratios.csv] [--plot ratios.png]
--                                     [--python /usr/bin/python3]
--
-- A peer is a script with bench.lua's options that prints lines of its form; more_torch.py always is one. Each case is
-- run by Embla, by the peer that has it, then as a bare access (limits.c), `rounds` times, and what is told is the
-- median over the rounds of what each round gave: other processes slow all of a round alike. --batch N hands N cases to
-- each process at a time, since starting PyTorch takes longer than timing a case.
--
-- Columns: seconds of both; how many times faster Embla is; the share it reaches of the limit, which is the seconds of
-- the bare access over its own (accesses.lua says which access); how many times faster both are than on one thread.
-- Where other processes used more than 0.15 of a processor, that is said: such a line is worth less.

package.path = (arg[0]:match "^.*/" or "./") .. "?.lua;" .. package.path
local accesses = require "accesses"
local arguments = require "arguments"
local results = require "results"
local sides = require "sides"

local set = arguments.read {peer = "text", quick = "flag", case = "text", threads = "text", rounds = "number",
                            budget = "number", batch = "number", csv = "text", plot = "text", python = "text"}
local here, quote = arguments.folder(), sides.quote
local program, rounds, batch = quote(arguments.program()), set.rounds or 3, set.batch or 1
local csv_path, thread_counts = set.csv or "ratios.csv", arguments.list(set.threads or "1,2")

-- ---- who runs what ---------------------------------------------------------------------------------------------

local options = (set.quick and " --quick" or "") .. (set.budget and " --budget " .. set.budget or "")

local function ours(threads) return ("%s -t %s %s%s"):format(program, threads, quote(here .. "bench.lua"), options) end

local function theirs(peer, threads)
  local command = peer:find "%.py$" and quote(set.python or "/usr/bin/python3") .. " " .. quote(peer) or quote(peer)
  return ("%s --threads %s%s"):format(command, threads, options)
end

-- name -> the peer that has it; a peer that cannot even tell its cases is named, and left out.
local function find_peers()
  local peer_of, peers = {}, arguments.list(set.peer)
  peers[#peers + 1] = here .. "more_torch.py"
  for _, peer in ipairs(peers) do
    local names, why = sides.list(theirs(peer, 1))
    if not names then io.stderr:write(("%s is left out: %s\n"):format(peer, why)) end
    for _, name in ipairs(names or {}) do peer_of[name] = peer_of[name] or peer end
  end
  return peer_of
end

local function chosen_cases()
  local names, why = sides.list(ours(1) .. (set.case and " --case " .. quote(set.case) or ""))
  if not names then error("bench.lua: " .. why, 0) end
  return names
end

-- The program of the bare accesses, or nil and why not.
local function compile_limits()
  local path = os.tmpname()
  local complaints, badly = sides.compile(here .. "limits.c", path, "-O3")
  if not badly then return path end
  io.stderr:write("no limits: limits.c could not be compiled: ", complaints)
  os.remove(path)
end

-- ---- rounds ----------------------------------------------------------------------------------------------------

local limits, peer_of = compile_limits(), find_peers()
local _ <close> = setmetatable({}, {__close = function() if limits then os.remove(limits) end end})

local function time_embla(names, threads) return sides.time(ours(threads), names) end

local function time_peers(names, threads)
  local asked, seconds, problems, others = {}, {}, {}, {}
  for _, name in ipairs(names) do
    local peer = peer_of[name]
    if peer then
      asked[peer] = asked[peer] or {}
      table.insert(asked[peer], name)
    end
  end
  for peer, list in pairs(asked) do
    local of_peer, wrong, disturbed = sides.time(theirs(peer, threads), list)
    for _, name in ipairs(list) do
      seconds[name], problems[name], others[name] = of_peer[name], wrong[name], disturbed[name]
    end
  end
  return seconds, problems, others
end

local function time_limits(names, threads)
  local seconds, problems = {}, {}
  for _, name in ipairs(names) do
    local access = limits and accesses.of(name)
    if access then
      local lines, complaints = sides.run(("env OMP_PROC_BIND=true %s %s %s"):format(limits, access, threads))
      seconds[name] = tonumber((lines[1] or ""):match "\t%d+\t(%S+)")
      if not seconds[name] then problems[name] = complaints end
    end
  end
  return seconds, problems
end

local SIDES = {{"embla", "Embla", time_embla}, {"peer", "PyTorch", time_peers}, {"limit", "limit", time_limits}}

-- Seconds by side and name, problems and what others used by name, of one round of a group of cases.
local function run_round(names, threads)
  local round = {problems = {}, others = {}}
  for _, side in ipairs(SIDES) do
    local key, title, time = table.unpack(side)
    local seconds, problems, others = time(names, threads)
    round[key] = seconds
    for name, used in pairs(others or {}) do round.others[name] = math.max(used, round.others[name] or 0) end
    for name, message in pairs(problems) do
      round.problems[name] = round.problems[name] or title .. ": " .. message
    end
  end
  return round
end

-- The median over the rounds of what `value` makes of each; nil if it never makes anything.
local function median(list, value)
  local values = {}
  for _, round in ipairs(list) do values[#values + 1] = value(round) end
  table.sort(values)
  local n = #values
  if n == 0 then return nil end
  return n % 2 == 1 and values[n // 2 + 1] or (values[n // 2] + values[n // 2 + 1]) / 2
end

local function over(a, b) return a and b and a / b or nil end

-- A row of results: the rounds on some threads, and those on one thread beside them.
local function row_of(name, threads, several, single)
  local function of(side) return function(round) return round[side][name] end end
  local function scaling(side)
    if threads == "1" or not single then return nil end
    local pairs_of = {}
    for i, round in ipairs(several) do pairs_of[i] = {single[i][side][name], round[side][name]} end
    return median(pairs_of, function(pair) return over(pair[1], pair[2]) end)
  end
  local problem
  for _, round in ipairs(several) do problem = problem or round.problems[name] end
  return {
    case = name, threads = tonumber(threads), embla_seconds = median(several, of "embla"),
    peer_seconds = median(several, of "peer"), limit = limits and accesses.of(name),
    limit_seconds = median(several, of "limit"),
    ratio = median(several, function(round) return over(round.peer[name], round.embla[name]) end),
    share_of_limit = median(several, function(round) return over(round.limit[name], round.embla[name]) end),
    scaling = scaling "embla", peer_scaling = scaling "peer", others = median(several, of "others"),
    problem = problem,
  }
end

-- ---- the table -------------------------------------------------------------------------------------------------

local names = chosen_cases()
local width = 4
for _, name in ipairs(names) do width = math.max(width, #name) end
local form = ("%%-%ds %%7s %%9s %%9s %%7s %%8s %%8s %%8s"):format(width)

local DISTURBED = 0.15                      -- processors
local function show(row)
  local line = form:format(row.case, row.threads, results.time(row.embla_seconds), results.time(row.peer_seconds),
                           results.times(row.ratio), results.percent(row.share_of_limit), results.times(row.scaling),
                           results.times(row.peer_scaling))
  if row.others and row.others > DISTURBED then line = line .. ("   others used %.1f CPUs"):format(row.others) end
  if row.problem then line = line .. "   failed: " .. row.problem:gsub("%s+", " ") end
  io.stdout:write((line:gsub("%s+$", "")), "\n"):flush()
end

local csv, failed = assert(io.open(csv_path, "w")), 0
csv:write(results.header())
print(form:format("case", "threads", "Embla", "PyTorch", "ratio", "of limit", "scaling", "PyTorch's"))

for first = 1, #names, batch do
  local group, by_threads = table.move(names, first, math.min(first + batch - 1, #names), 1, {}), {}
  for round = 1, rounds do
    for _, threads in ipairs(thread_counts) do
      by_threads[threads] = by_threads[threads] or {}
      by_threads[threads][round] = run_round(group, threads)
    end
  end
  for _, name in ipairs(group) do
    for _, threads in ipairs(thread_counts) do
      local row = row_of(name, threads, by_threads[threads], by_threads["1"])
      show(row)
      csv:write(results.line(row)):flush()
      if row.problem then failed = failed + 1 end
    end
  end
end

csv:close()
if set.plot then
  local drawn = os.execute(("%s %s %s %s"):format(program, quote(here .. "draw.lua"), quote(csv_path), quote(set.plot)))
  if not drawn then failed = failed + 1 end
end
if failed > 0 then error(("%d lines failed"):format(failed), 0) end
