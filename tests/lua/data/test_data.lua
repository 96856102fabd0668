-- embla.data: what it holds.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local data = embla.data

t.test("datasets, samplers, a loader, how a dataset is cut and samples are put together", function()
  local found = {}
  for name in pairs(data) do found[#found + 1] = name end
  table.sort(found)
  t.equal(found, {"BatchSampler", "ConcatDataset", "DataLoader", "Dataset", "DistributedSampler", "Frame", "Graph",
                  "IterableDataset", "RandomSampler", "Sampler", "SequentialSampler", "ShuffleBuffer", "Subset",
                  "TensorDataset", "WeightedRandomSampler", "default_collate", "k_fold", "pad", "random_split"})
  for _, name in ipairs(found) do
    if name:find "^%u" and name ~= "Frame" then t.equal(data[name].__name, name) end
  end
end)

t.test("they work together", function()
  local x = embla.arange(7)
  local parts = {data.random_split(data.TensorDataset(x), {4, 3})}
  local sum, sizes = 0, {}
  for _, part in ipairs(parts) do
    for batch in data.DataLoader(part, {batch_size = 2}) do
      sum = sum + batch:sum():item()
      sizes[#sizes + 1] = batch:size(0)
    end
  end
  t.equal({sum, sizes}, {21, {2, 2, 2, 1}})
end)

t.test("another name is refused with the nearest", function()
  t.raises(function() return data.Dataloader end, "embla.data has no 'Dataloader', did you mean 'DataLoader'?")
end)

t.finish()
