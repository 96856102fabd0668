-- What every schedule is: at each step it gives each parameter group of an optimizer a learning rate. Most work from
-- the rate that stands in the group, so several schedules, and the script, can change it together.

local class = require "embla.class"
local copy = require "embla.optim.copy"
local list_of = require("embla.list").of
local options = require "embla.options"
local raise = require "embla.raise"

local Scheduler = class "LRScheduler"

local LAST_EPOCH = {name = "last_epoch", type = "integer", default = -1, range = ">= -1",
                    doc = "steps done so far when resuming, else -1"}

--- A class of schedules. It has to define rate(group, i, epoch), the rate of group number i, and may define
-- setup(o, groups), which prepares the fields it needs.
-- @param name text
-- @param doc  what it does, for help
-- @param rows its options, see embla.options; each becomes a field of the object
-- @return a class
function Scheduler.define(name, doc, rows)
  local cls = Scheduler:extend(name)
  cls.doc = doc
  local all = table.move(rows, 1, #rows, 1, {})
  all[#all + 1] = LAST_EPOCH
  cls.spec = options.spec(name, all)
  return cls
end

--- The groups of an optimizer, or an error.
-- @param name      who asks, for the message
-- @param optimizer what was given
-- @return list of groups
function Scheduler.groups_of(name, optimizer)
  local groups = type(optimizer) == "table" and optimizer.param_groups
  if type(groups) ~= "table" then
    raise("%s: argument optimizer: expected an optimizer, got %s", name, options.show(optimizer))
  end
  return groups
end

--- A number for each group, from one for all or a list.
-- @param name   of the option, for the message
-- @param value  number or list
-- @return list
function Scheduler:per_group(name, value)
  local groups = self.optimizer.param_groups
  if type(value) == "table" then
    if #value ~= #groups then
      raise("%s: expected %d values for %s, got %d", self.__name, #groups, name, #value)
    end
    return table.move(value, 1, #value, 1, {})
  end
  local list = {}
  for i = 1, #groups do list[i] = value end
  return list
end

-- ---- making ----------------------------------------------------------------------------------------------------

--- Makes a schedule and sets the first rates.
-- @param optimizer an optimizer
-- @param ...       options in order, and then or only a table of them by name
-- @raise for an option that is unknown, missing or out of range
function Scheduler:init(optimizer, ...)
  local groups = Scheduler.groups_of(self.__name, optimizer)
  local o = self.spec.arguments(...)
  self.optimizer = optimizer
  for name, value in pairs(o) do self[name] = value end
  self:setup(o, groups)
  self:start(groups)
end

--- Prepares fields from the options, before the first rates are set. Classes define their own.
function Scheduler.setup() end

--- Notes the rates that the schedule starts from, and does step 0.
-- @param groups list of parameter groups
function Scheduler:start(groups)
  self.base_lrs = {}
  for i, group in ipairs(groups) do
    if self.last_epoch < 0 then
      if group.initial_lr == nil then group.initial_lr = group.lr end
    elseif group.initial_lr == nil then
      raise("%s: param 'initial_lr' is not specified in param_groups[%d] when resuming an optimizer", self.__name, i)
    end
    self.base_lrs[i] = group.initial_lr
  end
  self._step_count = 0
  self:step()
end

-- ---- working ---------------------------------------------------------------------------------------------------

-- A group added since the schedule was made starts from the rate it has.
local function note_new_groups(self, groups)
  for i = #self.base_lrs + 1, #groups do
    if groups[i].initial_lr == nil then groups[i].initial_lr = groups[i].lr end
    self.base_lrs[i] = groups[i].initial_lr
  end
end

--- Gives every group its rate for an epoch.
-- @param epoch integer, counted from 0
function Scheduler:apply(epoch)
  local groups, rates = self.optimizer.param_groups, {}
  note_new_groups(self, groups)
  for i, group in ipairs(groups) do rates[i] = self:rate(group, i, epoch) end
  self.last_epoch = epoch
  for i, group in ipairs(groups) do group.lr = rates[i] end
  self._last_lr = rates
end

--- Goes on to the next epoch (or batch, as the schedule is meant).
function Scheduler:step()
  self._step_count = self._step_count + 1
  self:apply(self.last_epoch + 1)
end

--- Starts over from the rates at the beginning, as SequentialLR asks for.
function Scheduler:restart()
  for i, group in ipairs(self.optimizer.param_groups) do group.lr = self.base_lrs[i] or group.lr end
  self._step_count = self._step_count + 1
  self:apply(0)
end

--- The rates set by the last step.
-- @return list, a rate for each group
function Scheduler:get_last_lr()
  return list_of(table.move(self._last_lr, 1, #self._last_lr, 1, {}))
end

-- ---- state -----------------------------------------------------------------------------------------------------

-- Whether a value can be written down: functions (of LambdaLR, say) are given anew when resuming.
local function is_data(value)
  if type(value) ~= "table" then return type(value) ~= "function" and type(value) ~= "userdata" end
  if getmetatable(value) then return false end
  for _, item in pairs(value) do
    if not is_data(item) then return false end
  end
  return true
end

--- What is needed to go on from here, apart from the optimizer's own state.
-- @return table of numbers, strings, booleans and lists of them
function Scheduler:state_dict()
  local dict = {}
  for key, value in pairs(self) do
    if key ~= "optimizer" and is_data(value) then dict[key] = copy(value) end
  end
  return dict
end

--- Goes on from what state_dict returned.
-- @param dict table
function Scheduler:load_state_dict(dict)
  if type(dict) ~= "table" then
    raise("%s: load_state_dict: argument dict: expected a table, got %s", self.__name, options.show(dict))
  end
  for key, value in pairs(dict) do self[key] = copy(value) end
end

return Scheduler
