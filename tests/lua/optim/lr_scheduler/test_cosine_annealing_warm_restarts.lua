-- CosineAnnealingWarmRestarts: fractions of an epoch, and jumps.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local schedules = require "support.schedules"
local lr_scheduler = require("embla").optim.lr_scheduler
local new_optimizer = schedules.new_optimizer

t.test("warm restarts follow the curve within an epoch", function()
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.CosineAnnealingWarmRestarts(opt, {T_0 = 2, T_mult = 2})
  schedule:step(0.5)
  t.close(opt.param_groups[1].lr, (1 + math.cos(math.pi / 4)) / 2)
  schedule:step(5)                       -- 3 epochs into the second, of length 4
  t.close(opt.param_groups[1].lr, (1 + math.cos(math.pi * 3 / 4)) / 2)
  schedule:step()
  t.close(opt.param_groups[1].lr, 1)
end)

t.test("a jump beyond the first restart begins there again, if all are of one length", function()
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.CosineAnnealingWarmRestarts(opt, 4)
  schedule:step(9)                       -- 1 epoch into the third
  t.close(opt.param_groups[1].lr, (1 + math.cos(math.pi / 4)) / 2)
  schedule:step()
  t.close(opt.param_groups[1].lr, 0.5)
  schedule:step(6.5)
  t.close(opt.param_groups[1].lr, (1 + math.cos(math.pi * 2.5 / 4)) / 2)
end)

t.test("what does not fit is refused", function()
  local opt = new_optimizer(1)
  t.raises(function() lr_scheduler.CosineAnnealingWarmRestarts(opt, {T_0 = 2}):step(-1) end, "expected a number >= 0")
end)

t.finish()
