-- Random orders that depend on a seed and an epoch alone: not on what else is drawn, and not on threads.

local core = require "embla.core"
local options = require "embla.arguments.options"

local seeded = {}

-- Blocks of the generator's stream that an epoch has to itself, room for a permutation of 10^11 samples. Those before
-- the first epoch's are left to manual_seed with the same seed.
local BLOCKS = 1 << 36

--- A seed for one who was given none, drawn from the generator behind manual_seed.
-- @return integer
function seeded.draw() return core.empty({1}, "int64"):random_(0, math.maxinteger):item() end

--- Has what is drawn come from an epoch's part of a seed's stream, until the guard is closed; then the generator is
-- where it was.
-- @param seed  integer
-- @param epoch integer >= 0
-- @param skip  blocks of that part to leave out, default 0; a tensor of n numbers takes at most n
-- @return guard for a `<close>` variable
function seeded.epoch(seed, epoch, skip)
  local guard = core.keep_generator()
  core.set_rng_state(seed, (epoch + 1) * BLOCKS + (skip or 0))
  return guard
end

--- Whether a value can be the number of an epoch.
-- @param value anything
-- @return boolean
function seeded.is_epoch(value) return options.is_integer(value) and value >= 0 and value < 1 << 26 end

return seeded
