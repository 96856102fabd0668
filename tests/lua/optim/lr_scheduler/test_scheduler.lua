-- What all schedules share: options, groups added later, states saved and loaded, refusals.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local schedules = require "support.schedules"
local lr_scheduler = embla.optim.lr_scheduler
local new_optimizer, rates = schedules.new_optimizer, schedules.rates

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

-- ---- groups added later ----------------------------------------------------------------------------------------

-- Schedules whose rates are the groups' own times a factor: those of a group added later, rate 3, are 3 times those of
-- one that was there with rate 1.
t.test("a group added later follows the schedule as if it had been there", function()
  local factors = {
    StepLR = {3, 0.5}, MultiStepLR = {{2, 6}}, ExponentialLR = {0.9}, LinearLR = {0.1, 0.8, 6}, ConstantLR = {0.1, 6},
    PolynomialLR = {9, 2}, CosineAnnealingLR = {5}, CosineAnnealingWarmRestarts = {3},
    LambdaLR = {function(n) return 1 / (1 + n) end}, MultiplicativeLR = {function(n) return n / (1 + n) end},
  }
  for name, arguments in pairs(factors) do
    for added = 0, 8 do
      local opt = new_optimizer(1)
      local schedule = lr_scheduler[name](opt, table.unpack(arguments))
      for _ = 1, added do schedule:step() end
      opt:add_param_group {params = embla.zeros(1):requires_grad_(), lr = 3}
      t.equal(opt.param_groups[2].lr, 3)
      for epoch = added + 1, 9 do
        schedule:step()
        local groups = opt.param_groups
        if math.abs(groups[2].lr - 3 * groups[1].lr) > 1e-12 then
          t.fail(("%s, added at %d, epoch %d: %g and %g"):format(name, added, epoch, groups[1].lr, groups[2].lr))
        end
      end
      t.equal(#schedule:get_last_lr(), 2)
    end
  end
end)

t.test("a group added later gets the rates that are the schedule's own", function()
  local function pair(make, options)
    local opt = new_optimizer(0.01, options)
    local schedule = make(opt)
    schedule:step()
    opt:add_param_group {params = embla.zeros(1):requires_grad_(), lr = 7}
    for _ = 1, 5 do
      schedule:step()
      t.equal({opt.param_groups[2].lr, opt.param_groups[2].momentum},
              {opt.param_groups[1].lr, opt.param_groups[1].momentum})
    end
  end
  pair(function(opt) return lr_scheduler.OneCycleLR(opt, {max_lr = 0.1, total_steps = 10}) end, {momentum = 0.9})
  pair(function(opt) return lr_scheduler.CyclicLR(opt, 0.1, 1, {step_size_up = 3}) end, {momentum = 0.9})
end)

t.test("a group added later in sequences and chains, and on a plateau", function()
  local function added(make, steps)
    local opt = new_optimizer(1)
    local schedule, seen = make(opt), {}
    for i = 1, steps do
      if i == 3 then opt:add_param_group {params = embla.zeros(1):requires_grad_(), lr = 3} end
      schedule:step(1)
      seen[i] = i >= 3 and opt.param_groups[2].lr / opt.param_groups[1].lr or 3
    end
    return seen
  end
  local threes = {3, 3, 3, 3, 3, 3, 3, 3}
  t.close(added(function(opt)
    local first, second = lr_scheduler.LinearLR(opt, 0.1, 1, 4), lr_scheduler.StepLR(opt, 2, 0.5)
    return lr_scheduler.SequentialLR(opt, {first, second}, {5})
  end, 8), threes)
  t.close(added(function(opt)
    return lr_scheduler.ChainedScheduler {lr_scheduler.LinearLR(opt, 0.1, 1, 4), lr_scheduler.ExponentialLR(opt, 0.9)}
  end, 8), threes)
  t.close(added(function(opt) return lr_scheduler.ReduceLROnPlateau(opt, {patience = 3}) end, 8), threes)
end)

t.test("a schedule with a list of values refuses a further group, and nothing is changed", function()
  local cases = {
    max_lr = function(opt) return lr_scheduler.OneCycleLR(opt, {max_lr = {0.1}, total_steps = 9}) end,
    base_lr = function(opt) return lr_scheduler.CyclicLR(opt, {0.1}, 1) end,
    lr_lambda = function(opt) return lr_scheduler.LambdaLR(opt, {function() return 1 end}) end,
    min_lr = function(opt) return lr_scheduler.ReduceLROnPlateau(opt, {min_lr = {0.1}}) end,
  }
  for name, make in pairs(cases) do
    local opt = new_optimizer(1, {momentum = 0.5})
    local schedule = make(opt)
    opt:add_param_group {params = embla.zeros(1):requires_grad_(), lr = 3}
    local before = schedule:state_dict()
    t.raises(function() schedule:step(1) end, "got group 2 since, for which " .. name .. " has no value")
    t.equal(schedule:state_dict(), before)
  end
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

-- The orders in which a program may make and load: each gives an optimizer and a schedule that go on from the states.
local orders = {
  function(make, opt_state, state)
    local opt = new_optimizer(1, {momentum = 0.5})
    local schedule = make(opt)
    opt:load_state_dict(opt_state)
    schedule:load_state_dict(state)
    return opt, schedule
  end,
  function(make, opt_state, state)
    local opt = new_optimizer(1, {momentum = 0.5})
    local schedule = make(opt)
    schedule:load_state_dict(state)
    opt:load_state_dict(opt_state)
    return opt, schedule
  end,
  function(make, opt_state, state)
    local opt = new_optimizer(1, {momentum = 0.5})
    opt:load_state_dict(opt_state)
    local schedule = make(opt)
    schedule:load_state_dict(state)
    return opt, schedule
  end,
  function(make, _, state)                              -- the optimizer has nothing to go on from
    local opt = new_optimizer(1, {momentum = 0.5})
    local schedule = make(opt)
    schedule:load_state_dict(state)
    return opt, schedule
  end,
}

makers["CyclicLR, momentum"] = function(opt) return lr_scheduler.CyclicLR(opt, 0.1, 1, {step_size_up = 3}) end
makers["OneCycleLR, momentum"] = function(opt) return lr_scheduler.OneCycleLR(opt, {max_lr = 1, total_steps = 20}) end

-- Rates and momenta of the steps from `first` to `last`; before step 5 the script halves the rate itself.
local function go_on(opt, schedule, first, last, list)
  for i = first, last do
    if i == 5 then opt.param_groups[1].lr = opt.param_groups[1].lr / 2 end
    schedule:step(1)
    list[i] = {opt.param_groups[1].lr, opt.param_groups[1].momentum}
  end
  return list
end

for name, make in pairs(makers) do
  t.test(name .. " resumes, in whatever order", function()
    local straight = new_optimizer(1, {momentum = 0.5})
    local want = go_on(straight, make(straight), 1, 10, {})
    for cut = 0, 9 do
      for order, resume in ipairs(orders) do
        local first = new_optimizer(1, {momentum = 0.5})
        local schedule = make(first)
        local got = go_on(first, schedule, 1, cut, {})
        local opt, later = resume(make, first:state_dict(), schedule:state_dict())
        t.equal({opt.param_groups[1].lr, opt.param_groups[1].momentum},
                {first.param_groups[1].lr, first.param_groups[1].momentum})
        go_on(opt, later, cut + 1, 10, got)
        for i = 1, 10 do
          if got[i][1] ~= want[i][1] or got[i][2] ~= want[i][2] then
            t.fail(("cut %d, order %d, step %d: rate %g, not %g"):format(cut, order, i, got[i][1], want[i][1]))
          end
        end
      end
    end
  end)
end

t.test("a changed rate is kept where it was changed after the last step", function()
  local opt, other = new_optimizer(1), new_optimizer(1)
  local schedule, later = lr_scheduler.StepLR(opt, 3), lr_scheduler.StepLR(other, 3)
  opt.param_groups[1].lr = 0.25
  later:load_state_dict(schedule:state_dict())
  t.equal(other.param_groups[1].lr, 0.25)
end)

t.test("a state that does not fit is refused, and nothing is changed", function()
  local opt = new_optimizer(1)
  local schedule = lr_scheduler.StepLR(opt, 3, 0.5)
  local function refuses(change, message)
    local dict, before = schedule:state_dict(), schedule:state_dict()
    change(dict)
    t.raises(function() schedule:load_state_dict(dict) end, "StepLR: ", message)
    t.equal(schedule:state_dict(), before)
    t.equal(opt.param_groups[1].lr, 1)
  end
  refuses(function(d) d.T_max = 3 end, 'argument dict: unknown key "T_max": is it the state of another schedule?')
  refuses(function(d) d.optimizer = 3 end, 'argument dict: unknown key "optimizer"')
  refuses(function(d) d.step = 3 end, 'argument dict: unknown key "step"')
  refuses(function(d) d.gamma = "x" end, 'argument dict: gamma: expected a number, got "x"')
  refuses(function(d) d.gamma = 0 / 0 end, "argument dict: gamma is NaN")
  refuses(function(d) d.step_size = 0 end, "option step_size: expected integer > 0, got 0")
  refuses(function(d) d.last_epoch = -7 end, "option last_epoch: expected integer >= -1, got -7")
  refuses(function(d) d.groups[2] = {lr = 1} end, "argument dict: the state is of 2 groups, the optimizer has 1")
  refuses(function(d) d.base_lrs = {1, 2, 3} end, "argument dict: the state is of 3 groups, the optimizer has 1")
  refuses(function(d) d.groups[1].lr = -1 end, "argument dict: lr of group 1: expected a number >= 0, got -1")
  refuses(function(d) d.groups = 1 end, "argument dict: groups: expected a list, got 1")
  local a, b = lr_scheduler.StepLR(opt, 3), lr_scheduler.StepLR(opt, 4)
  local both = lr_scheduler.SequentialLR(opt, {a, b}, {3})
  local dict, before = both:state_dict(), both:state_dict()
  dict._schedulers[1].last_epoch, dict._schedulers[2].last_epoch = 7, -9
  t.raises(function() both:load_state_dict(dict) end, "option last_epoch")
  t.equal(both:state_dict(), before)
end)

t.test("every schedule resumes above", function()
  for name, class in pairs(lr_scheduler) do
    if class ~= lr_scheduler.LRScheduler then t.equal({name, makers[name] ~= nil}, {name, true}) end
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
  local opt = new_optimizer(1)
  t.raises(function() lr_scheduler.StepLR({}, 2) end, "StepLR: argument optimizer: expected an optimizer, got a table")
  t.raises(function() lr_scheduler.StepLR(opt) end, "StepLR: option step_size is required")
  t.raises(function() lr_scheduler.StepLR(opt, 0) end, "StepLR: option step_size: expected integer > 0, got 0")
  t.raises(function() lr_scheduler.StepLR(opt, {step_size = 2, gama = 1}) end, "did you mean 'gamma'?")
  local a = lr_scheduler.ExponentialLR(opt, 0.5)
  t.raises(function() a:load_state_dict(3) end, "ExponentialLR: load_state_dict: argument dict: expected a table")
end)

t.finish()
