-- Methods and operators of tensors that are no operations of the core, by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local x = embla.FloatTensor {{1, 2, 3}, {4, 5, 6}}

local function lists(tensors)
  local all = {}
  for i, part in ipairs(tensors) do all[i] = part:tolist() end
  return all
end

-- ---- dtypes ----------------------------------------------------------------------------------------------------

t.test("the dtype, asked and changed", function()
  t.equal({x:type(), x:type("int32").dtype, x:to({dtype = "int64"}).dtype, x:to(embla.BoolTensor {true}).dtype},
          {"float32", "int32", "int64", "bool"})
  t.equal({x:to("float32"):data_ptr(), x:to("float64"):data_ptr() == x:data_ptr()}, {x:data_ptr(), false})
  for method, dtype in pairs {float = "float32", double = "float64", long = "int64", int = "int32", bool = "bool",
                              byte = "uint8", half = "float16", bfloat16 = "bfloat16"} do
    t.equal({method, x[method](x).dtype}, {method, dtype})
  end
  t.equal(embla.tensor({-1.7, 0.0, 2.5}):long(), embla.LongTensor {-1, 0, 2})
  t.raises(function() x:to "float33" end,
           'to: argument dtype: expected a dtype (float32, float64, ...), got "float33"')
end)

-- ---- shape -----------------------------------------------------------------------------------------------------

t.test("the shape of another", function()
  local flat, row = embla.zeros(6), embla.tensor {{7.0}, {8.0}}
  t.equal(x:view_as(flat), {1, 2, 3, 4, 5, 6})
  t.equal(x:view_as(flat):data_ptr(), x:data_ptr())
  t.equal(x:t():reshape_as(flat), {1, 4, 2, 5, 3, 6})
  t.equal(row:expand_as(x), {{7, 7, 7}, {8, 8, 8}})
  for _, name in ipairs {"view_as", "reshape_as", "expand_as"} do
    t.raises(function() x[name](x, 3) end, name .. ": argument other: expected a tensor, got 3")
  end
end)

t.test("a loop over the first dim", function()
  local seen = {}
  for i, row in x:iter() do seen[#seen + 1] = {i, row:tolist()} end
  t.equal(seen, {{0, {1, 2, 3}}, {1, {4, 5, 6}}})
end)

t.test("pieces of a dim", function()
  t.equal(lists(x:split(1)), {{{1, 2, 3}}, {{4, 5, 6}}})
  t.equal(lists(x:split(2, 1)), {{{1, 2}, {4, 5}}, {{3}, {6}}})
  t.equal(lists(x:split({1, 2}, -1)), {{{1}, {4}}, {{2, 3}, {5, 6}}})
  t.equal(lists(x:chunk(2, 1)), {{{1, 2}, {4, 5}}, {{3}, {6}}})
  t.equal(#x:chunk(9, 1), 3)
  t.equal(lists(embla.zeros(0, 2):chunk(2)), {{}, {}})
  t.equal(lists(x:unbind(1)), {{1, 4}, {2, 5}, {3, 6}})
  t.equal(x:unbind()[2]:data_ptr(), x[1]:data_ptr())
  t.raises(function() x:split({1, 1}, 1) end, "split: sizes {1, 1} do not add up to 3, the size of dim 1")
  t.raises(function() x:split({1, 1, 2}, 1) end, "split: sizes {1, 1, 2} do not add up to 3, the size of dim 1")
  t.raises(function() x:split(0) end, "split: argument size: expected an integer >= 1, got 0")
  t.raises(function() x:chunk(0) end, "chunk: argument chunks: expected an integer >= 1, got 0")
  t.raises(function() x:unbind(2) end, "unbind: argument dim: dim 2 is out of range for a tensor of 2 dims")
end)

t.test("elements move on, those at the end to the front", function()
  t.equal(x:roll(1), {{6, 1, 2}, {3, 4, 5}})
  t.equal(x:roll(1, 0), {{4, 5, 6}, {1, 2, 3}})
  t.equal(x:roll(-1, 1), {{2, 3, 1}, {5, 6, 4}})
  t.equal(x:roll({1, -1}, {0, 1}), {{5, 6, 4}, {2, 3, 1}})
  t.raises(function() x:roll({1, 2}, 0) end, "roll: argument dims: expected a table of 2 dims, one for each shift")
end)

t.test("different elements, different slices", function()
  local values, inverse, counts = embla.tensor({3, 1, 3, 2}):unique {return_inverse = true, return_counts = true}
  t.equal({values:tolist(), inverse:tolist(), counts:tolist()}, {{1, 2, 3}, {2, 0, 2, 1}, {1, 1, 2}})
  local slices, which, times = embla.tensor({{1, 2}, {0, 5}, {1, 2}}):unique {dim = 0, return_inverse = true,
                                                                             return_counts = true}
  t.equal({slices:tolist(), which:tolist(), times:tolist()}, {{{0, 5}, {1, 2}}, {1, 0, 1}, {1, 2}})
  t.raises(function() x:unique {dim = 2} end, "unique: argument dim: dim 2 is out of range")
end)

t.test("repeat_ is PyTorch's repeat", function()
  t.equal(embla.tensor({1, 2}):repeat_(2), {1, 2, 1, 2})
  t.equal(embla.tensor({1, 2}):repeat_(2, 1), {{1, 2}, {1, 2}})
end)

-- ---- values ----------------------------------------------------------------------------------------------------

t.test("masked_fill takes a tensor of 0 dims, and gives it its gradient", function()
  local y = embla.tensor({1.0, 2.0, 3.0}):requires_grad_()
  local value, mask = embla.tensor(5.0):requires_grad_(), embla.BoolTensor {true, false, true}
  local filled = y:masked_fill(mask, value)
  t.equal(filled, {5, 2, 5})
  filled:backward(embla.tensor {10.0, 20.0, 30.0})
  t.equal({y.grad:tolist(), value.grad:item()}, {{0, 20, 0}, 40})
  t.equal(embla.ones(3):masked_fill_(mask, embla.tensor(7.0)), {7, 1, 7})
  t.equal(embla.ones(3):masked_fill_(mask, 8), {8, 1, 8})
  t.raises(function() y:masked_fill(mask, embla.ones(1)) end,
           "masked_fill: argument value: expected a number or a tensor of 0 dims, this one has 1")
end)

t.test("where begins with the tensor", function()
  t.equal(x:where(x:gt(3), 0), {{0, 0, 0}, {4, 5, 6}})
  t.equal(x:where(x:gt(3), -x), {{-1, -2, -3}, {4, 5, 6}})
end)

t.test("max, min and median: of all, along a dim, of two tensors", function()
  t.equal({x:max():item(), x:min():item(), x:median():item()}, {6, 1, 3})
  local values, at = x:max(1)
  t.equal({values:tolist(), at:tolist()}, {{3, 6}, {2, 2}})
  values, at = x:min(0, true)
  t.equal({values:tolist(), at:tolist()}, {{{1, 2, 3}}, {{0, 0, 0}}})
  values, at = x:median(1)
  t.equal({values:tolist(), at:tolist()}, {{2, 5}, {1, 1}})
  t.equal(x:max(embla.full({2, 3}, 4)), {{4, 4, 4}, {4, 5, 6}})
  t.equal(x:min(embla.full({2, 3}, 4)), {{1, 2, 3}, {4, 4, 4}})
end)

-- ---- operators -------------------------------------------------------------------------------------------------

t.test("operators, with a number on either side", function()
  local a, b = embla.tensor {7.0, -7.0}, embla.tensor {2.0, 4.0}
  t.equal({(a + b):tolist(), (a - b):tolist(), (a * b):tolist(), (a / b):tolist()},
          {{9, -3}, {5, -11}, {14, -28}, {3.5, -1.75}})
  t.equal({(a // 2):tolist(), (a % 2):tolist(), (b ^ 2):tolist(), (-a):tolist()},
          {{3, -4}, {1, 1}, {4, 16}, {-7, 7}})
  t.equal({(1 + b):tolist(), (1 - b):tolist(), (3 * b):tolist(), (8 / b):tolist(), (2 ^ b):tolist()},
          {{3, 5}, {-1, -3}, {6, 12}, {4, 2}, {4, 16}})
  t.equal("b is " .. embla.tensor(2.5), "b is tensor(2.5000)")
  t.raises(function() return a < b end, "element by element with methods: x:lt(y)")
  t.raises(function() return a >= b end, "element by element with methods: x:lt(y)")
end)

t.finish()
