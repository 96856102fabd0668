-- Losses as modules: what the golden cases leave out - buffers, reductions, positions, refusals.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.nn.functional

local CLASSES = {"L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss", "BCELoss", "BCEWithLogitsLoss", "NLLLoss",
  "CrossEntropyLoss", "KLDivLoss", "PoissonNLLLoss", "GaussianNLLLoss", "MarginRankingLoss", "HingeEmbeddingLoss",
  "CosineEmbeddingLoss", "TripletMarginLoss", "MultiMarginLoss", "SoftMarginLoss", "MultiLabelSoftMarginLoss"}

t.test("every loss takes the mean unless told otherwise, and prints bare", function()
  for _, name in ipairs(CLASSES) do
    t.equal(nn[name]().reduction, "mean")
    t.equal(tostring(nn[name]()), name .. "()")
    t.equal(nn[name] {reduction = "sum"}.reduction, "sum")
  end
end)

t.test("every loss refuses unknown options and reductions by name", function()
  for _, name in ipairs(CLASSES) do
    t.raises(function() nn[name] {reducton = "sum"} end, name, "reducton", "did you mean 'reduction'", "options:")
    t.raises(function() nn[name] {reduction = "average"} end, name .. ": option reduction: expected one of", "average")
    t.raises(function() nn[name] {reduction = true} end, name .. ": option reduction", "true")
  end
end)

t.test("reductions, worked out by hand", function()
  local x, y = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}, embla.tensor {{1.0, 0.0}, {0.0, 0.0}}
  t.equal(nn.MSELoss()(x, y):item(), 29 / 4)
  t.equal(nn.MSELoss {reduction = "sum"}(x, y):item(), 29)
  t.equal(nn.MSELoss("none")(x, y), {{0, 4}, {9, 16}})
end)

t.test("class weights are buffers: saved, and converted", function()
  local loss = nn.CrossEntropyLoss {weight = embla.tensor {1.0, 2.0}, label_smoothing = 0.1}
  t.equal(#loss:parameters(), 0)
  t.equal(loss:state_dict().weight, {1, 2})
  t.equal(loss:double().weight.dtype, "float64")
  t.equal(nn.CrossEntropyLoss():state_dict().weight, nil)
end)

t.test("options reach the function", function()
  embla.manual_seed(1)
  local x, ids = embla.randn(5, 3), embla.LongTensor {0, 2, 1, 0, 2}
  local weight = embla.tensor {1.0, 0.5, 2.0}
  t.equal(nn.CrossEntropyLoss(weight, 0, "sum", 0.2)(x, ids):item(),
          F.cross_entropy(x, ids, {weight = weight, ignore_index = 0, reduction = "sum", label_smoothing = 0.2}):item())
  t.equal(nn.NLLLoss {weight = weight, ignore_index = 1}(x, ids):item(),
          F.nll_loss(x, ids, {weight = weight, ignore_index = 1}):item())
  local y = embla.zeros(5, 3)
  t.equal(nn.BCEWithLogitsLoss {pos_weight = weight}(x, y + 1):item(),
          F.binary_cross_entropy_with_logits(x, y + 1, {pos_weight = weight}):item())
  t.equal(nn.BCEWithLogitsLoss {weight = weight}(x, y):item(),
          F.binary_cross_entropy_with_logits(x, y, {weight = weight}):item())
  t.equal(nn.HuberLoss("sum", 0.5)(x, y):item(), F.huber_loss(x, y, {reduction = "sum", delta = 0.5}):item())
end)

t.test("a loss of three tensors", function()
  local a, p, n = embla.tensor {{0.0, 0.0}}, embla.tensor {{3.0, 4.0}}, embla.tensor {{6.0, 8.0}}
  t.close(nn.TripletMarginLoss {margin = 6.0}(a, p, n):item(), 1, 1e-5, 1e-5)
  t.equal(nn.MarginRankingLoss(1)(embla.tensor {1.0}, embla.tensor {3.0}, embla.tensor {1.0}):item(), 3)
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.CrossEntropyLoss {weight = {1, 2}} end, "CrossEntropyLoss", "weight", "tensor")
  t.raises(function() nn.CrossEntropyLoss {ignore_index = 1.5} end, "ignore_index", "integer", "1.5")
  t.raises(function() nn.MSELoss()(embla.zeros(2)) end, "mse_loss", "target")
  t.raises(function() nn.MSELoss()("a", "b") end, "mse_loss", "input", "a")
end)

t.test("CrossEntropyLoss takes probabilities of any float dtype, as F.cross_entropy does", function()
  local scores = embla.tensor {{0.0, 0.0, 0.0}, {1.0, 2.0, 3.0}}
  local chances = embla.tensor {{1.0, 0.0, 0.0}, {0.25, 0.25, 0.5}}
  -- log 3, and log(e + e^2 + e^3) - (0.25 + 0.5 + 1.5)
  local want = (math.log(3) + math.log(math.exp(1) + math.exp(2) + math.exp(3)) - 2.25) / 2
  for _, dtype in ipairs {"float32", "float64", "float16", "bfloat16"} do
    local target = chances:to(dtype)
    t.close(nn.CrossEntropyLoss()(scores, target):double():item(), want, 1e-5, 1e-5)
    t.close(F.cross_entropy(scores, target):double():item(), want, 1e-5, 1e-5)
  end
  local smooth = {label_smoothing = 0.1, weight = embla.tensor {1.0, 2.0, 0.5}}
  t.equal(nn.CrossEntropyLoss(smooth)(scores, chances):item(), F.cross_entropy(scores, chances, smooth):item())
  t.raises(function() F.cross_entropy(scores, chances, nil, 1) end, "cross_entropy: option ignore_index")
end)

t.test("class ids in floats are told what they are taken for", function()
  local scores = embla.zeros(2, 3)
  for _, loss in ipairs {F.cross_entropy, nn.CrossEntropyLoss()} do
    t.raises(function() loss(scores, embla.tensor {1.0, 2.0}) end, "cross_entropy: argument target", "probabilities",
             "(2, 3)", "target:long()")
  end
end)

t.test("each loss as a module and in F: the same number for each dtype, or both refuse", function()
  local function rows() return embla.tensor {{0.1, 0.7, 0.2}, {0.6, 0.3, 0.1}} end
  local signs = embla.tensor {1.0, -1.0}
  local ARGUMENTS = {
    {"L1Loss", "l1_loss"}, {"MSELoss", "mse_loss"}, {"SmoothL1Loss", "smooth_l1_loss"}, {"HuberLoss", "huber_loss"},
    {"BCELoss", "binary_cross_entropy"}, {"BCEWithLogitsLoss", "binary_cross_entropy_with_logits"},
    {"KLDivLoss", "kl_div"}, {"PoissonNLLLoss", "poisson_nll_loss"}, {"SoftMarginLoss", "soft_margin_loss"},
    {"HingeEmbeddingLoss", "hinge_embedding_loss"}, {"MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss"},
    {"NLLLoss", "nll_loss", embla.tensor {1, 2}}, {"MultiMarginLoss", "multi_margin_loss", embla.tensor {1, 2}},
    {"CrossEntropyLoss", "cross_entropy"}, {"CrossEntropyLoss", "cross_entropy", embla.tensor {1, 2}},
    {"GaussianNLLLoss", "gaussian_nll_loss", rows() * 2, embla.tensor {1.0, 2.0}},
    {"MarginRankingLoss", "margin_ranking_loss", rows() * 2, embla.ones(2, 3)},
    {"CosineEmbeddingLoss", "cosine_embedding_loss", rows() * 2, signs},
    {"TripletMarginLoss", "triplet_margin_loss", rows() * 2, rows() * 3},
  }
  for _, case in ipairs(ARGUMENTS) do
    for _, dtype in ipairs {"float32", "float64", "float16", "bfloat16", "int64", "bool"} do
      local a, b, c = rows():to(dtype), case[3], case[4]
      if b == nil then b = rows():to(dtype) elseif b:is_floating_point() then b = b:to(dtype) end
      if c ~= nil then c = c:to(dtype) end
      local one, two = table.pack(pcall(nn[case[1]](), a, b, c)), table.pack(pcall(F[case[2]], a, b, c))
      t.equal({case[1], dtype, one[1]}, {case[1], dtype, two[1]})
      if one[1] then
        t.equal({case[1], one[2].dtype, one[2]:tolist()}, {case[1], two[2].dtype, two[2]:tolist()})
      end
    end
  end
end)

t.finish()
