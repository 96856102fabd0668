-- Cosines, distances, normalized vectors: values by hand, gradients, extremes.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F = embla.nn.functional

local function grads(leaves, loss)
  for _, leaf in ipairs(leaves) do leaf.grad = nil end
  loss:sum():backward()
  local list = {}
  for i, leaf in ipairs(leaves) do list[i] = leaf.grad:tolist() end
  return table.unpack(list)
end

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

t.test("cosine_similarity: what broadcasts along the dim is repeated", function()
  local a, b = embla.tensor {{{1.0, 2.0}, {3.0, 4.0}}}, embla.tensor {{{1.0, 2.0}}, {{1.0, 2.0}}}
  -- (1, 3) and (1, 1): 4 / (sqrt 10 sqrt 2); (2, 4) and (2, 2): 12 / (sqrt 20 sqrt 8)
  local want = {4 / math.sqrt(20), 12 / math.sqrt(160)}
  t.close(F.cosine_similarity(a, b, {dim = -2}), {want, want})
  t.close(F.cosine_similarity(embla.tensor {3.0, 4.0}, embla.tensor {{2.0}, {5.0}}), {7 / 5 / math.sqrt(2),
          7 / 5 / math.sqrt(2)})
  t.close(F.cosine_similarity(embla.tensor(2.0), embla.tensor(-3.0), 0):item(), -1)
  t.raises(function() F.cosine_similarity(embla.ones(2, 3), embla.ones(2, 2)) end, "mul: shapes", "broadcast")
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

t.finish()
