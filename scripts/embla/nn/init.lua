-- nn: modules, layers, losses, and the functions behind them.

local lazy = require "embla.base.lazy"

local nn = {
  Module = require "embla.nn.module",
  Parameter = require "embla.nn.parameter",
  functional = require "embla.nn.functional",
}

return lazy(nn, "embla.nn.", {
  ["layers.activations"] = "CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid "
                            .. "LogSoftmax Mish ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmin Softplus "
                            .. "Softshrink Softsign Tanh Tanhshrink Threshold",
  ["losses.adaptive_softmax"] = "AdaptiveLogSoftmaxWithLoss",
  ["normalization.batch_norm1d"] = "BatchNorm1d",
  ["layers.bilinear"] = "Bilinear",
  ["layers.conv1d"] = "Conv1d",
  ["layers.dropout"] = "AlphaDropout Dropout Dropout1d",
  ["embedding.embedding"] = "Embedding",
  ["embedding.embedding_bag"] = "EmbeddingBag",
  ["layers.flatten"] = "Flatten",
  ["layers.glu"] = "GLU",
  ["normalization.group_norm"] = "GroupNorm",
  ["layers.identity"] = "Identity",
  initializers = "init",
  ["normalization.layer_norm"] = "LayerNorm RMSNorm",
  ["layers.linear"] = "Linear",
  losses = "BCELoss BCEWithLogitsLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss "
           .. "HuberLoss KLDivLoss L1Loss MSELoss MarginRankingLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss "
           .. "PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss",
  ["containers.module_dict"] = "ModuleDict",
  ["containers.module_list"] = "ModuleList",
  ["attention.multihead_attention"] = "MultiheadAttention",
  ["layers.pool1d"] = "AdaptiveAvgPool1d AdaptiveMaxPool1d AvgPool1d MaxPool1d",
  ["layers.prelu"] = "PReLU",
  ["recurrent.layer"] = "GRU LSTM RNN",
  ["recurrent.cell"] = "GRUCell LSTMCell RNNCell",
  ["losses.sampled_softmax_loss"] = "SampledSoftmaxLoss",
  ["containers.sequential"] = "Sequential",
  ["layers.similarity"] = "CosineSimilarity PairwiseDistance",
  ["attention.transformer"] = "TransformerEncoder TransformerEncoderLayer",
  ["layers.unflatten"] = "Unflatten",
  utils = "utils",
})
