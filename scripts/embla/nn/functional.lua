-- nn.functional (F): every operation of the core, and the functions made of several.

local core = require "embla.core"
local later = require "embla.later"
local creation = require "embla.tensor.creation"
local ops = require "embla.ops"
local options = require "embla.options"
local padding = require "embla.nn.padding"
local raise = require "embla.raise"

local F = {}
for name, operation in pairs(ops.functional) do F[name] = operation end

local function check_tensor(caller, name, value)
  if not core.is_tensor(value) then
    raise("%s: argument %s: expected a tensor, got %s", caller, name, options.show(value))
  end
end

-- ---- losses ----------------------------------------------------------------------------------------------------

local IS_FLOAT = {}
for _, dtype in ipairs(options.FLOATS) do IS_FLOAT[dtype] = true end
local by_ids, by_probabilities = F.cross_entropy, F.cross_entropy_probabilities

-- Targets of a float dtype are probabilities, of which none is ignored. Ids in floats are told by their shape.
local function of_probabilities(input, target, weight, ignore_index, ...)
  if core.is_tensor(input) and target:dim() < input:dim() then
    raise("cross_entropy: argument target: of %s it holds probabilities, shaped like input (%s), but it has shape (%s);"
          .. " class ids are of an integer dtype (target:long())", target.dtype, table.concat(input.shape, ", "),
          table.concat(target.shape, ", "))
  end
  if type(weight) == "table" then return by_probabilities(input, target, weight) end
  if type(ignore_index) == "table" then return by_probabilities(input, target, weight, ignore_index) end
  if type(ignore_index) == "number" and ignore_index >= 0 then
    raise("cross_entropy: option ignore_index: for targets that are ids, these are probabilities (%s)", target.dtype)
  end
  return by_probabilities(input, target, weight, ...)
end

--- Cross-entropy of scores and classes: by ids if the target is of an integer dtype, else by probabilities.
-- @param input  Tensor (C), (N, C) or (N, C, *): scores
-- @param target Tensor of class ids, shaped like input without C, or of probabilities, shaped like input
-- @param ...    weight (C), ignore_index = -100 (ids only), reduction = "mean", label_smoothing = 0, by position or by
--               name
-- @return Tensor (), or the shape without C with reduction = "none"
-- @raise if the shapes do not fit or an id is no class
function F.cross_entropy(input, target, ...)
  if core.is_tensor(target) and IS_FLOAT[target.dtype] then return (of_probabilities(input, target, ...)) end
  return by_ids(input, target, ...)
end

local function is_shape(t, sizes, n)
  if t:dim() ~= n then return false end
  for d = 1, n do
    if t:size(d - 1) ~= sizes[d] then return false end
  end
  return true
end

local gaussian = F.gaussian_nll_loss

--- Loss of numbers drawn from normal distributions: (log var + (input - target)^2 / var) / 2.
-- @param input  Tensor (*, D): the distributions' means
-- @param target Tensor that broadcasts with it
-- @param var    Tensor of input's shape, (*, 1) or (*): variances, in the last two one for a row of input; or ()
-- @param ...    full = false: adds log(2 pi) / 2; eps = 1e-6: least variance; reduction = "mean"; by position or name
-- @return Tensor (), or of input's shape with reduction = "none"
-- @raise if var has another shape, or a negative element
function F.gaussian_nll_loss(input, target, var, ...)
  if core.is_tensor(input) and core.is_tensor(var) and var:dim() > 0 then
    local sizes, n = input.shape, input:dim()
    if is_shape(var, sizes, n - 1) then
      var = core.ops.unsqueeze(var, -1)
    elseif not is_shape(var, sizes, n) then
      sizes[n] = 1
      if not is_shape(var, sizes, n) then
        raise("gaussian_nll_loss: argument var: expected the shape of input (%s), or one variance a row, got (%s)",
              table.concat(input.shape, ", "), table.concat(var.shape, ", "))
      end
    end
  end
  return gaussian(input, target, var, ...)
end

-- ---- many classes ----------------------------------------------------------------------------------------------

F.sample_candidates = require("embla.nn.candidates").sample_candidates
F.sampled_softmax = require "embla.nn.sampled_softmax"

-- ---- similarity ------------------------------------------------------------------------------------------------

local cosine_spec = options.spec("cosine_similarity", {
  {name = "dim", type = "integer", default = 1, doc = "dim of the vectors"},
  {name = "eps", type = "number", default = 1e-8, range = ">= 0", doc = "least norm; a smaller one counts as this"},
})

-- Both with as many dims, and as many components along the dim: what broadcasts there is repeated, as a norm is one of
-- all components.
local function with_components(x1, x2, dim)
  while x1:dim() < x2:dim() do x1 = x1:unsqueeze(0) end
  while x2:dim() < x1:dim() do x2 = x2:unsqueeze(0) end
  if x1:dim() == 0 then return x1, x2 end
  local n1, n2 = x1:size(dim), x2:size(dim)
  local shape1, shape2, at = x1.shape, x2.shape, dim % x1:dim() + 1
  shape1[at], shape2[at] = n2, n1
  if n1 == 1 and n2 ~= 1 then x1 = x1:expand(shape1) end
  if n2 == 1 and n1 ~= 1 then x2 = x2:expand(shape2) end
  return x1, x2
end

--- Cosine of the angle between vectors: x1 . x2 / (|x1| |x2|).
-- @param x1  Tensor (*, D, *)
-- @param x2  Tensor that broadcasts with it
-- @param ... dim = 1, eps = 1e-8, by position or by name
-- @return Tensor (*, *), without dim
-- @raise if the shapes do not broadcast
function F.cosine_similarity(x1, x2, ...)
  local o = cosine_spec.arguments(...)
  check_tensor("cosine_similarity", "x1", x1)
  check_tensor("cosine_similarity", "x2", x2)
  x1, x2 = with_components(x1, x2, o.dim)
  local size1, size2 = x1:norm(2, o.dim, true):clamp(o.eps), x2:norm(2, o.dim):clamp(o.eps)
  return (x1 / size1 * x2):sum(o.dim) / size2           -- |x1| |x2| may be larger than any number
end

local distance_spec = options.spec("pairwise_distance", {
  {name = "p", type = "number", default = 2, doc = "which norm"},
  {name = "eps", type = "number", default = 1e-6, doc = "added to each component of the difference"},
  {name = "keepdim", type = "boolean", default = false, doc = "keep the last dim, of size 1"},
})

--- p-norm of differences: |x1 - x2 + eps|.
-- @param x1  Tensor (*, D)
-- @param x2  Tensor that broadcasts with it
-- @param ... p = 2, eps = 1e-6, keepdim = false, by position or by name
-- @return Tensor (*)
-- @raise if the shapes do not broadcast
function F.pairwise_distance(x1, x2, ...)
  local o = distance_spec.arguments(...)
  check_tensor("pairwise_distance", "x1", x1)
  check_tensor("pairwise_distance", "x2", x2)
  return ((x1 - x2 + o.eps):norm(o.p, -1, o.keepdim))
end

local normalize_spec = options.spec("normalize", {
  {name = "p", type = "number", default = 2, doc = "which norm"},
  {name = "dim", type = "integer", default = 1, doc = "dim of the vectors"},
  {name = "eps", type = "number", default = 1e-12, doc = "least norm; a smaller one counts as this"},
})

--- Vectors divided by their p-norms.
-- @param x   Tensor (*, D, *)
-- @param ... p = 2, dim = 1, eps = 1e-12, by position or by name
-- @return Tensor of the same shape
function F.normalize(x, ...)
  local o = normalize_spec.arguments(...)
  check_tensor("normalize", "x", x)
  return x / x:norm(o.p, o.dim, true):clamp(o.eps)
end

-- ---- one-hot ---------------------------------------------------------------------------------------------------

local INTEGER = {int64 = true, int32 = true, uint8 = true}

local one_hot_spec = options.spec("one_hot", {
  {name = "num_classes", type = "integer", default = -1, doc = "K; -1: the largest id and one"},
})

--- Ids as rows of zeros with a single 1.
-- @param ids Tensor (*) of an integer dtype, or a nested table of integers
-- @param ... num_classes = -1, by position or by name
-- @return Tensor (*, K) int64
-- @raise if an id is negative or not below num_classes
function F.one_hot(ids, ...)
  local K = one_hot_spec.arguments(...).num_classes
  if type(ids) == "table" then ids = core.tensor(ids, nil, "one_hot: ids") end
  check_tensor("one_hot", "ids", ids)
  if not INTEGER[ids.dtype] then raise("one_hot: argument ids: expected an integer dtype, got %s", ids.dtype) end
  if ids:numel() > 0 then
    local least, largest = ids:min():item(), ids:max():item()
    if K == -1 then K = largest + 1 end
    if least < 0 or largest >= K then
      raise("one_hot: id %d is out of range for num_classes = %d (ids count from 0)", least < 0 and least or largest, K)
    end
  end
  if K < 1 then raise("one_hot: option num_classes: expected integer > 0, got %d", K) end
  return F.embedding(ids, creation.eye(K, "int64"))
end

-- ---- activations -----------------------------------------------------------------------------------------------

--- x above 0, weight x below, with a learned weight.
-- @param x      Tensor (N, C, *), or any shape if weight has one element
-- @param weight Tensor (1) or (C)
-- @return Tensor of x's shape
-- @raise if weight has another number of elements
function F.prelu(x, weight)
  check_tensor("prelu", "x", x)
  check_tensor("prelu", "weight", weight)
  if weight:dim() > 1 then
    raise("prelu: argument weight: expected 0 or 1 dim, got shape (%s)", table.concat(weight.shape, ", "))
  end
  if weight:numel() == 1 then weight = weight:reshape({}) end
  local channels = x:dim() > 1 and x:size(1) or 1
  if weight:numel() ~= 1 and weight:numel() ~= channels then
    raise("prelu: argument weight: expected 1 or %d elements, got %d", channels, weight:numel())
  end
  if weight:numel() > 1 then
    local shape = {1, channels}
    for i = 3, x:dim() do shape[i] = 1 end
    weight = weight:reshape(table.unpack(shape))
  end
  return (core.ops.prelu(x, weight))
end

local glu_spec = options.spec("glu", {{name = "dim", type = "integer", default = -1, doc = "dim that is halved"}})

--- The first half of x times the sigmoid of the second.
-- @param x   Tensor (*, 2 D, *)
-- @param ... dim = -1, by position or by name
-- @return Tensor (*, D, *)
-- @raise if the dim's size is odd
function F.glu(x, ...)
  local dim = glu_spec.arguments(...).dim
  check_tensor("glu", "x", x)
  local size = x:size(dim)
  if size % 2 ~= 0 then raise("glu: dim %d has size %d, expected an even one", dim, size) end
  return (core.ops.glu(x:narrow(dim, 0, size // 2), x:narrow(dim, size // 2, size // 2)))
end

core.methods.prelu, core.methods.glu = F.prelu, F.glu            -- whose names their inner operations have

local gumbel_spec = options.spec("gumbel_softmax", {
  {name = "tau", type = "number", default = 1, range = "> 0", doc = "temperature: the lower, the nearer to one-hot"},
  {name = "hard", type = "boolean", default = false, doc = "one-hot forwards, the soft one's gradient backwards"},
  {name = "dim", type = "integer", default = -1, doc = "dim of the classes"},
})

--- A draw of classes that has a gradient: softmax((logits + g) / tau), g from the Gumbel distribution.
-- Source: Jang et al. 2017.
-- @param logits Tensor (*, C, *): logarithms of weights
-- @param ...    tau = 1, hard = false, dim = -1, by position or by name
-- @return Tensor of the same shape, adding up to 1 along the dim
-- @raise if tau is not above 0
function F.gumbel_softmax(logits, ...)
  local o = gumbel_spec.arguments(...)
  check_tensor("gumbel_softmax", "logits", logits)
  local gumbels = creation.empty_like(logits):exponential_():log_():neg_()
  local soft = core.ops.softmax((logits + gumbels) / o.tau, o.dim)
  if not o.hard then return soft end
  local hard = creation.zeros_like(soft):scatter_(o.dim, soft:detach():argmax(o.dim, true), 1)
  return hard - soft:detach() + soft
end

-- ---- dropout -----------------------------------------------------------------------------------------------------

local function drop_spec(owner)
  return options.spec(owner, {
    {name = "p", type = "number", default = 0.5, range = "[0, 1]", doc = "chance of being dropped"},
    {name = "training", type = "boolean", default = true, doc = "false: nothing is changed"},
    {name = "inplace", type = "boolean", default = false, doc = "write over the input"},
  })
end
local channel_spec, alpha_spec = drop_spec "dropout1d", drop_spec "alpha_dropout"

--- Each channel is 0 with chance p and divided by 1 - p otherwise.
-- @param x   Tensor (N, C, T) or (C, T)
-- @param ... p = 0.5, training = true, inplace = false, by position or by name
-- @return Tensor of the same shape
-- @raise if x has other dims or p is not in 0 .. 1
function F.dropout1d(x, ...)
  local o = channel_spec.arguments(...)
  check_tensor("dropout1d", "x", x)
  if x:dim() ~= 2 and x:dim() ~= 3 then
    raise("dropout1d: argument x: expected shape (N, C, T) or (C, T), got (%s)", table.concat(x.shape, ", "))
  end
  if not o.training or o.p == 0 then return x end
  local shape = x.shape
  shape[#shape] = 1
  local kept = core.ops.dropout(creation.ones(shape, {dtype = x.dtype}), o.p)
  return o.inplace and x:mul_(kept) or x * kept
end

local SELU_LEAST = -1.7580993408473766         -- of selu: -alpha scale

--- Each element becomes, with chance p, SELU's least value; then all are scaled and shifted so that mean 0 and
-- variance 1 stay.
-- @param x   Tensor (*)
-- @param ... p = 0.5, training = true, inplace = false, by position or by name
-- @return Tensor (*)
-- @raise if p is not in 0 .. 1
function F.alpha_dropout(x, ...)
  local o = alpha_spec.arguments(...)
  check_tensor("alpha_dropout", "x", x)
  if not o.training or o.p == 0 then return x end
  local p, y = o.p, x * 0
  if p < 1 then
    local kept = core.ops.dropout(creation.ones(x.shape, {dtype = x.dtype}), p) * (1 - p)      -- ones and zeros
    local scale = 1 / math.sqrt((1 - p) * (1 + p * SELU_LEAST ^ 2))
    y = (x * kept + (1 - kept) * SELU_LEAST) * scale - scale * p * SELU_LEAST
  end
  return o.inplace and x:copy_(y) or y
end

-- ---- convolution -------------------------------------------------------------------------------------------------

local conv1d_spec = options.spec("conv1d", {
  {name = "bias", type = "tensor", doc = "(O)"},
  {name = "stride", type = "integer", default = 1, doc = "positions from one window to the next"},
  {name = "padding", type = "integer|string", default = 0, doc = 'zeros added at either end; or "same", "valid"'},
  {name = "dilation", type = "integer", default = 1, doc = "positions from one tap of the kernel to the next"},
  {name = "groups", type = "integer", default = 1, doc = "groups of channels that do not see each other"},
})

--- Sums of the input under a kernel that moves along the last dim.
-- @param input  Tensor (N, C, T) or (C, T)
-- @param weight Tensor (O, C / groups, K)
-- @param ...    bias (O), stride = 1, padding = 0 ("same" keeps T, "valid" is 0), dilation = 1, groups = 1, by position
--               or by name
-- @return Tensor (N, O, T') or (O, T'), T' = (T + 2 padding - dilation (K - 1) - 1) / stride + 1
-- @raise if the shapes do not fit
function F.conv1d(input, weight, ...)
  local o = conv1d_spec.arguments(...)
  local width = o.padding
  if width == "same" then
    check_tensor("conv1d", "input", input)
    check_tensor("conv1d", "weight", weight)
    if o.stride ~= 1 then raise('conv1d: option padding: "same" needs stride = 1, got %d', o.stride) end
    if weight:dim() ~= 3 or input:dim() < 2 then
      raise("conv1d: expected input (N, C, T) and weight (O, C / groups, K), got (%s) and (%s)",
            table.concat(input.shape, ", "), table.concat(weight.shape, ", "))
    end
    local before, behind = padding.same(weight:size(2), o.dilation)
    if behind > before then input = padding.extend(input, 0, behind - before, "zeros") end
    width = before
  elseif width == "valid" then
    width = 0
  elseif type(width) == "string" then
    raise('conv1d: option padding: expected an integer, "same" or "valid", got %q', width)
  end
  return core.ops.conv1d(input, weight, o.bias, o.stride, width, o.dilation, o.groups)
end

-- ---- norms of layers -------------------------------------------------------------------------------------------

-- PyTorch's order of arguments: the sizes stand before the weights.

--- (x - mean) / sqrt(var + eps) * weight + bias, mean and variance over the last dims.
-- @param x                Tensor (*, shape)
-- @param normalized_shape table of the last sizes
-- @param weight           Tensor (shape), or nil
-- @param bias             Tensor (shape), or nil
-- @param ...              eps = 1e-5, by position or by name
-- @return Tensor of x's shape
-- @raise if the last sizes of x are others
function F.layer_norm(x, normalized_shape, weight, bias, ...)
  return core.ops.layer_norm(x, weight, bias, normalized_shape, ...)
end

--- x / sqrt(mean(x^2) + eps) * weight, the mean over the last dims.
-- @param x                Tensor (*, shape)
-- @param normalized_shape table of the last sizes
-- @param weight           Tensor (shape), or nil
-- @param ...              eps, by position or by name; left out: the dtype's epsilon
-- @return Tensor of x's shape
-- @raise if the last sizes of x are others
function F.rms_norm(x, normalized_shape, weight, ...)
  return core.ops.rms_norm(x, weight, normalized_shape, ...)
end

--- (x - mean) / sqrt(var + eps) * weight + bias, mean and variance over a group of channels of one sample.
-- @param x          Tensor (N, C, *)
-- @param num_groups divides C
-- @param weight     Tensor (C), or nil
-- @param bias       Tensor (C), or nil
-- @param ...        eps = 1e-5, by position or by name
-- @return Tensor of x's shape
-- @raise if num_groups does not divide C
function F.group_norm(x, num_groups, weight, bias, ...)
  return core.ops.group_norm(x, weight, bias, num_groups, ...)
end

return later(F, "embla.F.", {})
