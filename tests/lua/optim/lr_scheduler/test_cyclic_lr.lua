-- CyclicLR: rates up and down, momentum against them.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local schedules = require "support.schedules"
local lr_scheduler = require("embla").optim.lr_scheduler
local new_optimizer, rates = schedules.new_optimizer, schedules.rates

t.test("momentum goes against the rate: CyclicLR", function()
  local opt = new_optimizer(1, {momentum = 0.5})
  local schedule = lr_scheduler.CyclicLR(opt, 0.1, 0.5, {step_size_up = 2, base_momentum = 0.6, max_momentum = 0.8})
  local group, seen = opt.param_groups[1], {}
  for i = 1, 5 do
    seen[i] = {group.lr, group.momentum}
    schedule:step()
  end
  t.close(seen, {{0.1, 0.8}, {0.3, 0.7}, {0.5, 0.6}, {0.3, 0.7}, {0.1, 0.8}})
  local scaled = new_optimizer(1)
  local halves = lr_scheduler.CyclicLR(scaled, 0, 1, {step_size_up = 1, cycle_momentum = false,
                                                      scale_fn = function(cycle) return cycle end})
  t.close(rates(scaled, halves, 3), {0, 1, 0, 2})
end)

t.test("what does not fit is refused", function()
  local opt = new_optimizer(1)
  t.raises(function() lr_scheduler.CyclicLR(opt, {1, 1}, 1, {cycle_momentum = false}) end,
           "1 values for base_lr, got 2")
  t.raises(function() lr_scheduler.CyclicLR(new_optimizer(1, {}, "Adam"), 0, 1) end, "optimizer must support momentum")
end)

t.finish()
