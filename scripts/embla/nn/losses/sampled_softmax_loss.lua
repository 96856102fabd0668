-- nn.SampledSoftmaxLoss: an output layer over many classes, trained with a few of them at a time.

local candidates = require "embla.nn.losses.candidates"
local expect = require "embla.arguments.expect"
local F = require "embla.nn.functional"
local init = require "embla.nn.initializers"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local weights = require "embla.nn.weights"

local spec = options.extend("SampledSoftmaxLoss", options.spec("SampledSoftmaxLoss", candidates.rows), {
  {name = "num_sampled", type = "integer", required = true, range = ">= 1",
   doc = "draws in a forward; classes drawn more than once stand once"},
  {name = "bias", type = "boolean", default = true, doc = "whether a bias is added to the scores"},
  {name = "sparse", type = "boolean", default = true, doc = "make the gradients of weight and bias row-sparse"},
  {name = "reduction", choices = {"mean", "sum", "none"}, default = "mean", doc = "of the N losses"},
  weights.DTYPE,
})

--- Scores x W^T + b of many classes and their cross-entropy. In training it is F.sampled_softmax with candidates drawn
-- for each call; after eval() it is exact, over all classes. (N, D), (N) -> (), with weight (V, D) and bias (V, 1),
-- drawn as nn.Linear's; a bias of one column can have a row-sparse gradient.
local SampledSoftmaxLoss = Module:extend "SampledSoftmaxLoss"
SampledSoftmaxLoss.spec = spec

--- Makes the weights.
-- @param in_features D >= 0
-- @param n_classes   V >= 1
-- @param ...         the options, by position or by name
-- @raise for sizes or options that do not fit
function SampledSoftmaxLoss:init(in_features, n_classes, ...)
  local o = spec.arguments(...)
  self.in_features = weights.size("SampledSoftmaxLoss", "in_features", in_features)
  self.n_classes = weights.size("SampledSoftmaxLoss", "n_classes", n_classes)
  self.num_sampled, self.distribution = o.num_sampled, o.distribution
  self.sparse, self.reduction = o.sparse, o.reduction
  self.sampler = candidates.sampler("SampledSoftmaxLoss", self.n_classes, o)
  self.weight = weights.new(o.dtype, self.n_classes, self.in_features)
  self:register_parameter("bias", o.bias and weights.new(o.dtype, self.n_classes, 1) or nil)
  self:reset_parameters()
end

--- Draws weight and bias anew.
function SampledSoftmaxLoss:reset_parameters()
  local bound = self.in_features > 0 and 1 / math.sqrt(self.in_features) or 0
  init.uniform_(self.weight, -bound, bound)
  if self.bias then init.uniform_(self.bias, -bound, bound) end
end

local function scores(self, input)
  return F.linear(input, self.weight, self.bias and self.bias:reshape(-1) or nil)
end

--- The loss.
-- @param input  Tensor (N, D)
-- @param target Tensor (N) of class ids from 0
-- @return Tensor (), or (N) with reduction = "none"
-- @raise if the shapes do not fit or an id is no class
function SampledSoftmaxLoss:forward(input, target)
  if not self.training then return F.cross_entropy(scores(self, input), target, {reduction = self.reduction}) end
  expect.tensor("SampledSoftmaxLoss", "target", target)
  local ids, expected, expected_target = self.sampler(self.num_sampled, target)
  return F.sampled_softmax(input, target, self.weight, self.bias,
                           {candidates = ids, expected = expected, expected_target = expected_target,
                            sparse = self.sparse, reduction = self.reduction})
end

--- Log-probabilities of all classes.
-- @param input Tensor (N, D)
-- @return Tensor (N, V)
-- @raise if the shape does not fit
function SampledSoftmaxLoss:log_prob(input) return F.log_softmax(scores(self, input), -1) end

--- The likeliest class of each sample.
-- @param input Tensor (N, D)
-- @return Tensor (N) int64
-- @raise if the shape does not fit
function SampledSoftmaxLoss:predict(input) return scores(self, input):argmax(-1) end

function SampledSoftmaxLoss:extra_repr()
  return ("%d, %d, num_sampled=%d, distribution=%s"):format(self.in_features, self.n_classes, self.num_sampled,
                                                            self.distribution)
end

return SampledSoftmaxLoss
