-- Datasets: samples, batches, parts, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local data = embla.data

local function numbers(n)
  return data.TensorDataset(embla.arange(n), (embla.arange(n) * 10):reshape(n, 1))
end

t.test("a TensorDataset gives rows and batches", function()
  local set = numbers(5)
  t.equal({#set, set:size()}, {5, 5})
  local x, y = set:get(3)
  t.equal({x:item(), y:tolist()[1]}, {3, 30})
  x, y = set:batch(embla.LongTensor {4, 0})
  t.equal(x, {4, 0})
  t.equal(y, {{40}, {0}})
end)

t.test("a TensorDataset refuses what does not fit", function()
  t.raises(function() data.TensorDataset() end, "TensorDataset", "at least one")
  t.raises(function() data.TensorDataset(embla.ones(2), 3) end, "argument 2", "tensor", "3")
  t.raises(function() data.TensorDataset(embla.ones(2), embla.ones(3)) end, "argument 2 has 3 rows, argument 1 has 2")
  for _, bad in ipairs {-1, 5, 1.5} do
    t.raises(function() numbers(5):get(bad) end, "position", "5 samples", "count from 0")
  end
end)

t.test("a dataset of one's own is stacked", function()
  local Squares = data.Dataset:extend "Squares"
  function Squares.__len() return 4 end
  function Squares.get(_, i) return embla.tensor {i * 1.0, i * i * 1.0}, i end
  local vectors, labels = Squares():batch(embla.LongTensor {3, 1})
  t.equal(vectors, {{3, 9}, {1, 1}})
  t.equal(labels, {3, 1})
  t.equal(labels.dtype, "int64")
  local Nothing = data.Dataset:extend "Nothing"
  t.raises(function() Nothing():get(0) end, "Nothing", "get")
end)

t.test("random_split gives every sample to one part", function()
  embla.manual_seed(1)
  local a, b = data.random_split(numbers(10), {7, 3})
  t.equal({#a, #b}, {7, 3})
  local seen = {}
  for _, part in ipairs {a, b} do
    for i = 0, #part - 1 do seen[#seen + 1] = part:get(i):item() end
  end
  table.sort(seen)
  t.equal(seen, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
  t.equal(b:batch(embla.LongTensor {0}), {b:get(0):item()})
  t.raises(function() b:get(3) end, "position 3", "3 samples")
end)

t.test("random_split takes fractions", function()
  local a, b, c = data.random_split(numbers(10), {0.5, 0.25, 0.25})
  t.equal({#a, #b, #c}, {6, 2, 2})
end)

t.test("random_split refuses sizes that do not sum up", function()
  t.raises(function() data.random_split(numbers(10), {7, 2}) end, "random_split", "9", "10")
  t.raises(function() data.random_split(numbers(10), {-1, 11}) end, "random_split", "-1")
  t.raises(function() data.random_split(numbers(10), 5) end, "random_split", "list", "5")
end)

t.finish()
