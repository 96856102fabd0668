-- Optimizers for tests of learning-rate schedules, and the rates that a schedule gives one.

local optim = require("embla").optim
local zeros = require("embla").zeros

local schedules = {}

--- An optimizer with a parameter for each rate.
-- @param lr      rate, or a list of them, one for each group
-- @param options of the optimizer
-- @param name    of its class, default "SGD"
function schedules.new_optimizer(lr, options, name)
  local groups = {}
  for i, value in ipairs(type(lr) == "table" and lr or {lr}) do
    groups[i] = {params = {zeros(1):requires_grad_()}, lr = value}
  end
  return optim[name or "SGD"](groups, options)
end

--- The rate of the first group at once and after each of `steps` steps; further arguments are those of step.
function schedules.rates(opt, schedule, steps, ...)
  local list = {opt.param_groups[1].lr}
  for i = 1, steps do
    schedule:step(...)
    list[i + 1] = opt.param_groups[1].lr
  end
  return list
end

return schedules
