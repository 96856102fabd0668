-- The same elements in another shape: dims moved, repetitions, windows.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local list_of = require("embla.base.list").of
local ops = require "embla.tensor.operations"
local raise = require "embla.errors.raise"

local shape = {}
local methods, op = core.methods, core.ops

local function shape_text(t) return "(" .. table.concat(t.shape, ", ") .. ")" end

-- ---- dims ----------------------------------------------------------------------------------------------------------

--- Dims moved to other places; the rest stay in order.
-- @param input       Tensor
-- @param source      integer or table of integers: the dims
-- @param destination integer or table of as many: where each goes
-- @return Tensor, a view
-- @raise if a dim is out of range or named twice, or the lists differ in length
function shape.movedim(input, source, destination)
  local dims = expect.dense("movedim", "input", input):dim()
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
  return dims == 0 and op.view(input, {}) or op.permute(input, order)
end

--- Turned by quarters in the plane of two dims, from the first to the second.
-- @param input Tensor of 2 dims or more
-- @param k     integer: quarter turns, default 1; negative ones turn back
-- @param dims  table of two dims, default {0, 1}
-- @return Tensor
-- @raise if dims are not two different ones
function shape.rot90(input, k, dims)
  expect.dense("rot90", "input", input)
  k = expect.integer("rot90", "k", k or 1) % 4
  local plane = expect.dims("rot90", "dims", dims or {0, 1}, input:dim())
  if #plane ~= 2 then raise("rot90: argument dims: expected two dims, got %d", #plane) end
  local a, b = plane[1], plane[2]
  if k == 1 then return op.transpose(op.flip(input, {b}), a, b) end
  if k == 2 then return op.flip(input, {a, b}) end
  if k == 3 then return op.flip(op.transpose(input, a, b), {b}) end
  return op.clone(input)
end

--- Columns in the opposite order.
-- @param input Tensor of 2 dims or more
-- @return Tensor
-- @raise if input has fewer
function shape.fliplr(input)
  if expect.dense("fliplr", "input", input):dim() < 2 then
    raise("fliplr: argument input: expected 2 dims or more, got %d", input:dim())
  end
  return op.flip(input, {1})
end

--- Rows in the opposite order.
-- @param input Tensor of 1 dim or more
-- @return Tensor
-- @raise if input has none
function shape.flipud(input)
  if expect.dense("flipud", "input", input):dim() < 1 then
    raise("flipud: argument input: expected 1 dim or more, got 0")
  end
  return op.flip(input, {0})
end

--- All elements in one dim.
-- @param input Tensor
-- @return Tensor (n): a view if strides allow, else a copy
function shape.ravel(input) return op.reshape(expect.dense("ravel", "input", input), {-1}) end

--- The tensor summed over the dims in which a smaller shape would be broadcast to it.
-- @param input Tensor
-- @param ...   sizes, or a table of them: a shape that broadcasts to input's
-- @return Tensor of that shape
-- @raise if the shape does not broadcast to input's
function shape.sum_to_size(input, ...)
  local sizes = type((...)) == "table" and ... or {...}
  local whole = expect.dense("sum_to_size", "input", input).shape
  local ahead, dims = #whole - #sizes, {}
  for d = 0, #whole - 1 do
    local size = sizes[d - ahead + 1]
    if ahead < 0 or d >= ahead and size ~= whole[d + 1] and size ~= 1 then
      raise("sum_to_size: argument sizes: expected a shape that broadcasts to %s", shape_text(input))
    end
    if d < ahead or size ~= whole[d + 1] then dims[#dims + 1] = d end
  end
  if ahead < 0 then raise("sum_to_size: argument sizes: expected a shape that broadcasts to %s", shape_text(input)) end
  return op.reshape(#dims > 0 and op.sum(input, dims, true) or input, sizes)
end

-- ---- in place ------------------------------------------------------------------------------------------------------

-- name_ makes the tensor itself the view that `name` returns.
local function define_view_in_place(name, view)
  methods[name .. "_"] = function(self, ...)
    expect.dense(name .. "_", "tensor", self)
    if core.is_grad_enabled() and self.requires_grad and self.is_leaf then
      raise("%s_: a leaf that requires grad cannot be changed in place while gradients are recorded (use "
            .. "embla.no_grad)", name)
    end
    return core.become(self, view(self, ...))
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

-- ---- repeating and windows -----------------------------------------------------------------------------------------

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
  local total = n > 0 and op.sum(op.to(times, "float64")):item() or 0       -- in integers it could wrap around
  if total >= 2 ^ 53 then raise("repeat_interleave: argument repeats: %.4g elements are too many", total) end
  local ends = op.cumsum(times, 0)
  return op.searchsorted(ends, core.arange("int64", 0, 1, n > 0 and ends[n - 1] or 0), true)
end

--- Each element several times in a row.
-- @param input   Tensor
-- @param repeats integer >= 0, or a table or Tensor (n) of integers: one for each place along the dim
-- @param dim     integer; nil: over all elements, in one dim
-- @return Tensor
-- @raise if repeats has another number of elements, or a negative one
function shape.repeat_interleave(input, repeats, dim)
  expect.dense("repeat_interleave", "input", input)
  if type(repeats) == "table" and #repeats > 0 then
    for _, times in ipairs(repeats) do expect.integer("repeat_interleave", "repeats", times, 0) end
  elseif not core.is_tensor(repeats) then
    repeats = expect.integer("repeat_interleave", "repeats", repeats, 0)
  else
    expect.dense("repeat_interleave", "repeats", repeats)
  end
  if dim == nil then input, dim = op.reshape(input, {-1}), 0 end
  dim = expect.dim("repeat_interleave", "dim", dim, input:dim())
  if input:dim() == 0 then input = op.reshape(input, {1}) end
  return op.index_select(input, dim, repeated_ids(repeats, input:size(dim)))
end

--- Windows that slide along a dim; each becomes a new last dim. Unlike PyTorch's this is a copy, not a view.
-- @param input Tensor
-- @param dim   integer
-- @param size  integer >= 0: length of a window
-- @param step  integer >= 1: from one window to the next
-- @return Tensor with (n - size) // step + 1 windows along the dim, and size behind; (size) of a 0-d tensor
-- @raise if a window is longer than the dim
function shape.unfold(input, dim, size, step)
  dim = expect.dim("unfold", "dim", dim, expect.dense("unfold", "input", input):dim())
  size, step = expect.integer("unfold", "size", size, 0), expect.integer("unfold", "step", step, 1)
  local scalar = input:dim() == 0
  if scalar then input = op.reshape(input, {1}) end
  local n = input:size(dim)
  if size > n then raise("unfold: argument size: %d is more than %d, the size of dim %d", size, n, dim) end
  local starts = core.arange("int64", 0, step, (n - size) // step + 1):reshape(-1, 1)
  local ids = starts + core.arange("int64", 0, 1, size)
  local windows = op.index_select(input, dim, ids:reshape(-1)):unflatten(dim, ids.shape)
  if scalar then return op.select(windows, 0, 0) end            -- there is no dim to keep
  return shape.movedim(windows, dim + 1, -1)
end

--- A dim cut at places, or into as many parts as equal as can be.
-- @param input Tensor of 1 dim or more
-- @param parts integer >= 1: how many; or a table of places
-- @param dim   integer, default 0
-- @return list of views
-- @raise if parts is neither
function shape.tensor_split(input, parts, dim)
  dim = expect.dim("tensor_split", "dim", dim or 0, expect.dense("tensor_split", "input", input):dim())
  if input:dim() == 0 then raise("tensor_split: argument input: expected 1 dim or more, got a 0-d tensor") end
  local n, places, views = input:size(dim), {}, {}
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
    views[i] = op.narrow(input, dim, math.min(at, n), math.max(0, place - at))
    at = place
  end
  views[#views + 1] = op.narrow(input, dim, at, n - at)
  return list_of(views)
end

--- The upper or lower neighbour's difference: input[i + 1] - input[i] along a dim, n times.
-- @param input   Tensor
-- @param n       integer >= 0, default 1
-- @param dim     integer, default -1
-- @param prepend Tensor put before input along the dim, or nil
-- @param append  Tensor put behind, or nil
-- @return Tensor, shorter by n along the dim; of bools: whether neighbours differ; for n = 0 a copy of input alone
-- @raise if input has no dims
function shape.diff(input, n, dim, prepend, append)
  if expect.dense("diff", "input", input):dim() == 0 then
    raise("diff: argument input: expected 1 dim or more, got a 0-d tensor")
  end
  n = expect.integer("diff", "n", n or 1, 0)
  dim = expect.dim("diff", "dim", dim or -1, input:dim())
  if n == 0 then return op.clone(input) end
  local list = {input}
  if prepend ~= nil then table.insert(list, 1, expect.dense("diff", "prepend", prepend)) end
  if append ~= nil then list[#list + 1] = expect.dense("diff", "append", append) end
  if #list > 1 then input = op.cat(list, dim) end
  for _ = 1, math.min(n, input:size(dim)) do
    local length = math.max(0, input:size(dim) - 1)
    local first = math.min(1, input:size(dim))
    local upper, lower = op.narrow(input, dim, first, length), op.narrow(input, dim, 0, length)
    input = input.dtype == "bool" and op.ne(upper, lower) or op.sub(upper, lower)
  end
  return input
end

for name, f in pairs(shape) do methods[name], ops.functional[name] = f, f end
ops.functional.unfold = nil                             -- in F that is another function

for alias, name in pairs {moveaxis = "movedim", swapaxes = "transpose", swapdims = "transpose",
                          broadcast_to = "expand"} do
  local f = shape[name] or op[name]
  methods[alias], ops.functional[alias] = f, f
end
methods["repeat"] = op.tile

-- ---- fields --------------------------------------------------------------------------------------------------------

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

return shape
