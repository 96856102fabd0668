-- What describes many numbers: the commonest, quantiles, spreads, distances; and other sums over chosen elements.

local core = require "embla.core"
local expect = require "embla.expect"
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
  local shape = lines.shape
  shape[#shape] = q:numel()
  at = op.expand(at, shape)
  local low = at:floor()
  local y = ops.functional.lerp(op.gather(lines, -1, low:long()), op.gather(lines, -1, at:ceil():long()), at - low)
  return ignore_nan and y or op.where(bad:any(-1, true), 0 / 0, y)
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
local function fold_arguments(dim, unbiased, keepdim)
  if type(dim) == "boolean" then return nil, dim, unbiased end
  return dim, unbiased, keepdim
end

for _, name in ipairs {"var", "std"} do
  local along = op[name]
  local function fold(t, dim, ...)
    if type(dim) == "boolean" then return along(t, nil, dim, ...) end
    return along(t, dim, ...)
  end
  methods[name], ops.functional[name] = fold, fold
end

local function with_mean(caller, spread, t, dim, unbiased, keepdim)
  expect.dense(caller, "t", t)
  dim, unbiased, keepdim = fold_arguments(dim, unbiased, keepdim)
  return spread(t, dim, unbiased, keepdim), op.mean(t, dim, keepdim)
end

--- Variance and mean over dims.
-- @param t        Tensor
-- @param dim      integer or table of integers; nil: all
-- @param unbiased boolean, default true: divide by one less than the number of elements
-- @param keepdim  boolean, default false: keep the dims, with size 1
-- @return Tensor of variances, Tensor of means
function statistics.var_mean(t, dim, unbiased, keepdim)
  local var, mean = with_mean("var_mean", op.var, t, dim, unbiased, keepdim)
  return var, mean
end

--- Standard deviation and mean over dims.
-- @param t        Tensor
-- @param dim      integer or table of integers; nil: all
-- @param unbiased boolean, default true: divide by one less than the number of elements
-- @param keepdim  boolean, default false: keep the dims, with size 1
-- @return Tensor of deviations, Tensor of means
function statistics.std_mean(t, dim, unbiased, keepdim)
  local std, mean = with_mean("std_mean", op.std, t, dim, unbiased, keepdim)
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
-- @param p       number: which norm
-- @param dim     integer: slices t[i] along it are measured
-- @param maxnorm number >= 0
-- @return Tensor of the same shape
-- @raise if maxnorm is negative
function statistics.renorm(t, p, dim, maxnorm)
  if expect.dense("renorm", "t", t):dim() < 2 then
    raise("renorm: argument t: expected 2 dims or more, got %d", t:dim())
  end
  p, dim = expect.number("renorm", "p", p), expect.dim("renorm", "dim", dim, t:dim())
  if expect.number("renorm", "maxnorm", maxnorm) < 0 then
    raise("renorm: argument maxnorm: expected number >= 0, got %s", options.show(maxnorm))
  end
  local others = {}
  for d = 0, t:dim() - 1 do
    if d ~= dim then others[#others + 1] = d end
  end
  local norms = norm(t, p, others, true)
  return t * op.where(op.gt(norms, maxnorm), maxnorm / (norms + 1e-7), 1.0):to(t.dtype)
end

--- renorm in place.
-- @param ... p, dim and maxnorm, as of renorm
-- @return the tensor
-- @raise if maxnorm is negative
function methods:renorm_(...) return self:copy_(methods.renorm(self, ...)) end

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

local scatter_spec = options.spec("scatter_reduce", {
  {name = "include_self", type = "boolean", default = true, doc = "whether the tensor's own elements count"},
})

-- Own elements, or `neutral` where others arrive and own ones shall not count.
local function start(t, dim, index, neutral, include_self)
  return include_self and t or op.scatter(t, dim, index, neutral)
end

local REDUCE = {}

function REDUCE.sum(t, dim, index, src, own)
  return op.scatter_add(start(t, dim, index, 0, own), dim, index, src)
end

function REDUCE.mean(t, dim, index, src, own)
  local ones = core.zeros(t.shape, "int64"):add_(1)
  local count = op.scatter_add(start(ones, dim, index, 0, own), dim, index, core.zeros(src.shape, "int64"):add_(1))
  local sum = REDUCE.sum(t, dim, index, src, own)
  return t:is_floating_point() and sum / count:to(t.dtype) or op.floor_divide(sum, count):to(t.dtype)
end

function REDUCE.prod(t, dim, index, src, own)
  local y = start(t, dim, index, 1, own)
  for i = 0, index:size(dim) - 1 do
    local ids, factors = op.narrow(index, dim, i, 1), op.narrow(src, dim, i, 1)
    y = y * op.scatter(core.zeros(t.shape, t.dtype):add_(1), dim, ids, factors)
  end
  return y
end

-- The extreme ones share the gradient.
local function extreme(t, dim, index, src, own, descending)
  local order, better = src:detach(), descending and op.minimum or op.maximum
  local sorted, from = op.sort(order, dim, descending)                  -- of equal ids the last one stays
  local best = op.scatter(t:detach(), dim, op.gather(index, dim, from), sorted)
  if own then best = better(best, t:detach()) end
  if not (core.is_grad_enabled() and (t.requires_grad or src.requires_grad)) then return best end
  local hit = op.eq(order, op.gather(best, dim, index))
  local kept = op.eq(t:detach(), best)
  if not own then kept = op.logical_and(kept, op.scatter(op.eq(t:detach(), t:detach()), dim, index, false)) end
  local share = op.scatter_add(kept:to(t.dtype), dim, index, hit:to(t.dtype))
  local sum = op.scatter_add(op.where(kept, t, 0), dim, index, op.where(hit, src, 0))
  return sum / share
end

function REDUCE.amax(t, dim, index, src, own) return extreme(t, dim, index, src, own, false) end
function REDUCE.amin(t, dim, index, src, own) return extreme(t, dim, index, src, own, true) end

--- Elements of src put together at ids along a dim, with the tensor's own.
-- @param t      Tensor
-- @param dim    integer
-- @param index  Tensor of an integer dtype: for each element of src where it goes
-- @param src    Tensor at least as large as index
-- @param reduce "sum", "prod", "mean", "amax" or "amin"
-- @param ...    include_self = true, by position or by name
-- @return Tensor of t's shape; elements that none goes to are those of t
-- @raise if an id is out of range or the shapes do not fit
function statistics.scatter_reduce(t, dim, index, src, reduce, ...)
  local o = scatter_spec.arguments(...)
  dim = expect.dim("scatter_reduce", "dim", dim, expect.dense("scatter_reduce", "t", t):dim())
  expect.dense("scatter_reduce", "index", index)
  expect.dense("scatter_reduce", "src", src)
  if not REDUCE[reduce] then
    raise("scatter_reduce: argument reduce: expected one of sum, prod, mean, amax, amin, got %s", options.show(reduce))
  end
  if src.dtype ~= t.dtype then raise("scatter_reduce: src is %s, the tensor %s", src.dtype, t.dtype) end
  if index:dim() ~= src:dim() then
    raise("scatter_reduce: index has %d dims, src %d; expected as many", index:dim(), src:dim())
  end
  for d = 0, src:dim() - 1 do
    if index:size(d) > src:size(d) then raise("scatter_reduce: index is larger than src in dim %d", d) end
    if index:size(d) < src:size(d) then src = op.narrow(src, d, 0, index:size(d)) end
  end
  return REDUCE[reduce](t, dim, index, src, o.include_self)
end

--- scatter_reduce in place.
-- @param ... dim, index, src, reduce, include_self, as of scatter_reduce
-- @return the tensor
-- @raise as scatter_reduce does
function methods:scatter_reduce_(...) return self:copy_(methods.scatter_reduce(self, ...)) end

--- The first elements of a source put where a mask is true.
-- @param t      Tensor
-- @param mask   Tensor, bool, that broadcasts to t's shape
-- @param source Tensor with at least as many elements as are true
-- @return Tensor of t's shape
-- @raise if source has too few elements
function statistics.masked_scatter(t, mask, source)
  expect.dense("masked_scatter", "t", t)
  if expect.dense("masked_scatter", "mask", mask).dtype ~= "bool" then
    raise("masked_scatter: argument mask: expected bool, got %s", mask.dtype)
  end
  mask = op.expand(mask, t.shape)
  local wanted, given = mask:sum():item(), expect.dense("masked_scatter", "source", source):numel()
  if given < wanted then
    raise("masked_scatter: argument source: expected at least %d elements, got %d", wanted, given)
  end
  return op.masked_put(t, mask, op.narrow(op.reshape(source, {-1}), 0, 0, wanted))
end

--- masked_scatter in place.
-- @param mask   Tensor, bool, that broadcasts to the tensor's shape
-- @param source Tensor with at least as many elements as are true
-- @return the tensor
-- @raise if source has too few elements
function methods:masked_scatter_(mask, source) return self:copy_(statistics.masked_scatter(self, mask, source)) end

for name, f in pairs(statistics) do methods[name], ops.functional[name] = f, f end

return statistics
