-- Errors at every point of a call: what it leaves behind must be right after each.

local core = require "embla.core"

local points = {}

--- Runs f again and again, with an error raised before its k-th instruction, k = 1, 2, ..., as Ctrl-C raises one, until
-- it runs to its end.
-- @param f     function
-- @param check function of k, called after each run
-- @return number of errors raised
function points.instructions(f, check)
  local k = 0
  while true do
    k = k + 1
    local ok = pcall(function()
      debug.sethook(function()
        debug.sethook()
        error("stop", 0)
      end, "", k)
      f()
      debug.sethook()
    end)
    check(k)
    if ok then return k - 1 end
  end
end

--- The same with the k-th allocation of the core failing.
-- @param f     function
-- @param check function of k
-- @return number of allocations that failed
function points.allocations(f, check)
  local k = 0
  while true do
    core.fail_after(k)
    local ok = pcall(f)
    core.fail_after(-1)
    check(k)
    k = k + 1
    if ok then return k - 1 end
  end
end

return points
