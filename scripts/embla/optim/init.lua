-- embla.optim: a class for each update rule of the core, L-BFGS, averaged weights, and schedules of the learning rate.

local core = require "embla.core"
local lazy = require "embla.base.lazy"
local Optimizer = require "embla.optim.optimizer"

local optim = {Optimizer = Optimizer}
for _, rule in ipairs(core.rules()) do optim[rule.name] = Optimizer.from_rule(rule) end

return lazy(optim, "embla.optim.", {ema = "EMA", lbfgs = "LBFGS", lr_scheduler = "lr_scheduler"})
