-- Memory for time.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

-- Runs f once more as it ran the first time: with the random numbers it drew then.
local function again(f, arguments, versions, seed, position)
  for i = 1, arguments.n do
    if versions[i] and core.version(arguments[i]) ~= versions[i] then
      raise("checkpoint: argument %d was modified by an in-place operation since the function ran", i)
    end
  end
  local _ <close> = core.keep_generator()
  core.set_rng_state(seed, position)
  f(table.unpack(arguments, 1, arguments.n))
end

--- Runs f(...) without keeping what its gradients need: backward runs it once more, with the same random numbers, and
-- gives the same gradients to the last bit. Memory then holds the arguments and results instead of everything between.
-- f must do the same both times, so it should change nothing outside, and print nothing.
-- @param f   function (or module) of tensors
-- @param ... its arguments
-- @return what f returns
-- @raise of backward: if an argument was changed in place since, or f does not make the same calls again
local function checkpoint(f, ...)
  local meta = getmetatable(f)
  if type(f) ~= "function" and not (type(meta) == "table" and meta.__call) then
    raise("checkpoint: argument f: expected a function, got %s", options.show(f))
  end
  if not core.is_grad_enabled() then return f(...) end
  local arguments, versions = table.pack(...), {}
  for i = 1, arguments.n do
    if core.is_tensor(arguments[i]) then
      versions[i], arguments[i] = core.version(arguments[i]), core.handle(arguments[i])
    end
  end
  local seed, position = core.get_rng_state()
  return core.checkpoint(function() again(f, arguments, versions, seed, position) end, f, ...)
end

return checkpoint
