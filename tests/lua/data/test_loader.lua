-- DataLoader: batches in order and shuffled, the last one, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local data = embla.data

local function batches(options)
  local list = {}
  for x in data.DataLoader(data.TensorDataset(embla.arange(7)), options):iter() do list[#list + 1] = x:tolist() end
  return list
end

local function number_of(options)
  return #data.DataLoader(data.TensorDataset(embla.arange(7)), options)
end

t.test("batches come in order, the last one short or left out", function()
  t.equal(batches {batch_size = 3}, {{0, 1, 2}, {3, 4, 5}, {6}})
  t.equal(batches {batch_size = 3, drop_last = true}, {{0, 1, 2}, {3, 4, 5}})
  t.equal(batches {batch_size = 10}, {{0, 1, 2, 3, 4, 5, 6}})
  t.equal(#batches(), 7)
  t.equal({number_of {batch_size = 3}, number_of {batch_size = 3, drop_last = true}}, {3, 2})
end)

t.test("shuffled batches hold each sample once, in another order each time", function()
  embla.manual_seed(5)
  local orders = {}
  for round = 1, 3 do
    local all = {}
    for _, batch in ipairs(batches {batch_size = 2, shuffle = true}) do table.move(batch, 1, #batch, #all + 1, all) end
    orders[round] = table.concat(all, " ")
    table.sort(all)
    t.equal(all, {0, 1, 2, 3, 4, 5, 6})
  end
  t.equal(orders[1] ~= orders[2] or orders[2] ~= orders[3], true)
  embla.manual_seed(5)
  local all = {}
  for _, batch in ipairs(batches {batch_size = 2, shuffle = true}) do table.move(batch, 1, #batch, #all + 1, all) end
  t.equal(table.concat(all, " "), orders[1])
end)

t.test("several fields come side by side", function()
  local set = data.TensorDataset(embla.arange(4), embla.arange(4) * 10)
  for x, y in data.DataLoader(set, {batch_size = 2}):iter() do t.equal((x * 10):tolist(), y:tolist()) end
end)

t.test("an empty dataset has no batches", function()
  local loader = data.DataLoader(data.TensorDataset(embla.zeros(0, 2)), {shuffle = true})
  t.equal(#loader, 0)
  t.equal(loader:iter()(), nil)
end)

t.test("options that do not fit are refused", function()
  local set = data.TensorDataset(embla.arange(4))
  t.raises(function() data.DataLoader(set, {batchsize = 2}) end, "batchsize", "did you mean 'batch_size'")
  t.raises(function() data.DataLoader(set, {batch_size = 0}) end, "batch_size", ">= 1", "0")
  t.raises(function() data.DataLoader(set, {shuffle = 1}) end, "shuffle", "boolean")
  t.raises(function() data.DataLoader(embla.ones(3)) end, "DataLoader", "dataset", "tensor")
end)

t.finish()
