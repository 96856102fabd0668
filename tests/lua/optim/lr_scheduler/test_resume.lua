-- Every schedule goes on from a file of embla.save with the rates, momenta and counts that it would have had.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local schedules = require "support.schedules"
local lr_scheduler = embla.optim.lr_scheduler

local STEPS = 14

local function metric(n) return 3 / (1 + n % 5) + (n > 6 and 1 or 0) end

-- Each schedule: for an optimizer, a function that makes it.
local CASES = {
  LambdaLR = function(o) return lr_scheduler.LambdaLR(o, {lr_lambda = function(n) return 1 / (n + 1) end}) end,
  MultiplicativeLR = function(o) return lr_scheduler.MultiplicativeLR(o, {lr_lambda = function() return 0.9 end}) end,
  StepLR = function(o) return lr_scheduler.StepLR(o, {step_size = 3}) end,
  MultiStepLR = function(o) return lr_scheduler.MultiStepLR(o, {milestones = {2, 6, 6, 9}}) end,
  ExponentialLR = function(o) return lr_scheduler.ExponentialLR(o, {gamma = 0.93}) end,
  PolynomialLR = function(o) return lr_scheduler.PolynomialLR(o, {total_iters = 10, power = 1.7}) end,
  ConstantLR = function(o) return lr_scheduler.ConstantLR(o, {factor = 0.3, total_iters = 7}) end,
  LinearLR = function(o) return lr_scheduler.LinearLR(o, {total_iters = 8}) end,
  CosineAnnealingLR = function(o) return lr_scheduler.CosineAnnealingLR(o, {T_max = 4, eta_min = 0.001}) end,
  CosineAnnealingWarmRestarts = function(o)
    return lr_scheduler.CosineAnnealingWarmRestarts(o, {T_0 = 3, T_mult = 2})
  end,
  CyclicLR = function(o)
    return lr_scheduler.CyclicLR(o, {base_lr = {0.01, 0.02}, max_lr = 0.3, step_size_up = 3, mode = "triangular2"})
  end,
  OneCycleLR = function(o) return lr_scheduler.OneCycleLR(o, {max_lr = 0.5, total_steps = 15}) end,
  ReduceLROnPlateau = function(o)
    return lr_scheduler.ReduceLROnPlateau(o, {patience = 2, cooldown = 1, min_lr = {1e-3, 1e-4}})
  end,
  SequentialLR = function(o)
    local warm_up = lr_scheduler.LinearLR(o, {start_factor = 0.1, total_iters = 4})
    return lr_scheduler.SequentialLR(o, {warm_up, lr_scheduler.ExponentialLR(o, 0.9)}, {6})
  end,
  ChainedScheduler = function(o)
    return lr_scheduler.ChainedScheduler {lr_scheduler.ConstantLR(o, {factor = 0.1, total_iters = 6}),
                                          lr_scheduler.ExponentialLR(o, 0.9)}
  end,
}

local function new(name)
  local opt = schedules.new_optimizer({0.2, 0.4}, {momentum = 0.9})
  return opt, CASES[name](opt)
end

-- All that a schedule sets, after each of some steps.
local function steps(opt, schedule, from, to)
  local list = {}
  for n = from, to do
    schedule:step(schedule.__name == "ReduceLROnPlateau" and metric(n) or nil)
    local state = {last = schedule:get_last_lr()}
    for g, group in ipairs(opt.param_groups) do state[g] = {lr = group.lr, momentum = group.momentum} end
    list[#list + 1] = state
  end
  return list
end

t.test("every schedule has a case", function()
  for name, cls in pairs(lr_scheduler) do
    if type(cls) == "table" and name ~= "LRScheduler" and not CASES[name] then t.fail(name .. " has no case here") end
  end
end)

for name in pairs(CASES) do
  t.test(name .. " goes on", function()
    local opt, schedule = new(name)
    local want = steps(opt, schedule, 1, STEPS)
    for stop = 0, STEPS do
      for _, order in ipairs {"optimizer first", "schedule first"} do
        opt, schedule = new(name)
        steps(opt, schedule, 1, stop)
        local path = os.tmpname()
        embla.save(path, {opt = opt:state_dict(), schedule = schedule:state_dict()})
        local saved = embla.load(path)
        os.remove(path)
        opt, schedule = new(name)
        if order == "optimizer first" then opt:load_state_dict(saved.opt) end
        schedule:load_state_dict(saved.schedule)
        if order == "schedule first" then opt:load_state_dict(saved.opt) end
        t.same_bits(steps(opt, schedule, stop + 1, STEPS), {table.unpack(want, stop + 1)})
      end
    end
  end)
end

t.finish()
