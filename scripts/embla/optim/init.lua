-- embla.optim: a class for each update rule of the core, L-BFGS, averaged weights, and schedules of the learning rate.

local core = require "embla.core"
local Optimizer = require "embla.optim.optimizer"

local optim = {
  Optimizer = Optimizer,
  LBFGS = require "embla.optim.lbfgs",
  EMA = require "embla.optim.ema",
  lr_scheduler = require "embla.optim.lr_scheduler",
}

for _, rule in ipairs(core.rules()) do optim[rule.name] = Optimizer.from_rule(rule) end

return optim
