-- nn.BatchNorm1d: channels brought to one size over the batch.

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local repr = require "embla.base.python_repr"
local weights = require "embla.nn.weights"

local spec = options.spec("BatchNorm1d", {
  {name = "eps", type = "number", default = 1e-5, range = ">= 0", doc = "added to the variance"},
  {name = "momentum", type = "number|boolean", default = 0.1,
   doc = "share of a batch in the running statistics; false: their mean over all batches"},
  {name = "affine", type = "boolean", default = true, doc = "whether there are weights"},
  {name = "track_running_stats", type = "boolean", default = true,
   doc = "gather mean and variance in training, for evaluation"},
  {name = "dtype", type = "dtype", choices = dtypes.FLOATS, doc = "of weights and statistics"},
})

--- (x - mean) / sqrt(var + eps) * weight + bias by channel: mean and variance of the batch in training, the running
-- ones in evaluation. (N, C) or (N, C, T) -> the same. Source: PyTorch's nn.BatchNorm1d, Ioffe and Szegedy 2015.
local BatchNorm1d = Module:extend "BatchNorm1d"
BatchNorm1d.spec = spec

--- Makes the weights, ones and zeros, and the running statistics.
-- @param num_features C
-- @param ...          the options, by position or by name
-- @raise for sizes or options that do not fit
function BatchNorm1d:init(num_features, ...)
  local o = spec.arguments(...)
  local C, dtype = weights.size("BatchNorm1d", "num_features", num_features), o.dtype or core.get_default_dtype()
  if o.momentum == true then raise("BatchNorm1d: option momentum: expected number or false, got true") end
  self.num_features, self.eps, self.momentum = C, o.eps, o.momentum
  self.affine, self.track_running_stats = o.affine, o.track_running_stats
  if o.affine then
    self.weight = weights.new(dtype, C)                 -- not both at once: Lua would assign the bias first
    self.bias = weights.new(dtype, C)
  end
  if o.track_running_stats then
    self:register_buffer("running_mean", core.zeros({C}, dtype))
    self:register_buffer("running_var", core.zeros({C}, dtype))
    self:register_buffer("num_batches_tracked", core.zeros({}, "int64"))
  end
  self:reset_parameters()
end

--- Forgets the running statistics.
function BatchNorm1d:reset_running_stats()
  if not self.track_running_stats then return end
  self.running_mean:zero_()
  self.running_var:fill_(1)
  self.num_batches_tracked:zero_()
end

--- Sets weight to ones and bias to zeros, and forgets the running statistics.
function BatchNorm1d:reset_parameters()
  self:reset_running_stats()
  if not self.affine then return end
  self.weight:detach():fill_(1)
  self.bias:detach():zero_()
end

-- Share of this batch in the running statistics.
function BatchNorm1d:_batch_share()
  return self.momentum or 1 / (self.num_batches_tracked:item() + 1)
end

--- Normalizes.
-- @param input Tensor (N, C) or (N, C, T)
-- @return Tensor of the same shape
-- @raise if input has another number of dims or channels, or in training a single value a channel
function BatchNorm1d:forward(input)
  local dims = core.is_tensor(input) and input:dim()
  if dims ~= 2 and dims ~= 3 then
    raise("BatchNorm1d: argument input: expected a tensor (N, C) or (N, C, T), got %s",
          dims and dims .. " dims" or options.show(input))
  end
  local tracked = self.track_running_stats
  local by_batch = self.training or not tracked
  local share = by_batch and tracked and self:_batch_share() or 0
  local out = core.ops.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, by_batch, share,
                                  self.eps)
  if by_batch and tracked then self.num_batches_tracked:add_(1) end
  return out
end

function BatchNorm1d:extra_repr()
  return ("%d, eps=%s, momentum=%s, affine=%s, track_running_stats=%s"):format(self.num_features, repr(self.eps),
    repr(self.momentum or nil), repr(self.affine), repr(self.track_running_stats))
end

return BatchNorm1d
