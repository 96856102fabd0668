-- The functions of F made of several operations: values by hand, gradients, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.nn.functional

t.test("F holds the operations of the core", function()
  for _, name in ipairs {"relu", "softmax", "log_softmax", "linear", "embedding", "embedding_bag", "mse_loss",
    "cross_entropy", "logsigmoid"} do
    t.equal(type(F[name]) == "function" or type(F[name]) == "table", true)
  end
  t.equal(rawequal(F, nn.functional) and rawequal(F, embla.F), true)
end)

t.test("one_hot", function()
  local y = F.one_hot(embla.LongTensor {{0, 2}, {1, 0}})
  t.equal(y, {{{1, 0, 0}, {0, 0, 1}}, {{0, 1, 0}, {1, 0, 0}}})
  t.equal(y.dtype, "int64")
  t.equal(F.one_hot(embla.LongTensor {1}, 4), {{0, 1, 0, 0}})
  t.equal(F.one_hot({1, 0}, {num_classes = 2}), {{0, 1}, {1, 0}})
  t.equal(F.one_hot(embla.tensor(1, "int32"), 2), {0, 1})
  t.equal(F.one_hot(embla.zeros(0, {dtype = "int64"}), 3).shape, {0, 3})
end)

t.test("one_hot refuses ids it has no place for", function()
  t.raises(function() F.one_hot(embla.LongTensor {3, 0}, 3) end, "one_hot: id 3", "num_classes = 3")
  t.raises(function() F.one_hot(embla.LongTensor {0, -1}) end, "one_hot: id -1", "num_classes = 1")
  t.raises(function() F.one_hot(embla.LongTensor {1}, 0) end, "num_classes", "0")
  t.raises(function() F.one_hot(embla.zeros(0, {dtype = "int64"})) end, "num_classes")
  t.raises(function() F.one_hot(embla.LongTensor {1}, {classes = 3}) end, "classes", "num_classes")
  t.raises(function() F.one_hot(embla.tensor {1.0}, 3) end, "one_hot", "float32")
  t.raises(function() F.one_hot(3) end, "one_hot", "tensor", "3")
end)

t.test("cosine_similarity keeps away from division by 0", function()
  t.equal(F.cosine_similarity(embla.zeros(1, 2), embla.ones(1, 2)), {0})
  t.close(F.cosine_similarity(embla.tensor {3.0, 4.0}, embla.tensor {4.0, 3.0}, 0):item(), 0.96)
  t.close(F.cosine_similarity(embla.tensor {{3.0, 4.0}}, embla.tensor {{4.0, 3.0}}, {dim = -1}), {0.96})
  t.raises(function() F.cosine_similarity(embla.ones(2)) end, "cosine_similarity", "x2")
end)

t.test("pairwise_distance and normalize", function()
  t.close(F.pairwise_distance(embla.tensor {{3.0, 4.0}}, embla.zeros(1, 2), {eps = 0}), {5})
  t.close(F.pairwise_distance(embla.tensor {{3.0, 4.0}}, embla.zeros(1, 2), math.huge, 0), {4})
  t.close(F.normalize(embla.tensor {{3.0, 4.0}, {0.0, 0.0}}), {{0.6, 0.8}, {0, 0}})
  t.close(F.normalize(embla.tensor {3.0, -1.0}, {p = 1, dim = 0}), {0.75, -0.25})
  t.raises(function() F.normalize(embla.ones(2), {q = 2}) end, "normalize", "q", "options: p, dim, eps")
end)

t.test("softmin, glu, prelu", function()
  t.close(F.softmin(embla.tensor {0.0, math.log(3)}, 0), {0.75, 0.25})
  t.close(F.glu(embla.tensor {1.0, 2.0, 0.0, math.log(3)}), {0.5, 1.5})
  t.raises(function() F.glu(embla.ones(3)) end, "glu", "3", "even")
  t.close(F.prelu(embla.tensor {-2.0, 2.0}, embla.tensor {0.5}), {-1, 2})
end)

t.test("embedding_dot and embedding_distance score looked-up rows", function()
  local table_ = embla.tensor {{1.0, 0.0}, {0.0, 1.0}, {3.0, 4.0}}:requires_grad_()
  local query = embla.tensor {{1.0, 2.0}, {-1.0, 0.5}}
  local out = F.embedding_dot(query, embla.LongTensor {{0, 2}, {1, 2}}, table_)
  t.close(out:detach(), {{1, 11}, {0.5, -1}})
  out:sum():backward()
  t.close(table_.grad, {{1, 2}, {-1, 0.5}, {0, 2.5}})
  t.close(F.embedding_dot(query, embla.LongTensor {0, 1, 2}, table_):detach(), {{1, 2, 11}, {-1, 0.5, -1}})
  t.close(F.embedding_distance(query, embla.LongTensor {{0, 2}, {1, 2}}, table_):detach(),
          {{2, math.sqrt(8)}, {math.sqrt(1.25), math.sqrt(16 + 12.25)}})
  t.close(F.embedding_distance(query, embla.LongTensor {0}, table_, {p = 1}):detach(), {{2}, {2.5}})
  t.raises(function() F.embedding_dot(query, embla.LongTensor {{0, 1}}, table_) end, "embedding_dot")
  t.raises(function() F.embedding_dot(embla.ones(2), embla.LongTensor {0}, table_) end, "embedding_dot")
  t.raises(function() F.embedding_distance(query, embla.LongTensor {{0, 1}}, table_) end, "ids", "(2, K)")
  t.raises(function() F.embedding_distance(embla.ones(2), embla.LongTensor {0}, table_) end, "query", "2 dims")
  t.raises(function() F.embedding_distance(query, embla.LongTensor {0}, table_, {p = "2"}) end, "p", "number")
  t.raises(function() F.embedding_dot(query, embla.LongTensor {3}, table_) end, "index 3")
end)

-- Mean 0 and size 1 by hand.
local function normalized(list, eps)
  local mean, var = 0, 0
  for _, x in ipairs(list) do mean = mean + x / #list end
  for _, x in ipairs(list) do var = var + (x - mean) ^ 2 / #list end
  local out = {}
  for i, x in ipairs(list) do out[i] = (x - mean) / math.sqrt(var + eps) end
  return out
end

t.test("norms of layers take the arguments in PyTorch's order", function()
  local x = embla.tensor {{1.0, 2.0, 4.0}}
  t.close(F.layer_norm(x, {3}), {normalized({1, 2, 4}, 1e-5)})
  t.close(F.layer_norm(x, {3}, nil, embla.ones(3), {eps = 1}):sub(1), {normalized({1, 2, 4}, 1)})
  t.close(F.group_norm(x, 3, nil, embla.ones(3)), {{1, 1, 1}})
  t.close(F.rms_norm(x, {3}, nil, 0), {{1 / math.sqrt(7), 2 / math.sqrt(7), 4 / math.sqrt(7)}})
end)

t.test("gumbel_softmax draws by weights", function()
  embla.manual_seed(6)
  local logits = embla.tensor({0.6, 0.3, 0.1}):log():expand(20000, 3)
  local hard = F.gumbel_softmax(logits, {hard = true})
  t.equal(hard:sum(1):eq(1):all():item(), true)
  t.close(hard:mean(0), {0.6, 0.3, 0.1}, 0, 0.02)               -- 5 deviations of the mean
  t.close(F.gumbel_softmax(logits, 0.5):sum(1), embla.ones(20000))
  local x = embla.zeros(2, 3):requires_grad_()
  F.gumbel_softmax(x, 1, true, 1):mul(embla.tensor {1.0, 2.0, 3.0}):sum():backward()
  t.equal(x.grad:abs():sum():item() > 0, true)
  t.close(x.grad:sum(1), {0, 0}, 0, 1e-6)                        -- a softmax does not see a common shift
  t.raises(function() F.gumbel_softmax(x, 0) end, "gumbel_softmax: option tau")
end)

local INF, NAN = math.huge, 0 / 0

local function grads(leaves, loss)
  for _, leaf in ipairs(leaves) do leaf.grad = nil end
  loss:sum():backward()
  local list = {}
  for i, leaf in ipairs(leaves) do list[i] = leaf.grad:tolist() end
  return table.unpack(list)
end

t.test("cosine_similarity: what broadcasts along the dim is repeated", function()
  local a, b = embla.tensor {{{1.0, 2.0}, {3.0, 4.0}}}, embla.tensor {{{1.0, 2.0}}, {{1.0, 2.0}}}
  -- (1, 3) and (1, 1): 4 / (sqrt 10 sqrt 2); (2, 4) and (2, 2): 12 / (sqrt 20 sqrt 8)
  local want = {4 / math.sqrt(20), 12 / math.sqrt(160)}
  t.close(F.cosine_similarity(a, b, {dim = -2}), {want, want})
  t.close(F.cosine_similarity(embla.tensor {3.0, 4.0}, embla.tensor {{2.0}, {5.0}}), {7 / 5 / math.sqrt(2),
          7 / 5 / math.sqrt(2)})
  t.close(F.cosine_similarity(embla.tensor(2.0), embla.tensor(-3.0), 0):item(), -1)
  t.raises(function() F.cosine_similarity(embla.ones(2, 3), embla.ones(2, 2)) end, "cosine_similarity", "broadcast")
end)

t.test("vectors as long as 1e20 and as short as 1e-30: values and slopes", function()
  local x = embla.tensor({{1e20, 1e20}, {-1e20, 3e20}}, {requires_grad = true})
  local y = embla.tensor {{1e20, 0.0}, {1e20, 0.0}}
  t.close(F.cosine_similarity(x, y), {math.sqrt(0.5), -math.sqrt(0.1)}, 1e-6, 1e-6)
  -- d cos / dx = (y / |y| - cos x / |x|) / |x|, 0.5 / (sqrt 2 1e20) for x = (1e20, 1e20)
  t.close(embla.tensor(grads({x}, F.cosine_similarity(x, y)))[0] * 1e20, {0.353553, -0.353553}, 1e-4, 1e-4)
  t.close(x:norm(2, 1), {math.sqrt(2) * 1e20, math.sqrt(10) * 1e20}, 1e-6, 0)
  t.close(x:norm(3, 1), {2 ^ (1 / 3) * 1e20, 28 ^ (1 / 3) * 1e20}, 1e-6, 0)
  t.close(F.normalize(x), {{0.707107, 0.707107}, {-0.316228, 0.948683}}, 1e-5, 1e-5)
  t.close(F.pairwise_distance(x, y), {1e20, math.sqrt(13) * 1e20}, 1e-6, 0)
  t.close(embla.cdist(x, y), {{1e20, 1e20}, {math.sqrt(13) * 1e20, math.sqrt(13) * 1e20}}, 1e-6, 0)
  t.close(F.embedding_distance(x, embla.tensor {0}, y), {{1e20}, {math.sqrt(13) * 1e20}}, 1e-6, 0)
  t.close(x:std(1), {0, math.sqrt(8) * 1e20}, 1e-6, 0)
  t.close(F.layer_norm(x, {2}), {{0, 0}, {-1, 1}}, 1e-6, 1e-6)
  t.close(F.rms_norm(x, {2}), {{1, 1}, {-math.sqrt(0.2), math.sqrt(1.8)}}, 1e-6, 1e-6)
  t.close(F.group_norm(x, 1), {{0, 0}, {-1, 1}}, 1e-6, 1e-6)
  t.close(F.cosine_embedding_loss(x, y, embla.ones(2), {reduction = "none"}), {1 - math.sqrt(0.5), 1 + math.sqrt(0.1)},
          1e-6, 1e-6)
  t.close(F.triplet_margin_loss(y, x, y, {reduction = "none"}), {1e20, math.sqrt(13) * 1e20}, 1e-6, 0)
  local s = embla.tensor {{3e-30, 4e-30}}
  t.close(s:norm(2, 1), {5e-30}, 1e-6, 0)
  t.close(embla.cdist(s, s * 2), {{5e-30}}, 1e-6, 0)
  t.close(F.embedding_distance(s, embla.tensor {0}, s * 2), {{5e-30}}, 1e-6, 0)
  t.close(F.normalize(s, {eps = 0}), {{0.6, 0.8}}, 1e-6, 1e-6)
  t.close(F.cosine_similarity(s, s * 3, {eps = 0}), {1}, 1e-6, 1e-6)
end)

t.test("gaussian_nll_loss: one variance a row", function()
  local x, zeros = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}, embla.zeros(2, 2)
  -- by rows: (1 + 4) / 2 + 2 (log 4) / 2 + (9 + 16) / 8, over 4
  local want = (2.5 + math.log(4) + 25 / 8) / 4
  for _, var in ipairs {embla.tensor {1.0, 4.0}, embla.tensor {{1.0}, {4.0}}, embla.tensor {{1.0, 1.0}, {4.0, 4.0}}} do
    t.close(F.gaussian_nll_loss(x, zeros, var):item(), want, 1e-6, 1e-6)
    t.close(nn.GaussianNLLLoss()(x, zeros, var):item(), want, 1e-6, 1e-6)
  end
  t.close(F.gaussian_nll_loss(x, zeros, embla.tensor(1.0)):item(), 30 / 8)
  t.raises(function() F.gaussian_nll_loss(x, zeros, embla.ones(1, 2)) end, "gaussian_nll_loss: argument var", "(1, 2)")
  t.raises(function() F.gaussian_nll_loss(x, zeros, embla.ones(3)) end, "gaussian_nll_loss: argument var", "(3)")
end)

t.test("prelu of 0 dims, and weights it refuses", function()
  local y = F.prelu(embla.tensor(0.5), embla.tensor {0.25})
  t.equal({y:item(), y:dim()}, {0.5, 0})
  t.equal(F.prelu(embla.tensor(-2.0), embla.tensor(0.25)), embla.tensor(-0.5))
  t.raises(function() F.prelu(embla.ones(2, 2), embla.ones(1, 2)) end, "prelu: argument weight", "(1, 2)")
end)

t.test("multi_margin_loss of one row: () or (1), as its target", function()
  local x = embla.tensor {0.1, 0.2, 0.4}
  t.close(F.multi_margin_loss(x, embla.tensor(2)):item(), 0.5)            -- (0.7 + 0.8) / 3
  t.close(F.multi_margin_loss(x, embla.tensor {2}, {reduction = "none"}), {0.5})
  t.equal(F.multi_margin_loss(x, embla.tensor(2), {reduction = "none"}):dim(), 0)
  t.close(F.multi_margin_loss(x, embla.tensor {2}, {weight = embla.tensor {1.0, 2.0, 3.0}}):item(), 1.5)
end)

t.test("kl_div: a target below 0 has no logarithm", function()
  t.equal(F.kl_div(embla.tensor {0.5, -INF}, embla.tensor {-1.0, 0.0}, {reduction = "none"}), {NAN, 0.0})
end)

t.test("what PyTorch refuses of activations and pools", function()
  local x = embla.tensor {1.0, -1.0}
  t.raises(function() F.softshrink(x, -0.5) end, "softshrink: lambd: expected a number >= 0, got -0.5")
  t.raises(function() F.softshrink(x, {lambd = -0.5}) end, "softshrink: option lambd: expected number >= 0, got -0.5")
  t.raises(function() nn.Softshrink(-1) end, "Softshrink: option lambd", ">= 0")
  t.raises(function() F.celu(x, 0) end, "celu: alpha: expected a number ~= 0")
  t.raises(function() nn.CELU(0) end, "CELU: option alpha: expected number ~= 0, got 0")
  t.raises(function() nn.Hardtanh(1, -1) end, "Hardtanh: option max_val", "> min_val = 1")
  t.equal(F.hardtanh(x, 1, -1), {-1.0, -1.0})
  for _, shape in ipairs {{2, 2, 0}, {2, 0, 3}, {0, 3}} do
    t.raises(function() F.max_pool1d(embla.zeros(shape), 1) end, "max_pool1d: no window fits")
    t.raises(function() F.avg_pool1d(embla.zeros(shape), 1) end, "avg_pool1d: no window fits")
  end
  t.equal(F.max_pool1d(embla.zeros(0, 2, 3), 1).shape, {0, 2, 3})
end)

t.test("batch_norm by running statistics: the slope where the input is infinite", function()
  local x = embla.tensor({{1.0, INF}, {NAN, -1.0}}, {requires_grad = true})
  local y = F.batch_norm(x, embla.zeros(2), embla.ones(2), embla.tensor {2.0, 3.0}, nil, {training = false, eps = 0})
  t.equal(grads({x}, y), {{2.0, 3.0}, {2.0, 3.0}})
  local long = embla.tensor({{{INF, 1.0}}}, {requires_grad = true})
  t.equal(grads({long}, F.batch_norm(long, embla.zeros(1), embla.ones(1), nil, nil, {eps = 0})), {{{1.0, 1.0}}})
end)

t.test("classes to ignore, padding rows and masked places are not read, be they NaN", function()
  local scores = embla.tensor({{NAN, 1.0, 2.0}, {0.0, 0.0, 0.0}}, {requires_grad = true})
  local ids = embla.tensor {-100, 1}
  local third = 1 / 3
  local loss = F.cross_entropy(scores, ids)
  t.close(loss:item(), math.log(3), 1e-6, 1e-6)
  t.close(grads({scores}, loss), {{0, 0, 0}, {third, third - 1, third}}, 1e-6, 1e-6)
  t.equal(grads({scores}, F.nll_loss(scores, ids)), {{0.0, 0.0, 0.0}, {0.0, -1.0, 0.0}})
  local w = embla.tensor({{NAN, NAN}, {1.0, 2.0}, {3.0, 4.0}}, {requires_grad = true})
  for _, mode in ipairs {"sum", "mean", "max"} do
    local bags = F.embedding_bag(embla.tensor {{0, 1}, {2, 0}}, w, {mode = mode, padding_idx = 0})
    t.equal(bags:detach(), {{1.0, 2.0}, {3.0, 4.0}})
    t.equal(grads({w}, bags), {{0.0, 0.0}, {1.0, 1.0}, {1.0, 1.0}})
  end
  local mask = embla.tensor {{true, true}, {false, false}, {false, false}}
  t.equal(grads({w}, w:masked_fill(mask, 0)), {{0.0, 0.0}, {1.0, 1.0}, {1.0, 1.0}})
  t.equal(grads({w}, embla.where(mask, 0, w)), {{0.0, 0.0}, {1.0, 1.0}, {1.0, 1.0}})
end)

t.test("bincount adds weights in float64, but for float32", function()
  local ids = embla.tensor {0, 1, 1}
  for dtype, want in pairs {int64 = "float64", int32 = "float64", bool = "float64", float16 = "float64",
                            float32 = "float32", float64 = "float64"} do
    local y = ids:bincount(embla.tensor({1, 1, 1}, dtype))
    t.equal({y.dtype, y:tolist()}, {want, {1.0, 2.0}})
  end
  t.equal(ids:bincount(embla.tensor {1, (1 << 53) - 1, 1}), embla.tensor({1.0, 2.0 ^ 53}, "float64"))
  t.equal(ids:bincount(), {1, 2})
end)

t.finish()
