-- Elementwise functions made of the core's operations, and PyTorch's other names of those.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local ops = require "embla.tensor.operations"
local raise = require "embla.errors.raise"

local elementwise = {}
local methods, op = core.methods, core.ops

-- ---- bounds ----------------------------------------------------------------------------------------------------

local clamp_spec = options.spec("clamp", {
  {name = "min", type = "number|tensor", doc = "least value; none by default"},
  {name = "max", type = "number|tensor", doc = "greatest value; none by default"},
})

-- clamp or clamp_: the core has one operation for bounds that are numbers, and one for each that may be a tensor.
local function clamp_with(suffix)
  local numbers, low, high, both = op["clamp" .. suffix], op["clamp_min" .. suffix], op["clamp_max" .. suffix],
                                   op["clamp_between" .. suffix]
  return function(t, min, max)
    if type(min) == "table" then
      local o = clamp_spec.arguments(min)
      min, max = o.min, o.max
    end
    if not (core.is_tensor(min) or core.is_tensor(max)) then return numbers(t, min, max) end
    if max == nil then return low(t, min) end
    if min == nil then return high(t, max) end
    return both(t, min, max)
  end
end
local clamp, clamp_in_place = clamp_with "", clamp_with "_"

--- Elements kept between bounds: min(max(input, min), max); the gradient goes through at the bounds themselves.
-- @param input Tensor; integers beside a bound given as a float become floats
-- @param min   number or Tensor that broadcasts with input, or nil for none
-- @param max   number or Tensor that broadcasts with input, or nil for none
-- @return Tensor
-- @raise if neither is given
function elementwise.clamp(input, min, max)
  if type(min) == "number" and type(max) == "number" then return op.clamp(input, min, max) end
  return clamp(input, min, max)
end
function methods:clamp_(min, max) return clamp_in_place(self, min, max) end

-- ---- two tensors -----------------------------------------------------------------------------------------------

--- 0 below 0, 1 above, `values` at 0.
-- @param input  Tensor
-- @param values Tensor that broadcasts with it
-- @return Tensor
-- @raise if the shapes do not broadcast
function elementwise.heaviside(input, values)
  expect.dense("heaviside", "input", input)
  expect.dense("heaviside", "values", values)
  local step = op.gt(input, 0):to(input.dtype)
  return op.where(op.eq(input, 0), values, op.where(op.isnan(input), input, step))
end

--- What lies a part of the way from input to end: input + weight (end - input).
-- @param input  Tensor
-- @param end_   Tensor that broadcasts with it
-- @param weight number, or Tensor that broadcasts with them
-- @return Tensor
-- @raise if the shapes do not broadcast
function elementwise.lerp(input, end_, weight)
  if type(weight) == "table" then weight = weight.weight end
  return core.is_tensor(weight) and op.lerp_by(input, end_, weight) or op.lerp(input, end_, weight)
end

-- ---- one tensor ------------------------------------------------------------------------------------------------

--- Whether each element is plus infinity.
-- @param input Tensor
-- @return Tensor, bool
function elementwise.isposinf(input)
  return op.logical_and(op.isinf(expect.dense("isposinf", "input", input)), op.gt(input, 0))
end

--- Whether each element is minus infinity.
-- @param input Tensor
-- @return Tensor, bool
function elementwise.isneginf(input)
  return op.logical_and(op.isinf(expect.dense("isneginf", "input", input)), op.lt(input, 0))
end

local LARGEST = {float16 = 65504.0, bfloat16 = 3.3895313892515355e38}

local nan_spec = options.spec("nan_to_num", {
  {name = "nan", type = "number", default = 0.0, doc = "stands for NaN"},
  {name = "posinf", type = "number", doc = "stands for infinity; the dtype's largest number by default"},
  {name = "neginf", type = "number", doc = "stands for minus infinity; the dtype's least number by default"},
})

-- Halves, whose largest number is not that of the float32 they are computed in, have theirs named.
local function nan_to_num_with(f)
  return function(input, ...)
    local o = nan_spec.arguments(...)
    local largest = LARGEST[expect.dense("nan_to_num", "input", input).dtype]
    return f(input, o.nan, o.posinf or largest, o.neginf or largest and -largest)
  end
end
local nan_to_num = nan_to_num_with(op.nan_to_num)
methods.nan_to_num_ = nan_to_num_with(op.nan_to_num_)

--- NaN and infinities replaced by numbers, which get no gradient.
-- @param input Tensor; integers stay as they are
-- @param ...   nan = 0, posinf, neginf (the dtype's greatest and least by default), by position or by name
-- @return Tensor
function elementwise.nan_to_num(input, ...) return nan_to_num(input, ...) end

--- Which elements are among test_elements.
-- @param elements      Tensor
-- @param test_elements Tensor, or a table of numbers
-- @return Tensor of the shape of elements, bool
function elementwise.isin(elements, test_elements)
  expect.dense("isin", "elements", elements)
  if type(test_elements) == "table" then test_elements = core.tensor(test_elements, nil, "isin: test_elements") end
  local sorted = op.sort(op.reshape(expect.dense("isin", "test_elements", test_elements), {-1}):detach(), 0)
  if sorted:numel() == 0 then return core.zeros(elements.shape, "bool") end
  local at = op.clamp(op.searchsorted(sorted, elements:detach()), 0, sorted:numel() - 1)
  return op.eq(op.take(sorted, at), elements)
end

for name, f in pairs(elementwise) do methods[name], ops.functional[name] = f, f end

--- lerp in place.
-- @param end_   Tensor that broadcasts with it
-- @param weight number, or Tensor that broadcasts with them
-- @return the tensor
-- @raise if the shapes do not broadcast to its own
function methods:lerp_(end_, weight)
  if type(weight) == "table" then weight = weight.weight end
  return core.is_tensor(weight) and op.lerp_by_(self, end_, weight) or op.lerp_(self, end_, weight)
end
ops.functional.lerp_ = methods.lerp_

--- Whether each element is 0, written over it.
-- @return the tensor
function methods:logical_not_() return self:copy_(op.logical_not(expect.dense("logical_not_", "tensor", self))) end

-- ---- other names -----------------------------------------------------------------------------------------------

local ALIASES = {
  absolute = "abs", negative = "neg", multiply = "mul", divide = "div", true_divide = "div", subtract = "sub",
  greater = "gt", greater_equal = "ge", less = "lt", less_equal = "le", not_equal = "ne", clip = "clamp",
  arccos = "acos", arcsin = "asin", arctan = "atan", arctan2 = "atan2", sgn = "sign", ger = "outer", fix = "trunc",
  arcsinh = "asinh", arccosh = "acosh", arctanh = "atanh",
}
for alias, name in pairs(ALIASES) do
  methods[alias], ops.functional[alias] = methods[name], ops.functional[name]
  if methods[name .. "_"] then methods[alias .. "_"] = methods[name .. "_"] end
end

--- The tensor itself.
-- @return the tensor
-- @raise for bools
function methods:positive()
  if self.dtype == "bool" then raise("positive: not for bools") end
  return self
end

return elementwise
