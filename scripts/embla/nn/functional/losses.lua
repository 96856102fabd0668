-- Losses that read their targets before the core's operations do.

local arguments = require "embla.arguments.by_name"
local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local raise = require "embla.errors.raise"

local F = {}

local IS_FLOAT = dtypes.IS_FLOAT
local by_ids, by_probabilities = core.ops.cross_entropy, core.ops.cross_entropy_probabilities

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
local function cross_entropy(input, target, ...)
  if IS_FLOAT[core.dtype_of(target)] then return of_probabilities(input, target, ...) end
  return by_ids(input, target, ...)
end

-- Nearly every call has ids and no options, and is part of every training step.
local by_name = arguments.reader("cross_entropy", cross_entropy)
F.cross_entropy = arguments.stands_for(function(input, target, ...)
  local more, dtype = ..., core.dtype_of(target)
  if more == nil and dtype and not IS_FLOAT[dtype] then return by_ids(input, target, ...) end
  return by_name(input, target, ...)
end, cross_entropy)

local function is_shape(t, sizes, n)
  if t:dim() ~= n then return false end
  for d = 1, n do
    if t:size(d - 1) ~= sizes[d] then return false end
  end
  return true
end

local gaussian = core.ops.gaussian_nll_loss

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

return F
