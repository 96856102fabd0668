-- Checks of arguments that functions in Lua take by position: each returns the value, or raises an error that names the
-- function, the argument, what was given and what was expected.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local expect = {}

--- A shape as messages write it.
-- @param tensor Tensor
-- @return "(2, 3)"
function expect.shape_text(tensor) return "(" .. table.concat(tensor.shape, ", ") .. ")" end

--- A tensor.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  what was given
-- @return the value
-- @raise if it is no tensor
function expect.tensor(caller, name, value)
  if not core.is_tensor(value) then
    raise("%s: argument %s: expected a tensor, got %s", caller, name, options.show(value))
  end
  return value
end

--- A tensor that is not row-sparse.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  what was given
-- @return the value
-- @raise if it is no tensor, or row-sparse
function expect.dense(caller, name, value)
  if expect.tensor(caller, name, value).is_sparse then
    raise("%s: argument %s: expected a dense tensor, got a row-sparse one (use to_dense())", caller, name)
  end
  return value
end

--- An integer, perhaps written as a float.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  what was given
-- @param least  smallest allowed, if any
-- @return the value as an integer
-- @raise if it is none, or too small
function expect.integer(caller, name, value, least)
  local whole = type(value) == "number" and math.tointeger(value)
  if not whole or least and whole < least then
    raise("%s: argument %s: expected an integer%s, got %s", caller, name, least and " >= " .. least or "",
          options.show(value))
  end
  return whole
end

--- A number.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  what was given
-- @return the value
-- @raise if it is none
function expect.number(caller, name, value)
  if type(value) ~= "number" then
    raise("%s: argument %s: expected a number, got %s", caller, name, options.show(value))
  end
  return value
end

--- A dim of a tensor, counted from 0 or, if negative, from the end.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  what was given
-- @param dims   number of dims; of a 0-d tensor, dims 0 and -1 are allowed
-- @return the dim from 0
-- @raise if there is none such
function expect.dim(caller, name, value, dims)
  local dim, most = expect.integer(caller, name, value), math.max(dims, 1)
  if dim < -most or dim >= most then
    raise("%s: argument %s: dim %d is out of range for a tensor of %d dims", caller, name, dim, dims)
  end
  return dim < 0 and dim + most or dim
end

--- One dim or a list of them.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  integer or table of integers
-- @param dims   number of dims
-- @return list of dims from 0
-- @raise if one is out of range or given twice
function expect.dims(caller, name, value, dims)
  local list, seen = {}, {}
  for i, dim in ipairs(type(value) == "table" and value or {value}) do
    list[i] = expect.dim(caller, name, dim, dims)
    if seen[list[i]] then raise("%s: argument %s: dim %d is given twice", caller, name, list[i]) end
    seen[list[i]] = true
  end
  return list
end

--- A list of tensors, not empty.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  what was given
-- @return the value
-- @raise if it is none
function expect.tensors(caller, name, value)
  if type(value) ~= "table" or #value == 0 then
    raise("%s: argument %s: expected a list of tensors, got %s", caller, name,
          type(value) == "table" and "an empty table" or options.show(value))
  end
  for i, member in ipairs(value) do expect.dense(caller, ("%s[%d]"):format(name, i), member) end
  return value
end

return expect
