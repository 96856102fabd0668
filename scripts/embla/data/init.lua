-- data: datasets and the batches a training loop reads from them.

local later = require "embla.later"
local dataset = require "embla.data.dataset"

return later({
  Dataset = dataset.Dataset,
  TensorDataset = dataset.TensorDataset,
  Subset = dataset.Subset,
  random_split = dataset.random_split,
  DataLoader = require "embla.data.loader",
}, "embla.data.", {})
