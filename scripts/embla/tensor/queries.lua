-- Of what kind a tensor is, and new tensors of the same kind.

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local read_sizes = require "embla.tensor.sizes"

local methods = core.methods

--- Bytes an element.
-- @return integer
function methods:element_size() return dtypes.BYTES[self.dtype] end

--- Whether the dtype is one of floats.
-- @return boolean
function methods:is_floating_point() return dtypes.IS_FLOAT[self.dtype] == true end

--- Where the first element lies in memory.
-- @return integer
function methods:data_ptr() return core.address(self) end

--- The tensor itself: there is no other place for it.
-- @return the tensor
function methods:cpu() return self end

--- The tensor in the dtype of another.
-- @param other Tensor
-- @return Tensor; the tensor itself if it is of that dtype
function methods:type_as(other) return self:to(expect.tensor("type_as", "other", other).dtype) end

--- Whether a single element differs from 0.
-- @return boolean
-- @raise unless there is one element
function methods:is_nonzero()
  local value = self:item()
  return value ~= 0 and value ~= false
end

--- Whether another tensor has the same shape.
-- @param other Tensor
-- @return boolean
function methods:is_same_size(other)
  return table.concat(self.shape, " ") == table.concat(expect.tensor("is_same_size", "other", other).shape, " ")
end

methods.nelement, methods.ndimension = methods.numel, methods.dim
core.getters.ndim = methods.dim

-- Bytes of all elements.
function core.getters.nbytes(t) return t:numel() * dtypes.BYTES[t.dtype] end

-- ---- new ones of the same dtype --------------------------------------------------------------------------------

local new_spec = {}
for _, name in ipairs {"new_zeros", "new_ones", "new_empty", "new_full", "new_tensor"} do
  new_spec[name] = options.spec(name, {
    {name = "dtype", type = "dtype", doc = "of the elements; by default that of the tensor"},
    {name = "requires_grad", type = "boolean", default = false, doc = "whether gradients are wanted for it"},
  })
end

local function new_arguments(name, ...) return read_sizes(name, new_spec[name], ...) end

local function finish(t, o) return o.requires_grad and t:requires_grad_() or t end

--- Zeros of the tensor's dtype.
-- @param ... sizes, or a table of them; {dtype =, requires_grad =} may follow
-- @return Tensor
function methods:new_zeros(...)
  expect.tensor("new_zeros", "self", self)
  local sizes, o = new_arguments("new_zeros", ...)
  return finish(core.zeros(sizes, o.dtype or self.dtype), o)
end

--- Ones of the tensor's dtype.
-- @param ... sizes, or a table of them; {dtype =, requires_grad =} may follow
-- @return Tensor
function methods:new_ones(...)
  expect.tensor("new_ones", "self", self)
  local sizes, o = new_arguments("new_ones", ...)
  return finish(core.empty(sizes, o.dtype or self.dtype):fill_(1), o)
end

--- A tensor of the tensor's dtype whose elements are not set.
-- @param ... sizes, or a table of them; {dtype =, requires_grad =} may follow
-- @return Tensor
function methods:new_empty(...)
  expect.tensor("new_empty", "self", self)
  local sizes, o = new_arguments("new_empty", ...)
  return finish(core.empty(sizes, o.dtype or self.dtype), o)
end

--- One value many times, in the tensor's dtype.
-- @param sizes table of sizes
-- @param value number or boolean
-- @param opt   {dtype =, requires_grad =}
-- @return Tensor
function methods:new_full(sizes, value, opt)
  expect.tensor("new_full", "self", self)
  local o = new_spec.new_full.arguments(opt)
  if type(sizes) ~= "table" then raise("new_full: argument sizes: expected a table, got %s", options.show(sizes)) end
  if type(value) ~= "boolean" then expect.number("new_full", "value", value) end
  return finish(core.empty(sizes, o.dtype or self.dtype):fill_(value), o)
end

--- A tensor from data, in the tensor's dtype.
-- @param data number, boolean, nested table, or a tensor to copy
-- @param opt  {dtype =, requires_grad =}
-- @return Tensor
-- @raise if the table is ragged or holds anything else
function methods:new_tensor(data, opt)
  expect.tensor("new_tensor", "self", self)
  local o = new_spec.new_tensor.arguments(opt)
  if data == nil then raise("new_tensor: argument data: expected a number, a boolean or a nested table, got nil") end
  return finish(core.tensor(data, o.dtype or self.dtype, "new_tensor: data"), o)
end

return methods
