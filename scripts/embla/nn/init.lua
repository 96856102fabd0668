-- nn: modules, layers, losses, and the functions behind them.

local later = require "embla.later"

local nn = {
  Module = require "embla.nn.module",
  Parameter = require "embla.nn.parameter",
  functional = require "embla.nn.functional",
}

return later(nn, "embla.nn.", {
  activations = "CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish ReLU "
                .. "ReLU6 SELU SiLU Sigmoid Softmax Softmin Softplus Softshrink Softsign Tanh Tanhshrink Threshold",
  adaptive_softmax = "AdaptiveLogSoftmaxWithLoss",
  batch_norm1d = "BatchNorm1d",
  bilinear = "Bilinear",
  conv1d = "Conv1d",
  dropout = "AlphaDropout Dropout Dropout1d",
  embedding = "Embedding",
  embedding_bag = "EmbeddingBag",
  flatten = "Flatten",
  glu = "GLU",
  group_norm = "GroupNorm",
  identity = "Identity",
  initializers = "init",
  layer_norm = "LayerNorm RMSNorm",
  linear = "Linear",
  losses = "BCELoss BCEWithLogitsLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss "
           .. "HuberLoss KLDivLoss L1Loss MSELoss MarginRankingLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss "
           .. "PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss",
  module_dict = "ModuleDict",
  module_list = "ModuleList",
  multihead_attention = "MultiheadAttention",
  pool1d = "AdaptiveAvgPool1d AdaptiveMaxPool1d AvgPool1d MaxPool1d",
  prelu = "PReLU",
  recurrent = "GRU LSTM RNN",
  recurrent_cell = "GRUCell LSTMCell RNNCell",
  sampled_softmax_loss = "SampledSoftmaxLoss",
  sequential = "Sequential",
  similarity = "CosineSimilarity PairwiseDistance",
  transformer = "TransformerEncoder TransformerEncoderLayer",
  unflatten = "Unflatten",
  utils = "utils",
})
