-- embla.optim.lr_scheduler: schedules of the learning rate. `epoch` counts a schedule's steps, from 0.

local later = require "embla.later"
local options = require "embla.options"
local raise = require "embla.raise"
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

local function total_iters_row()
  return {name = "total_iters", type = "integer", default = 5, range = "> 0", doc = "epochs until it ends"}
end

-- ---- functions of the epoch ------------------------------------------------------------------------------------

local function is_function_or_list(value) return type(value) == "function" or #value > 0 end

local LAMBDA_ROWS = {{name = "lr_lambda", type = "function|table", required = true, check = is_function_or_list,
                      doc = "function of the epoch, or a list with one for each group"}}

-- One function for each group.
local function setup_lambdas(self, o, groups)
  if type(o.lr_lambda) == "function" then
    self.lr_lambda = {}
    for i = 1, #groups do self.lr_lambda[i] = o.lr_lambda end
  elseif #o.lr_lambda ~= #groups then
    raise("%s: expected %d functions in lr_lambda, got %d", self.__name, #groups, #o.lr_lambda)
  end
end

-- What the function of group i says of an epoch.
local function scale_of(self, i, epoch)
  local value = (self.lr_lambda[i] or self.lr_lambda[1])(epoch)
  if type(value) ~= "number" then
    raise("%s: lr_lambda returned %s for epoch %d, expected a number", self.__name, options.show(value), epoch)
  end
  return value
end

local LambdaLR = define("LambdaLR", "lr = initial lr * lr_lambda(epoch)", LAMBDA_ROWS)
LambdaLR.setup = setup_lambdas
function LambdaLR:rate(_, i, epoch) return self.base_lrs[i] * scale_of(self, i, epoch) end

local MultiplicativeLR = define("MultiplicativeLR", "lr <- lr * lr_lambda(epoch), from epoch 1 on", LAMBDA_ROWS)
MultiplicativeLR.setup = setup_lambdas
function MultiplicativeLR:rate(group, i, epoch)
  return epoch > 0 and group.lr * scale_of(self, i, epoch) or group.lr
end
function MultiplicativeLR:restart() self:apply(0) end

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
  total_iters_row(), {name = "power", type = "number", default = 1, doc = "of the polynomial"},
})
function PolynomialLR:rate(group, _, epoch)
  if epoch == 0 or epoch > self.total_iters then return group.lr end
  return group.lr * ((1 - epoch / self.total_iters) / (1 - (epoch - 1) / self.total_iters)) ^ self.power
end

-- ---- warm-up ---------------------------------------------------------------------------------------------------

local ConstantLR = define("ConstantLR", "lr = factor * initial lr until total_iters, then the initial lr", {
  {name = "factor", type = "number", default = 1 / 3, range = "(0, 1]", doc = "of the rate before total_iters"},
  total_iters_row(),
})
function ConstantLR:rate(group, _, epoch)
  if epoch == 0 then return group.lr * self.factor end
  return epoch == self.total_iters and group.lr * (1 / self.factor) or group.lr
end

local LinearLR = define("LinearLR", "lr = initial lr times a factor that goes from start_factor to end_factor", {
  {name = "start_factor", type = "number", default = 1 / 3, range = "(0, 1]", doc = "factor at epoch 0"},
  {name = "end_factor", type = "number", default = 1, range = "[0, 1]", doc = "factor from total_iters on"},
  total_iters_row(),
})
function LinearLR:rate(group, _, epoch)
  if epoch == 0 then return group.lr * self.start_factor end
  if epoch > self.total_iters then return group.lr end
  local rise = self.end_factor - self.start_factor
  return group.lr * (1 + rise / (self.total_iters * self.start_factor + (epoch - 1) * rise))
end

-- ---- cosine ----------------------------------------------------------------------------------------------------

local CosineAnnealingLR = define("CosineAnnealingLR", [[
lr = eta_min + (initial lr - eta_min) (1 + cos(pi epoch / T_max)) / 2, up and down again past T_max]], {
  {name = "T_max", type = "integer", required = true, range = "> 0", doc = "epochs from the top to the bottom"},
  {name = "eta_min", type = "number", default = 0, doc = "rate at the bottom"},
})
function CosineAnnealingLR:rate(group, i, epoch)
  local height, angle = self.base_lrs[i] - self.eta_min, math.pi / self.T_max
  if epoch == 0 then return group.lr end
  if self._step_count == 1 then return self.eta_min + height * (1 + math.cos(angle * epoch)) / 2 end
  if (epoch - 1 - self.T_max) % (2 * self.T_max) == 0 then       -- the last factor was 0
    return group.lr + height * (1 - math.cos(angle)) / 2
  end
  local factor = (1 + math.cos(angle * epoch)) / (1 + math.cos(angle * (epoch - 1)))
  return factor * (group.lr - self.eta_min) + self.eta_min
end

return later(lr_scheduler, "embla.optim.lr_scheduler.", {})
