-- Elements picked and placed along a dim or by a mask.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local in_place = require "embla.tensor.in_place"
local ops = require "embla.tensor.operations"
local raise = require "embla.errors.raise"

local indexing = {}
local methods, op = core.methods, core.ops

--- Elements by indices along a dim; the shapes broadcast in the others.
-- @param input   Tensor
-- @param indices Tensor of an integer dtype with as many dims
-- @param dim     integer; nil: over all elements in one dim
-- @return Tensor
-- @raise if the shapes do not fit
function indexing.take_along_dim(input, indices, dim)
  expect.dense("take_along_dim", "input", input)
  expect.dense("take_along_dim", "indices", indices)
  if dim == nil then return op.gather(op.reshape(input, {-1}), 0, op.reshape(indices, {-1})) end
  dim = expect.dim("take_along_dim", "dim", dim, input:dim())
  if indices:dim() ~= input:dim() then
    raise("take_along_dim: input has %d dims, indices %d; expected as many", input:dim(), indices:dim())
  end
  local from, to = input.shape, indices.shape
  for d = 1, #from do
    if d ~= dim + 1 then
      if from[d] == 1 then from[d] = to[d] elseif to[d] == 1 then to[d] = from[d] end
    end
  end
  return op.gather(op.expand(input, from), dim, op.expand(indices, to))
end

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
-- @param input  Tensor
-- @param mask   Tensor, bool, that broadcasts with input
-- @param source Tensor with at least as many elements as are true
-- @return Tensor of the broadcast shape
-- @raise if source has too few elements, or another dtype
function indexing.masked_scatter(input, mask, source)
  expect.dense("masked_scatter", "input", input)
  if expect.dense("masked_scatter", "mask", mask).dtype ~= "bool" then
    raise("masked_scatter: argument mask: expected bool, got %s", mask.dtype)
  end
  input = as_large_as(input, mask)
  mask = op.expand(mask, input.shape)
  local wanted, given = mask:sum():item(), expect.dense("masked_scatter", "source", source):numel()
  if given < wanted then
    raise("masked_scatter: argument source: expected at least %d elements, got %d", wanted, given)
  end
  if source.dtype ~= input.dtype then
    raise("masked_scatter: source is %s, input %s; expected the same", source.dtype, input.dtype)
  end
  return op.masked_put(input, mask, op.narrow(op.reshape(source, {-1}), 0, 0, wanted))
end

--- masked_scatter in place.
-- @param mask   Tensor, bool, that broadcasts to the tensor's shape
-- @param source Tensor with at least as many elements as are true
-- @return the tensor
-- @raise if source has too few elements
methods.masked_scatter_ = in_place("masked_scatter_", function(...) return methods.masked_scatter(...) end)

for name, f in pairs(indexing) do core.methods[name], ops.functional[name] = f, f end

return indexing
