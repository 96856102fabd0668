-- data: datasets and the batches a training loop reads from them.

local dataset = require "embla.data.dataset"

return {
  Dataset = dataset.Dataset,
  TensorDataset = dataset.TensorDataset,
  Subset = dataset.Subset,
  random_split = dataset.random_split,
  DataLoader = require "embla.data.loader",
}
