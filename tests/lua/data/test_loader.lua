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

t.test("a loop may go over the loader itself, also within itself, left and begun anew", function()
  local set = data.TensorDataset(embla.arange(4), embla.arange(4) * 10)
  local loader, seen = data.DataLoader(set, {batch_size = 2}), {}
  for x, y in loader do
    t.equal((x * 10):tolist(), y:tolist())
    for inner in loader do
      seen[#seen + 1] = {x:tolist()[1], inner:tolist()[1]}
    end
  end
  t.equal(seen, {{0, 0}, {0, 2}, {2, 0}, {2, 2}})
  for _ = 1, 3 do
    for x, y in loader do
      t.equal({x:tolist(), y:tolist()}, {{0, 1}, {0, 10}})
      if #seen > 0 then break end
    end
  end
  local Own = data.Dataset:extend "Own"                 -- batches that are numbers
  function Own.__len() return 3 end
  function Own.batch(_, ids) return ids:sum():item(), "x" end
  local sums = {}
  for sum, text in data.DataLoader(Own(), {batch_size = 1}) do sums[#sums + 1] = {sum, text} end
  t.equal(sums, {{0, "x"}, {1, "x"}, {2, "x"}})
  for _ in data.DataLoader(data.TensorDataset(embla.zeros(0, 2))) do t.fail "a batch" end
end)

t.test("what is no loop is refused", function()
  local loader = data.DataLoader(data.TensorDataset(embla.arange(4)))
  t.raises(function() loader() end, "DataLoader: it is not called: write `for x, y in loader do`")
  t.raises(function() loader(nil, 3) end, "DataLoader: it is not called")
  t.raises(function() for _ in ipairs(loader) do t.fail "a round" end end,
           "DataLoader: batches have no numbers: write `for x, y in loader do`")
  t.raises(function() return loader[0] end, "DataLoader: batches have no numbers")
  t.raises(function() return ipairs(loader.dataset)(loader.dataset, 0) end, "TensorDataset: samples are read by get(i)")
  t.equal({loader.nothing, loader.dataset.nothing}, {})
end)

t.test("loaders and datasets print what they are", function()
  local set = data.TensorDataset(embla.zeros(6, 2), embla.arange(6))
  t.equal(tostring(set), "TensorDataset(6 samples, (6, 2) float32, (6) int64)")
  t.equal(tostring(data.DataLoader(set, {batch_size = 4, shuffle = true})),
          "DataLoader(" .. tostring(set) .. ", batch_size=4, shuffle=True, drop_last=False)")
  t.equal(tostring(data.Subset(set, embla.arange(2))),
          "Subset(2 samples of TensorDataset(6 samples, (6, 2) float32, (6) int64))")
  local Own = data.Dataset:extend "Own"
  t.equal(tostring(Own()), "Own")
  function Own.__len() return 9 end
  t.equal(tostring(Own()), "Own(9 samples)")
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
