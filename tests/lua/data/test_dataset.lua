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

t.test("samples of a batch have fields of the same kinds", function()
  local function batch_of(...)
    local Mixed, samples = data.Dataset:extend "Mixed", {...}
    function Mixed.get(_, i) return table.unpack(samples[i + 1]) end
    return Mixed():batch(embla.arange(#samples))
  end
  local x, y = batch_of({embla.ones(2), 3}, {embla.zeros(2), 4})
  t.equal({x:tolist(), y:tolist()}, {{{1, 1}, {0, 0}}, {3, 4}})
  t.raises(function() batch_of({1, 2}, {1}) end, "Mixed: get(1): the sample has 1 fields, the batch's first 2")
  t.raises(function() batch_of({1}, {embla.ones(1)}) end,
           "Mixed: get(1): field 1: expected a number as in the batch's first sample, got a tensor")
  t.raises(function() batch_of({embla.ones(1)}, {true}) end,
           "Mixed: get(1): field 1: expected a tensor as in the batch's first sample, got true")
  t.raises(function() batch_of({print}) end, "Mixed: get(0): field 1: expected a tensor, a number, a boolean, a string",
           "got a function")
  t.raises(function() batch_of({1}, {}) end, "Mixed: get(1) returned nothing")
  t.raises(function() batch_of({1, 2}, {1, nil, 3}) end, "Mixed: get(1): field 2: expected", "got nil")
end)

t.test("a sample may have texts, booleans and names", function()
  local Words, words = data.Dataset:extend "Words", {"a", "b", "c"}
  function Words.__len() return 3 end
  function Words.get(_, i) return words[i + 1], i > 0, {place = i, at = embla.ones(1) * i} end
  local word, later, named = Words():batch(embla.LongTensor {2, 0})
  t.equal({word, later:tolist(), named.place:tolist()}, {{"c", "a"}, {true, false}, {2, 0}})
  t.equal(named.at, {{2}, {0}})
end)

-- ---- ConcatDataset ---------------------------------------------------------------------------------------------

local function range(first, n) return embla.arange(n) + first end

t.test("datasets behind one another are one", function()
  local whole = data.ConcatDataset {data.TensorDataset(range(0, 3)), data.TensorDataset(range(3, 0)),
                                    data.TensorDataset(range(3, 1)), data.TensorDataset(range(4, 4))}
  t.equal({#whole, whole:size()}, {8, 8})
  for i = 0, 7 do t.equal(whole:get(i):item(), i) end
  t.equal(whole:batch(embla.LongTensor {7, 0, 3, 2, 4, 0, 6}), {7, 0, 3, 2, 4, 0, 6})
  t.equal(whole:batch(embla.LongTensor {5, 4}), {5, 4})
  t.equal(whole:batch(embla.zeros(0, {dtype = "int64"})).shape, {0})
  t.equal(tostring(whole), "ConcatDataset(8 samples of 4 datasets)")
  local seen = {}
  for x in data.DataLoader(whole, {batch_size = 3, shuffle = true}) do
    table.move(x:tolist(), 1, x:size(0), #seen + 1, seen)
  end
  table.sort(seen)
  t.equal(seen, {0, 1, 2, 3, 4, 5, 6, 7})
end)

t.test("one dataset may stand in it twice, and datasets of one's own beside tensors", function()
  local part = data.TensorDataset(range(0, 2), range(10, 2))
  local x, y = data.ConcatDataset({part, part}):batch(embla.LongTensor {3, 0, 2, 1})
  t.equal({x:tolist(), y:tolist()}, {{1, 0, 0, 1}, {11, 10, 10, 11}})
  local Words = data.Dataset:extend "Words"
  function Words.__len() return 2 end
  function Words.get(_, i) return ("w%d"):format(i) end
  t.equal(data.ConcatDataset({Words(), Words()}):batch(embla.LongTensor {3, 0}), {"w1", "w0"})
  local Own = data.Dataset:extend "Own"
  function Own.__len() return 1 end
  function Own.get() return embla.tensor(7), 8 end
  x, y = data.ConcatDataset({part, Own()}):batch(embla.LongTensor {2, 1})
  t.equal({x:tolist(), y:tolist()}, {{7, 1}, {8, 11}})
end)

t.test("ConcatDataset refuses what does not fit", function()
  local part = data.TensorDataset(range(0, 2))
  t.raises(function() data.ConcatDataset {} end, "ConcatDataset: argument datasets", "an empty one")
  t.raises(function() data.ConcatDataset(5) end, "ConcatDataset: argument datasets", "got 5")
  t.raises(function() data.ConcatDataset({part, part}):batch(embla.tensor(1)) end,
           "ConcatDataset: batch: argument ids: expected a tensor of 1 dimension, got one of 0")
  t.raises(function() data.ConcatDataset {part, 3} end, "ConcatDataset: argument datasets[2]: expected a dataset",
           "got 3")
  local whole = data.ConcatDataset {part, part}
  for _, bad in ipairs {-1, 4, 1.5, "x"} do
    t.raises(function() whole:get(bad) end, "ConcatDataset: position", "4 samples")
  end
  t.raises(function() whole:batch(embla.LongTensor {0, 4}) end, "ConcatDataset: position 4")
  t.raises(function() return whole[1] end, "ConcatDataset: samples are read by get(i)")
  local two = data.ConcatDataset {part, data.TensorDataset(range(0, 2), range(0, 2))}
  t.raises(function() two:batch(embla.LongTensor {0, 2}) end, "get(2): the sample has 2 fields, the batch's first 1")
end)

t.finish()
