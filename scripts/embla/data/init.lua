-- data: datasets and the batches a training loop reads from them.

local lazy = require "embla.base.lazy"
local collate = require "embla.data.collate"
local dataset = require "embla.data.dataset"

return lazy({
  Dataset = dataset.Dataset,
  TensorDataset = dataset.TensorDataset,
  Subset = dataset.Subset,
  ConcatDataset = dataset.ConcatDataset,
  DataLoader = require "embla.data.loader",
  default_collate = collate.default_collate,
  pad = collate.pad,
}, "embla.data.", {
  frame = "Frame",
  graph = "Graph",
  iterable = "IterableDataset ShuffleBuffer",
  sampler = "Sampler SequentialSampler RandomSampler WeightedRandomSampler DistributedSampler BatchSampler",
  split = "random_split k_fold",
})
