-- t[key] and t[key] = value with every kind of key; the wanted values are PyTorch's.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"

local function new() return embla.arange(12):view(3, 4) end
local x = new()

-- x with key = value.
local function set(key, value)
  local y = new()
  y[key] = value
  return y
end

t.test("integers, from either end", function()
  t.equal(x[1], {4, 5, 6, 7})
  t.equal(x[-1], {8, 9, 10, 11})
  t.equal(x[{1, -1}], 7)
  t.equal(embla.arange(3)[-3], 0)
  t.raises(function() return x[3] end, "index 3 is out of range for dim 0 of size 3")
  t.raises(function() return x[{0, 4}] end, "index 4 is out of range for dim 1 of size 4")
  t.raises(function() return x[{0, 0, 0}] end, "too many indices")
  t.raises(function() return x[{0.5}] end, "index: expected an integer, got 0.5")
end)

t.test("slices: open ends, steps, ends beyond the end", function()
  t.equal(x[{{1, nil}}], {{4, 5, 6, 7}, {8, 9, 10, 11}})
  t.equal(x[{{nil, 1}, {2}}], {{2, 3}})
  t.equal(x[{{}, {0, nil, 2}}], {{0, 2}, {4, 6}, {8, 10}})
  t.equal(x[{{-2, -1}, 0}], {4})
  t.equal(x[{{1, 99}, {}}].shape, {2, 4})
  t.equal(x[{{2, 1}}].shape, {0, 4})
  t.equal(x[{{-9, 1}, 3}], {3})
  t.raises(function() return x[{{0, 2, 0}}] end, "slice step must be at least 1")
end)

t.test("ids pick along a dim", function()
  local ids = embla.tensor {-1, 0}
  t.equal(x[ids], {{8, 9, 10, 11}, {0, 1, 2, 3}})
  t.equal(x[{{}, ids}], {{3, 0}, {7, 4}, {11, 8}})
  t.equal(x[{1, ids}], {7, 4})
  t.equal(x[{{0, 2}, embla.tensor {{1, 2}, {0, 0}}}].shape, {2, 2, 2})
  t.equal(x[{embla.tensor(2), {}}], {8, 9, 10, 11})
  t.raises(function() return x[{embla.tensor {3}}] end, "index 3")
end)

t.test("several ids go together, element by element", function()
  local rows, columns = embla.tensor {0, 2, -1}, embla.tensor {1, 3, -4}
  t.equal(x[{rows, columns}], {1, 11, 8})
  t.equal(x[{rows:unsqueeze(1), embla.tensor {0, 1}}], {{0, 1}, {8, 9}, {8, 9}})
  local y = embla.arange(24):view(2, 3, 4)
  t.equal(y[{{}, embla.tensor {0, 1}, embla.tensor {2, 3}}], {{2, 7}, {14, 19}})
  t.equal(y[{embla.tensor {0, 1}, {1, 3}, embla.tensor {2, 3}}], {{6, 10}, {19, 23}})    -- apart: to the front
  t.equal(y[{1, embla.tensor {0, 1}, embla.tensor {2}}], {14, 18})
  t.raises(function() return x[{rows, embla.tensor {0, 1}}] end, "(3)", "(2)")
  t.raises(function() return x[{rows, embla.tensor {4, 0, 0}}] end, "index 4 is out of range for dim 1 of size 4")
end)

t.test("masks", function()
  t.equal(x[x:gt(8)], {9, 10, 11})
  t.equal(x[embla.tensor {true, false, true}], {{0, 1, 2, 3}, {8, 9, 10, 11}})
  t.equal(x[{{}, embla.tensor {false, true, false, true}}], {{1, 3}, {5, 7}, {9, 11}})
  t.equal(x[{embla.tensor {true, false, true}, embla.tensor {1, 2}}], {1, 10})
  local y = embla.arange(24):view(2, 3, 4)
  t.equal(y[embla.tensor {{true, false, false}, {false, false, true}}], {{0, 1, 2, 3}, {20, 21, 22, 23}})
  t.equal(y[{{}, x:eq(5)}].shape, {2, 1})
  t.raises(function() return x[{embla.tensor {true, false}}] end, "a mask of 2 elements for dim 0 of size 3")
end)

t.test("assignment broadcasts numbers, tensors and tables", function()
  t.equal(set(1, 0), {{0, 1, 2, 3}, {0, 0, 0, 0}, {8, 9, 10, 11}})
  t.equal(set({{}, 0}, embla.tensor {7, 8, 9}), {{7, 1, 2, 3}, {8, 5, 6, 7}, {9, 9, 10, 11}})
  t.equal(set({{1, nil}, {2, nil}}, {{0}, {1}}), {{0, 1, 2, 3}, {4, 5, 0, 0}, {8, 9, 1, 1}})
  t.equal(set({{}, {0, nil, 2}}, -1), {{-1, 1, -1, 3}, {-1, 5, -1, 7}, {-1, 9, -1, 11}})
  t.equal(set({2, 3}, 99)[2], {8, 9, 10, 99})
  t.equal(set(x:ge(6), 0), {{0, 1, 2, 3}, {4, 5, 0, 0}, {0, 0, 0, 0}})
  t.equal(set(embla.tensor {0, -1}, embla.tensor {1, 2, 3, 4})[2], {1, 2, 3, 4})
  t.equal(set({embla.tensor {0, 1}, embla.tensor {0, 1}}, {50, 60}), {{50, 1, 2, 3}, {4, 60, 6, 7}, {8, 9, 10, 11}})
  t.equal(set({{}, embla.tensor {-1}}, 0), {{0, 1, 2, 0}, {4, 5, 6, 0}, {8, 9, 10, 0}})
  t.raises(function() set(1, embla.tensor {1, 2, 3}) end, "(3)", "(4)")
  t.raises(function() set(1, "a") end, "cannot put a string")
end)

t.test("assignment through a transposed tensor", function()
  local y = new()
  y.T[{embla.tensor {0, 3}}] = 0
  t.equal(y, {{0, 1, 2, 0}, {0, 5, 6, 0}, {0, 9, 10, 0}})
end)

t.test("an index table is a list of positions, slices and tensors", function()
  local m = embla.tensor {{1, 2, 3}, {4, 5, 6}}
  t.raises(function() return m[{}] end, "index: a table without positions")
  t.raises(function() return m[{nil}] end, "index: a table without positions, or with nothing but nil")
  t.raises(function() m[{nil}] = 1 end, "index: a table without positions")
  t.raises(function() return m[{nil, 1}] end, "index: a table with a hole: nothing stands at position 1")
  t.raises(function() return m[{0, 1, dim = 1}] end, "index: the name 'dim' in a list")
  t.raises(function() return m[{0, foo = 1}] end, "index: the name 'foo' in a list")
  t.raises(function() return m[{{0, 1, step = 2}, 1}] end, "index: a slice is {start, stop, step}, this one also holds")
  t.raises(function() return m[{{0, 1, 1, 1}, 1}] end, "index: a slice is {start, stop, step}")
  t.equal(m[{{}, 0}], embla.tensor {1, 4})
  t.equal(m[{{nil, 1}, {1}}], embla.tensor {{2, 3}})
  t.equal(embla.tensor(3)[{}], 3)
end)

-- Where memory is wanting garbage is collected, in the middle of the call.
t.test("a tensor that gets other rows in the middle of t[{ids, ids}] = v", function()
  local k, reached = 0, true
  while reached do
    local e = embla.nn.Embedding(4096, 8)
    local w, rows, columns = e.weight, embla.tensor {0, 1}, embla.tensor {0, 2}
    reached = false
    collectgarbage()
    setmetatable({}, {__gc = function()
      e:resize(2)
      reached = true
    end})
    core.fail_after(k, false, true)
    local ok, message = pcall(embla.no_grad, function() w[{rows, columns}] = 5 end)
    core.fail_after(-1)
    if ok then
      t.equal({w[{0, 0}], w[{1, 2}]}, {5.0, 5.0})
    else
      t.equal(message:match "assignment: a finalizer has given the tensor other rows" ~= nil, true)
    end
    k = k + 1
  end
  t.equal(k > 10, true)
  collectgarbage()                                      -- the last finalizer runs now, not while the state closes
end)

t.finish()
