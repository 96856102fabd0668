-- Methods and operators of tensors that are not operations of the core.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local list_of = require("embla.base.list").of
local note = require("embla.help.notes").note
local options = require "embla.arguments.options"
local ops = require "embla.tensor.operations"
local print_text = require "embla.tensor.print"
local raise = require "embla.errors.raise"

local methods, metatable = core.methods, core.metatable
local op = core.ops

local unique_spec = options.spec("unique", {
  {name = "sorted", type = "boolean", default = true, doc = "in ascending order; they always are"},
  {name = "return_inverse", type = "boolean", default = false, doc = "which of them each element is"},
  {name = "return_counts", type = "boolean", default = false, doc = "how often each occurs"},
  {name = "dim", type = "integer", doc = "slices along this dim are compared; elements by default"},
})

-- ---- dtypes ----------------------------------------------------------------------------------------------------

--- The dtype as text, or the tensor in another dtype.
-- @param dtype nil, or a dtype
-- @return text, or Tensor
function methods:type(dtype) return dtype == nil and self.dtype or self:to(dtype) end

--- The tensor in another dtype: itself if it is of that one already.
-- @param dtype "float32" and the like, {dtype = ...}, or a tensor whose dtype is taken
-- @return Tensor
function methods:to(dtype)
  if core.is_tensor(dtype) then dtype = dtype.dtype end
  if not options.is_dtype(dtype) then
    raise("to: argument dtype: expected a dtype (float32, float64, ...), got %s", options.show(dtype))
  end
  if self.is_sparse then return core.sparse_to(self, dtype) end
  if dtype == self.dtype then return self end
  return op.to(self, dtype)
end

for name, dtype in pairs {float = "float32", double = "float64", long = "int64", int = "int32", bool = "bool",
                          byte = "uint8", half = "float16", bfloat16 = "bfloat16"} do
  methods[name] = function(self) return self:to(dtype) end
  note(methods[name], ("t:%s()"):format(name), ("The tensor as %s: itself if it is already."):format(dtype),
       "@return Tensor")
end

-- ---- shape -----------------------------------------------------------------------------------------------------

--- Repeats dims of size 1, and adds dims in front, up to the shape of another tensor, without copying.
-- @param other Tensor
-- @return Tensor, a view
function methods:expand_as(other) return op.expand(self, expect.tensor("expand_as", "other", other).shape) end

--- The same elements in the shape of another tensor, never a copy.
-- @param other Tensor
-- @return Tensor, a view
function methods:view_as(other) return op.view(self, expect.tensor("view_as", "other", other).shape) end

--- The same elements in the shape of another tensor: a view if strides allow, else a copy.
-- @param other Tensor
-- @return Tensor
function methods:reshape_as(other) return op.reshape(self, expect.tensor("reshape_as", "other", other).shape) end

--- Positions 0 .. n-1 of the first dim with what stands there: for i, x in t:iter() do.
-- @return iterator
function methods:iter()
  local n, i = #self, -1
  return function()
    i = i + 1
    if i < n then return i, self[i] end
  end
end

--- Pieces of a dim, `size` long (the last may be shorter), or of the sizes in a table.
-- @param size integer, or table of integers that add up to the dim
-- @param dim  integer, default 0
-- @return list of views
function methods:split(size, dim)
  expect.dense("split", "tensor", self)
  dim = expect.dim("split", "dim", dim or 0, self:dim())
  local n, at, parts, sizes = self:size(dim), 0, {}, {}
  if type(size) ~= "table" then
    size = expect.integer("split", "size", size, 1)
    for start = 0, n - 1, size do sizes[#sizes + 1] = math.min(size, n - start) end
    if n == 0 then sizes[1] = 0 end
  else
    for i, length in ipairs(size) do sizes[i] = expect.integer("split", "size", length, 0) end
  end
  for i, length in ipairs(sizes) do
    if at + length > n then break end
    parts[i] = op.narrow(self, dim, at, length)
    at = at + length
  end
  if at ~= n or #parts ~= #sizes then
    raise("split: sizes {%s} do not add up to %d, the size of dim %d", table.concat(sizes, ", "), n, dim)
  end
  return list_of(parts)
end

local MOST_EMPTY = 65536

--- `chunks` pieces of a dim, of equal size but for the last; fewer if the dim is short, empty ones if it is empty.
-- @param chunks integer > 0
-- @param dim    integer, default 0
-- @return list of views
function methods:chunk(chunks, dim)
  expect.dense("chunk", "tensor", self)
  dim = expect.dim("chunk", "dim", dim or 0, self:dim())
  chunks = expect.integer("chunk", "chunks", chunks, 1)
  local n = self:size(dim)
  if n == 0 then                                        -- as many, all empty
    if chunks > MOST_EMPTY then raise("chunk: argument chunks: %d parts of an empty dim %d", chunks, dim) end
    local parts = {}
    for i = 1, chunks do parts[i] = op.narrow(self, dim, 0, 0) end
    return parts
  end
  return self:split((n + chunks - 1) // chunks, dim)
end

--- The slices along a dim, without it.
-- @param dim integer, default 0
-- @return list of views
function methods:unbind(dim)
  expect.dense("unbind", "tensor", self)
  dim = expect.dim("unbind", "dim", dim or 0, self:dim())
  local slices = {}
  for i = 0, self:size(dim) - 1 do slices[i + 1] = op.select(self, dim, i) end
  return list_of(slices)
end

-- Slices along a dim in the order of their elements, told apart column by column; which of them each slice is.
local function unique_slices(t, dim)
  local n = t:size(dim)
  if n == 0 then
    local none = core.zeros({0}, "int64")
    return op.clone(t), none, none
  end
  if t:numel() == 0 then
    raise("unique: argument dim: the slices along dim %d have no elements to tell them apart", dim)
  end
  local rows = op.reshape(op.transpose(t:detach(), 0, dim), {n, -1})
  local inverse = core.zeros({n}, "int64")
  for j = 0, rows:size(1) - 1 do
    local _, rank, counts = op.unique(op.select(rows, 1, j))
    local _, joint = op.unique(op.add(op.mul(inverse, #counts), rank))
    inverse = joint
  end
  local _, which, counts = op.unique(inverse)
  local _, first = op.sort(inverse, 0)                  -- equal ones in order: each run begins with its first
  local starts = op.sub(op.cumsum(counts, 0), counts)
  return op.index_select(t, dim, op.index_select(first, 0, starts)), which, counts
end

--- The different elements, or slices along a dim, in ascending order.
-- @param ... the options, by position or by name
-- @return Tensor (n), or with n slices; and as asked for: inverse of the tensor's shape or (size of dim), counts (n),
--         both int64
-- @raise if the dim is out of range
function methods:unique(...)
  expect.dense("unique", "tensor", self)
  local opt = unique_spec.arguments(...)
  expect.dense("unique", "tensor", self)
  local values, inverse, counts
  if opt.dim == nil then
    values, inverse, counts = op.unique(self)
  else
    values, inverse, counts = unique_slices(self, expect.dim("unique", "dim", opt.dim, self:dim()))
  end
  local results = {values}
  if opt.return_inverse then results[#results + 1] = inverse end
  if opt.return_counts then results[#results + 1] = counts end
  return table.unpack(results)
end

--- The elements moved on along dims; those that leave at the end come in at the front.
-- @param shifts integer, or a table of integers, one a dim
-- @param dims   integer, or a table of integers; nil: row-major over all elements
-- @return Tensor of the same shape
function methods:roll(shifts, dims)
  if type(shifts) ~= "table" then return op.roll(self, shifts, dims) end
  if type(dims) ~= "table" or #dims ~= #shifts then
    raise("roll: argument dims: expected a table of %d dims, one for each shift", #shifts)
  end
  local t = self
  for i, shift in ipairs(shifts) do t = op.roll(t, shift, dims[i]) end
  return t
end

methods.repeat_ = op.tile

for _, name in ipairs {"unique", "roll", "chunk", "split", "unbind"} do ops.functional[name] = methods[name] end

-- ---- a value that may be a tensor ------------------------------------------------------------------------------

--- Elements where a mask is true replaced by one value.
-- @param mask  bool Tensor that broadcasts with the tensor
-- @param value number, or Tensor of 0 dims, to which a gradient goes too
-- @return Tensor of the same shape
-- @raise if the mask is not bool or does not broadcast
function methods:masked_fill(mask, value)
  if not core.is_tensor(value) then return op.masked_fill(self, mask, value) end
  if value:dim() > 0 then
    raise("masked_fill: argument value: expected a number or a tensor of 0 dims, this one has %d", value:dim())
  end
  if expect.dense("masked_fill", "tensor", self).dtype == "bool" then value = value:bool() end
  return op.where(expect.dense("masked_fill", "mask", mask), value, self)
end

function methods:masked_fill_(mask, value)
  if not core.is_tensor(value) then return op.masked_fill_(self, mask, value) end
  return expect.dense("masked_fill_", "tensor", self):copy_(self:masked_fill(mask, value))
end

for _, name in ipairs {"masked_fill", "masked_fill_"} do ops.functional[name] = methods[name] end

--- The tensor where a condition holds, other elements elsewhere: F.where with the tensor after the condition.
-- @param condition bool Tensor that broadcasts with the tensor
-- @param other     number, or Tensor that broadcasts with them
-- @return Tensor
-- @raise if the condition is not bool or the shapes do not broadcast
function methods:where(condition, other)
  return op.where(expect.dense("where", "condition", condition), self, other)
end

-- ---- reductions whose results depend on whether a dim is given --------------------------------------------------

for name, text in pairs {
  max = "The largest element; with a dim the largest of each row along it, and where it stands.",
  min = "The smallest element; with a dim the smallest of each row along it, and where it stands.",
  median = "The median, the lower of two; with a dim that of each row along it, and where it stands.",
} do
  local whole, along, pair = op[name], op[name .. "_dim"], op[name .. "imum"]
  if whole and along then
    local function reduce(t, dim, keepdim)
      if dim == nil and keepdim == nil then return whole(t) end
      if pair and core.is_tensor(dim) then return pair(t, dim) end
      return along(t, dim, keepdim)
    end
    methods[name], ops.functional[name] = reduce, reduce
    local or_pair = pair and "; a tensor: the larger or smaller of each pair" or ""
    note(reduce, ("t:%s(dim, keepdim)"):format(name), text, "@param dim integer; nil: over all elements" .. or_pair,
         "@param keepdim boolean: the dim stays, with size 1", "@return Tensor, or values and int64 positions")
  end
end

-- ---- operators -------------------------------------------------------------------------------------------------

for metamethod, name in pairs {__add = "add", __sub = "sub", __mul = "mul", __div = "div", __pow = "pow",
                               __idiv = "floor_divide", __mod = "remainder"} do
  metatable[metamethod] = op[name]
end

-- Lua makes a boolean of what these return.
local function compare()
  raise("tensors are compared element by element with methods: x:lt(y), x:le(y), x:gt(y), x:ge(y), x:eq(y)")
end
metatable.__lt, metatable.__le = compare, compare
metatable.__unm = function(t) return op.neg(t) end              -- Lua passes the operand twice

metatable.__tostring = print_text.tensor
metatable.__concat = function(a, b) return tostring(a) .. tostring(b) end

return methods
