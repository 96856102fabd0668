-- embla.optim.lr_scheduler: schedules of the learning rate. `epoch` counts a schedule's steps, from 0.

local lazy = require "embla.base.lazy"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local Scheduler = require "embla.optim.lr_scheduler.scheduler"

local lr_scheduler = {
  LRScheduler = Scheduler,
  CosineAnnealingWarmRestarts = require "embla.optim.lr_scheduler.cosine_annealing_warm_restarts",
  CyclicLR = require "embla.optim.lr_scheduler.cyclic_lr",
  OneCycleLR = require "embla.optim.lr_scheduler.one_cycle_lr",
  ReduceLROnPlateau = require "embla.optim.lr_scheduler.reduce_lr_on_plateau",
  SequentialLR = require "embla.optim.lr_scheduler.sequential_lr",
  ChainedScheduler = require "embla.optim.lr_scheduler.chained_scheduler",
}

local function define(name, doc, rows)
  local cls = Scheduler.define(name, doc, rows)
  lr_scheduler[name] = cls
  return cls
end

local function gamma_row(default)
  return {name = "gamma", type = "number", default = default, required = default == nil, doc = "factor of the rate"}
end

local function total_iters_row(range)
  return {name = "total_iters", type = "integer", default = 5, range = range, doc = "epochs until it ends"}
end

-- ---- functions of the epoch ------------------------------------------------------------------------------------

local function is_function_or_list(value)
  if type(value) == "function" then return true end
  for _, f in ipairs(value) do
    if type(f) ~= "function" then return false end
  end
  return #value > 0
end

local LAMBDA_ROWS = {{name = "lr_lambda", type = "function|table", required = true, check = is_function_or_list,
                      doc = "function of the epoch, or a list with one for each group"}}

-- One function for each group, or one for all.
local function setup_lambdas(self, o, groups)
  if type(o.lr_lambda) == "table" and #o.lr_lambda ~= #groups then
    raise("%s: expected %d functions in lr_lambda, got %d", self.__name, #groups, #o.lr_lambda)
  end
end

-- What the function of group i says of an epoch.
local function scale_of(self, i, epoch)
  local value = self:value_for("lr_lambda", i)(epoch)
  if type(value) ~= "number" or value ~= value then
    raise("%s: lr_lambda returned %s for epoch %d, expected a number", self.__name, options.show(value), epoch)
  end
  return value
end

local LambdaLR = define("LambdaLR", "lr = initial lr * lr_lambda(epoch)", LAMBDA_ROWS)
LambdaLR.setup, LambdaLR.chains = setup_lambdas, false
function LambdaLR:_take_group(_, i) self:value_for("lr_lambda", i) end
function LambdaLR:rate(_, i, epoch) return self.base_lrs[i] * scale_of(self, i, epoch) end

local MultiplicativeLR = define("MultiplicativeLR", "lr <- lr * lr_lambda(epoch), from epoch 1 on", LAMBDA_ROWS)
MultiplicativeLR.setup, MultiplicativeLR._take_group = setup_lambdas, LambdaLR._take_group
function MultiplicativeLR:rate(group, i, epoch)
  return epoch > 0 and group.lr * scale_of(self, i, epoch) or group.lr
end
function MultiplicativeLR:restart()
  self:_take_new_groups(0)
  self:apply(0)
end

-- ---- steps and powers ------------------------------------------------------------------------------------------

local StepLR = define("StepLR", "lr <- gamma lr, every step_size epochs", {
  {name = "step_size", type = "integer", required = true, range = "> 0", doc = "epochs between two drops"},
  gamma_row(0.1),
})
function StepLR:rate(group, _, epoch)
  return epoch > 0 and epoch % self.step_size == 0 and group.lr * self.gamma or group.lr
end

local MultiStepLR = define("MultiStepLR", "lr <- gamma lr, at each milestone (twice at one that is listed twice)", {
  {name = "milestones", type = "integers", required = true, doc = "epochs of the drops"},
  gamma_row(0.1),
})
function MultiStepLR:rate(group, _, epoch)
  local hits = 0
  for _, milestone in ipairs(self.milestones) do hits = hits + (milestone == epoch and 1 or 0) end
  return hits > 0 and group.lr * self.gamma ^ hits or group.lr
end

local ExponentialLR = define("ExponentialLR", "lr <- gamma lr, every epoch", {gamma_row()})
function ExponentialLR:rate(group, _, epoch) return epoch > 0 and group.lr * self.gamma or group.lr end

local PolynomialLR = define("PolynomialLR", "lr = initial lr * (1 - epoch / total_iters)^power, then 0", {
  total_iters_row "> 0", {name = "power", type = "number", default = 1, range = ">= 0", doc = "of the polynomial"},
})
function PolynomialLR:rate(group, _, epoch)
  if epoch == 0 or epoch > self.total_iters then return group.lr end
  local left = self.total_iters - epoch
  return group.lr * (left / (left + 1)) ^ self.power
end

-- ---- warm-up ---------------------------------------------------------------------------------------------------

local ConstantLR = define("ConstantLR", "lr = factor * initial lr until total_iters, then the initial lr", {
  {name = "factor", type = "number", default = 1 / 3, range = "(0, 1]", doc = "of the rate before total_iters"},
  total_iters_row ">= 0",
})
function ConstantLR:rate(group, _, epoch)
  if epoch == 0 then return self.total_iters > 0 and group.lr * self.factor or group.lr end
  return epoch == self.total_iters and group.lr / self.factor or group.lr
end

local LinearLR = define("LinearLR", "lr = initial lr times a factor that goes from start_factor to end_factor", {
  {name = "start_factor", type = "number", default = 1 / 3, range = "(0, 1]", doc = "factor at epoch 0"},
  {name = "end_factor", type = "number", default = 1, range = "[0, 1]", doc = "factor from total_iters on"},
  total_iters_row ">= 0",
})

-- total_iters times the factor of an epoch: a sum of what is not negative, so never below 0, and 0 only at the end.
local function factor(self, epoch) return self.start_factor * (self.total_iters - epoch) + self.end_factor * epoch end

function LinearLR:rate(group, _, epoch)
  if epoch == 0 then return group.lr * (self.total_iters > 0 and self.start_factor or self.end_factor) end
  if epoch > self.total_iters then return group.lr end
  return group.lr * (factor(self, epoch) / factor(self, epoch - 1))
end

-- ---- cosine ----------------------------------------------------------------------------------------------------

local CosineAnnealingLR = define("CosineAnnealingLR", [[
lr = eta_min + (initial lr - eta_min) (1 + cos(pi epoch / T_max)) / 2, up and down again past T_max]], {
  {name = "T_max", type = "integer", required = true, range = "> 0", doc = "epochs from the top to the bottom"},
  {name = "eta_min", type = "number", default = 0, doc = "rate at the bottom"},
})

-- (1 + cos(pi epoch / T_max)) / 2: exact at the bottom, and near it without a difference of what is nearly equal.
local function part(self, epoch)
  local at = epoch % (2 * self.T_max)
  return at == self.T_max and 0 or math.cos(math.pi / self.T_max * at / 2) ^ 2
end

function CosineAnnealingLR:rate(group, i, epoch)
  local height = self.base_lrs[i] - self.eta_min
  if epoch == 0 then return group.lr end
  if self._step_count == 1 then return self.eta_min + height * part(self, epoch) end
  local last = part(self, epoch - 1)
  if last == 0 then return group.lr + height * part(self, epoch) end
  return self.eta_min + (group.lr - self.eta_min) * (part(self, epoch) / last)
end

return lazy(lr_scheduler, "embla.optim.lr_scheduler.", {})
