-- How fast the machine is just now, and the program from its start to the first result.

local arguments = require "arguments"
local core = require "embla.core"
local embla = require "embla"

-- A program that shows one sum and then the most memory that it has held, as somebody types it.
local TYPED = [[
print(embla.ones(4):sum():item())
for line in io.lines "/proc/self/status" do if line:find "VmHWM" then print(line) end end
]]

-- Starts the program with a prompt; the seconds until the first result stands there, and the memory in MB.
local function start()
  local began = core.clock()
  local pipe <close> = assert(io.popen(("printf %%s '%s' | '%s' -i"):format(TYPED, arguments.program())))
  local seconds
  for line in pipe:lines() do
    if line == "4.0" then seconds = core.clock() - began end
    local kilobytes = line:match "VmHWM:%s*(%d+)"
    if kilobytes then return seconds, kilobytes / 1024 end
  end
  error("the prompt did not answer")
end

return function(case)
  case("calib_copy_64MB", true, function()
    local a, b = embla.zeros(16 << 20), embla.ones(16 << 20)
    return function() a:copy_(b) end, {["GB/s"] = 2 * 4 * (16 << 20) / 1e9}
  end)

  case("calib_mm_512", true, function()
    local a, b = embla.randn(512, 512), embla.randn(512, 512)
    return function() return a:mm(b) end, {["GFLOP/s"] = 2 * 512 ^ 3 / 1e9}
  end)

  case("calib_python_1000_adds", true, function()
    return function()
      local x = 0
      for k = 0, 999 do x = x + k end
      return x
    end
  end)

  case("start_to_first_result", true, function()
    local _, megabytes = start()
    return start, nil, {MB = megabytes}
  end)
end
