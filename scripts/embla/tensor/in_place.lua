-- The form in place of a function that is made of several operations: its result written over its first argument, with
-- the gradient of the function.

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local expect = require "embla.arguments.expect"
local raise = require "embla.errors.raise"

local op = core.ops

-- Floats hold all others, integers bool.
local function rank(dtype) return dtypes.IS_FLOAT[dtype] and 2 or dtypes.IS_INTEGER[dtype] and 1 or 0 end

local function same_shape(a, b)
  local from, to = a.shape, b.shape
  if #from ~= #to then return false end
  for d = 1, #from do
    if from[d] ~= to[d] then return false end
  end
  return true
end

local function check_fits(name, result, t)
  if not same_shape(result, t) then
    raise("%s: the result has shape (%s), which does not fit into (%s)", name, table.concat(result.shape, ", "),
          table.concat(t.shape, ", "))
  end
  if rank(result.dtype) > rank(t.dtype) then
    raise("%s: the result is %s, which cannot be kept in a tensor of %s", name, result.dtype, t.dtype)
  end
end

local function any_requires_grad(list, n)
  for i = 1, n do
    if core.is_tensor(list[i]) and list[i].requires_grad then return true end
  end
  return false
end

--- Makes the form in place.
-- @param name of the method, for messages: "renorm_"
-- @param f    function(self, ...) that returns a Tensor of self's shape
-- @return function(self, ...) that writes the result over self and returns self
-- @raise if the result has another shape, or a dtype that self cannot hold
return function(name, f)
  return function(self, ...)
    expect.dense(name, "tensor", self)
    local from, given = self, table.pack(...)
    if core.is_grad_enabled() and (self.requires_grad or any_requires_grad(given, given.n)) then
      from = op.clone(self)                                -- backward will ask for the old values
      for i = 1, given.n do
        if rawequal(given[i], self) then given[i] = from end
      end
    end
    local result = f(from, table.unpack(given, 1, given.n))
    check_fits(name, result, self)
    return self:copy_(result)
  end
end
