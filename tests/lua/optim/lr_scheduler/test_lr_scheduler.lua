-- Schedules that are functions of the epoch: closed forms, functions for each group.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local schedules = require "support.schedules"
local lr_scheduler = embla.optim.lr_scheduler
local new_optimizer = schedules.new_optimizer

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

t.test("what does not fit is refused", function()
  local opt = new_optimizer(1)
  t.raises(function() lr_scheduler.LambdaLR(opt, {math.sin, math.sin}) end, "expected 1 functions in lr_lambda, got 2")
  t.raises(function() lr_scheduler.ConstantLR(opt, {factor = 0}) end, "ConstantLR: option factor")
end)

t.finish()
