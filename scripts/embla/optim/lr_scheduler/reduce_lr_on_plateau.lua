-- The schedule ReduceLROnPlateau.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local Scheduler = require "embla.optim.lr_scheduler.scheduler"

--- Lowers the rate when a number watched, say the validation loss, no longer gets better.
local ReduceLROnPlateau = Scheduler:extend "ReduceLROnPlateau"

ReduceLROnPlateau.spec = options.spec("ReduceLROnPlateau", {
  {name = "mode", choices = {"min", "max"}, default = "min", doc = "whether less or more is better"},
  {name = "factor", type = "number", default = 0.1, range = "< 1", doc = "lr <- factor lr"},
  {name = "patience", type = "integer", default = 10, range = ">= 0", doc = "steps without progress that are borne"},
  {name = "threshold", type = "number", default = 1e-4, doc = "progress that counts"},
  {name = "threshold_mode", choices = {"rel", "abs"}, default = "rel",
   doc = "threshold as a part of the best, or as is"},
  {name = "cooldown", type = "integer", default = 0, range = ">= 0", doc = "steps after a drop that do not count"},
  {name = "min_lr", type = "number|numbers", default = 0, doc = "lowest rate, of all groups or of each"},
  {name = "eps", type = "number", default = 1e-8, doc = "a drop smaller than this is left out"},
})

--- Makes a schedule; the rates stay as they are until a step.
-- @param optimizer an optimizer
-- @param ...       the options, by position or by name
function ReduceLROnPlateau:init(optimizer, ...)
  Scheduler.groups_of(self.__name, optimizer)
  local o = self.spec.arguments(...)
  self.optimizer = optimizer
  for name, value in pairs(o) do self[name] = value end
  self:per_group("min_lr", o.min_lr)
  self.best = o.mode == "min" and math.huge or -math.huge
  self.num_bad_epochs, self.cooldown_counter, self.last_epoch = 0, 0, 0
  self:note_rates()
end

function ReduceLROnPlateau:note_rates()
  self._last_lr = {}
  for i, group in ipairs(self.optimizer.param_groups) do self._last_lr[i] = group.lr end
end

local function is_better(self, now)
  local sign = self.mode == "min" and 1 or -1
  if self.threshold_mode == "abs" then return sign * now < sign * self.best - self.threshold end
  return sign * now < sign * self.best * (1 - sign * self.threshold)
end

local function reduce(self)
  for i, group in ipairs(self.optimizer.param_groups) do
    local lr = math.max(group.lr * self.factor, self:value_for("min_lr", i))
    if group.lr - lr > self.eps then group.lr = lr end
  end
end

--- Looks at the number watched and lowers the rates if it has not got better for more than `patience` steps.
-- @param metric number, or tensor of one element
function ReduceLROnPlateau:step(metric)
  if core.is_tensor(metric) then metric = metric:item() end
  if type(metric) ~= "number" then
    raise("ReduceLROnPlateau: step: argument metric: expected a number, got %s", options.show(metric))
  end
  for i = 1, #self.optimizer.param_groups do self:value_for("min_lr", i) end
  self.last_epoch = self.last_epoch + 1
  if is_better(self, metric) then
    self.best, self.num_bad_epochs = metric, 0
  else
    self.num_bad_epochs = self.num_bad_epochs + 1
  end
  if self.cooldown_counter > 0 then
    self.cooldown_counter, self.num_bad_epochs = self.cooldown_counter - 1, 0
  end
  if self.num_bad_epochs > self.patience then
    reduce(self)
    self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
  end
  self:note_rates()
end

return ReduceLROnPlateau
