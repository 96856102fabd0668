-- Embla and PyTorch on the same cases, in turn, at 1 and 2 threads: a table of ratios, a CSV file and a drawing.
--
--     embla scripts/bench/compare.lua --peer PEER.py [--quick] [--case NAME[,NAME…]] [--threads 1,2]
--                                     [--rounds 3] [--csv ratios.csv] [--plot ratios.png]
--
-- PEER.py prints lines of the same form as bench.lua for the same options. Each case is run by the one, then by the
-- other, `rounds` times; the ratio is the median of the rounds' ratios: other processes slow both alike. Beside a case
-- that is bound by memory stands the share it reaches of the machine's limit: the seconds that the bare accesses take
-- (limits.c, measured in the same rounds) over the case's.

local here = arg[0]:match "^(.*/)" or "./"
local set = {threads = "1,2", rounds = "3", csv = "ratios.csv", python = "/usr/bin/python3"}
do
  local i = 1
  while arg[i] do
    local name = arg[i]:match "^%-%-(%a+)$"
    if name == "quick" then
      set.quick = true
    elseif name then
      i = i + 1
      set[name] = arg[i]
    else
      error("unknown option " .. arg[i], 0)
    end
    i = i + 1
  end
  if not set.peer then error("--peer PEER.py is missing: the script that times PyTorch", 0) end
end

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function lines_of(command)
  local lines = {}
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

local program = arg[-1] or "embla"
for i = -1, -20, -1 do
  if not arg[i] then break end
  program = arg[i]
end
local quick = set.quick and " --quick" or ""

-- Seconds of one case, or nil where it does not exist.
local function seconds(command, name)
  for _, line in ipairs(lines_of(command)) do
    local case, _, median = line:match "^(%S+)\t(%d+)\t(%S+)"
    if case == name then return tonumber(median) end
  end
end

local function run_embla(name, threads)
  local script = quoted(here .. "bench.lua")
  return seconds(("%s -t %d %s%s --case %s"):format(quoted(program), threads, script, quick, name), name)
end

local function run_peer(name, threads)
  local command = ("%s %s --threads %d%s --case %s"):format(quoted(set.python), quoted(set.peer), threads, quick, name)
  return seconds(command, name)
end

-- The bare access of a case that is bound by memory, in the words of limits.c: a step updates its table and the
-- optimizer's.
local TABLES = {step_sgd_sparse = 1, step_adagrad_sparse = 2, step_sparseadam = 3}
local function access_of(name)
  local kind, rest = name:match "^([%w_]+)(.*)"
  if kind == "calib_copy_64MB" then return "copy/64MB" end
  if kind == "emb_fwd" then return "gather" .. rest end
  if TABLES[kind] then return "update" .. TABLES[kind] .. rest end
  local bags, length, tail = rest:match "^/B(%d+)/L(%d+)(/.*)"
  if kind == "bag_fwd_sum" then return ("read/N%d%s"):format(bags * length, tail) end
end

local limits = os.tmpname()
if not os.execute(("cc -O3 -march=native -fopenmp %s -o %s"):format(quoted(here .. "limits.c"), limits)) then
  error("limits.c could not be compiled: cc is needed", 0)
end

local function run_limit(name, threads)
  local access = access_of(name)
  return access and seconds(("%s %s %d"):format(limits, access, threads), access)
end

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

local names = {}
do
  local chosen = set.case and " --case " .. quoted(set.case) or ""
  local command = quoted(program) .. " " .. quoted(here .. "bench.lua") .. quick .. chosen .. " --list"
  for _, line in ipairs(lines_of(command)) do
    names[#names + 1] = line:match "^%S+"
  end
end

local csv = assert(io.open(set.csv, "w"))
csv:write("case,threads,embla_seconds,peer_seconds,ratio,share_of_limit\n")
print(("%-52s %7s %12s %12s %7s %9s"):format("case", "threads", "Embla", "PyTorch", "ratio", "of limit"))
local function time_text(s) return s < 1e-3 and ("%.2f us"):format(s * 1e6) or ("%.3f ms"):format(s * 1e3) end

for _, name in ipairs(names) do
  for threads in set.threads:gmatch "%d+" do
    local ours, theirs, ratios, shares = {}, {}, {}, {}
    for _ = 1, tonumber(set.rounds) do
      local a, b, limit = run_embla(name, threads), run_peer(name, threads), run_limit(name, threads)
      if a and b then ours[#ours + 1], theirs[#theirs + 1], ratios[#ratios + 1] = a, b, b / a end
      if a and limit then shares[#shares + 1] = limit / a end
    end
    if #ratios > 0 then
      local a, b, ratio, share = median(ours), median(theirs), median(ratios), median(shares)
      print(("%-52s %7s %12s %12s %6.1fx %9s"):format(
        name, threads, time_text(a), time_text(b), ratio, share and ("%.0f %%"):format(100 * share) or ""))
      share = share and ("%.3f"):format(share) or ""
      csv:write(("%s,%s,%.4e,%.4e,%.3f,%s\n"):format(name, threads, a, b, ratio, share))
    else
      print(("%-52s %7s   not run by both"):format(name, threads))
    end
    io.stdout:flush()
  end
end
csv:close()
os.remove(limits)

if set.plot then
  local script = os.tmpname()
  local file = assert(io.open(script, "w"))
  file:write(([[
set terminal pngcairo size 1100,%d
set output "%s"
set datafile separator ","
set logscale x
set xlabel "times PyTorch's speed"
set xrange [0.5:*]
set yrange [-0.6:*] reverse
set ytics noenhanced
set grid x
unset key
set style fill solid
plot "%s" skip 1 using 5:0:(1):5:($0-0.35):($0+0.35):ytic(stringcolumn(1)." (".stringcolumn(2).")") with boxxyerror
]]):format(120 + 22 * 2 * #names, set.plot, set.csv))
  file:close()
  os.execute("gnuplot " .. script)
  os.remove(script)
end
