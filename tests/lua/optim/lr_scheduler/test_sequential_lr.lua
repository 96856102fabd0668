-- SequentialLR: one schedule after another, saved and loaded within each.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local schedules = require "support.schedules"
local lr_scheduler = require("embla").optim.lr_scheduler
local new_optimizer, rates = schedules.new_optimizer, schedules.rates

t.test("warm-up, then decay: SequentialLR", function()
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.SequentialLR(opt, {
    schedulers = {lr_scheduler.ConstantLR(opt, {factor = 0.1, total_iters = 2}), lr_scheduler.ExponentialLR(opt, 0.9)},
    milestones = {2},
  })
  t.close(rates(opt, schedule, 5), {0.1, 0.1, 1, 0.9, 0.81, 0.729})
end)

-- Rates that PyTorch 1.13 gives.
t.test("warm-ups as PyTorch's", function()
  local function warm_up(opt) return lr_scheduler.LinearLR(opt, {start_factor = 0.1, total_iters = 3}) end
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.SequentialLR(opt, {warm_up(opt), lr_scheduler.CosineAnnealingLR(opt, 6)}, {3})
  t.close(rates(opt, schedule, 9), {0.1, 0.4, 0.7, 1, 0.933012701892, 0.75, 0.5, 0.25, 0.066987298108, 0}, 1e-9, 1e-12)
  opt = new_optimizer(1)
  local rest = lr_scheduler.ConstantLR(opt, {factor = 0.5, total_iters = 2})
  schedule = lr_scheduler.SequentialLR(opt, {warm_up(opt), rest, lr_scheduler.ExponentialLR(opt, 0.9)}, {3, 6})
  t.close(rates(opt, schedule, 9), {0.1, 0.4, 0.7, 0.5, 0.5, 1, 1, 0.9, 0.81, 0.729})
end)

t.test("warm-up into restarts into decay, saved and loaded within each", function()
  local function make(opt)
    return lr_scheduler.SequentialLR(opt, {
      lr_scheduler.LinearLR(opt, {start_factor = 0.1, total_iters = 3}),
      lr_scheduler.CosineAnnealingWarmRestarts(opt, 2),
      lr_scheduler.StepLR(opt, 2, 0.5),
    }, {3, 7})
  end
  local straight = new_optimizer(1)
  local want = rates(straight, make(straight), 11)
  for cut = 1, 10 do
    local first, second = new_optimizer(1), new_optimizer(1)
    local schedule, later = make(first), make(second)
    rates(first, schedule, cut)
    later:load_state_dict(schedule:state_dict())
    second:load_state_dict(first:state_dict())
    t.same_bits(rates(second, later, 11 - cut), table.move(want, cut + 1, 12, 1, {}))
  end
end)

t.test("what does not fit is refused", function()
  local opt, other = new_optimizer(1), new_optimizer(1)
  local a, b = lr_scheduler.ExponentialLR(opt, 0.5), lr_scheduler.ExponentialLR(other, 0.5)
  t.raises(function() lr_scheduler.SequentialLR(opt, {a, b}, {1}) end, "schedulers[2] must be a schedule of the same")
  t.raises(function() lr_scheduler.SequentialLR(opt, {a, a}, {}) end, "one scheduler more than milestones, got 2 and 0")
  t.raises(function() lr_scheduler.SequentialLR(opt, {a, a, a}, {3, 1}) end, "milestones must ascend")
end)

t.finish()
