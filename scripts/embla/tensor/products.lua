-- Traces and sums of products.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local ops = require "embla.tensor.operations"
local raise = require "embla.errors.raise"

local products = {}
local op = core.ops

--- Sum of the main diagonal of a matrix.
-- @param input Tensor (N, M)
-- @return Tensor ()
-- @raise if it has other than 2 dims
function products.trace(input)
  if expect.dense("trace", "input", input):dim() ~= 2 then
    raise("trace: argument input: expected a matrix, got %d dims", input:dim())
  end
  return op.sum(op.diagonal(input))
end

--- Sums of products over some dims of both tensors.
-- @param a    Tensor
-- @param b    Tensor
-- @param dims integer n, default 2: the last n dims of a with the first n of b; or {dims of a, dims of b}
-- @return Tensor: the other dims of a, then those of b
-- @raise if the dims' sizes differ
function products.tensordot(a, b, dims)
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

--- Sums of products over the last dims: input . other for vectors.
-- @param input Tensor (*, D)
-- @param other Tensor (*, D)
-- @return Tensor: the other dims of input, then those of other
-- @raise if the last dims differ
function products.inner(input, other)
  if expect.dense("inner", "input", input):dim() == 0 or expect.dense("inner", "other", other):dim() == 0 then
    return op.mul(input, other)
  end
  return products.tensordot(input, other, {{-1}, {-1}})
end

for name, f in pairs(products) do core.methods[name], ops.functional[name] = f, f end

return products
