-- What every schedule is: at each step it gives each parameter group of an optimizer a learning rate. Most work from
-- the rate that stands in the group, so several schedules, and the script, can change it together.

local class = require "embla.base.class"
local copy = require "embla.optim.copy"
local list_of = require("embla.base.list").of
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local two_steps = require "embla.base.two_steps"

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

--- The value of an option for one group, also for a group that the optimizer has got since.
-- @param name of the option, which is a value for all or a list
-- @param i    number of the group
-- @return the value
-- @raise if it is a list that has none for the group
function Scheduler:value_for(name, i)
  local value = self[name]
  if type(value) ~= "table" then return value end
  if value[i] == nil then
    raise("%s: the optimizer has got group %d since, for which %s has no value: give one for all groups, or make the "
          .. "schedule anew", self.__name, i, name)
  end
  return value[i]
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

--- Prepares for a group that was added since the schedule was made, or raises if the schedule cannot take it. Classes
-- define their own.
function Scheduler._take_group() end

-- Whether rate() works from the rate that stands in the group.
Scheduler.chains = true

--- Takes in the groups that were added since the schedule was made. They start from the rate they have, and get the one
-- they would have now if they had been there from the start.
-- @param epoch integer, the one that they are about to get their rate for
-- @raise if the schedule has no values for them; then nothing is changed
function Scheduler:_take_new_groups(epoch)
  local groups = self.optimizer.param_groups
  for i = #self.base_lrs + 1, #groups do
    local group = groups[i]
    self:_take_group(group, i)
    if group.initial_lr == nil then group.initial_lr = group.lr end
    self.base_lrs[i] = group.initial_lr
    for past = 0, self.chains and epoch - 1 or -1 do group.lr = self:rate(group, i, past) end
  end
end

--- Gives every group its rate for an epoch.
-- @param epoch integer, counted from 0
function Scheduler:apply(epoch)
  local groups, rates = self.optimizer.param_groups, {}
  for i, group in ipairs(groups) do rates[i] = self:rate(group, i, epoch) end
  self.last_epoch = epoch
  for i, group in ipairs(groups) do group.lr = rates[i] end
  self._last_lr = rates
end

--- Goes on to the next epoch (or batch, as the schedule is meant).
function Scheduler:step()
  self:_take_new_groups(self.last_epoch + 1)
  self._step_count = self._step_count + 1
  local ok, message = pcall(self.apply, self, self.last_epoch + 1)
  if ok then return end
  self._step_count = self._step_count - 1
  error(message, 0)
end

--- Starts over from the rates at the beginning, as SequentialLR asks for.
function Scheduler:restart()
  self:_take_new_groups(0)
  for i, group in ipairs(self.optimizer.param_groups) do group.lr = self.base_lrs[i] end
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

-- What a schedule sets in the groups; classes that set more say so.
Scheduler.sets = {"lr"}

--- What is needed to go on from here: what stands in the groups too, so that it does not matter whether the optimizer
-- is loaded before or after.
-- @return table of numbers, strings, booleans and lists of them
function Scheduler:state_dict()
  local dict = list_of {groups = list_of {}}
  for key, value in pairs(self) do
    if key ~= "optimizer" and is_data(value) then dict[key] = copy(value) end
  end
  for i, group in ipairs(self.optimizer.param_groups) do
    dict.groups[i] = {}
    for _, name in ipairs(self.sets) do dict.groups[i][name] = copy(group[name]) end
  end
  return dict
end

local function is_rate(value) return type(value) == "number" and value >= 0 and value < math.huge end

local function refuse(self, text, ...) raise("%s: load_state_dict: argument dict: " .. text, self.__name, ...) end

-- Refuses what this schedule has not kept.
local function check_fields(self, dict)
  local known = {groups = true, _last_lr = true}
  for _, row in ipairs(self.spec and self.spec.rows or {}) do known[row.name] = true end
  for key, value in pairs(dict) do
    local own = rawget(self, key)
    if key == "optimizer" or own == nil and not known[key] then
      refuse(self, "unknown key %s: is it the state of another schedule?", options.show(key))
    elseif own ~= nil and (type(own) ~= type(value) or not is_data(value)) then
      refuse(self, "%s: expected a %s, got %s", key, type(own), options.show(value))
    elseif value ~= value then
      refuse(self, "%s is NaN", key)
    end
  end
end

-- Refuses options out of range, those that the state leaves out being as they are.
local function check_options(self, dict)
  local given = {}
  for _, row in ipairs(self.spec.rows) do
    given[row.name] = dict[row.name]
    if given[row.name] == nil then given[row.name] = self[row.name] end
  end
  self.spec.read(given)
end

-- What a state says of the groups: a list, for at most as many as there are.
local function saved_groups(self, dict)
  local groups = dict.groups
  if groups == nil then
    groups = {}
    for i, lr in ipairs(type(dict._last_lr) == "table" and dict._last_lr or {}) do groups[i] = {lr = lr} end
  elseif type(groups) ~= "table" then
    refuse(self, "groups: expected a list, got %s", options.show(groups))
  end
  local most = #self.optimizer.param_groups
  for _, list in ipairs {groups, dict.base_lrs or {}} do
    if #list > most then
      refuse(self, "the state is of %d groups, the optimizer has %d", #list, most)
    end
  end
  for i, group in ipairs(groups) do
    local lr = type(group) == "table" and group.lr
    if not is_rate(lr) then
      refuse(self, "lr of group %d: expected a number >= 0, got %s", i, options.show(lr))
    end
  end
  return groups
end

function Scheduler:_prepare_load(dict)
  if type(dict) ~= "table" then
    refuse(self, "expected a table, got %s", options.show(dict))
  end
  check_fields(self, dict)
  if not self._schedulers then check_options(self, dict) end
  local saved, fields = saved_groups(self, dict), copy(dict)
  fields.groups = nil
  return function()
    for key, value in pairs(fields) do self[key] = value end
    for i, group in ipairs(saved) do
      for _, name in ipairs(self.sets) do
        if group[name] ~= nil then self.optimizer.param_groups[i][name] = copy(group[name]) end
      end
    end
  end
end

--- Goes on from what state_dict returned, with the rates that stood in the groups then.
-- @param dict table
-- @raise if it is not the state of such a schedule; nothing is loaded then
function Scheduler:load_state_dict(dict) self:_prepare_load(dict)() end
two_steps.note(Scheduler)

return Scheduler
