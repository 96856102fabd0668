-- The schedule ChainedScheduler.

local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local Scheduler = require "embla.optim.lr_scheduler.scheduler"
local SequentialLR = require "embla.optim.lr_scheduler.sequential_lr"

--- Several schedules of one optimizer, stepped together; their factors multiply.
--
--   local warm_up = lr_scheduler.ConstantLR(opt, {factor = 0.1, total_iters = 2})
--   local schedule = lr_scheduler.ChainedScheduler {warm_up, lr_scheduler.ExponentialLR(opt, 0.9)}
local ChainedScheduler = Scheduler:extend "ChainedScheduler"

--- Makes the chain.
-- @param schedulers list of schedules of the same optimizer
function ChainedScheduler:init(schedulers)
  if type(schedulers) ~= "table" or #schedulers == 0 then
    raise("ChainedScheduler: argument schedulers: expected a list of schedules, got %s", options.show(schedulers))
  end
  for i, s in ipairs(schedulers) do
    if type(s) ~= "table" or not s.optimizer or s.optimizer ~= schedulers[1].optimizer then
      raise("ChainedScheduler: schedulers[%d] must be a schedule of the same optimizer as the first", i)
    end
  end
  self.optimizer, self._schedulers = schedulers[1].optimizer, table.move(schedulers, 1, #schedulers, 1, {})
  self._last_lr = schedulers[#schedulers]:get_last_lr()
end

--- Steps every schedule in turn.
function ChainedScheduler:step()
  for _, s in ipairs(self._schedulers) do s:step() end
  self._last_lr = self._schedulers[#self._schedulers]:get_last_lr()
end

ChainedScheduler.state_dict = SequentialLR.state_dict
ChainedScheduler._prepare_load = SequentialLR._prepare_load

return ChainedScheduler
