-- What describes many numbers: the commonest, quantiles, spreads, distances; and other sums over chosen elements.

local core = require "embla.core"
local expect = require "embla.expect"
local in_place = require "embla.tensor.in_place"
local options = require "embla.options"
local ops = require "embla.ops"
local raise = require "embla.raise"

local statistics = {}
local methods, op = core.methods, core.ops

local FOLD = {
  {name = "dim", type = "integer|integers", doc = "dims to fold; all by default"},
  {name = "keepdim", type = "boolean", default = false, doc = "whether they stay, with size 1"},
}

-- ---- the commonest ---------------------------------------------------------------------------------------------

local mode_spec = options.spec("mode", {
  {name = "dim", type = "integer", default = -1, doc = "the dim that is looked along"},
  {name = "keepdim", type = "boolean", default = false, doc = "whether it stays, with size 1"},
})

--- The commonest element along a dim, of equally common ones the least, and where it stands last.
-- @param t   Tensor
-- @param ... dim = -1, keepdim = false, by position or by name
-- @return Tensor of values, Tensor of places int64
-- @raise if the dim is empty
function statistics.mode(t, ...)
  local o = mode_spec.arguments(...)
  local dim = expect.dim("mode", "dim", o.dim, expect.dense("mode", "t", t):dim())
  if t:dim() == 0 then return t, core.tensor(0) end
  local n = t:size(dim)
  if n == 0 then raise("mode: dim %d is empty", dim) end
  local sorted, order = op.sort(t:detach(), dim)
  local upper, lower = op.narrow(sorted, dim, 1, n - 1), op.narrow(sorted, dim, 0, n - 1)
  local starts = op.cat({core.zeros(op.narrow(sorted, dim, 0, 1).shape, "int64"), op.ne(upper, lower):long()}, dim)
  local run = op.cumsum(starts, dim)                                    -- which run of equals each belongs to
  local lengths = op.scatter_add(core.zeros(t.shape, "int64"), dim, run, op.add(op.mul(run, 0), 1))
  local longest = op.argmax(lengths, dim, true)                         -- the first of the longest
  local last = op.sub(op.gather(op.cumsum(lengths, dim), dim, longest), 1)
  local places = op.gather(order, dim, last)
  local values = op.gather(t, dim, places)
  if o.keepdim then return values, places end
  return op.squeeze(values, dim), op.squeeze(places, dim)
end

-- ---- quantiles -------------------------------------------------------------------------------------------------

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
  if not core.is_tensor(q) then q = core.tensor(expect.number(caller, "q", q), dtype) end
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
  return (ops.functional.lerp(op.gather(lines, -1, low:long()), op.gather(lines, -1, at:ceil():long()), at - low))
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
-- @param ...   dim (all elements by default), keepdim = false, interpolation = "linear" (lower, higher, nearest,
--              midpoint), by position or by name
-- @return Tensor without the dim, with Q in front if q has a dim; NaN where a line holds NaN
-- @raise if q lies outside [0, 1] or a line is empty
function statistics.quantile(input, q, ...) return (quantile("quantile", quantile_spec, input, q, false, ...)) end

--- quantile of the elements that are not NaN.
-- @param input Tensor of a float dtype
-- @param q     number in [0, 1], or Tensor (Q) of such
-- @param ...   as for quantile
-- @return Tensor without the dim, with Q in front if q has a dim; NaN where a line holds nothing else
-- @raise if q lies outside [0, 1] or a line is empty
function statistics.nanquantile(input, q, ...)
  return (quantile("nanquantile", nanquantile_spec, input, q, true, ...))
end

-- ---- spreads ---------------------------------------------------------------------------------------------------

local norm = op.norm

--- The p-norm over dims: (sum |x|^p)^(1/p).
-- @param t   Tensor of a float dtype, or of whole numbers
-- @param p   number, infinities too; "fro", the default, is 2
-- @param ... dim (all by default), keepdim = false, by position or by name
-- @return Tensor
function statistics.norm(t, p, ...)
  if p == "fro" then p = 2 end
  return norm(t, p, ...)
end

-- std(false) as std(nil, false): PyTorch allows unbiased to come first.
for _, name in ipairs {"var", "std"} do
  local along = op[name]
  local function fold(t, dim, ...)
    if type(dim) == "boolean" then return along(t, nil, dim, ...) end
    return along(t, dim, ...)
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
  expect.dense(spec.owner, "t", t)
  local o = type(first) == "boolean" and spec.arguments(nil, first, ...) or spec.arguments(first, ...)
  return spread(t, o.dim, o.unbiased, o.keepdim, o.correction), op.mean(t, o.dim, o.keepdim)
end

--- Variance and mean over dims.
-- @param t   Tensor
-- @param ... dim (all by default), unbiased = true: divide by one less than the number of elements; keepdim = false;
--            correction: what is taken off that number, in place of unbiased; by position or by name
-- @return Tensor of variances, Tensor of means
-- @raise if both unbiased and correction are given
function statistics.var_mean(t, ...)
  local var, mean = with_mean(var_mean_spec, op.var, t, ...)
  return var, mean
end

--- Standard deviation and mean over dims.
-- @param t   Tensor
-- @param ... dim (all by default), unbiased = true: divide by one less than the number of elements; keepdim = false;
--            correction: what is taken off that number, in place of unbiased; by position or by name
-- @return Tensor of deviations, Tensor of means
-- @raise if both unbiased and correction are given
function statistics.std_mean(t, ...)
  local std, mean = with_mean(std_mean_spec, op.std, t, ...)
  return std, mean
end

local aminmax_spec = options.spec("aminmax", {
  {name = "dim", type = "integer", doc = "the dim that is folded; all by default"}, FOLD[2],
})

--- The least and the greatest element.
-- @param t   Tensor
-- @param ... dim (all by default), keepdim = false, by position or by name
-- @return Tensor of the least, Tensor of the greatest
-- @raise if there is no element
function statistics.aminmax(t, ...)
  local o = aminmax_spec.arguments(...)
  expect.dense("aminmax", "t", t)
  return op.amin(t, o.dim, o.keepdim), op.amax(t, o.dim, o.keepdim)
end

local nansum_spec, nanmean_spec = options.spec("nansum", FOLD), options.spec("nanmean", FOLD)

local function without_nan(t) return op.where(op.isnan(t), 0, t) end

--- Sum of the elements that are not NaN.
-- @param t   Tensor
-- @param ... dim (all by default), keepdim = false, by position or by name
-- @return Tensor
function statistics.nansum(t, ...)
  local o = nansum_spec.arguments(...)
  return op.sum(without_nan(expect.dense("nansum", "t", t)), o.dim, o.keepdim)
end

--- Mean of the elements that are not NaN; NaN where there is none.
-- @param t   Tensor of a float dtype
-- @param ... dim (all by default), keepdim = false, by position or by name
-- @return Tensor
function statistics.nanmean(t, ...)
  local o = nanmean_spec.arguments(...)
  if not expect.dense("nanmean", "t", t):is_floating_point() then
    raise("nanmean: argument t: expected a float dtype, got %s", t.dtype)
  end
  local count = op.sum(op.logical_not(op.isnan(t)), o.dim, o.keepdim)
  return op.sum(without_nan(t), o.dim, o.keepdim) / count:to(t.dtype)
end

-- ---- distances -------------------------------------------------------------------------------------------------

--- p-norm of the difference of two tensors.
-- @param t     Tensor
-- @param other Tensor that broadcasts with it
-- @param p     number, default 2; infinities too
-- @return Tensor ()
-- @raise if the shapes do not broadcast
function statistics.dist(t, other, p)
  expect.dense("dist", "t", t)
  return norm(op.sub(t, expect.dense("dist", "other", other)), expect.number("dist", "p", p or 2))
end

--- Slices along a dim that are longer than a norm are shortened to it.
-- @param t       Tensor of a float dtype with 2 dims or more
-- @param p       number > 0: which norm
-- @param dim     integer: slices t[i] along it are measured
-- @param maxnorm number >= 0
-- @return Tensor of the same shape
-- @raise if maxnorm is negative or p not positive
function statistics.renorm(t, p, dim, maxnorm)
  if expect.dense("renorm", "t", t):dim() < 2 then
    raise("renorm: argument t: expected 2 dims or more, got %d", t:dim())
  end
  if expect.number("renorm", "p", p) <= 0 then
    raise("renorm: argument p: expected number > 0, got %s", options.show(p))
  end
  dim = expect.dim("renorm", "dim", dim, t:dim())
  if expect.number("renorm", "maxnorm", maxnorm) < 0 then
    raise("renorm: argument maxnorm: expected number >= 0, got %s", options.show(maxnorm))
  end
  local others = {}
  for d = 0, t:dim() - 1 do
    if d ~= dim then others[#others + 1] = d end
  end
  local long = op.gt(norm(t:detach(), p, others, true), maxnorm)
  local norms = norm(op.where(long, t, 0), p, others, true)     -- of the others, NaN among them, nothing is asked
  return t * op.where(long, maxnorm / (norms + 1e-7), 1.0):to(t.dtype)
end

--- renorm in place.
-- @param ... p, dim and maxnorm, as of renorm
-- @return the tensor
-- @raise if maxnorm is negative
methods.renorm_ = in_place("renorm_", function(...) return methods.renorm(...) end)

-- ---- products --------------------------------------------------------------------------------------------------

--- Sum of the main diagonal of a matrix.
-- @param t Tensor (N, M)
-- @return Tensor ()
-- @raise if it has other than 2 dims
function statistics.trace(t)
  if expect.dense("trace", "t", t):dim() ~= 2 then
    raise("trace: argument t: expected a matrix, got %d dims", t:dim())
  end
  return op.sum(op.diagonal(t))
end

--- Sums of products over some dims of both tensors.
-- @param a    Tensor
-- @param b    Tensor
-- @param dims integer n, default 2: the last n dims of a with the first n of b; or {dims of a, dims of b}
-- @return Tensor: the other dims of a, then those of b
-- @raise if the dims' sizes differ
function statistics.tensordot(a, b, dims)
  local a_dims, b_dims = expect.dense("tensordot", "a", a):dim(), expect.dense("tensordot", "b", b):dim()
  if dims == nil then dims = 2 end
  local from_a, from_b = {}, {}
  if type(dims) == "table" then
    if #dims ~= 2 then raise("tensordot: argument dims: expected two lists of dims, got %d", #dims) end
    from_a, from_b = expect.dims("tensordot", "dims[1]", dims[1], a_dims),
                     expect.dims("tensordot", "dims[2]", dims[2], b_dims)
  else
    local n = expect.integer("tensordot", "dims", dims, 0)
    if n > math.min(a_dims, b_dims) then
      raise("tensordot: argument dims: %d is more than %d and %d, the dims there are", n, a_dims, b_dims)
    end
    for i = 1, n do from_a[i], from_b[i] = a_dims - n + i - 1, i - 1 end
  end
  if #from_a ~= #from_b then raise("tensordot: %d dims of a, %d of b; expected as many", #from_a, #from_b) end
  local summed = 1
  for i = 1, #from_a do
    if a:size(from_a[i]) ~= b:size(from_b[i]) then
      raise("tensordot: dim %d of a has size %d, dim %d of b %d; expected the same", from_a[i], a:size(from_a[i]),
            from_b[i], b:size(from_b[i]))
    end
    summed = summed * a:size(from_a[i])
  end
  local sizes = {}
  local function others(t, taken)
    local is_taken, list, count = {}, {}, 1
    for _, d in ipairs(taken) do is_taken[d] = true end
    for d = 0, t:dim() - 1 do
      if not is_taken[d] then
        list[#list + 1], sizes[#sizes + 1], count = d, t:size(d), count * t:size(d)
      end
    end
    return list, count
  end
  local rest_a, rows = others(a, from_a)
  local rest_b, columns = others(b, from_b)
  table.move(from_a, 1, #from_a, #rest_a + 1, rest_a)
  table.move(rest_b, 1, #rest_b, #from_b + 1, from_b)
  local left = a_dims > 0 and op.permute(a, rest_a) or a
  local right = b_dims > 0 and op.permute(b, from_b) or b
  return op.reshape(op.mm(op.reshape(left, {rows, summed}), op.reshape(right, {summed, columns})), sizes)
end

--- Sums of products over the last dims: a . b for vectors.
-- @param a Tensor (*, D)
-- @param b Tensor (*, D)
-- @return Tensor: the other dims of a, then those of b
-- @raise if the last dims differ
function statistics.inner(a, b)
  if expect.dense("inner", "a", a):dim() == 0 or expect.dense("inner", "b", b):dim() == 0 then return op.mul(a, b) end
  return (statistics.tensordot(a, b, {{-1}, {-1}}))
end

-- ---- by ids ----------------------------------------------------------------------------------------------------

-- t repeated to the shape to which it and the mask broadcast.
local function as_large_as(t, mask)
  local from, to, sizes = t.shape, mask.shape, {}
  local n = math.max(#from, #to)
  for d = 1, n do
    local size = from[#from - n + d] or 1
    sizes[d] = size == 1 and to[#to - n + d] or size
  end
  return op.expand(t, sizes)
end

--- The first elements of a source put where a mask is true.
-- @param t      Tensor
-- @param mask   Tensor, bool, that broadcasts with t
-- @param source Tensor with at least as many elements as are true
-- @return Tensor of the broadcast shape
-- @raise if source has too few elements, or another dtype
function statistics.masked_scatter(t, mask, source)
  expect.dense("masked_scatter", "t", t)
  if expect.dense("masked_scatter", "mask", mask).dtype ~= "bool" then
    raise("masked_scatter: argument mask: expected bool, got %s", mask.dtype)
  end
  t = as_large_as(t, mask)
  mask = op.expand(mask, t.shape)
  local wanted, given = mask:sum():item(), expect.dense("masked_scatter", "source", source):numel()
  if given < wanted then
    raise("masked_scatter: argument source: expected at least %d elements, got %d", wanted, given)
  end
  if source.dtype ~= t.dtype then raise("masked_scatter: source is %s, the tensor %s", source.dtype, t.dtype) end
  return op.masked_put(t, mask, op.narrow(op.reshape(source, {-1}), 0, 0, wanted))
end

--- masked_scatter in place.
-- @param mask   Tensor, bool, that broadcasts to the tensor's shape
-- @param source Tensor with at least as many elements as are true
-- @return the tensor
-- @raise if source has too few elements
methods.masked_scatter_ = in_place("masked_scatter_", function(...) return methods.masked_scatter(...) end)

for name, f in pairs(statistics) do methods[name], ops.functional[name] = f, f end

return statistics
