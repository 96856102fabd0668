-- Seconds a step of the examples that learn to write, and of the same models in PyTorch, in turn: a table of ratios.
--
--     embla scripts/bench/models.lua [--model gpt,char_lstm] [--threads 1,2] [--steps 20] [--rounds 3] [--text FILE]
--                                    [--python /usr/bin/python3]
--
-- With --run NAME it times one example alone, in this process: the median step after two that warm up, as a line
-- model<TAB>threads<TAB>seconds.

local core = require "embla.core"
local embla = require "embla"

local here = arg[0]:match "^(.*/)" or "./"
local set = {model = "gpt,char_lstm", threads = "1,2", steps = "20", rounds = "3", python = "/usr/bin/python3"}
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%a+)$"
  if not name or not arg[i + 1] then error("unknown option or no value: " .. arg[i], 0) end
  set[name] = arg[i + 1]
end

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

-- ---- one example -----------------------------------------------------------------------------------------------

-- The example tells its progress bar of every step; here the bar is a clock.
local function run_example(name)
  local times = {}
  embla.progress.bar = function()
    return {update = function() times[#times + 1] = core.clock() end, finish = function() error(times, 0) end}
  end
  local path = here .. "../examples/" .. name .. ".lua"
  rawset(_G, "arg", {[0] = path, "--steps", tostring(set.steps + 3), set.text})
  local _, err = pcall(assert(loadfile(path)))
  if err ~= times then error(err, 0) end
  local steps = {}
  for i = 4, #times do steps[i - 3] = times[i] - times[i - 1] end
  io.write(("%s\t%d\t%.4e\n"):format(name, embla.get_num_threads(), median(steps)))
end

if set.run then return run_example(set.run) end

-- ---- both, in turn ---------------------------------------------------------------------------------------------

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function seconds(command)
  local pipe <close> = assert(io.popen(command))
  return tonumber((pipe:read "a"):match "\t%d+\t(%S+)")
end

local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end
local text = set.text and " --text " .. quoted(set.text) or ""

print(("%-12s %7s %12s %12s %7s"):format("model", "threads", "Embla", "PyTorch", "ratio"))
for name in set.model:gmatch "[^,]+" do
  for threads in set.threads:gmatch "%d+" do
    local ours, theirs, ratios = {}, {}, {}
    for i = 1, tonumber(set.rounds) do
      ours[i] = seconds(("%s -t %s %s --run %s --steps %s%s"):format(quoted(program), threads, quoted(arg[0]), name,
                                                                    set.steps, text))
      theirs[i] = seconds(("%s %s --threads %s --steps %s"):format(quoted(set.python),
                                                                  quoted(here .. name .. "_torch.py"), threads,
                                                                  set.steps))
      ratios[i] = theirs[i] / ours[i]
    end
    print(("%-12s %7s %9.2f ms %9.2f ms %6.2fx"):format(name, threads, 1e3 * median(ours), 1e3 * median(theirs),
                                                       median(ratios)))
    io.stdout:flush()
  end
end
