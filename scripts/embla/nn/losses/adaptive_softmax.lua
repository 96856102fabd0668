-- nn.AdaptiveLogSoftmaxWithLoss: log-softmax over many classes of uneven frequency.

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local F = require "embla.nn.functional"
local Linear = require "embla.nn.layers.linear"
local Module = require "embla.nn.module"
local ModuleList = require "embla.nn.containers.module_list"
local Sequential = require "embla.nn.containers.sequential"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local weights = require "embla.nn.weights"

local cat = core.ops.cat

local spec = options.spec("AdaptiveLogSoftmaxWithLoss", {
  {name = "div_value", type = "number", default = 4.0, range = "> 0",
   doc = "cluster i is scored in in_features / div_value^i dimensions"},
  {name = "head_bias", type = "boolean", default = false, doc = "whether a bias is added to the scores of the head"},
  weights.DTYPE,
})

--- Efficient log-softmax when a few classes are frequent and many rare, with ids in order of falling frequency (Grave
-- et al., "Efficient softmax approximation for GPUs", 2017). Classes below the first cutoff stand in the head, which
-- also scores a cluster for each stretch between cutoffs; a class in cluster i has
-- log p(class) = log p(cluster i) + log p(class | cluster i), and cluster i is computed for those samples only whose
-- target lies in it. Source: PyTorch's nn.AdaptiveLogSoftmaxWithLoss.
local Adaptive = Module:extend "AdaptiveLogSoftmaxWithLoss"
Adaptive.spec = spec

-- The cutoffs with the number of classes behind them.
local function check_cutoffs(cutoffs, n_classes)
  local all, last = {}, 0
  local fine = type(cutoffs) == "table" and #cutoffs > 0
  for i, cutoff in ipairs(fine and cutoffs or {}) do
    all[i] = type(cutoff) == "number" and math.tointeger(cutoff)
    fine = fine and all[i] and all[i] > last and all[i] < n_classes
    last = all[i] or last
  end
  if not fine then
    raise("AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of unique, positive integers sorted in an "
          .. "increasing order, where each value is between 1 and n_classes-1 = %d", n_classes - 1)
  end
  all[#all + 1] = n_classes
  return all
end

--- Makes the weights: head.weight (head_size, D), head.bias if asked for, and for cluster i tail.i.0.weight (H, D) and
-- tail.i.1.weight (classes of the cluster, H), where H = D / div_value^(i + 1) rounded down.
-- @param in_features D >= 0
-- @param n_classes   number of classes, > 1
-- @param cutoffs     sequence of ids at which clusters begin, rising, 1 .. n_classes - 1
-- @param ...         the options, by position or by name
-- @raise for sizes, cutoffs or options that do not fit
function Adaptive:init(in_features, n_classes, cutoffs, ...)
  local o = spec.arguments(...)
  self.in_features = weights.size("AdaptiveLogSoftmaxWithLoss", "in_features", in_features)
  self.n_classes = weights.size("AdaptiveLogSoftmaxWithLoss", "n_classes", n_classes)
  self.cutoffs = check_cutoffs(cutoffs, self.n_classes)
  self.div_value, self.head_bias = o.div_value, o.head_bias
  self.shortlist_size, self.n_clusters = self.cutoffs[1], #self.cutoffs - 1
  self.head_size = self.shortlist_size + self.n_clusters
  self.head = Linear(self.in_features, self.head_size, {bias = o.head_bias, dtype = o.dtype})
  self.tail = ModuleList()
  for i = 1, self.n_clusters do
    local hidden = math.floor(self.in_features // o.div_value ^ i)
    local classes = self.cutoffs[i + 1] - self.cutoffs[i]
    self.tail:append(Sequential(Linear(self.in_features, hidden, {bias = false, dtype = o.dtype}),
                                Linear(hidden, classes, {bias = false, dtype = o.dtype})))
  end
end

--- Draws all weights anew.
function Adaptive:reset_parameters()
  self.head:reset_parameters()
  for _, cluster in ipairs(self.tail) do
    cluster[1]:reset_parameters()
    cluster[2]:reset_parameters()
  end
end

-- ---- checks ----------------------------------------------------------------------------------------------------

local function fail(self, text, ...) raise(self.__name .. ": " .. text, ...) end

local function check_input(self, input, dims)
  if not core.is_tensor(input) then fail(self, "argument input: expected a tensor, got %s", options.show(input)) end
  if input:dim() ~= dims or input:size(-1) ~= self.in_features then
    fail(self, "argument input: expected shape (%s%d), got (%s)", dims == 2 and "N, " or "", self.in_features,
         table.concat(input.shape, ", "))
  end
end

local function check_target(self, input, target)
  if not core.is_tensor(target) or not dtypes.IS_INTEGER[target.dtype] or target:dim() > 1 then
    fail(self, "argument target: expected a tensor of class ids (N) or (), got %s",
         core.is_tensor(target) and target.dtype .. " of " .. target:dim() .. " dims" or options.show(target))
  end
  check_input(self, input, target:dim() + 1)
  if target:dim() == 1 and target:size(0) ~= input:size(0) then
    fail(self, "input has %d rows, target %d", input:size(0), target:size(0))
  end
  if target:numel() == 0 then return end
  local least, largest = target:min():item(), target:max():item()
  if least < 0 or largest >= self.n_classes then
    fail(self, "Target values should be in [0, %d], but values in range [%d, %d] were found", self.n_classes - 1,
         least, largest)
  end
end

-- ---- the loss --------------------------------------------------------------------------------------------------

-- log p(class | cluster i) of the rows whose target lies in it, into `output`; in the head these ask for the cluster.
local function add_cluster(self, i, input, target, output, in_head)
  local low = self.cutoffs[i]
  local rows = target:ge(low):logical_and(target:lt(self.cutoffs[i + 1])):nonzero():reshape(-1)
  if rows:numel() == 0 then return output, in_head end
  local scores = self.tail[i](input:index_select(0, rows))
  local losses = F.cross_entropy(scores, target:index_select(0, rows) - low, {reduction = "none"})
  return output:index_copy(0, rows, -losses), in_head:index_fill(0, rows, self.shortlist_size + i - 1)
end

local function batch_output(self, input, target)
  local output, in_head = core.zeros({target:size(0)}, input.dtype), target:long()
  for i = 1, self.n_clusters do
    output, in_head = add_cluster(self, i, input, target, output, in_head)
  end
  return output - F.cross_entropy(self.head(input), in_head, {reduction = "none"})
end

--- Log-probabilities of the targets and their mean loss.
-- @param input  Tensor (N, D), or (D)
-- @param target Tensor (N) of class ids from 0, or ()
-- @return table {output =, loss =}, also by position: output Tensor (N) or (), log p(target); loss Tensor (), the mean
--   of -output
-- @raise if the shapes do not fit or an id is no class
function Adaptive:forward(input, target)
  check_target(self, input, target)
  local output
  if target:dim() == 0 then
    output = batch_output(self, input:unsqueeze(0), target:unsqueeze(0)):squeeze(0)
  else
    output = batch_output(self, input, target)
  end
  local loss = -output:mean()
  return {output, loss, output = output, loss = loss}
end

-- ---- all classes -----------------------------------------------------------------------------------------------

local function full_log_prob(self, input, head_scores)
  local head = F.log_softmax(head_scores, 1)
  local parts = {head:narrow(1, 0, self.shortlist_size)}
  for i, cluster in ipairs(self.tail) do
    parts[i + 1] = F.log_softmax(cluster(input), 1) + head:narrow(1, self.shortlist_size + i - 1, 1)
  end
  return cat(parts, 1)
end

--- Log-probabilities of all classes.
-- @param input Tensor (N, D)
-- @return Tensor (N, n_classes)
-- @raise if the shape does not fit
function Adaptive:log_prob(input)
  check_input(self, input, 2)
  return full_log_prob(self, input, self.head(input))
end

--- The likeliest class of each sample: that of log_prob, computed for those samples only whose likeliest entry of the
-- head is a cluster.
-- @param input Tensor (N, D)
-- @return Tensor (N) int64
-- @raise if the shape does not fit
function Adaptive:predict(input)
  check_input(self, input, 2)
  local head_scores = self.head(input)
  local best = head_scores:argmax(1)
  local rows = best:ge(self.shortlist_size):nonzero():reshape(-1)
  if rows:numel() == 0 then return best end
  local all = full_log_prob(self, input:index_select(0, rows), head_scores:index_select(0, rows))
  return best:index_copy(0, rows, all:argmax(1))
end

return Adaptive
