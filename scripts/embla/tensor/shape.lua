-- The same elements in another arrangement: dims moved, tensors joined side by side, windows, repetitions.

local core = require "embla.core"
local expect = require "embla.expect"
local list_of = require("embla.list").of
local options = require "embla.options"
local ops = require "embla.ops"
local raise = require "embla.raise"

local arranging = {}
local methods, op = core.methods, core.ops

local function shape_text(t) return "(" .. table.concat(t.shape, ", ") .. ")" end

-- ---- dims ------------------------------------------------------------------------------------------------------

--- Dims moved to other places; the rest stay in order.
-- @param t           Tensor
-- @param source      integer or table of integers: the dims
-- @param destination integer or table of as many: where each goes
-- @return Tensor, a view
-- @raise if a dim is out of range or named twice, or the lists differ in length
function arranging.movedim(t, source, destination)
  local dims = expect.dense("movedim", "t", t):dim()
  local from = expect.dims("movedim", "source", source, dims)
  local to = expect.dims("movedim", "destination", destination, dims)
  if #from ~= #to then raise("movedim: %d source dims, %d destinations; expected as many", #from, #to) end
  local order, moved = {}, {}
  for i, dim in ipairs(from) do order[to[i] + 1], moved[dim] = dim, true end
  local rest = 0
  for place = 1, dims do
    if not order[place] then
      while moved[rest] do rest = rest + 1 end
      order[place], rest = rest, rest + 1
    end
  end
  return dims == 0 and op.view(t, {}) or op.permute(t, order)
end

--- Turned by quarters in the plane of two dims, from the first to the second.
-- @param t    Tensor of 2 dims or more
-- @param k    integer: quarter turns, default 1; negative ones turn back
-- @param dims table of two dims, default {0, 1}
-- @return Tensor
-- @raise if dims are not two different ones
function arranging.rot90(t, k, dims)
  expect.dense("rot90", "t", t)
  k = expect.integer("rot90", "k", k or 1) % 4
  local plane = expect.dims("rot90", "dims", dims or {0, 1}, t:dim())
  if #plane ~= 2 then raise("rot90: argument dims: expected two dims, got %d", #plane) end
  local a, b = plane[1], plane[2]
  if k == 1 then return op.transpose(op.flip(t, {b}), a, b) end
  if k == 2 then return op.flip(t, {a, b}) end
  if k == 3 then return op.flip(op.transpose(t, a, b), {b}) end
  return op.clone(t)
end

--- Columns in the opposite order.
-- @param t Tensor of 2 dims or more
-- @return Tensor
-- @raise if t has fewer
function arranging.fliplr(t)
  if expect.dense("fliplr", "t", t):dim() < 2 then
    raise("fliplr: argument t: expected 2 dims or more, got %d", t:dim())
  end
  return op.flip(t, {1})
end

--- Rows in the opposite order.
-- @param t Tensor of 1 dim or more
-- @return Tensor
-- @raise if t has none
function arranging.flipud(t)
  if expect.dense("flipud", "t", t):dim() < 1 then raise("flipud: argument t: expected 1 dim or more, got 0") end
  return op.flip(t, {0})
end

--- All elements in one dim.
-- @param t Tensor
-- @return Tensor (n): a view if strides allow, else a copy
function arranging.ravel(t) return op.reshape(expect.dense("ravel", "t", t), {-1}) end

--- The tensor summed over the dims in which a smaller shape would be broadcast to it.
-- @param t   Tensor
-- @param ... sizes, or a table of them: a shape that broadcasts to t's
-- @return Tensor of that shape
-- @raise if the shape does not broadcast to t's
function arranging.sum_to_size(t, ...)
  local sizes = type((...)) == "table" and ... or {...}
  local shape = expect.dense("sum_to_size", "t", t).shape
  local ahead, dims = #shape - #sizes, {}
  for d = 0, #shape - 1 do
    local size = sizes[d - ahead + 1]
    if ahead < 0 or d >= ahead and size ~= shape[d + 1] and size ~= 1 then
      raise("sum_to_size: argument sizes: expected a shape that broadcasts to %s", shape_text(t))
    end
    if d < ahead or size ~= shape[d + 1] then dims[#dims + 1] = d end
  end
  if ahead < 0 then raise("sum_to_size: argument sizes: expected a shape that broadcasts to %s", shape_text(t)) end
  return op.reshape(#dims > 0 and op.sum(t, dims, true) or t, sizes)
end

-- ---- in place --------------------------------------------------------------------------------------------------

-- name_ makes the tensor itself the view that `name` returns.
local function define_view_in_place(name, view)
  methods[name .. "_"] = function(t, ...)
    expect.dense(name .. "_", "tensor", t)
    if core.is_grad_enabled() and t.requires_grad and t.is_leaf then
      raise("%s_: a leaf that requires grad cannot be changed in place while gradients are recorded (use "
            .. "embla.no_grad)", name)
    end
    return core.become(t, view(t, ...))
  end
end
for _, name in ipairs {"unsqueeze", "squeeze", "transpose", "t"} do define_view_in_place(name, op[name]) end
define_view_in_place("swapaxes", op.transpose)
define_view_in_place("swapdims", op.transpose)

--- The main diagonal set to a value.
-- @param value number
-- @return the tensor
-- @raise if it has fewer than 2 dims
function methods:fill_diagonal_(value)
  if expect.dense("fill_diagonal_", "tensor", self):dim() ~= 2 then
    raise("fill_diagonal_: self: expected 2 dims, got shape %s", shape_text(self))
  end
  op.diagonal(self):fill_(expect.number("fill_diagonal_", "value", value))
  return self
end

-- ---- joining ---------------------------------------------------------------------------------------------------

-- Tensors with at least so many dims: new ones in front, or for `behind` at the end.
local function with_dims(list, least, behind)
  local made = {}
  for i, t in ipairs(list) do
    while t:dim() < least do t = op.unsqueeze(t, behind and t:dim() > 0 and -1 or 0) end
    made[i] = t
  end
  return made
end

--- Tensors side by side: along dim 1, those of at most 1 dim along dim 0.
-- @param tensors list of Tensors
-- @return Tensor
-- @raise if they do not fit
function arranging.hstack(tensors)
  local list = with_dims(expect.tensors("hstack", "tensors", tensors), 1)
  return op.cat(list, list[1]:dim() == 1 and 0 or 1)
end

--- Tensors below one another, along dim 0; those of at most 1 dim are rows.
-- @param tensors list of Tensors
-- @return Tensor
-- @raise if they do not fit
function arranging.vstack(tensors) return op.cat(with_dims(expect.tensors("vstack", "tensors", tensors), 2), 0) end

--- Tensors behind one another, along dim 2; (N) counts as (1, N, 1), (N, M) as (N, M, 1).
-- @param tensors list of Tensors
-- @return Tensor
-- @raise if they do not fit
function arranging.dstack(tensors)
  local list = with_dims(expect.tensors("dstack", "tensors", tensors), 2)
  return op.cat(with_dims(list, 3, true), 2)
end

--- Columns side by side; a tensor of at most 1 dim is one column.
-- @param tensors list of Tensors
-- @return Tensor
-- @raise if they do not fit
function arranging.column_stack(tensors)
  local list = {}
  for i, t in ipairs(expect.tensors("column_stack", "tensors", tensors)) do
    list[i] = t:dim() < 2 and op.reshape(t, {-1, 1}) or t
  end
  return op.cat(list, 1)
end

local grid_spec = options.spec("meshgrid", {
  {name = "indexing", choices = {"ij", "xy"}, default = "ij", doc = "xy: the first two dims exchanged"},
})

--- The coordinates of a grid: of each tensor one, which varies along a dim of its own.
-- @param ... Tensors (n_k), or a list of them, and perhaps {indexing = "ij"}
-- @return list of Tensors (n_1, n_2, …), views
-- @raise if a tensor has more than 1 dim
function arranging.meshgrid(...)
  local list = {...}
  local last = list[#list]
  local opt
  if type(last) == "table" and #last == 0 and #list > 0 then opt, list[#list] = last, nil end
  if type(list[1]) == "table" then list = list[1] end
  expect.tensors("meshgrid", "tensors", list)
  local xy = grid_spec.arguments(opt).indexing == "xy" and #list > 1
  local grid, sizes = {}, {}
  for i, t in ipairs(list) do
    if t:dim() > 1 then raise("meshgrid: argument tensors: expected at most 1 dim, got shape %s", shape_text(t)) end
    sizes[i] = t:numel()
  end
  if xy then sizes[1], sizes[2] = sizes[2], sizes[1] end
  for i, t in ipairs(list) do
    local shape = {}
    for d = 1, #list do shape[d] = 1 end
    shape[xy and i < 3 and 3 - i or i] = -1
    grid[i] = op.expand(op.reshape(t, shape), sizes)
  end
  return list_of(grid)
end

-- ---- repeating and windows -------------------------------------------------------------------------------------

-- How often each of n elements comes, as ids of them.
local function repeated_ids(repeats, n)
  local times = core.is_tensor(repeats) and repeats or core.tensor(repeats, nil, "repeat_interleave: repeats")
  if times:is_floating_point() or times.dtype == "bool" or times:dim() > 1 then
    raise("repeat_interleave: argument repeats: expected integers in 1 dim, got %s of %s", shape_text(times),
          times.dtype)
  end
  if times:numel() == 1 then times = op.expand(op.reshape(times, {1}), {n}) end
  if times:numel() ~= n then
    raise("repeat_interleave: argument repeats: expected 1 or %d numbers, got %d", n, times:numel())
  end
  if n > 0 and times:min():item() < 0 then raise("repeat_interleave: argument repeats: expected numbers >= 0") end
  local total = n > 0 and op.sum(op.to(times, "float64")):item() or 0       -- in whole numbers it could wrap around
  if total >= 2 ^ 53 then raise("repeat_interleave: argument repeats: %.4g elements are too many", total) end
  local ends = op.cumsum(times, 0)
  return op.searchsorted(ends, core.arange("int64", 0, 1, n > 0 and ends[n - 1] or 0), true)
end

--- Each element several times in a row.
-- @param t       Tensor
-- @param repeats integer >= 0, or a table or Tensor (n) of integers: one for each place along the dim
-- @param dim     integer; nil: over all elements, in one dim
-- @return Tensor
-- @raise if repeats has another number of elements, or a negative one
function arranging.repeat_interleave(t, repeats, dim)
  expect.dense("repeat_interleave", "t", t)
  if type(repeats) == "table" and #repeats > 0 then
    for _, times in ipairs(repeats) do expect.integer("repeat_interleave", "repeats", times, 0) end
  elseif not core.is_tensor(repeats) then
    repeats = expect.integer("repeat_interleave", "repeats", repeats, 0)
  else
    expect.dense("repeat_interleave", "repeats", repeats)
  end
  if dim == nil then t, dim = op.reshape(t, {-1}), 0 end
  dim = expect.dim("repeat_interleave", "dim", dim, t:dim())
  if t:dim() == 0 then t = op.reshape(t, {1}) end
  return op.index_select(t, dim, repeated_ids(repeats, t:size(dim)))
end

--- Windows that slide along a dim; each becomes a new last dim. Unlike PyTorch's this is a copy, not a view.
-- @param t    Tensor
-- @param dim  integer
-- @param size integer >= 0: length of a window
-- @param step integer >= 1: from one window to the next
-- @return Tensor with (n - size) // step + 1 windows along the dim, and size behind; (size) of a 0-d tensor
-- @raise if a window is longer than the dim
function arranging.unfold(t, dim, size, step)
  dim = expect.dim("unfold", "dim", dim, expect.dense("unfold", "t", t):dim())
  size, step = expect.integer("unfold", "size", size, 0), expect.integer("unfold", "step", step, 1)
  local scalar = t:dim() == 0
  if scalar then t = op.reshape(t, {1}) end
  local n = t:size(dim)
  if size > n then raise("unfold: argument size: %d is more than %d, the size of dim %d", size, n, dim) end
  local starts = core.arange("int64", 0, step, (n - size) // step + 1):reshape(-1, 1)
  local ids = starts + core.arange("int64", 0, 1, size)
  local windows = op.index_select(t, dim, ids:reshape(-1)):unflatten(dim, ids.shape)
  if scalar then return op.select(windows, 0, 0) end            -- there is no dim to keep
  return (arranging.movedim(windows, dim + 1, -1))
end

--- A dim cut at places, or into as many parts as equal as can be.
-- @param t     Tensor of 1 dim or more
-- @param parts integer >= 1: how many; or a table of places
-- @param dim   integer, default 0
-- @return list of views
-- @raise if parts is neither
function arranging.tensor_split(t, parts, dim)
  dim = expect.dim("tensor_split", "dim", dim or 0, expect.dense("tensor_split", "t", t):dim())
  if t:dim() == 0 then raise("tensor_split: argument t: expected 1 dim or more, got a 0-d tensor") end
  local n, places, views = t:size(dim), {}, {}
  if type(parts) == "table" then
    for i, place in ipairs(parts) do
      place = expect.integer("tensor_split", "parts", place)
      places[i] = math.max(0, math.min(n, place < 0 and place + n or place))
    end
  else
    local count = expect.integer("tensor_split", "parts", parts, 1)
    if count > n + 65536 then
      raise("tensor_split: argument parts: expected a number near the size %d of dim %d, got %d", n, dim, count)
    end
    for i = 1, count - 1 do places[i] = i * (n // count) + math.min(i, n % count) end
  end
  local at = 0
  for i, place in ipairs(places) do
    views[i] = op.narrow(t, dim, math.min(at, n), math.max(0, place - at))
    at = place
  end
  views[#views + 1] = op.narrow(t, dim, at, n - at)
  return list_of(views)
end

--- The upper or lower neighbour's difference: t[i + 1] - t[i] along a dim, n times.
-- @param t       Tensor
-- @param n       integer >= 0, default 1
-- @param dim     integer, default -1
-- @param prepend Tensor put before t along the dim, or nil
-- @param append  Tensor put behind, or nil
-- @return Tensor, shorter by n along the dim; of bools: whether neighbours differ; for n = 0 a copy of t alone
-- @raise if t has no dims
function arranging.diff(t, n, dim, prepend, append)
  if expect.dense("diff", "t", t):dim() == 0 then
    raise("diff: argument t: expected 1 dim or more, got a 0-d tensor")
  end
  n = expect.integer("diff", "n", n or 1, 0)
  dim = expect.dim("diff", "dim", dim or -1, t:dim())
  if n == 0 then return op.clone(t) end
  local list = {t}
  if prepend ~= nil then table.insert(list, 1, expect.dense("diff", "prepend", prepend)) end
  if append ~= nil then list[#list + 1] = expect.dense("diff", "append", append) end
  if #list > 1 then t = op.cat(list, dim) end
  for _ = 1, math.min(n, t:size(dim)) do
    local length = math.max(0, t:size(dim) - 1)
    local first = math.min(1, t:size(dim))
    local upper, lower = op.narrow(t, dim, first, length), op.narrow(t, dim, 0, length)
    t = t.dtype == "bool" and op.ne(upper, lower) or op.sub(upper, lower)
  end
  return t
end

--- Elements by ids along a dim; the shapes broadcast in the others.
-- @param t   Tensor
-- @param ids Tensor of an integer dtype with as many dims
-- @param dim integer; nil: over all elements in one dim
-- @return Tensor
-- @raise if the shapes do not fit
function arranging.take_along_dim(t, ids, dim)
  expect.dense("take_along_dim", "t", t)
  expect.dense("take_along_dim", "ids", ids)
  if dim == nil then return op.gather(op.reshape(t, {-1}), 0, op.reshape(ids, {-1})) end
  dim = expect.dim("take_along_dim", "dim", dim, t:dim())
  if ids:dim() ~= t:dim() then
    raise("take_along_dim: t has %d dims, ids %d; expected as many", t:dim(), ids:dim())
  end
  local from, to = t.shape, ids.shape
  for d = 1, #from do
    if d ~= dim + 1 then
      if from[d] == 1 then from[d] = to[d] elseif to[d] == 1 then to[d] = from[d] end
    end
  end
  return op.gather(op.expand(t, from), dim, op.expand(ids, to))
end

for name, f in pairs(arranging) do methods[name], ops.functional[name] = f, f end
for _, name in ipairs {"hstack", "vstack", "dstack", "column_stack", "meshgrid"} do methods[name] = nil end
ops.functional.unfold = nil                             -- in F that is another function

for alias, name in pairs {moveaxis = "movedim", swapaxes = "transpose", swapdims = "transpose",
                          broadcast_to = "expand", concat = "cat", concatenate = "cat", row_stack = "vstack"} do
  local f = arranging[name] or op[name]
  ops.functional[alias] = f
  if methods[name] then methods[alias] = f end
end
methods["repeat"] = op.tile

-- ---- fields ----------------------------------------------------------------------------------------------------

-- All dims in the opposite order.
function core.getters.T(t)
  local order = {}
  for d = 1, t:dim() do order[d] = t:dim() - d end
  return #order == 0 and t or op.permute(t, order)
end

-- The last two dims exchanged.
function core.getters.mT(t)
  if t:dim() < 2 then raise("mT: expected 2 dims or more, got shape %s", shape_text(t)) end
  return op.transpose(t, -2, -1)
end

return arranging
