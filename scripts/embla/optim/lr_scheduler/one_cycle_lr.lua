-- The schedule OneCycleLR.

local raise = require "embla.errors.raise"
local Scheduler = require "embla.optim.lr_scheduler.scheduler"

local OneCycleLR = Scheduler.define("OneCycleLR", [[
The rate rises from max_lr / div_factor to max_lr in the first pct_start of the steps, then falls far
below where it started; the momentum the other way. Step it after every batch.
Smith, Topin 2018: Super-convergence: very fast training of neural networks using large learning rates.]], {
  {name = "max_lr", type = "number|numbers", required = true, doc = "highest rate, of all groups or of each"},
  {name = "total_steps", type = "integer", range = "> 0", doc = "steps of the cycle; or else epochs * steps_per_epoch"},
  {name = "epochs", type = "integer", range = "> 0", doc = "with steps_per_epoch, in place of total_steps"},
  {name = "steps_per_epoch", type = "integer", range = "> 0", doc = "with epochs"},
  {name = "pct_start", type = "number", default = 0.3, range = "[0, 1]", doc = "part of the steps on the way up"},
  {name = "anneal_strategy", choices = {"cos", "linear"}, default = "cos", doc = "shape of the ways"},
  {name = "cycle_momentum", type = "boolean", default = true, doc = "whether momentum (or betas[1]) goes along"},
  {name = "base_momentum", type = "number|numbers", default = 0.85, doc = "lowest momentum, at the highest rate"},
  {name = "max_momentum", type = "number|numbers", default = 0.95, doc = "highest momentum"},
  {name = "div_factor", type = "number", default = 25, range = "> 0", doc = "first rate = max_lr / div_factor"},
  {name = "final_div_factor", type = "number", default = 1e4, range = "> 0",
   doc = "last rate = first rate / final_div_factor"},
  {name = "three_phase", type = "boolean", default = false, doc = "down to the first rate before the last fall"},
})

-- Where a way ends, and between which rates and momenta of the group it leads.
local function way(last, from_lr, to_lr, from_momentum, to_momentum)
  return {last = last, lr = {from_lr, to_lr}, momentum = {from_momentum, to_momentum}}
end

local function ways_of(o, total)
  local up = o.pct_start * total
  local first = way(up - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
  if not o.three_phase then return {first, way(total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")} end
  return {first, way(2 * up - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
          way(total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")}
end

local function count_steps(o)
  if o.total_steps then return o.total_steps end
  if not (o.epochs and o.steps_per_epoch) then
    raise("OneCycleLR: expected total_steps, or epochs and steps_per_epoch")
  end
  return o.epochs * o.steps_per_epoch
end

function OneCycleLR:setup(o, groups)
  self.total_steps = count_steps(o)
  self.ways = ways_of(o, self.total_steps)
  for _, name in ipairs {"max_lr", "base_momentum", "max_momentum"} do self:per_group(name, o[name]) end
  if o.cycle_momentum and groups[1].momentum == nil and groups[1].betas == nil then
    raise("OneCycleLR: the optimizer must support momentum with cycle_momentum, %s does not", self.optimizer.__name)
  end
  if o.last_epoch >= 0 then return end
  for i, group in ipairs(groups) do self:_take_group(group, i) end
end

function OneCycleLR:_take_group(group, i)
  local high = self:value_for("max_lr", i)
  local low_momentum, high_momentum = self:value_for("base_momentum", i), self:value_for("max_momentum", i)
  group.initial_lr, group.max_lr = high / self.div_factor, high
  group.min_lr = group.initial_lr / self.final_div_factor
  if self.cycle_momentum then group.base_momentum, group.max_momentum = low_momentum, high_momentum end
end

-- A value on the way from `from` to `to`, at `part` (0 to 1, and a little more in the last step) of it.
local function between(self, from, to, part)
  if self.anneal_strategy == "linear" then
    part = math.min(part, 1)
    return from * (1 - part) + to * part
  end
  return to + (from - to) / 2 * (1 + math.cos(math.pi * part))
end

-- The way that an epoch is on, and the part of it that is done.
local function place(self, epoch)
  local start = 0
  for i, w in ipairs(self.ways) do
    if epoch <= w.last or i == #self.ways then
      return w, w.last ~= start and (epoch - start) / (w.last - start) or 1
    end
    start = w.last
  end
end

function OneCycleLR:rate(group, _, epoch)
  local w, part = place(self, epoch)
  return between(self, group[w.lr[1]], group[w.lr[2]], part)
end
OneCycleLR.chains = false
OneCycleLR.sets = {"lr", "initial_lr", "max_lr", "min_lr", "momentum", "betas", "base_momentum", "max_momentum"}

local function set_momentum(group, momentum)
  if group.betas then
    group.betas = {momentum, group.betas[2]}
  else
    group.momentum = momentum
  end
end

function OneCycleLR:apply(epoch)
  if epoch > self.total_steps then
    raise("OneCycleLR: tried to step %d times, total_steps is %d", epoch + 1, self.total_steps)
  end
  Scheduler.apply(self, epoch)
  if not self.cycle_momentum then return end
  local w, part = place(self, epoch)
  for _, group in ipairs(self.optimizer.param_groups) do
    set_momentum(group, between(self, group[w.momentum[1]], group[w.momentum[2]], part))
  end
end

return OneCycleLR
