-- The gradient of every layer and loss of nn by central differences, in double: inputs and parameters. The classes of
-- nn are walked, so a layer without a case fails.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local gradient = require "support.gradient"
local nn = embla.nn

-- ---- inputs ----------------------------------------------------------------------------------------------------

local function x(...) return embla.randn({...}, {dtype = "float64"}):requires_grad_() end

-- Between 0.1 and 0.9: probabilities.
local function p(...) return (embla.rand({...}, {dtype = "float64"}) * 0.8 + 0.1):requires_grad_() end

local function fixed(...) return p(...):detach() end

local ids = embla.LongTensor

-- 1 and -1 in turn.
local function signs(n)
  local list = {}
  for i = 1, n do list[i] = i % 2 * 2.0 - 1 end
  return embla.tensor(list, {dtype = "float64"})
end

-- ---- cases -----------------------------------------------------------------------------------------------------

-- Each case is a function that returns the layer and what it is called with; a name has one or several.
local CASES = {}

-- Layers of one tensor, called with shape (3, 4) unless another is given.
local function plain(name, options, ...)
  local shape = select("#", ...) > 0 and {...} or {3, 4}
  CASES[name] = CASES[name] or {}
  table.insert(CASES[name], function()
    return nn[name](table.unpack(options)), embla.randn(shape, {dtype = "float64"}):requires_grad_()
  end)
end

local function case(name, make)
  CASES[name] = CASES[name] or {}
  table.insert(CASES[name], make)
end

for _, name in ipairs {
  "ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Softplus", "Softsign", "Tanh",
  "Tanhshrink", "Sigmoid", "LogSigmoid", "Hardtanh", "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink", "PReLU",
  "Identity", "GLU", "Flatten", "Dropout", "AlphaDropout",
} do
  plain(name, {})
end
plain("GELU", {"tanh"})
plain("PReLU", {4})
plain("Threshold", {0.1, 2.0})
for _, name in ipairs {"Softmax", "LogSoftmax", "Softmin"} do plain(name, {-1}); plain(name, {0}) end
plain("Dropout1d", {}, 3, 4, 2)
plain("Unflatten", {1, {2, 2}})
plain("Linear", {4, 3})
plain("Linear", {4, 3, {bias = false}}, 2, 2, 4)
plain("LayerNorm", {4})
plain("LayerNorm", {{3, 4}, {elementwise_affine = false}}, 2, 3, 4)
plain("RMSNorm", {4})
plain("GroupNorm", {2, 4})
plain("GroupNorm", {2, 4}, 2, 4, 3)
plain("BatchNorm1d", {4})
plain("BatchNorm1d", {4}, 2, 4, 3)
plain("Conv1d", {2, 3, 2}, 2, 2, 5)
plain("Conv1d", {4, 4, 3, {stride = 2, padding = 2, dilation = 2, groups = 2}}, 1, 4, 6)
plain("Conv1d", {2, 2, 3, {padding = "same", padding_mode = "reflect", bias = false}}, 2, 4)
plain("MaxPool1d", {2}, 1, 2, 5)
plain("AvgPool1d", {2, {padding = 1}}, 1, 2, 5)
plain("AdaptiveMaxPool1d", {2}, 1, 2, 5)
plain("AdaptiveAvgPool1d", {3}, 1, 2, 5)
plain("RNN", {4, 2}, 3, 2, 4)
plain("RNN", {4, 2, {nonlinearity = "relu", num_layers = 2, bidirectional = true}}, 3, 2, 4)
plain("LSTM", {4, 2}, 3, 2, 4)
plain("GRU", {4, 2}, 3, 2, 4)
plain("RNNCell", {4, 2})
plain("GRUCell", {4, 2})
plain("LSTMCell", {4, 2})
plain("TransformerEncoderLayer", {4, 2, {dim_feedforward = 3, activation = "gelu", dropout = 0.2}}, 3, 2, 4)
plain("TransformerEncoderLayer", {4, 2, {dim_feedforward = 3, norm_first = true, batch_first = true}}, 2, 3, 4)

case("Bilinear", function() return nn.Bilinear(2, 3, 2), x(4, 2), x(4, 3) end)
case("Embedding", function() return nn.Embedding(5, 3), ids {{1, 4}, {1, 0}} end)
case("Embedding", function() return nn.Embedding(5, 3, {sparse = true, padding_idx = 1}), ids {0, 4, 4} end)
for _, mode in ipairs {"sum", "mean", "max"} do
  case("EmbeddingBag", function() return nn.EmbeddingBag(5, 3, {mode = mode}), ids {1, 4, 1, 0}, ids {0, 3} end)
end
case("EmbeddingBag", function()
  return nn.EmbeddingBag(5, 3, {mode = "sum"}), ids {1, 4, 1}, ids {0, 2}, x(3)
end)
case("Sequential", function() return nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 2)), x(2, 3) end)
case("GRU", function()
  return nn.GRU(3, 2, {num_layers = 2, bidirectional = true, batch_first = true}), x(2, 3, 3), x(4, 2, 2), {2, 3}
end)
case("LSTM", function()
  return nn.LSTM(3, 2, {num_layers = 2, bidirectional = true, dropout = 0.5}), x(3, 2, 3), {x(4, 2, 2), x(4, 2, 2)},
         {lengths = {3, 1}}
end)
case("LSTMCell", function() return nn.LSTMCell(3, 2), x(4, 3), {x(4, 2), x(4, 2)} end)
case("GRUCell", function() return nn.GRUCell(3, 2), x(4, 3), x(4, 2) end)
case("MultiheadAttention", function() return nn.MultiheadAttention(4, 2), x(3, 2, 4), x(2, 2, 4), x(2, 2, 4) end)
case("MultiheadAttention", function()
  local z = x(3, 2, 4)
  return nn.MultiheadAttention(4, 2, {dropout = 0.3}), z, z, z, {need_weights = false, is_causal = true}
end)
case("MultiheadAttention", function()
  local mask = embla.zeros(2, 3, {dtype = "float64"}):requires_grad_()
  local layer = nn.MultiheadAttention(4, 2, {kdim = 3, vdim = 2, batch_first = true, add_bias_kv = true,
                                             add_zero_attn = true})
  return layer, x(1, 2, 4), x(1, 3, 3), x(1, 3, 2), {attn_mask = mask}
end)
case("TransformerEncoder", function()
  local layer = nn.TransformerEncoderLayer(4, 2, {dim_feedforward = 3, dropout = 0})
  return nn.TransformerEncoder(layer, 2, {norm = nn.LayerNorm(4)}), x(3, 1, 4), {is_causal = true}
end)
case("CosineSimilarity", function() return nn.CosineSimilarity(), x(3, 4), x(3, 4) end)
case("PairwiseDistance", function() return nn.PairwiseDistance(), x(3, 4), x(3, 4) end)
case("PairwiseDistance", function() return nn.PairwiseDistance(1), x(3, 4), x(3, 4) end)

-- losses
for _, name in ipairs {"L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss"} do
  for _, reduction in ipairs {"mean", "none"} do
    case(name, function() return nn[name] {reduction = reduction}, x(3, 4), x(3, 4) end)
  end
end
case("BCELoss", function() return nn.BCELoss(), p(3, 4), fixed(3, 4) end)
case("BCEWithLogitsLoss", function()
  return nn.BCEWithLogitsLoss {pos_weight = fixed(4)}, x(3, 4), fixed(3, 4)
end)
case("NLLLoss", function() return nn.NLLLoss {weight = fixed(4)}, x(3, 4), ids {1, 3, 0} end)
case("CrossEntropyLoss", function()
  return nn.CrossEntropyLoss {weight = fixed(4), label_smoothing = 0.1, ignore_index = 2}, x(3, 4), ids {1, 2, 0}
end)
case("CrossEntropyLoss", function() return nn.CrossEntropyLoss(), x(2, 4), fixed(2, 4) end)
case("KLDivLoss", function() return nn.KLDivLoss {reduction = "batchmean"}, x(3, 4), p(3, 4) end)
case("PoissonNLLLoss", function() return nn.PoissonNLLLoss(), x(3, 4), fixed(3, 4) end)
case("GaussianNLLLoss", function() return nn.GaussianNLLLoss(), x(3, 4), fixed(3, 4), p(3, 4) end)
case("MarginRankingLoss", function() return nn.MarginRankingLoss {margin = 0.3}, x(4), x(4), signs(4) end)
case("HingeEmbeddingLoss", function() return nn.HingeEmbeddingLoss(), x(4), signs(4) end)
case("CosineEmbeddingLoss", function() return nn.CosineEmbeddingLoss(), x(4, 3), x(4, 3), signs(4) end)
case("TripletMarginLoss", function() return nn.TripletMarginLoss {swap = true}, x(3, 4), x(3, 4), x(3, 4) end)
case("MultiMarginLoss", function() return nn.MultiMarginLoss(), x(3, 4), ids {1, 3, 0} end)
case("SoftMarginLoss", function() return nn.SoftMarginLoss(), x(4), signs(4) end)
case("MultiLabelSoftMarginLoss", function() return nn.MultiLabelSoftMarginLoss(), x(3, 4), fixed(3, 4):round() end)
case("AdaptiveLogSoftmaxWithLoss", function()
  return nn.AdaptiveLogSoftmaxWithLoss(4, 7, {2, 4}, {div_value = 2}), x(4, 4), ids {0, 3, 6, 1}
end)
case("SampledSoftmaxLoss", function() return nn.SampledSoftmaxLoss(4, 9, 3), x(3, 4), ids {0, 8, 3} end)

-- ---- the walk --------------------------------------------------------------------------------------------------

-- Classes that compute nothing themselves.
local NOT_CALLED = {Module = true, ModuleDict = true, ModuleList = true}

local function is_class(value) return type(value) == "table" and rawget(value, "__index") == value end

-- Tensors among the arguments that require grad, by name.
local function leaves_of(values, leaves, path)
  for key, value in pairs(values) do
    if t.is_tensor(value) and value.requires_grad then
      leaves["argument " .. path .. key] = value
    elseif type(value) == "table" then
      leaves_of(value, leaves, path .. key .. ".")
    end
  end
  return leaves
end

local function run(make)
  embla.manual_seed(5)
  local made = {make()}
  local layer = table.remove(made, 1):double()
  local leaves = leaves_of(made, {}, "")
  for name, parameter in layer:named_parameters() do leaves["parameter " .. name] = parameter end
  gradient.check(function() return layer(table.unpack(made)) end, leaves)
end

local names = {}
for name, value in pairs(nn) do
  if is_class(value) and not NOT_CALLED[name] then names[#names + 1] = name end
end
table.sort(names)

for _, name in ipairs(names) do
  local cases = CASES[name]
  t.test(name .. " has a case", function()
    if not cases then t.fail("write one in this file, for inputs and parameters") end
  end)
  for i, make in ipairs(cases or {}) do
    t.test(("%s, case %d: backward gives its slopes"):format(name, i), function() run(make) end)
  end
end

t.test("cases are about classes that are there", function()
  for name in pairs(CASES) do
    if not is_class(nn[name]) then t.fail(name .. " is no class of nn") end
  end
end)

t.finish()
