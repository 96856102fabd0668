-- What all metrics read alike: tensors or lists, not empty, without NaN, of shapes that fit each other.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local raise = require "embla.errors.raise"

local read = {}

--- A tensor without history that has at least one element and no NaN.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  Tensor, or a list of numbers or of lists
-- @return Tensor
-- @raise if it is none, empty, or holds NaN
function read.tensor(caller, name, value)
  if type(value) == "table" then
    local what = ("%s: argument %s"):format(caller, name)
    local list = value
    value = core.tensor(list, nil, what)
    if value:is_floating_point() then value = core.tensor(list, "float64", what) end     -- all digits of Lua's numbers
  end
  local t = expect.dense(caller, name, value):detach()
  if t:numel() == 0 then raise("%s: argument %s: expected at least one element, got none", caller, name) end
  if t:is_floating_point() and t:isnan():any():item() then raise("%s: argument %s: holds NaN", caller, name) end
  return t
end

--- Ids of classes, in one dim.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  Tensor of integers or bools, or a list
-- @param most   how many classes there are, or nil
-- @return Tensor (N) int64
-- @raise if an element is no class
function read.classes(caller, name, value, most)
  local t = read.tensor(caller, name, value)
  if t:is_floating_point() then raise("%s: argument %s: expected ids of classes, got %s", caller, name, t.dtype) end
  t = t:long():reshape(-1)
  local least, greatest = t:min():item(), t:max():item()
  if least < 0 or most and greatest >= most then
    raise("%s: argument %s: expected classes from 0%s, got %d", caller, name, most and " to " .. most - 1 or "",
          least < 0 and least or greatest)
  end
  return t
end

--- Numbers in one dim.
-- @param caller name of the function
-- @param name   of the argument
-- @param value  Tensor or a list
-- @return Tensor (N) float64
-- @raise if it is empty or holds NaN
function read.numbers(caller, name, value) return read.tensor(caller, name, value):double():reshape(-1) end

--- Refuses two tensors of different lengths.
-- @param caller name of the function
-- @param input  Tensor
-- @param target Tensor
-- @raise if the first dims differ
function read.same_length(caller, input, target)
  if #input ~= #target then raise("%s: %d predictions, but %d targets", caller, #input, #target) end
end

--- Two lists of numbers of one length.
-- @param caller name of the function
-- @param input  Tensor or a list
-- @param target Tensor or a list
-- @return Tensor (N) and Tensor (N), float64
-- @raise if one is empty, holds NaN, or they differ in length
function read.pair(caller, input, target)
  local x, y = read.numbers(caller, "input", input), read.numbers(caller, "target", target)
  read.same_length(caller, x, y)
  return x, y
end

return read
