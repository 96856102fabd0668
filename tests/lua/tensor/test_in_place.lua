-- Every method in place is worth what the one without the underscore is, in value and in gradient.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local methods = require "embla.core".methods

-- ---- all of them -----------------------------------------------------------------------------------------------

local DATA = {{0.5, -0.3, 0.7}, {0.2, 0.9, -0.6}}
local function other() return embla.tensor({0.4, 0.8, -0.5}, {dtype = "float64", requires_grad = true}) end
local function row() return embla.tensor({{0.4, 0.8, -0.5}}, {dtype = "float64", requires_grad = true}) end
local function ids(...) return embla.tensor {...} end
local function mask() return embla.tensor {{true, false, true}, {false, true, true}} end

-- Arguments of those that take any. What is a tensor gets a gradient too.
local ARGUMENTS = {
  clamp = function() return row(), embla.tensor({0.6}, "float64") end,
  clip = function() return -0.2, 0.6 end, clamp_min = other, clamp_max = other,
  lerp = function() return other(), row() end, lerp_by = function() return other(), row() end,
  clamp_between = function() return row(), embla.tensor({0.6}, "float64") end,
  addcmul = function() return other(), row(), 0.5 end, addcdiv = function() return other(), row(), 0.5 end,
  threshold = function() return 0.3, 5 end, renorm = function() return 2, 0, 0.5 end,
  masked_fill = function() return mask(), embla.tensor(3.0, {dtype = "float64", requires_grad = true}) end,
  masked_scatter = function() return mask(), embla.arange(8.0):double():requires_grad_() end,
  masked_put = function() return mask(), embla.tensor({7.0}, {dtype = "float64", requires_grad = true}) end,
  index_add = function() return 0, ids(1), row() end, index_copy = function() return 0, ids(1), row() end,
  index_fill = function() return 0, ids(1), embla.tensor(3.0, "float64") end,
  index_put = function() return ids(1), row() end,
  scatter = function() return 0, ids {1, 0, 1}, row() end, scatter_add = function() return 0, ids {1, 0, 1}, row() end,
  scatter_reduce = function() return 0, ids {1, 0, 1}, row(), "prod" end,
  copy = other, transpose = function() return 0, 1 end, swapaxes = function() return 0, 1 end,
  swapdims = function() return 0, 1 end, unsqueeze = function() return 1 end, dropout = function() return 0 end,
}
for _, name in ipairs {"add", "sub", "mul", "div", "pow", "maximum", "minimum", "fmod", "remainder", "floor_divide",
                       "atan2", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor",
                       "subtract", "multiply", "divide", "true_divide", "arctan2", "greater", "greater_equal", "less",
                       "less_equal", "not_equal", "hypot", "logaddexp", "xlogy", "fmax", "fmin", "prelu"} do
  ARGUMENTS[name] = other
end
ARGUMENTS.pow = function() return 2 end
for _, name in ipairs {"and", "or", "xor"} do ARGUMENTS["bitwise_" .. name] = function() return ids(3, 5, 6) end end
ARGUMENTS.bitwise_not = function() end

local POSITIVE = {log = true, log2 = true, log10 = true, sqrt = true, rsqrt = true, acosh = true, arccosh = true}
-- No other form to compare with.
local ALONE = {detach_ = true, requires_grad_ = true, fill_ = true, zero_ = true, normal_ = true, uniform_ = true,
               random_ = true, bernoulli_ = true, cauchy_ = true, exponential_ = true, geometric_ = true,
               log_normal_ = true, fill_diagonal_ = true, repeat_ = true}

local function leaf_for(name)
  if name:find "^bitwise" then return embla.tensor {{12, 5, 7}, {1, 2, 9}} end
  local x = embla.tensor(DATA, "float64")
  if POSITIVE[name] then x = x:abs() + (name:find "cosh" and 1 or 0) end
  return x:detach():requires_grad_()
end

-- Value, and the gradients of the tensor and of the arguments.
local function run(name, method)
  local x = leaf_for(name)
  local given = table.pack((ARGUMENTS[name] or function() end)())
  local y = x * 1
  local z = method(y, table.unpack(given, 1, given.n))
  local value, grads = z:detach(), {}
  if z.requires_grad then
    local weights = embla.arange(z:numel()):reshape(z.shape):to(z.dtype) + 1
    ;(z * weights):sum():backward()
    grads[1] = x.grad and x.grad:tolist() or "none"
    for i = 1, given.n do
      if embla.is_tensor(given[i]) and given[i].requires_grad then grads[#grads + 1] = given[i].grad:tolist() end
    end
  end
  return value, grads, y, z
end

t.test("every method in place: the same value, the same gradient", function()
  local walked = 0
  for name_, method in pairs(methods) do
    local name = name_:match "^(.-)_$"
    if name and type(method) == "function" and name:sub(1, 1) ~= "_" and not ALONE[name_] then
      local plain = methods[name]
      t.equal(name_ .. type(plain), name_ .. "function")
      local value, grads = run(name, plain)
      local ok, changed, slopes, y, z = pcall(run, name, method)
      if not ok then
        -- The result of what has no gradient is a tensor without history; in place it would have to lose its own.
        t.equal({name_, tostring(changed):find("has no gradient", 1, true) ~= nil or changed}, {name_, true})
        changed, slopes, y, z = embla.no_grad(run, name, method)
        t.equal({name_, #grads}, {name_, 0})
      end
      t.equal(name_ .. tostring(rawequal(y, z)), name_ .. "true")
      t.close(changed:double(), value:double(), 1e-12, 1e-12)
      if #grads == 0 and #slopes > 0 then grads = {embla.zeros(2, 3):tolist()} end     -- what was there is lost
      t.equal(name_ .. #slopes, name_ .. #grads)
      t.close(slopes, grads, 1e-12, 1e-12)
      walked = walked + 1
    end
  end
  t.equal(walked > 100, true)
end)

-- ---- by hand ---------------------------------------------------------------------------------------------------

local function slope(data, f)
  local x = embla.tensor(data, {requires_grad = true})
  f(x * 1):sum():backward()
  return x.grad
end

t.test("clamp_ with tensors, lerp_ with a tensor, renorm_: values and gradients by hand", function()
  t.equal(slope({1.0, 2.0, 3.0}, function(y)
    return y:clamp_(embla.tensor {0.0, 2.5, 1.0})
  end), {1.0, 0.0, 1.0})
  t.equal(embla.zeros(2):lerp_(embla.ones(2), embla.tensor {0.5, 0.25}), {0.5, 0.25})
  t.equal(slope({0.0, 0.0}, function(y) return y:lerp_(embla.ones(2), embla.tensor {0.5, 0.25}) end), {0.5, 0.75})
  -- a row x of length 5 kept to 1: y = x / |x|, whose sum slopes (1 - z (z . 1)) / |x| with z = x / |x|
  t.close(slope({{3.0, 4.0}, {0.3, 0.4}}, function(y) return y:renorm_(2, 0, 1) end),
          {{(1 - 0.6 * 1.4) / 5, (1 - 0.8 * 1.4) / 5}, {1, 1}}, 1e-6, 1e-6)
end)

t.test("the tensor may be its own argument", function()
  t.equal(slope({1.0, 2.0}, function(y) return y:clamp_(y) end), {1.0, 1.0})
end)

t.test("what does not fit is refused, and leaves the tensor as it was", function()
  local x = embla.tensor {1.0}
  t.raises(function() x:clamp_(embla.zeros(3)) end, "clamp", "shape (3)", "(1)")
  local whole = embla.tensor {1, 5}
  t.raises(function() whole:clamp_(embla.tensor {1.5}) end, "clamp", "float32", "int64")
  t.equal(x, {1.0})
  t.equal(whole, {1, 5})
  local leaf = embla.tensor({1.0}, {requires_grad = true})
  t.raises(function() leaf:clamp_(embla.zeros(1)) end, "leaf")
end)

t.finish()
