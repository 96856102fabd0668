-- Trainings that can be stopped and gone on with: the options --save, --every and --resume of the examples.

local embla = require "embla"

local checkpoints = {}

--- The options, for embla.args.
-- @param unit  what --every counts: "steps"
-- @param every how many of them by default
-- @return list of rows
function checkpoints.rows(unit, every)
  return {
    {name = "save", type = "string", metavar = "FOLDER", doc = "keep the course of the training in this folder"},
    {name = "every", type = "integer", default = every, range = ">= 1", doc = unit .. " from one --save to the next"},
    {name = "resume", type = "boolean", doc = "go on from where the training in the folder of --save was stopped"},
  }
end

--- Puts what was saved back, if that is asked for.
-- @param o     the script's options
-- @param parts {name = object with a state, ..., extra = plain values}
-- @return steps done before; what was saved under `extra`, else parts.extra; function(step, is_last) that saves the
--   parts when it is time to
function checkpoints.open(o, parts)
  if o.resume and not o.save then error("--resume: expected --save FOLDER beside it", 0) end
  if not o.save then return 0, parts.extra, function() end end
  local ck, step = embla.Checkpoint(o.save), nil
  if o.resume then
    local extra
    step, extra = ck:restore(parts)
    if step then parts.extra = extra end
  elseif ck:latest() then
    error(("--save: %s has a training of %d steps: --resume goes on with it"):format(o.save, ck:latest()), 0)
  end
  return step or 0, parts.extra, function(done, is_last)
    if is_last or done % o.every == 0 then ck:save(done, parts) end
  end
end

return checkpoints
