-- OneCycleLR: momentum or betas against the rate, its ends, ways of no length.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local schedules = require "support.schedules"
local lr_scheduler = require("embla").optim.lr_scheduler
local new_optimizer = schedules.new_optimizer

t.test("OneCycleLR moves betas[1] where there is no momentum", function()
  local opt = new_optimizer(1, {}, "Adam")
  local schedule = lr_scheduler.OneCycleLR(opt, {max_lr = 0.1, total_steps = 10})
  t.close(opt.param_groups[1].betas, {0.95, 0.999})
  schedule:step()
  schedule:step()
  t.close(opt.param_groups[1].betas, {0.85, 0.999})
  t.close(opt.param_groups[1].lr, 0.1)
end)

t.test("OneCycleLR ends", function()
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.OneCycleLR(opt, {max_lr = 0.1, epochs = 1, steps_per_epoch = 2, cycle_momentum = false})
  schedule:step()
  schedule:step()
  local before = schedule:state_dict()
  t.raises(function() schedule:step() end, "OneCycleLR: tried to step 4 times, total_steps is 2")
  t.equal(schedule:state_dict().last_epoch, before.last_epoch)
end)

t.test("OneCycleLR where a way has no length, and one step past the end", function()
  local function last(options)
    local opt = new_optimizer(0.5, {momentum = 0.9})
    options.max_lr = 1
    local schedule = lr_scheduler.OneCycleLR(opt, options)
    for _ = 1, options.total_steps do schedule:step() end
    local group = opt.param_groups[1]
    return group.lr, group.momentum
  end
  local opt = new_optimizer(0.5)
  lr_scheduler.OneCycleLR(opt, {max_lr = 1, total_steps = 10, pct_start = 0.1, cycle_momentum = false})
  t.equal(opt.param_groups[1].lr, 1.0)                            -- the way up is the first step
  t.close({last {total_steps = 2, anneal_strategy = "linear"}}, {1 / 25 / 1e4, 0.95})
  t.close({last {total_steps = 5, pct_start = 1}}, {1 / 25 / 1e4, 0.95})
end)

t.test("what does not fit is refused", function()
  local opt = new_optimizer(1)
  t.raises(function() lr_scheduler.OneCycleLR(opt, {max_lr = 1}) end, "expected total_steps, or epochs and steps_per")
end)

t.finish()
