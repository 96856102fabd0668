-- ChainedScheduler: factors of several schedules multiply.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local schedules = require "support.schedules"
local lr_scheduler = require("embla").optim.lr_scheduler
local new_optimizer, rates = schedules.new_optimizer, schedules.rates

t.test("factors multiply: ChainedScheduler", function()
  local opt = new_optimizer(1)
  local chain = lr_scheduler.ChainedScheduler {
    lr_scheduler.ConstantLR(opt, {factor = 0.1, total_iters = 2}), lr_scheduler.ExponentialLR(opt, 0.9),
  }
  t.close(rates(opt, chain, 4), {0.1, 0.09, 0.81, 0.729, 0.6561})
  t.close(chain:get_last_lr(), {0.6561})
end)

-- Rates that PyTorch 1.13 gives.
t.test("a warm-up in a chain as PyTorch's", function()
  local function warm_up(opt) return lr_scheduler.LinearLR(opt, {start_factor = 0.1, total_iters = 3}) end
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.ChainedScheduler {warm_up(opt), lr_scheduler.CosineAnnealingLR(opt, 6)}
  t.close(rates(opt, schedule, 9),
          {0.1, 0.373205080757, 0.525, 0.5, 0.25, 0.066987298108, 0, 0.066987298108, 0.25, 0.5}, 1e-9, 1e-12)
end)

t.test("what does not fit is refused", function()
  local opt, other = new_optimizer(1), new_optimizer(1)
  local a, b = lr_scheduler.ExponentialLR(opt, 0.5), lr_scheduler.ExponentialLR(other, 0.5)
  t.raises(function() lr_scheduler.ChainedScheduler {a, b} end, "schedulers[2] must be")
  t.raises(function() lr_scheduler.ChainedScheduler {} end, "expected a list of schedules")
end)

t.finish()
