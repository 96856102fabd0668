-- The schedule CosineAnnealingWarmRestarts.

local raise = require "embla.errors.raise"
local Scheduler = require "embla.optim.lr_scheduler.scheduler"

local CosineAnnealingWarmRestarts = Scheduler.define("CosineAnnealingWarmRestarts", [[
Down a half cosine, then up at once and down again, each time T_mult times as long.
lr = eta_min + (initial lr - eta_min) (1 + cos(pi T_cur / T_i)) / 2.
Loshchilov, Hutter 2017: SGDR: stochastic gradient descent with warm restarts.]], {
  {name = "T_0", type = "integer", required = true, range = "> 0", doc = "epochs until the first restart"},
  {name = "T_mult", type = "integer", default = 1, range = ">= 1", doc = "factor from one such time to the next"},
  {name = "eta_min", type = "number", default = 0, doc = "rate at the bottom"},
})

function CosineAnnealingWarmRestarts:setup(o)
  self.T_i, self.T_cur = o.T_0, o.last_epoch
end

function CosineAnnealingWarmRestarts:rate(_, i)
  return self.eta_min + (self.base_lrs[i] - self.eta_min) * math.cos(math.pi * self.T_cur / self.T_i / 2) ^ 2
end
CosineAnnealingWarmRestarts.chains = false

-- T_i and T_cur at an epoch that need not be whole.
local function jump(self, epoch)
  self.T_i, self.T_cur = self.T_0, epoch
  while self.T_cur >= self.T_i do
    self.T_cur = self.T_cur - self.T_i
    self.T_i = self.T_i * self.T_mult
  end
end

--- Goes on to the next epoch, or to the one given: step(epoch + batch / batches) follows the curve within an epoch.
-- @param epoch number >= 0, or nil
function CosineAnnealingWarmRestarts:step(epoch)
  if epoch ~= nil and not (type(epoch) == "number" and epoch >= 0 and epoch < math.huge) then
    raise("%s: step: argument epoch: expected a number >= 0, got %s", self.__name, tostring(epoch))
  end
  self:_take_new_groups(math.floor(epoch or self.last_epoch + 1))
  self._step_count = self._step_count + 1
  if epoch == nil and self.last_epoch >= 0 then
    epoch = self.last_epoch + 1
    self.T_cur = self.T_cur + 1
    if self.T_cur >= self.T_i then
      self.T_cur = self.T_cur - self.T_i
      self.T_i = self.T_i * self.T_mult
    end
  else
    epoch = epoch or 0
    if self.T_mult == 1 then
      self.T_i, self.T_cur = self.T_0, epoch % self.T_0
    else
      jump(self, epoch)
    end
  end
  self:apply(math.floor(epoch))
end

function CosineAnnealingWarmRestarts:restart() self:step(0) end

return CosineAnnealingWarmRestarts
