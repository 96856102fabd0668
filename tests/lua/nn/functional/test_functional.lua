-- The functions of F: that all are there, and some of the core's by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.nn.functional

local INF, NAN = math.huge, 0 / 0

t.test("F holds the operations of the core", function()
  for _, name in ipairs {"relu", "softmax", "log_softmax", "linear", "embedding", "embedding_bag", "mse_loss",
    "cross_entropy", "logsigmoid"} do
    t.equal(type(F[name]) == "function" or type(F[name]) == "table", true)
  end
  t.equal(rawequal(F, nn.functional) and rawequal(F, embla.F), true)
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
