-- The form in place of a function that is made of several operations: its result written over its first argument, with
-- the gradient of the function.

local core = require "embla.core"
local expect = require "embla.expect"
local raise = require "embla.raise"

local op = core.ops

local RANK = {bool = 0, uint8 = 1, int32 = 1, int64 = 1}         -- of a dtype; floats hold all others
local FLOAT = 2

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
  if (RANK[result.dtype] or FLOAT) > (RANK[t.dtype] or FLOAT) then
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
-- @param f    function(t, ...) that returns a Tensor of t's shape
-- @return function(t, ...) that writes the result over t and returns t
-- @raise if the result has another shape, or a dtype that t cannot hold
return function(name, f)
  return function(t, ...)
    expect.dense(name, "tensor", t)
    local from, given = t, table.pack(...)
    if core.is_grad_enabled() and (t.requires_grad or any_requires_grad(given, given.n)) then
      from = op.clone(t)                                -- backward will ask for the old values
      for i = 1, given.n do
        if rawequal(given[i], t) then given[i] = from end
      end
    end
    local result = f(from, table.unpack(given, 1, given.n))
    check_fits(name, result, t)
    return t:copy_(result)
  end
end
