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

t.finish()
