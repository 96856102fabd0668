-- Schedules beyond the golden cases: momentum, chains, sequences, resuming, refusals.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local optim = embla.optim
local lr_scheduler = optim.lr_scheduler

local function new_optimizer(lr, options, name)
  local groups = {}
  for i, value in ipairs(type(lr) == "table" and lr or {lr}) do
    groups[i] = {params = {embla.zeros(1):requires_grad_()}, lr = value}
  end
  return optim[name or "SGD"](groups, options)
end

local function rates(opt, schedule, steps, ...)
  local list = {opt.param_groups[1].lr}
  for i = 1, steps do
    schedule:step(...)
    list[i + 1] = opt.param_groups[1].lr
  end
  return list
end

t.test("options come by position or by name", function()
  local a, b = new_optimizer(1), new_optimizer(1)
  t.close(rates(a, lr_scheduler.StepLR(a, 2, 0.5), 4), {1, 1, 0.5, 0.5, 0.25})
  t.close(rates(b, lr_scheduler.StepLR(b, {step_size = 2, gamma = 0.5}), 4), {1, 1, 0.5, 0.5, 0.25})
end)

t.test("a rate changed from outside is the one that goes on", function()
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.ExponentialLR(opt, 0.5)
  opt.param_groups[1].lr = 8
  schedule:step()
  t.close({opt.param_groups[1].lr, schedule:get_last_lr()[1]}, {4, 4})
end)

t.test("a function for each group", function()
  local opt = new_optimizer {1, 1}
  local schedule = lr_scheduler.LambdaLR(opt, {function(n) return n end, function(n) return -n end})
  schedule:step()
  schedule:step()
  t.equal(schedule:get_last_lr(), {2, -2})
end)

t.test("a group added later starts from its own rate", function()
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.LambdaLR(opt, function(n) return 1 / (n + 1) end)
  opt:add_param_group {params = embla.zeros(1):requires_grad_(), lr = 3}
  schedule:step()
  t.close(schedule:get_last_lr(), {0.5, 1.5})
end)

t.test("warm-up, then decay: SequentialLR", function()
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.SequentialLR(opt, {
    schedulers = {lr_scheduler.ConstantLR(opt, {factor = 0.1, total_iters = 2}), lr_scheduler.ExponentialLR(opt, 0.9)},
    milestones = {2},
  })
  t.close(rates(opt, schedule, 5), {0.1, 0.1, 1, 0.9, 0.81, 0.729})
end)

t.test("factors multiply: ChainedScheduler", function()
  local opt = new_optimizer(1)
  local chain = lr_scheduler.ChainedScheduler {
    lr_scheduler.ConstantLR(opt, {factor = 0.1, total_iters = 2}), lr_scheduler.ExponentialLR(opt, 0.9),
  }
  t.close(rates(opt, chain, 4), {0.1, 0.09, 0.81, 0.729, 0.6561})
  t.close(chain:get_last_lr(), {0.6561})
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
  opt = new_optimizer(1)
  schedule = lr_scheduler.ChainedScheduler {warm_up(opt), lr_scheduler.CosineAnnealingLR(opt, 6)}
  t.close(rates(opt, schedule, 9),
          {0.1, 0.373205080757, 0.525, 0.5, 0.25, 0.066987298108, 0, 0.066987298108, 0.25, 0.5}, 1e-9, 1e-12)
end)

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

t.test("ReduceLROnPlateau takes a tensor too, and lowest rates of each group", function()
  local opt = new_optimizer {1, 1}
  local schedule = lr_scheduler.ReduceLROnPlateau(opt, {patience = 0, min_lr = {0.5, 0}})
  for _ = 1, 3 do schedule:step(embla.tensor(1.0)) end
  t.close(schedule:get_last_lr(), {0.5, 0.01})
  t.raises(function() schedule:step() end, "ReduceLROnPlateau: step: argument metric: expected a number, got nil")
end)

-- ---- resuming --------------------------------------------------------------------------------------------------

local makers = {
  StepLR = function(opt) return lr_scheduler.StepLR(opt, 3, 0.5) end,
  ConstantLR = function(opt) return lr_scheduler.ConstantLR(opt, {factor = 0.1, total_iters = 6}) end,
  ExponentialLR = function(opt) return lr_scheduler.ExponentialLR(opt, 0.9) end,
  MultiplicativeLR = function(opt) return lr_scheduler.MultiplicativeLR(opt, function(n) return n / (1 + n) end) end,
  ChainedScheduler = function(opt)
    return lr_scheduler.ChainedScheduler {lr_scheduler.LinearLR(opt, {total_iters = 6}),
                                          lr_scheduler.ExponentialLR(opt, 0.9)}
  end,
  MultiStepLR = function(opt) return lr_scheduler.MultiStepLR(opt, {2, 6}) end,
  LinearLR = function(opt) return lr_scheduler.LinearLR(opt, {total_iters = 6}) end,
  CosineAnnealingLR = function(opt) return lr_scheduler.CosineAnnealingLR(opt, 5) end,
  CosineAnnealingWarmRestarts = function(opt) return lr_scheduler.CosineAnnealingWarmRestarts(opt, 3) end,
  CyclicLR = function(opt) return lr_scheduler.CyclicLR(opt, 0.1, 1, {step_size_up = 3, cycle_momentum = false}) end,
  OneCycleLR = function(opt)
    return lr_scheduler.OneCycleLR(opt, {max_lr = 1, total_steps = 20, cycle_momentum = false})
  end,
  LambdaLR = function(opt) return lr_scheduler.LambdaLR(opt, function(n) return 1 / (1 + n) end) end,
  PolynomialLR = function(opt) return lr_scheduler.PolynomialLR(opt, 9, 2) end,
  ReduceLROnPlateau = function(opt) return lr_scheduler.ReduceLROnPlateau(opt, {patience = 1}) end,
  SequentialLR = function(opt)
    return lr_scheduler.SequentialLR(opt, {lr_scheduler.LinearLR(opt), lr_scheduler.ExponentialLR(opt, 0.9)}, {3})
  end,
}

for name, make in pairs(makers) do
  t.test(name .. " resumes", function()
    local straight, first, second = new_optimizer(1), new_optimizer(1), new_optimizer(1)
    local want = rates(straight, make(straight), 9, 1)
    local schedule = make(first)
    rates(first, schedule, 4, 1)
    local later = make(second)
    later:load_state_dict(schedule:state_dict())
    second:load_state_dict(first:state_dict())
    t.same_bits(rates(second, later, 5, 1), table.move(want, 5, 10, 1, {}))
  end)
end

t.test("every schedule resumes above", function()
  for name, class in pairs(lr_scheduler) do
    if class ~= lr_scheduler.LRScheduler then t.equal({name, makers[name] ~= nil}, {name, true}) end
  end
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

t.test("last_epoch resumes too, from initial_lr", function()
  local opt = new_optimizer(1)
  t.raises(function() lr_scheduler.StepLR(opt, {step_size = 2, last_epoch = 3}) end,
           "param 'initial_lr' is not specified in param_groups[1]")
  opt.param_groups[1].initial_lr = 2
  local schedule = lr_scheduler.CosineAnnealingLR(opt, {T_max = 4, last_epoch = 1})
  t.close({schedule.last_epoch, opt.param_groups[1].lr}, {2, 1})
end)

-- ---- refusals --------------------------------------------------------------------------------------------------

t.test("what does not fit is refused", function()
  local opt, other = new_optimizer(1), new_optimizer(1)
  local function refuses(make, ...) t.raises(make, ...) end
  refuses(function() lr_scheduler.StepLR({}, 2) end, "StepLR: argument optimizer: expected an optimizer, got a table")
  refuses(function() lr_scheduler.StepLR(opt) end, "StepLR: option step_size is required")
  refuses(function() lr_scheduler.StepLR(opt, 0) end, "StepLR: option step_size: expected integer > 0, got 0")
  refuses(function() lr_scheduler.StepLR(opt, {step_size = 2, gama = 1}) end, "did you mean 'gamma'?")
  refuses(function() lr_scheduler.LambdaLR(opt, {math.sin, math.sin}) end, "expected 1 functions in lr_lambda, got 2")
  refuses(function() lr_scheduler.ConstantLR(opt, {factor = 0}) end, "ConstantLR: option factor")
  refuses(function() lr_scheduler.CyclicLR(opt, {1, 1}, 1, {cycle_momentum = false}) end, "1 values for base_lr, got 2")
  refuses(function() lr_scheduler.CyclicLR(new_optimizer(1, {}, "Adam"), 0, 1) end, "optimizer must support momentum")
  refuses(function() lr_scheduler.OneCycleLR(opt, {max_lr = 1}) end, "expected total_steps, or epochs and steps_per")
  refuses(function() lr_scheduler.ReduceLROnPlateau(opt, {factor = 1}) end, "option factor: expected number < 1")
  refuses(function() lr_scheduler.CosineAnnealingWarmRestarts(opt, {T_0 = 2}):step(-1) end, "expected a number >= 0")
  local a, b = lr_scheduler.ExponentialLR(opt, 0.5), lr_scheduler.ExponentialLR(other, 0.5)
  refuses(function() lr_scheduler.SequentialLR(opt, {a, b}, {1}) end, "schedulers[2] must be a schedule of the same")
  refuses(function() lr_scheduler.SequentialLR(opt, {a, a}, {}) end, "one scheduler more than milestones, got 2 and 0")
  refuses(function() lr_scheduler.SequentialLR(opt, {a, a, a}, {3, 1}) end, "milestones must ascend")
  refuses(function() lr_scheduler.ChainedScheduler {a, b} end, "schedulers[2] must be")
  refuses(function() lr_scheduler.ChainedScheduler {} end, "expected a list of schedules")
  refuses(function() a:load_state_dict(3) end, "ExponentialLR: load_state_dict: argument dict: expected a table")
end)

t.finish()
