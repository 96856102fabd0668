-- Whether tensors are equal, or nearly so.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local ops = require "embla.tensor.operations"

local comparing = {}
local op = core.ops

--- Whether two tensors have the same shape and the same values.
-- @param input Tensor
-- @param other Tensor
-- @return boolean; NaN equals nothing
function comparing.equal(input, other)
  expect.dense("equal", "input", input)
  expect.dense("equal", "other", other)
  if input:dim() ~= other:dim() then return false end
  for d = 0, input:dim() - 1 do
    if input:size(d) ~= other:size(d) then return false end
  end
  return op.all(op.eq(input, other)):item()
end

local near_rows = {
  {name = "rtol", type = "number", default = 1e-5, range = ">= 0", doc = "allowed difference, as a part of |other|"},
  {name = "atol", type = "number", default = 1e-8, range = ">= 0", doc = "allowed difference beside that"},
  {name = "equal_nan", type = "boolean", default = false, doc = "whether NaN is close to NaN"},
}
local isclose_spec, allclose_spec = options.spec("isclose", near_rows), options.spec("allclose", near_rows)

-- Numbers to subtract: bools as integers.
local function number(t) return t.dtype == "bool" and t:long() or t end

local function is_close(a, b, o)
  local close = op.eq(a, b)
  if o.equal_nan then close = op.logical_or(close, op.logical_and(op.isnan(a), op.isnan(b))) end
  if o.rtol == 0 and o.atol == 0 then return close end
  a, b = number(a:detach()), number(b:detach())
  local difference = (a - b):abs()
  local near = op.logical_and(op.isfinite(difference), op.le(difference, (b * o.rtol):abs() + o.atol))
  return op.logical_or(close, near)
end

--- Which elements are close: |input - other| <= atol + rtol |other|, or equal.
-- @param input Tensor
-- @param other Tensor that broadcasts with it
-- @param ...   the options, by position or by name
-- @return Tensor of the broadcast shape, bool
-- @raise if the shapes do not broadcast
function comparing.isclose(input, other, ...)
  local o = isclose_spec.arguments(...)
  return is_close(expect.dense("isclose", "input", input), expect.dense("isclose", "other", other), o)
end

--- Whether all elements are close: |input - other| <= atol + rtol |other|, or equal.
-- @param input Tensor
-- @param other Tensor that broadcasts with it
-- @param ...   the options, by position or by name
-- @return boolean
-- @raise if the shapes do not broadcast
function comparing.allclose(input, other, ...)
  local o = allclose_spec.arguments(...)
  return is_close(expect.dense("allclose", "input", input), expect.dense("allclose", "other", other), o):all():item()
end

for name, f in pairs(comparing) do core.methods[name], ops.functional[name] = f, f end

return comparing
