-- The frame put around a sequence before a kernel moves over it: its widths, and what stands in it.

local core = require "embla.core"
local raise = require "embla.errors.raise"

local padding = {}

--- Widths of the frame that keep a sequence's length under a kernel (stride 1): the odd one goes behind.
-- @param kernel_size K
-- @param dilation    positions from one tap to the next
-- @return positions before, positions behind
function padding.same(kernel_size, dilation)
  local total = dilation * (kernel_size - 1)
  return total // 2, total - total // 2
end

-- Which position of 0 .. n-1 stands at i, for i outside too.
local SOURCE = {
  replicate = function(i, n) return math.max(0, math.min(n - 1, i)) end,
  circular = function(i, n) return i % n end,
  reflect = function(i, n) return i < 0 and -i or i >= n and 2 * (n - 1) - i or i end,
}

-- The widest frame a mode can fill from n positions.
local WIDEST = {
  replicate = function(n) return n > 0 and math.huge or 0 end,
  circular = function(n) return n end,
  reflect = function(n) return n - 1 end,
}

--- Widens the last dim.
-- @param input  Tensor (*, T)
-- @param before positions to add at the front
-- @param behind positions to add at the end
-- @param mode   "zeros", "reflect", "replicate" or "circular": what stands there
-- @return Tensor (*, before + T + behind)
-- @raise if T is too small for the mode
function padding.extend(input, before, behind, mode)
  if before == 0 and behind == 0 then return input end
  if mode == "zeros" then return core.ops.pad(input, {before, behind}) end
  local T, ids = input:size(-1), {}
  if math.max(before, behind) > WIDEST[mode](T) then
    raise("padding: %d positions before and %d behind are too many for mode %q and %d positions", before, behind, mode,
          T)
  end
  for i = -before, T + behind - 1 do ids[#ids + 1] = SOURCE[mode](i, T) end
  return input:index_select(-1, core.tensor(ids, "int64"))
end

return padding
