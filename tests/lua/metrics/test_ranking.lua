-- Rankings: by hand, and ndcg of scikit-learn 1.2.1.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local metrics = embla.metrics

local ids, right = {{0, 1, 2, 3, 4}}, {{1, 3, 4}}

t.test("one query by hand", function()
  t.close({metrics.recall_at_k(ids, right, 4), metrics.precision_at_k(ids, right, 4), metrics.hits_at_k(ids, right, 1),
           metrics.hits_at_k(ids, right, 2), metrics.mrr(ids, right)}, {2 / 3, 1 / 2, 0, 1, 1 / 2})
  t.close(metrics.ndcg_at_k(ids, right, 4), 0.49818925746641274, 1e-12)
  t.close(metrics.map_at_k(ids, right, 4), (1 / 2 + 2 / 4) / 3)
  t.close(metrics.precision_at_k(ids, right, 10), 0.3)                                      -- a short ranking
end)

t.test("ids of one query do not count for another; those without right ones are left out", function()
  t.close(metrics.recall_at_k({{1, 2}, {3, 4}, {5, 6}}, {{3}, {4, 9}, {}}, 2), 0.25)
  t.close(metrics.mrr(embla.LongTensor {{-1, 2}}, embla.LongTensor {{2, -1}}), 0.5)
end)

t.test("bad input", function()
  for _, name in ipairs {"recall_at_k", "precision_at_k", "hits_at_k", "ndcg_at_k", "map_at_k", "mrr"} do
    local f = metrics[name]
    t.raises(function() f({}, {}, 1) end, name, "none")
    t.raises(function() f({{1, 1}}, {{1}}, 1) end, name .. ": argument input: an id stands twice")
    t.raises(function() f({{1, 2}}, {{}}, 1) end, name, "nothing is right")
    t.raises(function() f({{1.5}}, {{1}}, 1) end, name, "expected ids")
    t.raises(function() f({{1}, {2}}, {{1}}, 1) end, "2 predictions, but 1 targets")
    if name ~= "mrr" then t.raises(function() f({{1}}, {{1}}, 0) end, name .. ": argument k", "0") end
  end
end)

t.finish()
