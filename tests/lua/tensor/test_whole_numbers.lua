-- Numbers beside tensors of whole numbers: kept exactly, refused where they do not fit, compared as what they are.
-- Values by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F = embla.F

local X <const> = (1 << 53) + 1                 -- the first whole number that a double does not hold
local INF, NAN = 1 / 0, 0 / 0

local function int64(...) return embla.tensor({...}, "int64") end
local function int32(...) return embla.tensor({...}, "int32") end
local function uint8(...) return embla.tensor({...}, "uint8") end

t.test("a number beside int64 stays what it is", function()
  local x, mask = int64(X), embla.tensor {true}
  local function is(y, ...) t.same_bits(y, int64(...)) end
  is(x:clamp(X, X), X)
  is(x:clamp(0, X + 2), X)
  is(x:clamp({min = X + 2}), X + 2)
  is(x:clone():clamp_(0, X - 2), X - 2)
  is(x:clamp_min(X + 2), X + 2)
  is(x:clamp_max(X - 2), X - 2)
  is(x:clip(X, X), X)
  is(int64(0):add(1, {alpha = X}), X)
  is(int64(0):sub(1, {alpha = X}), -X)
  is(int64(0):add_(1, {alpha = X}), X)
  is(int64(0) + X, X)
  is(X - int64(0), X)
  is(int64(1) * X, X)
  is(x // 1, X)
  is(x % (X - 1), 1)
  is(x:fmod(X - 1), 1)
  is(int64(3) ^ 34, 16677181699666569)
  is(x:maximum(X + 2), X + 2)
  is(F.fmin(x, X - 2), X - 2)
  is(x:bitwise_and(X), X)
  is(F.where(mask, X, int64(1)), X)
  is(int64(1):masked_fill(mask, X), X)
  is(int64(1):masked_fill_(mask, X), X)
  is(int64(1, 2):index_fill(0, {0}, X), X, 2)
  is(int64(1, 2):index_fill_(0, {0}, X), X, 2)
  is(int64(1, 2):scatter(0, {1}, X), 1, X)
  is(int64(0, 0):index_add(0, {0}, int64(1), {alpha = X}), X, 0)
  is(F.pad(int64(1), {1, 0}, {value = X}), X, 1)
  is(int64(0):fill_(X), X)
  is(embla.full({1}, X), X)
  is(embla.full_like(x, X), X)
  is(x:new_full({1}, X), X)
  is(x:new_tensor({X}), X)
  is(embla.LongTensor {X}, X)
  is(embla.randint(X, X + 1, {2}), X, X)
  is(int64(0):random_(X, X + 1), X)
  is(F.nan_to_num(x), X)
  is(F.threshold(int64(X, X - 1), X - 1, X + 2), X, X + 2)
  is(F.threshold(int64(2, 3, -9), 2.5, X), X, 3, X)
  is(F.threshold(int64(2, math.mininteger), -1e30, X), 2, math.mininteger)
  t.same_bits(embla.addmm(int64(1), int64(1):reshape(1, 1), int64(1):reshape(1, 1), {beta = X, alpha = X}):reshape(-1),
              int64(2 * X))
  local y = embla.zeros(4, "int64")
  y[0], y[embla.tensor {1}], y[{{2, 3}}], y[embla.tensor {false, false, false, true}] = X, X, {X}, X
  is(y, X, X, X, X)
  t.equal({x:item(), x[0], x:tolist()[1], x:sum():item(), x:cumsum(0)[0], x:max():item()}, {X, X, X, X, X, X})
end)

t.test("ranges of whole numbers are counted and made exactly", function()
  t.same_bits(embla.arange(X, X + 3), int64(X, X + 1, X + 2))
  t.same_bits(embla.arange(X, X - 3, -2), int64(X, X - 2))
  t.same_bits(embla.arange(math.mininteger, math.maxinteger, 1 << 62), int64(math.mininteger, -(1 << 62), 0, 1 << 62))
  t.same_bits(embla.arange(math.maxinteger, math.mininteger, math.mininteger), int64(math.maxinteger, -1))
  t.equal(embla.arange(5, 5).shape, {0})
  t.same_bits(embla.linspace(X, X + 2, 3, "int64"), int64(X, X + 1, X + 2))
  t.same_bits(embla.linspace(X + 2, X, 3, "int64"), int64(X + 2, X + 1, X))
  t.same_bits(embla.linspace(X, X, 1, "int64"), int64(X))
  t.same_bits(embla.linspace(-X, X - 3, 3, "int64"), int64(-X, -1, X - 3))        -- -1.5, cut off at the point
  t.same_bits(embla.linspace(-4, 3, 3, "int64"), int64(-4, 0, 3))
end)

t.test("a number that does not fit is an error where it is written", function()
  local mask = embla.tensor {true}
  local function refuses(f, ...) t.raises(f, ...) end
  refuses(function() embla.tensor({256}, "uint8") end, "tensor: data: 256", "uint8")
  refuses(function() embla.tensor({-1}, "uint8") end, "tensor: data: -1", "uint8")
  refuses(function() embla.tensor({{1, 1 << 40}}, "int32") end, "1099511627776", "int32")
  refuses(function() embla.tensor(-(1 << 31) - 1, "int32") end, "-2147483649", "int32")
  refuses(function() embla.tensor({NAN}, "int64") end, " nan does", "int64")
  refuses(function() embla.tensor({INF}, "int64") end, "inf", "int64")
  refuses(function() embla.tensor({-0x1p63, 0x1p63}, "int64") end, "9.2233720368548e+18", "int64")
  refuses(function() embla.tensor({-1.0}, "uint8") end, "-1.0", "uint8")
  refuses(function() embla.ByteTensor {256} end, "ByteTensor", "256", "uint8")
  refuses(function() uint8(1):new_tensor({256}) end, "new_tensor", "256", "uint8")
  refuses(function() embla.full({1}, 1 << 40, {dtype = "int32"}) end, "fill_", "1099511627776", "int32")
  refuses(function() embla.full_like(uint8(1), -1) end, "fill_", "-1", "uint8")
  refuses(function() uint8(1):new_full({1}, 300) end, "fill_", "300", "uint8")
  refuses(function() uint8(1):fill_(256) end, "fill_", "256", "uint8")
  refuses(function() int64(1):fill_(NAN) end, "fill_", " nan does", "int64")
  refuses(function() embla.arange(0, 300, {dtype = "uint8"}) end, "arange", "299", "uint8")
  refuses(function() embla.arange(-1, 3, {dtype = "uint8"}) end, "arange", "-1", "uint8")
  refuses(function() embla.arange(0.0, 300.0, {dtype = "uint8"}) end, "arange", "299.0", "uint8")
  refuses(function() embla.linspace(0, 300, 4, {dtype = "uint8"}) end, "linspace", "300", "uint8")
  refuses(function() embla.logspace(0, 3, 4, {dtype = "uint8"}) end, "logspace", "1000.0", "uint8")
  refuses(function() embla.randint(0, 300, {2}, {dtype = "uint8"}) end, "random_", "high: 300", "uint8")
  refuses(function() int32(1):random_(-(1 << 40), 0) end, "random_: low", "int32")
  refuses(function() F.pad(uint8(1), {1, 0}, {value = 300}) end, "pad: value = 300", "uint8")
  refuses(function() F.pad(int64(1), {1, 0}, {value = NAN}) end, "pad: value = nan", "int64")
  refuses(function() uint8(1):masked_fill(mask, 300) end, "masked_fill: value = 300", "uint8")
  refuses(function() int64(1):masked_fill(mask, NAN) end, "masked_fill: value = nan", "int64")
  refuses(function() F.where(mask, 300, uint8(1)) end, "where: input = 300", "uint8")
  refuses(function() uint8(1, 2):index_fill(0, {0}, -1) end, "index_fill: value = -1", "uint8")
  refuses(function() int32(1, 2):scatter(0, {0}, 1 << 40) end, "scatter: src = 1099511627776", "int32")
  refuses(function() uint8(1):maximum(-1) end, "maximum: other = -1", "uint8")
  refuses(function() return int32(5) % (1 << 40) end, "remainder: other = 1099511627776", "int32")
  refuses(function() return int32(5) // (1 << 40) end, "floor_divide: other = 1099511627776", "int32")
  refuses(function() return int32(2) ^ (1 << 33) end, "pow: exponent = 8589934592", "int32")
  local y = embla.zeros(3, "uint8")
  refuses(function() y[0] = 256 end, "assignment: 256", "uint8")
  refuses(function() y[{{0, 2}}] = {1, -1} end, "assignment: -1", "uint8")
  refuses(function() y[y:eq(0)] = 256 end, "assignment: 256", "uint8")
  refuses(function() y[embla.tensor {1}] = NAN end, "assignment: nan", "uint8")
  t.equal(y, {0, 0, 0})
end)

t.test("numbers that fit, digits after the point cut off", function()
  t.equal(embla.tensor({255.9, -0.9}, "uint8"), {255, 0})
  t.equal(embla.tensor({2147483647.5, -2147483648.5}, "int32"), {2147483647, -2147483648})
  t.equal(embla.tensor({-0x1p63, 0x1.fffffffffffffp62}, "int64"), {math.mininteger, 9223372036854774784})
  t.equal(int64(1):fill_(2.5), {2})
  t.equal(embla.arange(0, 256, {dtype = "uint8"}):sum():item(), 32640)
  t.equal(embla.randint(255, 256, {1}, {dtype = "uint8"}), {255})
  t.equal(embla.tensor({0.5, NAN, 0}, "bool"), {true, true, false})
  local y = embla.zeros(2, "int64")
  y[y:eq(0)] = 2.5
  t.equal(y, {2, 2})
  local d = embla.zeros(2, "float64")
  d[{{0, 2}}] = {0.1, 0.2}
  t.equal(d, {0.1, 0.2})
end)

t.test("a bound that is a float makes floats of whole numbers and bools", function()
  for _, x in ipairs {int64(0, 1, 3), int32(0, 1, 3), uint8(0, 1, 3)} do
    t.same_bits(x:clamp(0.5), embla.tensor {0.5, 1.0, 3.0})
    t.same_bits(x:clamp(0, 2.5), embla.tensor {0.0, 1.0, 2.5})
    t.same_bits(F.clamp(x, {max = 1.0}), embla.tensor {0.0, 1.0, 1.0})
    t.same_bits(x:clip(1.0, 2), embla.tensor {1.0, 1.0, 2.0})
    t.same_bits(x:clamp_min(0.5), embla.tensor {0.5, 1.0, 3.0})
    t.same_bits(x:clamp_max(1.5), embla.tensor {0.0, 1.0, 1.5})
    t.equal(x:clamp(1, 2).dtype, x.dtype)
    t.raises(function() x:clamp_(0.5) end,
             "clamp_: the result is float32, which cannot be kept in a tensor of " .. x.dtype)
  end
  t.same_bits(embla.tensor({false, true}):clamp(0.5), embla.tensor {0.5, 1.0})
  embla.set_default_dtype "float64"
  t.equal(int64(1):clamp(0.5).dtype, "float64")
  embla.set_default_dtype "float32"
end)

t.test("activations that only cut keep whole numbers", function()
  t.same_bits(F.relu6(int64(-1, 3, 9)), int64(0, 3, 6))
  t.same_bits(F.relu6(uint8(3, 9)), uint8(3, 6))
  t.same_bits(F.hardtanh(int32(-4, 0, 4)), int32(-1, 0, 1))
  t.same_bits(F.hardtanh_(int64(-4, 0, 4), 0, 2), int64(0, 0, 2))
  t.same_bits(embla.nn.Hardtanh(-2, 2)(int64(-4, 0, 4)), int64(-2, 0, 2))
  t.same_bits(embla.nn.ReLU6(true)(int64(-1, 3, 9)), int64(0, 3, 6))
  t.raises(function() F.hardtanh(int64(1), 0, 2.5) end, "hardtanh: max_val = 2.5 does not fit a tensor of int64")
  t.raises(function() F.hardtanh(uint8(1)) end, "hardtanh: min_val = -1 does not fit a tensor of uint8")
end)

t.test("arithmetic wraps around, a number with it", function()
  t.equal(uint8(5) + (-1), {4})
  t.equal(uint8(5) * 300, {220})
  t.equal(uint8(5) - 6, {255})
  t.equal(int32(5) + (1 << 40), {5})
  t.equal(uint8(3):bitwise_and(-1), {3})
end)

-- What each of eq ne lt le gt ge says of x and y.
local function compares(x, y, ...)
  local want = {...}
  for i, name in ipairs {"eq", "ne", "lt", "le", "gt", "ge"} do
    t.equal({name, x[name](x, y):item()}, {name, want[i]})
  end
end
local LESS = {false, true, true, true, false, false}
local EQUAL = {true, false, false, true, false, true}
local GREATER = {false, true, false, false, true, true}
local NOTHING = {false, true, false, false, false, false}

t.test("comparisons with any number are decided as mathematics does", function()
  for _, case in ipairs {
    {int32(0), 1 << 32, LESS}, {int32(0), -(1 << 32), GREATER}, {uint8(0), -1, GREATER}, {uint8(255), 256, LESS},
    {uint8(0), 256, LESS}, {uint8(1), 1.00000001, LESS}, {uint8(1), 1.0, EQUAL}, {uint8(0), -INF, GREATER},
    {int32(7), INF, LESS}, {int32(7), NAN, NOTHING}, {int32(16777217), 16777216.0, GREATER},
    {int64(X), X - 1, GREATER}, {int64(X), 9007199254740992.0, GREATER}, {int64(X), 9007199254740994.0, LESS},
    {int64(X), X, EQUAL}, {int64(X), 0.5, GREATER}, {int64(math.maxinteger), 0x1p63, LESS},
    {int64(math.mininteger), -0x1p63, EQUAL}, {int64(math.mininteger), -0x1.0000000000001p63, GREATER},
    {int64(math.maxinteger), 1e30, LESS}, {embla.tensor {true}, 2, LESS}, {embla.tensor {true}, 1.0, EQUAL},
    {embla.tensor {false}, -0.5, GREATER}, {int32(0), embla.tensor(1 << 32), LESS}, {int32(5), 5, EQUAL},
    {embla.tensor({0x1p63}, "float64"), 0x1p63, EQUAL}, {embla.tensor({0.1}), 0.1, EQUAL},
    {embla.tensor({2.0}), 2, EQUAL}, {embla.tensor({1.0}, "float64"), 2, LESS},
  } do compares(case[1], case[2], table.unpack(case[3])) end
  t.equal(int32(1, 0):logical_and(1 << 32), {true, false})
  t.equal(F.isin(int64(X), {X - 1}), {false})
  t.equal(F.lt(1 << 32, int32(0)), {false})
  t.equal(int32(1, 2):lt_(1 << 40), {1, 1})
end)

t.test("division of whole numbers", function()
  t.equal(int64(-7, 7, -7, 7) // int64(2, 2, -2, -2), {-4, 3, 3, -4})
  t.equal(int64(-7, 7, -7, 7) % int64(2, 2, -2, -2), {1, 1, -1, -1})
  t.equal(int64(-7, 7, -7, 7):fmod(int64(2, 2, -2, -2)), {-1, 1, -1, 1})
  t.equal(int64(math.mininteger) // -1, {math.mininteger})
  t.equal(int64(math.mininteger) % -1, {0})
  t.equal(int64(math.mininteger):fmod(-1), {0})
  t.equal(int32(-(1 << 31)) // -1, {-(1 << 31)})
  for _, name in ipairs {"floor_divide", "remainder", "fmod"} do
    t.raises(function() F[name](int64(1), 0) end, name .. ": division of int64 by zero")
  end
end)

t.test("floats made whole numbers", function()
  local x = embla.tensor({NAN, INF, -INF, 1e20, -1e20, 2.7, -2.7}, "float64")
  local most, least = math.maxinteger, math.mininteger
  for _, dtype in ipairs {"float64", "float32"} do
    t.equal(x:to(dtype):long(), {0, most, least, most, least, 2, -2})
    t.equal(x:to(dtype):int(), {0, 2147483647, -2147483648, 2147483647, -2147483648, 2, -2})
    t.equal(x:to(dtype):bool(), {true, true, true, true, true, true, true})
  end
  t.equal(embla.tensor({300.0, -1.0, 255.5, NAN}):byte(), {44, 255, 255, 0})     -- the low 8 bits
  t.equal(embla.tensor({65504.0, INF, NAN}, "float16"):int(), {65504, 2147483647, 0})
end)

t.test("NaN has no sign, neither as a number nor in a message", function()
  t.equal(tostring(embla.tensor {NAN}:item()), "nan")
  t.equal(tostring(embla.tensor {-NAN}:tolist()[1]), "nan")
  t.equal(tostring(embla.tensor {NAN}[0]), "nan")
  t.equal(tostring(embla.tensor {-NAN}), "tensor([nan])")
  for _, f in ipairs {
    function() F.dropout(embla.ones(1), NAN) end, function() embla.zeros(NAN) end,
    function() embla.zeros(2):uniform_(NAN, 1) end, function() embla.arange(NAN) end,
    function() embla.optim.SGD({embla.zeros(1)}, {lr = NAN}) end, function() embla.nn.Dropout(NAN) end,
    function() F.histc(embla.ones(1), 2, NAN, 1) end, function() embla.randperm(NAN) end,
    function() embla.ones(1, 1):sum(NAN) end, function() int64(1):add(1, {alpha = NAN}) end,
  } do
    for _, sign in ipairs {1, -1} do
      NAN = sign * NAN
      local text = t.raises(f, "nan")
      if text:find("-nan", 1, true) then t.fail(text) end
    end
  end
end)

t.finish()
