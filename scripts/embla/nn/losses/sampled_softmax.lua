-- F.sampled_softmax: cross-entropy over many classes, estimated with a few of them.

local candidates = require "embla.nn.losses.candidates"
local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local ops = core.ops

local rows = {
  {name = "candidates", type = "tensor", doc = "(K) different class ids to use instead of drawing some"},
  {name = "expected", type = "tensor", doc = "(K) expected count of each of the candidates given; left out: 1"},
  {name = "expected_target", type = "tensor", doc = "(N) the same of each target, with candidates given; left out: 1"},
  {name = "remove_accidental_hits", type = "boolean", default = true,
   doc = "a sample's target does not count among its candidates"},
  {name = "sparse", type = "boolean", default = true, doc = "make the gradients of weight and bias row-sparse"},
  {name = "reduction", choices = {"mean", "sum", "none"}, default = "mean", doc = "of the N losses"},
}
local spec = options.extend("sampled_softmax", options.spec("sampled_softmax", candidates.rows), rows)

-- ---- checks ----------------------------------------------------------------------------------------------------

local function check_tensor(name, value, dims, shape)
  if not core.is_tensor(value) then
    raise("sampled_softmax: argument %s: expected a tensor, got %s", name, options.show(value))
  end
  if value:dim() ~= dims then
    raise("sampled_softmax: argument %s: expected shape %s, got (%s)", name, shape, table.concat(value.shape, ", "))
  end
end

local function check_ids(name, ids)
  if not dtypes.IS_INTEGER[ids.dtype] then
    raise("sampled_softmax: argument %s: expected an integer dtype, got %s", name, ids.dtype)
  end
end

local function check(input, target, weight, bias)
  check_tensor("input", input, 2, "(N, D)")
  check_tensor("target", target, 1, "(N)")
  check_tensor("weight", weight, 2, "(V, D)")
  check_ids("target", target)
  if target:size(0) ~= input:size(0) then
    raise("sampled_softmax: input has %d rows, target %d", input:size(0), target:size(0))
  end
  if bias == nil then return end
  check_tensor("bias", bias, core.is_tensor(bias) and bias:dim() == 1 and 1 or 2, "(V, 1)")
  if bias:numel() ~= weight:size(0) then
    raise("sampled_softmax: weight has %d rows, bias %d elements", weight:size(0), bias:numel())
  end
end

local function check_expected(name, counts, n)
  if counts and (counts:dim() ~= 1 or counts:size(0) ~= n) then
    raise("sampled_softmax: option %s: expected shape (%d), got (%s)", name, n, table.concat(counts.shape, ", "))
  end
end

-- Candidates, and the expected counts of candidates and targets (nil: 1): those given, or drawn ones.
local function choose(o, target, n_classes)
  if not o.candidates then
    if not o.num_sampled then raise("sampled_softmax: it needs num_sampled or candidates") end
    return candidates.sampler("sampled_softmax", n_classes, o)(o.num_sampled, target)
  end
  check_tensor("candidates", o.candidates, 1, "(K)")
  check_ids("candidates", o.candidates)
  check_expected("expected", o.expected, o.candidates:size(0))
  check_expected("expected_target", o.expected_target, target:size(0))
  return o.candidates, o.expected, o.expected_target
end

-- ---- the loss --------------------------------------------------------------------------------------------------

-- Scores (N, 1) of the targets and (N, K) of the candidates.
local function all_scores(input, target, weight, bias, ids, sparse)
  local own = ops.embedding_dot(input, target:unsqueeze(1), weight, nil, sparse)
  local others = ops.embedding_dot(input, ids, weight, nil, sparse)
  if not bias then return own, others end
  local column = bias:dim() == 1 and bias:unsqueeze(1) or bias
  return own + ops.embedding(target, column, {sparse = sparse}),
         others + ops.embedding(ids, column, {sparse = sparse}):reshape(1, -1)
end

-- A class counts for as many as it stands for: exp(s) / expected.
local function corrected(scores, expected, shape)
  return expected and scores - expected:log():to(scores.dtype):reshape(table.unpack(shape)) or scores
end

--- Cross-entropy of softmax(input weight^T + bias) over V classes, trained with a few candidates S at a time:
-- loss = -r_t + log(exp(r_t) + sum over c in S but t of exp(r_c)), with r = s - log(expected), where s are the scores,
-- t is the target and expected the probability of a class to be among the candidates. Whatever S, the loss is least
-- where softmax(s) is the distribution of the targets. With all classes as candidates it is F.cross_entropy. Time and
-- gradients are of the order of the candidates, not of V (Bengio and Senécal 2008; Jean et al. 2015). Given candidates
-- and expected but no expected_target, the target counts as always there, and exp(loss + s_t) estimates the sum over
-- all classes without bias.
-- @param input  Tensor (N, D)
-- @param target Tensor (N) of class ids
-- @param weight Tensor (V, D), a row for each class
-- @param bias   Tensor (V, 1), or (V), whose gradient becomes dense; or nil
-- @param opt    the options; either num_sampled or candidates is given
-- @return Tensor (), or (N) with reduction = "none"
-- @raise if the shapes do not fit or an id is no class
return function(input, target, weight, bias, opt)
  local o = spec.read(opt)
  check(input, target, weight, bias)
  local ids, expected, expected_target = choose(o, target, weight:size(0))
  local own, others = all_scores(input, target, weight, bias, ids, o.sparse)
  own, others = corrected(own, expected_target, {-1, 1}), corrected(others, expected, {1, -1})
  if o.remove_accidental_hits then
    others = ops.masked_fill(others, ids:eq(target:unsqueeze(1)), -math.huge)
  end
  local first = core.zeros({target:size(0)}, "int64")
  return ops.cross_entropy(ops.cat({own, others}, 1), first, {reduction = o.reduction})
end
