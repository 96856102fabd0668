-- Elementwise functions made of the core's operations, and PyTorch's other names of those.

local core = require "embla.core"
local expect = require "embla.expect"
local options = require "embla.options"
local ops = require "embla.ops"
local raise = require "embla.raise"

local elementwise = {}
local methods, op = core.methods, core.ops

-- A tensor or a number.
local function operand(caller, name, value)
  if type(value) ~= "number" then expect.dense(caller, name, value) end
  return value
end

-- ---- bounds ----------------------------------------------------------------------------------------------------

-- Bounds that are tensors; the core's operation takes numbers.
local function clamp_by_tensors(t, min, max)
  if min ~= nil then t = op.maximum(t, operand("clamp", "min", min)) end
  if max ~= nil then t = op.minimum(t, operand("clamp", "max", max)) end
  return t
end

--- Elements kept between bounds: min(max(t, min), max); the gradient goes through at numbers that are bounds.
-- @param t   Tensor
-- @param min number or Tensor that broadcasts with t, or nil for none
-- @param max number or Tensor that broadcasts with t, or nil for none
-- @return Tensor
-- @raise if neither is given
function elementwise.clamp(t, min, max)
  if core.is_tensor(min) or core.is_tensor(max) then
    return (clamp_by_tensors(expect.dense("clamp", "t", t), min, max))
  end
  return op.clamp(t, min, max)
end

--- Elements kept from falling below a bound.
-- @param t   Tensor
-- @param min number or Tensor that broadcasts with t
-- @return Tensor
function elementwise.clamp_min(t, min)
  return (elementwise.clamp(expect.dense("clamp_min", "t", t), operand("clamp_min", "min", min)))
end

--- Elements kept from rising above a bound.
-- @param t   Tensor
-- @param max number or Tensor that broadcasts with t
-- @return Tensor
function elementwise.clamp_max(t, max)
  return (elementwise.clamp(expect.dense("clamp_max", "t", t), nil, operand("clamp_max", "max", max)))
end

for _, name in ipairs {"clamp", "clamp_min", "clamp_max"} do
  methods[name .. "_"] = function(t, ...)
    return expect.dense(name .. "_", "t", t):copy_(methods[name](t, ...))
  end
end
local clamp_in_place = methods.clamp_
methods.clamp_ = function(t, min, max)
  if core.is_tensor(min) or core.is_tensor(max) then return (clamp_in_place(t, min, max)) end
  return op.clamp_(t, min, max)
end

-- ---- two tensors -----------------------------------------------------------------------------------------------

--- sqrt(x^2 + y^2) without overflow.
-- @param x Tensor
-- @param y Tensor that broadcasts with it
-- @return Tensor
-- @raise if the shapes do not broadcast
function elementwise.hypot(x, y)
  local a, b = op.abs(expect.dense("hypot", "x", x)), op.abs(expect.dense("hypot", "y", y))
  local large, small = op.maximum(a, b), op.minimum(a, b)
  local plain = op.logical_or(op.eq(large, 0), op.isinf(large))
  local ratio = op.div(small, op.where(plain, 1, large))
  return op.where(plain, large, op.mul(large, op.sqrt(op.add(op.square(ratio), 1))))
end

--- log(e^x + e^y) without overflow.
-- @param x Tensor
-- @param y Tensor that broadcasts with it
-- @return Tensor
-- @raise if the shapes do not broadcast
function elementwise.logaddexp(x, y)
  expect.dense("logaddexp", "x", x)
  local large, small = op.maximum(x, expect.dense("logaddexp", "y", y)), op.minimum(x, y)
  local same = op.eq(large, small)                      -- infinities among them
  local gap = op.sub(op.where(same, 0, small), op.where(same, 0, large))
  return op.add(large, op.log1p(op.exp(gap)))
end

--- x log(y); 0 where x is 0 and y is no NaN.
-- @param x Tensor
-- @param y Tensor that broadcasts with it
-- @return Tensor
-- @raise if the shapes do not broadcast
function elementwise.xlogy(x, y)
  expect.dense("xlogy", "x", x)
  local zero = op.logical_and(op.eq(x, 0), op.logical_not(op.isnan(operand("xlogy", "y", y))))
  return op.where(zero, 0, op.mul(x, op.log(op.where(zero, 1, y))))
end

--- 0 below 0, 1 above, `values` at 0.
-- @param x      Tensor
-- @param values Tensor that broadcasts with it
-- @return Tensor
-- @raise if the shapes do not broadcast
function elementwise.heaviside(x, values)
  expect.dense("heaviside", "x", x)
  expect.dense("heaviside", "values", values)
  local step = op.gt(x, 0):to(x.dtype)
  return op.where(op.eq(x, 0), values, op.where(op.isnan(x), x, step))
end

--- What lies a part of the way from x to y: x + weight (y - x).
-- @param x      Tensor
-- @param y      Tensor that broadcasts with it
-- @param weight number, or Tensor that broadcasts with them
-- @return Tensor
-- @raise if the shapes do not broadcast
function elementwise.lerp(x, y, weight)
  if not core.is_tensor(weight) then return op.lerp(x, y, weight) end
  expect.dense("lerp", "x", x)
  local way = op.sub(expect.dense("lerp", "y", y), x)
  return op.where(op.lt(weight, 0.5), op.add(x, op.mul(weight, way)), op.sub(y, op.mul(way, op.sub(1, weight))))
end

-- The other one where one is NaN.
local function ignoring_nan(caller, choose)
  return function(x, y)
    expect.dense(caller, "x", x)
    expect.dense(caller, "y", y)
    return op.where(op.isnan(x), y, op.where(op.isnan(y), x, choose(x, y)))
  end
end
elementwise.fmax, elementwise.fmin = ignoring_nan("fmax", op.maximum), ignoring_nan("fmin", op.minimum)

-- ---- one tensor ------------------------------------------------------------------------------------------------

--- Inverse of sinh.
-- @param x Tensor
-- @return Tensor
function elementwise.asinh(x)
  local a = op.abs(expect.dense("asinh", "x", x))
  local size = op.log1p(a + op.square(a) / (op.sqrt(op.square(a) + 1) + 1))
  return op.where(op.lt(x, 0), -size, size)
end

--- Inverse of cosh; NaN below 1.
-- @param x Tensor
-- @return Tensor
function elementwise.acosh(x)
  local above = expect.dense("acosh", "x", x) - 1
  return op.log1p(above + op.sqrt(above * (above + 2)))
end

--- Inverse of tanh; NaN outside -1 .. 1.
-- @param x Tensor
-- @return Tensor
function elementwise.atanh(x)
  expect.dense("atanh", "x", x)
  return (op.log1p(x) - op.log1p(-x)) / 2
end

--- log(x / (1 - x)).
-- @param x   Tensor of chances
-- @param eps number: x is first kept between eps and 1 - eps; nil: not
-- @return Tensor
function elementwise.logit(x, eps)
  expect.dense("logit", "x", x)
  if eps ~= nil then x = op.clamp(x, expect.number("logit", "eps", eps), 1 - eps) end
  return op.log(x / (1 - x))
end

--- sin(pi x) / (pi x); 1 at 0.
-- @param x Tensor
-- @return Tensor
function elementwise.sinc(x)
  local zero = op.eq(expect.dense("sinc", "x", x), 0)
  local angle = op.where(zero, 1, x) * math.pi
  return op.where(zero, 1, op.sin(angle) / angle)
end

--- Degrees as radians.
-- @param x Tensor
-- @return Tensor
function elementwise.deg2rad(x) return expect.dense("deg2rad", "x", x) * (math.pi / 180) end

--- Radians as degrees.
-- @param x Tensor
-- @return Tensor
function elementwise.rad2deg(x) return expect.dense("rad2deg", "x", x) * (180 / math.pi) end

--- Whether each element is plus infinity.
-- @param x Tensor
-- @return Tensor, bool
function elementwise.isposinf(x)
  return op.logical_and(op.isinf(expect.dense("isposinf", "x", x)), op.gt(x, 0))
end

--- Whether each element is minus infinity.
-- @param x Tensor
-- @return Tensor, bool
function elementwise.isneginf(x)
  return op.logical_and(op.isinf(expect.dense("isneginf", "x", x)), op.lt(x, 0))
end

local LARGEST = {float32 = 3.4028234663852886e38, float64 = 1.7976931348623157e308, float16 = 65504.0,
                 bfloat16 = 3.3895313892515355e38}

local nan_spec = options.spec("nan_to_num", {
  {name = "nan", type = "number", default = 0.0, doc = "stands for NaN"},
  {name = "posinf", type = "number", doc = "stands for infinity; the dtype's largest number by default"},
  {name = "neginf", type = "number", doc = "stands for minus infinity; the dtype's least number by default"},
})

--- NaN and infinities replaced by numbers.
-- @param x   Tensor
-- @param ... nan = 0, posinf, neginf (the dtype's greatest and least by default), by position or by name
-- @return Tensor
function elementwise.nan_to_num(x, ...)
  local o = nan_spec.arguments(...)
  if not expect.dense("nan_to_num", "x", x):is_floating_point() then return op.clone(x) end
  local largest = LARGEST[x.dtype]
  local y = op.where(op.isnan(x), o.nan, x)
  y = op.where(elementwise.isposinf(x), o.posinf or largest, y)
  return op.where(elementwise.isneginf(x), o.neginf or -largest, y)
end

--- Which elements are among others.
-- @param x      Tensor
-- @param others Tensor, or a table of numbers
-- @return Tensor of x's shape, bool
function elementwise.isin(x, others)
  expect.dense("isin", "x", x)
  if type(others) == "table" then others = core.tensor(others, nil, "isin: others") end
  local sorted = op.sort(op.reshape(expect.dense("isin", "others", others), {-1}):detach(), 0)
  if sorted:numel() == 0 then return core.zeros(x.shape, "bool") end
  local at = op.clamp(op.searchsorted(sorted, x:detach()), 0, sorted:numel() - 1)
  return op.eq(op.take(sorted, at), x)
end

for name, f in pairs(elementwise) do methods[name], ops.functional[name] = f, f end

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
