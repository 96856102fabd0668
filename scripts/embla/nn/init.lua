-- nn: modules, layers, losses, and the functions behind them.

local nn = {
  Module = require "embla.nn.module",
  Parameter = require "embla.nn.parameter",
  functional = require "embla.nn.functional",
  init = require "embla.nn.initializers",
  utils = require "embla.nn.utils",

  AdaptiveLogSoftmaxWithLoss = require "embla.nn.adaptive_softmax",
  BatchNorm1d = require "embla.nn.batch_norm1d",
  Bilinear = require "embla.nn.bilinear",
  Conv1d = require "embla.nn.conv1d",
  Embedding = require "embla.nn.embedding",
  EmbeddingBag = require "embla.nn.embedding_bag",
  Flatten = require "embla.nn.flatten",
  GLU = require "embla.nn.glu",
  GroupNorm = require "embla.nn.group_norm",
  Identity = require "embla.nn.identity",
  Linear = require "embla.nn.linear",
  ModuleDict = require "embla.nn.module_dict",
  ModuleList = require "embla.nn.module_list",
  MultiheadAttention = require "embla.nn.multihead_attention",
  PReLU = require "embla.nn.prelu",
  SampledSoftmaxLoss = require "embla.nn.sampled_softmax_loss",
  Sequential = require "embla.nn.sequential",
  Unflatten = require "embla.nn.unflatten",
}

for _, several in ipairs {"activations", "dropout", "layer_norm", "losses", "pool1d", "recurrent", "recurrent_cell",
                          "similarity", "transformer"} do
  for name, class in pairs(require("embla.nn." .. several)) do nn[name] = class end
end

return nn
