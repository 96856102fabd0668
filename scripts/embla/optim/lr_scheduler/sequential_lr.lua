-- The schedule SequentialLR.

local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local Scheduler = require "embla.optim.lr_scheduler.scheduler"
local two_steps = require "embla.base.two_steps"

--- One schedule after the other, each starting from its own epoch 0 at its milestone.
--
--   local warm_up = lr_scheduler.LinearLR(opt, {start_factor = 0.1, total_iters = 5})
--   local decay = lr_scheduler.ExponentialLR(opt, {gamma = 0.9})
--   local schedule = lr_scheduler.SequentialLR(opt, {schedulers = {warm_up, decay}, milestones = {5}})
local SequentialLR = Scheduler:extend "SequentialLR"

SequentialLR.spec = options.spec("SequentialLR", {
  {name = "schedulers", type = "table", required = true, check = function(list) return #list > 0 end,
   doc = "list of schedules of the same optimizer"},
  {name = "milestones", type = "integers", required = true, doc = "epochs at which the next one takes over"},
})

local function check(optimizer, o)
  Scheduler.groups_of("SequentialLR", optimizer)
  if #o.schedulers < 1 or #o.milestones ~= #o.schedulers - 1 then
    raise("SequentialLR: expected one scheduler more than milestones, got %d and %d", #o.schedulers, #o.milestones)
  end
  for i, s in ipairs(o.schedulers) do
    if type(s) ~= "table" or s.optimizer ~= optimizer then
      raise("SequentialLR: schedulers[%d] must be a schedule of the same optimizer", i)
    end
    if not s.base_lrs then raise("SequentialLR: schedulers[%d], a %s, cannot be one of a sequence", i, s.__name) end
  end
  for i = 2, #o.milestones do
    if o.milestones[i] <= o.milestones[i - 1] then raise("SequentialLR: milestones must ascend") end
  end
end

--- Makes the sequence: undoes what the schedules did when they were made, and starts the first.
-- @param optimizer an optimizer
-- @param ...       the options, by position or by name
function SequentialLR:init(optimizer, ...)
  local o = self.spec.arguments(...)
  check(optimizer, o)
  self.optimizer, self._schedulers, self._milestones, self.last_epoch = optimizer, o.schedulers, o.milestones, 0
  for _, group in ipairs(optimizer.param_groups) do group.lr = group.initial_lr end
  self._schedulers[1]:restart()
  self._last_lr = self._schedulers[1]:get_last_lr()
end

--- Goes on to the next epoch.
function SequentialLR:step()
  self.last_epoch = self.last_epoch + 1
  local turn, starts = 1, false
  for i, milestone in ipairs(self._milestones) do
    if self.last_epoch >= milestone then turn, starts = i + 1, self.last_epoch == milestone end
  end
  local s = self._schedulers[turn]
  if starts then s:restart() else s:step() end
  self._last_lr = s:get_last_lr()
end

--- What is needed to go on from here, the schedules' own state included.
-- @return table
function SequentialLR:state_dict()
  local dict = Scheduler.state_dict(self)
  dict._schedulers = {}
  for i, s in ipairs(self._schedulers) do dict._schedulers[i] = s:state_dict() end
  return dict
end

function SequentialLR:_prepare_load(dict)
  local saved = type(dict) == "table" and dict._schedulers
  if type(saved) ~= "table" or #saved ~= #self._schedulers then
    raise("%s: load_state_dict: expected the state of %d schedulers", self.__name, #self._schedulers)
  end
  local own, takes = {}, {}
  for key, value in pairs(dict) do
    if key ~= "_schedulers" then own[key] = value end
  end
  for i, s in ipairs(self._schedulers) do
    takes[i] = two_steps.of(s) and s:_prepare_load(saved[i]) or function() s:load_state_dict(saved[i]) end
  end
  takes[#takes + 1] = Scheduler._prepare_load(self, own)         -- last: its rates are those that stand
  return function()
    for _, take in ipairs(takes) do take() end
  end
end

return SequentialLR
