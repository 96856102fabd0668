-- How many processors the other processes use meanwhile, so that a disturbed timing can be told.

local core = require "embla.core"

local others = {}

local TICKS = 100                           -- a second, in /proc

local function first_line(path)
  local file = io.open(path)
  if not file then return nil end
  local line = file:read "l"
  file:close()
  return line
end

local function sum_of(line, wanted)
  local sum, i = 0, 0
  for word in line:gmatch "%S+" do
    i = i + 1
    if wanted[i] then sum = sum + tonumber(word) end
  end
  return sum / TICKS
end

-- Of the machine's line: user, nice, system, interrupts. Of this process's, behind its name: its own time and that of
-- its children.
local MACHINE = {[2] = true, [3] = true, [4] = true, [7] = true, [8] = true}
local PROCESS = {[12] = true, [13] = true, [14] = true, [15] = true}

--- A moment to measure from, or nil where there is no /proc.
function others.now()
  local machine, process = first_line "/proc/stat", first_line "/proc/self/stat"
  if not machine or not process then return nil end
  return {clock = core.clock(), machine = sum_of(machine, MACHINE), own = sum_of(process:match ".*%)(.*)", PROCESS)}
end

--- Processors in use by others since a moment, on average; nil where there is no /proc.
function others.since(moment)
  local now = others.now()
  if not moment or not now then return nil end
  return math.max(0, now.machine - moment.machine - (now.own - moment.own)) / (now.clock - moment.clock)
end

return others
