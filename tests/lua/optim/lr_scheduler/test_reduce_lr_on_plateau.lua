-- ReduceLROnPlateau: the metric, and lowest rates.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local schedules = require "support.schedules"
local lr_scheduler = embla.optim.lr_scheduler
local new_optimizer = schedules.new_optimizer

t.test("ReduceLROnPlateau takes a tensor too, and lowest rates of each group", function()
  local opt = new_optimizer {1, 1}
  local schedule = lr_scheduler.ReduceLROnPlateau(opt, {patience = 0, min_lr = {0.5, 0}})
  for _ = 1, 3 do schedule:step(embla.tensor(1.0)) end
  t.close(schedule:get_last_lr(), {0.5, 0.01})
  t.raises(function() schedule:step() end, "ReduceLROnPlateau: step: argument metric: expected a number, got nil")
end)

t.test("what does not fit is refused", function()
  local opt = new_optimizer(1)
  t.raises(function() lr_scheduler.ReduceLROnPlateau(opt, {factor = 1}) end, "option factor: expected number < 1")
end)

t.finish()
