-- Changes in place and assignment to parts while gradients are recorded: values and gradients worked out by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local function leaf(data) return embla.tensor(data, {requires_grad = true}) end

-- y = 1 * x, a part of y assigned; gradients of sum(weights * y).
local function gradients(x, v, weights, assign)
  local y = x * 1
  assign(y, v)
  ;(y * embla.tensor(weights)):sum():backward()
  return x.grad:tolist(), v.grad:tolist(), y
end

local WEIGHTS = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}

t.test("a row", function()
  local dx, dv, y = gradients(leaf {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, leaf {7.0, 8.0, 9.0}, WEIGHTS,
    function(y, v) y[0] = v end)
  t.equal(y, {{7.0, 8.0, 9.0}, {4.0, 5.0, 6.0}})
  t.equal(dx, {{0.0, 0.0, 0.0}, {4.0, 5.0, 6.0}})
  t.equal(dv, {1.0, 2.0, 3.0})
end)

t.test("a slice, the value broadcast", function()
  local dx, dv, y = gradients(leaf {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, leaf {7.0}, WEIGHTS,
    function(y, v) y[{{}, {1, 3}}] = v end)
  t.equal(y, {{1.0, 7.0, 7.0}, {4.0, 7.0, 7.0}})
  t.equal(dx, {{1.0, 0.0, 0.0}, {4.0, 0.0, 0.0}})
  t.equal(dv, {2.0 + 3 + 5 + 6})
end)

t.test("one element, a number", function()
  local x = leaf {1.0, 2.0}
  local y = x * 3
  y[1] = 5
  t.equal(y, {3.0, 5.0})
  y:sum():backward()
  t.equal(x.grad, {3.0, 0.0})
end)

t.test("a mask", function()
  local dx, dv, y = gradients(leaf {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, leaf {7.0, 8.0}, WEIGHTS,
    function(y, v) y[embla.BoolTensor {{false, true, false}, {false, false, true}}] = v end)
  t.equal(y, {{1.0, 7.0, 3.0}, {4.0, 5.0, 8.0}})
  t.equal(dx, {{1.0, 0.0, 3.0}, {4.0, 5.0, 0.0}})
  t.equal(dv, {2.0, 6.0})
end)

t.test("rows by ids, ids inside a table", function()
  local function case() return leaf {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}} end
  local dx, dv = gradients(case(), leaf {7.0, 8.0, 9.0}, WEIGHTS,
    function(y, v) y[embla.LongTensor {1}] = v end)
  t.equal({dx, dv}, {{{1.0, 2.0, 3.0}, {0.0, 0.0, 0.0}}, {4.0, 5.0, 6.0}})
  local y
  dx, dv, y = gradients(case(), leaf {{7.0, 8.0}}, WEIGHTS,
    function(z, v) z[{{0, 1}, embla.LongTensor {2, 0}}] = v end)
  t.equal(y, {{8.0, 2.0, 7.0}, {4.0, 5.0, 6.0}})
  t.equal({dx, dv}, {{{0.0, 2.0, 0.0}, {4.0, 5.0, 6.0}}, {{3.0, 1.0}}})
end)

t.test("a tensor filled row by row, as in a recurrence", function()
  local h, out = leaf {1.0, 1.0}, embla.zeros(3, 2)
  for i = 0, 2 do out[i] = h * (i + 1) end
  t.equal(out.requires_grad, true)
  out:sum():backward()
  t.equal(h.grad, {6.0, 6.0})
end)

t.test("a view is changed: base and other views see it", function()
  local x, w = leaf {{1.0, 1.0, 1.0}, {1.0, 1.0, 1.0}}, leaf {3.0, 5.0}
  local y = x * 2
  local turned = y:t()
  local column = turned[1]
  column:mul_(w)
  t.equal(y, {{2.0, 6.0, 2.0}, {2.0, 10.0, 2.0}})
  ;(y:sum() + turned:sum() + column:sum()):backward()
  t.equal(x.grad, {{4.0, 3 * 2 * 3.0, 4.0}, {4.0, 3 * 2 * 5.0, 4.0}})
  t.equal(w.grad, {6.0, 6.0})
end)

t.test("the base is changed: a view made before follows", function()
  local x = leaf {1.0, 2.0}
  local y = x * 1
  local part = y[{{0, 1}}]
  y:mul_(y:detach())
  part:sum():backward()
  t.equal(x.grad, {1.0, 0.0})
end)

t.test("copy_ fill_ zero_ masked_fill_ index_add_ scatter_ and related ones on a tensor with a history", function()
  local ids = embla.LongTensor {1}
  local cases = {
    copy_ = {function(y, v) y:copy_(v) end, {0.0, 0.0}, 3.0},
    fill_ = {function(y) y:fill_(7) end, {0.0, 0.0}},
    zero_ = {function(y) y:zero_() end, {0.0, 0.0}},
    normal_ = {function(y) y:normal_() end, {0.0, 0.0}},
    uniform_ = {function(y) y:uniform_() end, {0.0, 0.0}},
    masked_fill_ = {function(y, v) y:masked_fill_(embla.BoolTensor {true, false}, v:sum()) end, {0.0, 2.0}, 1.0},
    index_add_ = {function(y, v) y:index_add_(0, ids, v) end, {1.0, 2.0}, 2.0},
    index_copy_ = {function(y, v) y:index_copy_(0, ids, v) end, {1.0, 0.0}, 2.0},
    index_fill_ = {function(y, v) y:index_fill_(0, ids, v:sum()) end, {1.0, 0.0}, 2.0},
    index_put_ = {function(y, v) y:index_put_(ids, v) end, {1.0, 0.0}, 2.0},
    scatter_ = {function(y, v) y:scatter_(0, ids, v) end, {1.0, 0.0}, 2.0},
    scatter_add_ = {function(y, v) y:scatter_add_(0, ids, v) end, {1.0, 2.0}, 2.0},
  }
  for name, case in pairs(cases) do
    local x, v = leaf {1.0, 1.0}, leaf {5.0}
    local y = x * 1
    case[1](y, v)
    ;(y * embla.tensor {1.0, 2.0}):sum():backward()
    t.equal({name, x.grad:tolist()}, {name, case[2]})
    if case[3] then t.equal({name, v.grad:item()}, {name, case[3]}) end
  end
end)

t.test("masked_fill_ with a number, and with what does not fit", function()
  local x = leaf {1.0, 1.0}
  local mask = embla.BoolTensor {true, false}
  local y = x * 1
  y:masked_fill_(mask, 5)
  t.equal(y, {5.0, 1.0})
  y:sum():backward()
  t.equal(x.grad, {0.0, 1.0})
  t.raises(function() y:masked_fill(mask, embla.ones(2)) end, "masked_fill: argument value", "0 dims")
end)

t.test("a leaf that requires grad, or a view of it, is refused and unchanged", function()
  local x = leaf {{1.0, 2.0}, {3.0, 4.0}}
  for _, change in ipairs {
    function() x[0] = 1 end, function() x[{0, 1}] = 5 end, function() x[0]:fill_(2) end, function() x:zero_() end,
    function() x:copy_(embla.zeros(2, 2)) end, function() x:t():add_(1) end, function() x:normal_() end,
    function() x[embla.tensor {true, false}] = 0 end,
  } do
    t.raises(change, "test_in_place.lua", "a leaf that requires grad")
  end
  t.equal(x, {{1.0, 2.0}, {3.0, 4.0}})
  embla.no_grad(function() x[0] = 0 end)
  t.equal(x, {{0.0, 0.0}, {3.0, 4.0}})
end)

t.test("a value that backward needs is missed", function()
  local x = leaf {1.0, 2.0}
  local y = x * 1
  local z = (y * y):sum()
  y[0] = 5
  t.raises(function() z:backward() end, "mul", "modified by an in-place operation")
end)

t.test("an unrecorded change in between leaves the history alone", function()
  local w = leaf {{1.0, 2.0}, {3.0, 4.0}}
  local turned = w:t()
  embla.no_grad(function() w:mul_(10) end)
  turned[0]:sum():backward()
  t.equal(w.grad, {{1.0, 0.0}, {1.0, 0.0}})
end)

t.test("a value of the wrong shape is refused", function()
  local y = leaf {1.0, 2.0} * 1
  t.raises(function() y[{{0, 2}}] = embla.zeros(3) end, "copy: src (3)", "(2)")
  t.equal(y, {1.0, 2.0})
end)

t.test("bytes come back", function()
  local memory = require "embla.core".memory
  local function once()
    local x = leaf {{1.0, 2.0}, {3.0, 4.0}}
    local y = x * 1
    for i = 0, 1 do y[i] = y[1 - i]:clone() end
    y:t()[0]:add_(1)
    y:sum():backward()
  end
  once()
  collectgarbage()
  collectgarbage()
  local before = memory()
  for _ = 1, 10 do once() end
  collectgarbage()
  collectgarbage()
  t.equal(memory(), before)
end)

t.finish()
