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

-- ---- against the closed forms -----------------------------------------------------------------------------------

local function random(low, high) return low + (high - low) * math.random() end

-- Each draws arguments and gives: the schedule, and the rate of an epoch by the formula in PyTorch's manual.
local formulas = {
  StepLR = function(opt, base)
    local size, gamma = math.random(1, 60), random(0.3, 1)
    return lr_scheduler.StepLR(opt, size, gamma), function(e) return base * gamma ^ (e // size) end
  end,
  MultiStepLR = function(opt, base)
    local marks, gamma = {}, random(0.3, 1)
    for i = 1, math.random(1, 5) do marks[i] = math.random(1, 200) end
    return lr_scheduler.MultiStepLR(opt, marks, gamma), function(e)
      local passed = 0
      for _, mark in ipairs(marks) do passed = passed + (e >= mark and 1 or 0) end
      return base * gamma ^ passed
    end
  end,
  ExponentialLR = function(opt, base)
    local gamma = random(0.9, 1)
    return lr_scheduler.ExponentialLR(opt, gamma), function(e) return base * gamma ^ e end
  end,
  PolynomialLR = function(opt, base)
    local total, power = math.random(1, 220), random(0, 3)
    return lr_scheduler.PolynomialLR(opt, total, power),
           function(e) return base * (1 - math.min(e, total) / total) ^ power end
  end,
  ConstantLR = function(opt, base)
    local total, factor = math.random(0, 220), random(0.01, 1)
    return lr_scheduler.ConstantLR(opt, factor, total), function(e) return e < total and base * factor or base end
  end,
  LinearLR = function(opt, base)
    local total, from, to = math.random(0, 220), random(0.01, 1), math.random(3) == 1 and 0 or random(0, 1)
    return lr_scheduler.LinearLR(opt, from, to, total),
           function(e) return e >= total and base * to or base * (from * (1 - e / total) + to * e / total) end
  end,
  CosineAnnealingLR = function(opt, base)
    local most, low = math.random(1, 110), math.random(2) == 1 and 0 or random(0, base)
    return lr_scheduler.CosineAnnealingLR(opt, most, low), function(e)
      local at = e % (2 * most)
      return low + (base - low) * math.sin(math.pi / 2 * math.abs(1 - at / most)) ^ 2
    end
  end,
  CosineAnnealingWarmRestarts = function(opt, base)
    local first, times, low = math.random(1, 30), math.random(1, 3), random(0, base)
    return lr_scheduler.CosineAnnealingWarmRestarts(opt, first, times, low), function(e)
      local length = first
      while e >= length do e, length = e - length, length * times end
      return low + (base - low) * math.sin(math.pi / 2 * (1 - e / length)) ^ 2
    end
  end,
  CyclicLR = function(opt, base)
    local low, up, down = math.random(2) == 1 and 0 or random(0, base), math.random(1, 40), math.random(1, 40)
    local modes, gamma = {"triangular", "triangular2", "exp_range"}, random(0.9, 1)
    local mode = modes[math.random(3)]
    return lr_scheduler.CyclicLR(opt, low, base, {step_size_up = up, step_size_down = down, mode = mode, gamma = gamma,
                                                  cycle_momentum = false}), function(e)
      local at = e % (up + down)
      local height = at <= up and at / up or 1 - (at - up) / down
      local scale = mode == "triangular" and 1 or mode == "exp_range" and gamma ^ e or 0.5 ^ (e // (up + down))
      return low + (base - low) * height * scale
    end
  end,
  OneCycleLR = function(opt, base)
    -- A way up of a whole number of steps, from the first step of all on.
    local total = math.random(2, 220)
    local up, div, final = math.random(1, total - 1), random(1, 30), random(1, 1e4)
    local linear = math.random(2) == 1
    local schedule = lr_scheduler.OneCycleLR(opt, base, {total_steps = total, pct_start = up / total, div_factor = div,
      final_div_factor = final, anneal_strategy = linear and "linear" or "cos", cycle_momentum = false})
    local first = up / total * total - 1                -- PyTorch's own rounding
    return schedule, function(e)
      local from, to, part = base / div, base, first > 0 and e / first or 1
      if e > first then from, to, part = base, base / div / final, (e - first) / (total - 1 - first) end
      local left = linear and 1 - part or math.sin(math.pi / 2 * (1 - part)) ^ 2
      return from * left + to * (1 - left)
    end, total - 1
  end,
}

for name, draw in pairs(formulas) do
  t.test(name .. " follows its formula, whatever its arguments", function()
    math.randomseed(11)
    for case = 1, 120 do
      local base = random(1e-4, 2)
      local opt = new_optimizer(base)
      local schedule, formula, last = draw(opt, base)
      for epoch = 0, last or 230 do
        local got, want = opt.param_groups[1].lr, formula(epoch)
        if not (got >= 0 and math.abs(got - want) <= 1e-12 * want + 1e-25) then
          t.fail(("case %d, epoch %d: %.17g, not %.17g"):format(case, epoch, got, want))
        end
        if epoch < (last or 230) then schedule:step() end
      end
    end
  end)
end

t.test("a rate that has come to 0 can be stepped with", function()
  for total = 1, 100 do
    for _, start in ipairs {1 / 3, 0.1, 0.7, 0.9, 1} do
      local opt = new_optimizer(0.1)
      opt.param_groups[1].params[1].grad = embla.ones(1)
      local schedule = lr_scheduler.LinearLR(opt, {start_factor = start, end_factor = 0, total_iters = total})
      for _ = 1, total + 1 do
        opt:step()
        schedule:step()
      end
      t.equal(opt.param_groups[1].lr, 0.0)
    end
  end
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
