-- The schedule CyclicLR.

local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local Scheduler = require "embla.optim.lr_scheduler.scheduler"

local CyclicLR = Scheduler.define("CyclicLR", [[
The rate goes up from base_lr to max_lr and down again, over and over; the momentum the other way.
Smith 2017: Cyclical learning rates for training neural networks.]], {
  {name = "base_lr", type = "number|numbers", required = true, doc = "lowest rate, of all groups or of each"},
  {name = "max_lr", type = "number|numbers", required = true, doc = "highest rate"},
  {name = "step_size_up", type = "number", default = 2000, range = "> 0", doc = "steps on the way up"},
  {name = "step_size_down", type = "number", range = "> 0", doc = "steps on the way down; as many as up"},
  {name = "mode", choices = {"triangular", "triangular2", "exp_range"}, default = "triangular",
   doc = "height of a cycle: always 1, halved with each, or gamma^step"},
  {name = "gamma", type = "number", default = 1, doc = "for exp_range"},
  {name = "scale_fn", type = "function", doc = "height as a function of the cycle or step, in place of mode"},
  {name = "scale_mode", choices = {"cycle", "iterations"}, default = "cycle", doc = "what scale_fn is a function of"},
  {name = "cycle_momentum", type = "boolean", default = true, doc = "whether the momentum goes along"},
  {name = "base_momentum", type = "number|numbers", default = 0.8, doc = "lowest momentum, at the highest rate"},
  {name = "max_momentum", type = "number|numbers", default = 0.9, doc = "highest momentum, at the lowest rate"},
})

function CyclicLR:setup(o, groups)
  self.lows, self.highs = self:per_group("base_lr", o.base_lr), self:per_group("max_lr", o.max_lr)
  self.step_size_down = o.step_size_down or o.step_size_up
  if o.cycle_momentum then
    if groups[1].momentum == nil then
      raise("CyclicLR: the optimizer must support momentum with cycle_momentum, %s does not", self.optimizer.__name)
    end
    self.base_momenta = self:per_group("base_momentum", o.base_momentum)
    self.max_momenta = self:per_group("max_momentum", o.max_momentum)
  end
  if o.last_epoch < 0 then
    for i, group in ipairs(groups) do group.lr = self.lows[i] end
  end
end

function CyclicLR:_take_group(_, i)
  self.lows[i], self.highs[i] = self:value_for("base_lr", i), self:value_for("max_lr", i)
  if not self.cycle_momentum then return end
  self.base_momenta[i], self.max_momenta[i] = self:value_for("base_momentum", i), self:value_for("max_momentum", i)
end

-- How far up in the cycle an epoch is: 0 at the bottom, the height of this cycle at the top.
local function height(self, epoch)
  local up, down = self.step_size_up, self.step_size_down
  local cycle, at = 1 + epoch // (up + down), epoch % (up + down)
  local part = at <= up and at / up or (up + down - at) / down
  if self.scale_fn then
    local scale = self.scale_fn(self.scale_mode == "cycle" and cycle or epoch)
    if type(scale) ~= "number" or scale ~= scale then
      raise("CyclicLR: scale_fn returned %s, expected a number", options.show(scale))
    end
    return part * scale
  end
  if self.mode == "triangular2" then return part / 2 ^ (cycle - 1) end
  return self.mode == "exp_range" and part * self.gamma ^ epoch or part
end

function CyclicLR:rate(_, i, epoch)
  local part = height(self, epoch)
  return self.lows[i] * (1 - part) + self.highs[i] * part
end
CyclicLR.chains = false
CyclicLR.sets = {"lr", "momentum"}

function CyclicLR:apply(epoch)
  Scheduler.apply(self, epoch)
  if not self.cycle_momentum then return end
  for i, group in ipairs(self.optimizer.param_groups) do
    local low, high = self.base_momenta[i], self.max_momenta[i]
    group.momentum = high - (high - low) * height(self, epoch)
  end
end

return CyclicLR
