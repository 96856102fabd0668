-- What describes many numbers: the commonest, quantiles, spreads, sums without NaN.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local ops = require "embla.tensor.operations"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local statistics = {}
local methods, op = core.methods, core.ops

local FOLD = {
  {name = "dim", type = "integer|integers", doc = "dims to fold; all by default"},
  {name = "keepdim", type = "boolean", default = false, doc = "whether they stay, with size 1"},
}

-- ---- the commonest -------------------------------------------------------------------------------------------------

local mode_spec = options.spec("mode", {
  {name = "dim", type = "integer", default = -1, doc = "the dim that is looked along"},
  {name = "keepdim", type = "boolean", default = false, doc = "whether it stays, with size 1"},
})

--- The commonest element along a dim, of equally common ones the least, and where it stands last.
-- @param input Tensor
-- @param ...   the options, by position or by name
-- @return Tensor of values, Tensor of places int64
-- @raise if the dim is empty
function statistics.mode(input, ...)
  local o = mode_spec.arguments(...)
  local dim = expect.dim("mode", "dim", o.dim, expect.dense("mode", "input", input):dim())
  if input:dim() == 0 then return input, core.tensor(0) end
  local n = input:size(dim)
  if n == 0 then raise("mode: dim %d is empty", dim) end
  local sorted, order = op.sort(input:detach(), dim)
  local upper, lower = op.narrow(sorted, dim, 1, n - 1), op.narrow(sorted, dim, 0, n - 1)
  local starts = op.cat({core.zeros(op.narrow(sorted, dim, 0, 1).shape, "int64"), op.ne(upper, lower):long()}, dim)
  local run = op.cumsum(starts, dim)                                    -- which run of equals each belongs to
  local lengths = op.scatter_add(core.zeros(input.shape, "int64"), dim, run, op.add(op.mul(run, 0), 1))
  local longest = op.argmax(lengths, dim, true)                         -- the first of the longest
  local last = op.sub(op.gather(op.cumsum(lengths, dim), dim, longest), 1)
  local places = op.gather(order, dim, last)
  local values = op.gather(input, dim, places)
  if o.keepdim then return values, places end
  return op.squeeze(values, dim), op.squeeze(places, dim)
end

-- ---- quantiles -----------------------------------------------------------------------------------------------------

local quantile_rows = {
  {name = "dim", type = "integer", doc = "the dim that is looked along; all elements by default"},
  {name = "keepdim", type = "boolean", default = false, doc = "whether it stays, with size 1"},
  {name = "interpolation", choices = {"linear", "lower", "higher", "nearest", "midpoint"}, default = "linear",
   doc = "what stands for a place between two elements"},
}

local BETWEEN = {
  linear = function(at) return at end,
  lower = function(at) return at:floor() end,
  higher = function(at) return at:ceil() end,
  nearest = function(at) return at:round() end,
  midpoint = function(at) return (at:floor() + at:ceil()) / 2 end,
}

-- Sorted lines along a dim, which comes last: (…, n).
local function sorted_lines(caller, t, dim)
  if not expect.dense(caller, "input", t):is_floating_point() then
    raise("%s: argument input: expected a float dtype, got %s", caller, t.dtype)
  end
  local lines = dim and methods.movedim(t, dim, -1) or op.reshape(t, {-1})
  if lines:size(-1) == 0 then raise("%s: argument input: expected at least one element in a line", caller) end
  return (op.sort(lines, -1))
end

local function check_q(caller, q, dtype)
  if not core.is_tensor(q) then q = core.tensor(expect.number(caller, "q", q), dtype, caller .. ": q") end
  local numbers = expect.dense(caller, "q", q)
  if numbers:dim() > 1 or numbers:numel() > 0 and
     not op.logical_and(numbers:ge(0), numbers:le(1)):all():item() then
    raise("%s: argument q: expected numbers in [0, 1], in at most 1 dim", caller)
  end
  return numbers:detach():to(dtype)
end

-- What lies at the places q of the way along sorted lines (…, n): (…, Q). NaN stand at the end.
local function along_lines(lines, q, interpolation, ignore_nan)
  local bad = op.isnan(lines:detach())
  local n = lines:size(-1)
  local count = ignore_nan and n - bad:sum(-1, true) or core.tensor(n)
  local at = BETWEEN[interpolation](count:sub(1):clamp(0):to(lines.dtype) * q)
  if not ignore_nan then at = op.where(bad:any(-1, true), n - 1, at) end
  local shape = lines.shape
  shape[#shape] = q:numel()
  at = op.expand(at, shape)
  local low = at:floor()
  return ops.functional.lerp(op.gather(lines, -1, low:long()), op.gather(lines, -1, at:ceil():long()), at - low)
end

local function quantile(caller, spec, input, q, ignore_nan, ...)
  local o = spec.arguments(...)
  local dims = expect.dense(caller, "input", input):dim()
  local dim = o.dim and expect.dim(caller, "dim", o.dim, dims)
  if dims == 0 then dim = nil end
  q = check_q(caller, q, input.dtype)
  local y = along_lines(sorted_lines(caller, input, dim), q:reshape(-1), o.interpolation, ignore_nan)
  y = methods.movedim(y, -1, 0)
  if o.keepdim and dim then y = op.unsqueeze(y, dim + 1) end
  for _ = 1, o.keepdim and not dim and dims or 0 do y = op.unsqueeze(y, -1) end
  return q:dim() == 0 and op.select(y, 0, 0) or y
end

local quantile_spec = options.spec("quantile", quantile_rows)
local nanquantile_spec = options.spec("nanquantile", quantile_rows)

--- What lies at a part q of the way through the sorted elements.
-- @param input Tensor of a float dtype
-- @param q     number in [0, 1], or Tensor (Q) of such
-- @param ...   the options, by position or by name
-- @return Tensor without the dim, with Q in front if q has a dim; NaN where a line holds NaN
-- @raise if q lies outside [0, 1] or a line is empty
function statistics.quantile(input, q, ...) return quantile("quantile", quantile_spec, input, q, false, ...) end

--- quantile of the elements that are not NaN.
-- @param input Tensor of a float dtype
-- @param q     number in [0, 1], or Tensor (Q) of such
-- @param ...   the options, by position or by name
-- @return Tensor without the dim, with Q in front if q has a dim; NaN where a line holds nothing else
-- @raise if q lies outside [0, 1] or a line is empty
function statistics.nanquantile(input, q, ...)
  return quantile("nanquantile", nanquantile_spec, input, q, true, ...)
end

-- ---- spreads -------------------------------------------------------------------------------------------------------

-- std(false) as std(nil, false): PyTorch allows unbiased to come first.
for _, name in ipairs {"var", "std"} do
  local along = op[name]
  local function fold(input, dim, ...)
    if type(dim) == "boolean" then return along(input, nil, dim, ...) end
    return along(input, dim, ...)
  end
  methods[name], ops.functional[name] = fold, fold
end

local spread_rows = {
  FOLD[1],
  {name = "unbiased", type = "boolean", doc = "divide by one less than the number of elements, as by default"},
  FOLD[2],
  {name = "correction", type = "integer", doc = "what is taken off the number of elements, in place of unbiased"},
}
local var_mean_spec, std_mean_spec = options.spec("var_mean", spread_rows), options.spec("std_mean", spread_rows)

local function with_mean(spec, spread, t, first, ...)
  expect.dense(spec.owner, "input", t)
  local o = type(first) == "boolean" and spec.arguments(nil, first, ...) or spec.arguments(first, ...)
  return spread(t, o.dim, o.unbiased, o.keepdim, o.correction), op.mean(t, o.dim, o.keepdim)
end

--- Variance and mean over dims.
-- @param input Tensor
-- @param ...   the options, by position or by name
-- @return Tensor of variances, Tensor of means
-- @raise if both unbiased and correction are given
function statistics.var_mean(input, ...)
  local var, mean = with_mean(var_mean_spec, op.var, input, ...)
  return var, mean
end

--- Standard deviation and mean over dims.
-- @param input Tensor
-- @param ...   the options, by position or by name
-- @return Tensor of deviations, Tensor of means
-- @raise if both unbiased and correction are given
function statistics.std_mean(input, ...)
  local std, mean = with_mean(std_mean_spec, op.std, input, ...)
  return std, mean
end

local aminmax_spec = options.spec("aminmax", {
  {name = "dim", type = "integer", doc = "the dim that is folded; all by default"}, FOLD[2],
})

--- The least and the greatest element.
-- @param input Tensor
-- @param ...   the options, by position or by name
-- @return Tensor of the least, Tensor of the greatest
-- @raise if there is no element
function statistics.aminmax(input, ...)
  local o = aminmax_spec.arguments(...)
  expect.dense("aminmax", "input", input)
  return op.amin(input, o.dim, o.keepdim), op.amax(input, o.dim, o.keepdim)
end

local nansum_spec, nanmean_spec = options.spec("nansum", FOLD), options.spec("nanmean", FOLD)

local function without_nan(t) return op.where(op.isnan(t), 0, t) end

--- Sum of the elements that are not NaN.
-- @param input Tensor
-- @param ...   the options, by position or by name
-- @return Tensor
function statistics.nansum(input, ...)
  local o = nansum_spec.arguments(...)
  return op.sum(without_nan(expect.dense("nansum", "input", input)), o.dim, o.keepdim)
end

--- Mean of the elements that are not NaN; NaN where there is none.
-- @param input Tensor of a float dtype
-- @param ...   the options, by position or by name
-- @return Tensor
function statistics.nanmean(input, ...)
  local o = nanmean_spec.arguments(...)
  if not expect.dense("nanmean", "input", input):is_floating_point() then
    raise("nanmean: argument input: expected a float dtype, got %s", input.dtype)
  end
  local count = op.sum(op.logical_not(op.isnan(input)), o.dim, o.keepdim)
  return op.sum(without_nan(input), o.dim, o.keepdim) / count:to(input.dtype)
end

for name, f in pairs(statistics) do methods[name], ops.functional[name] = f, f end

return statistics
