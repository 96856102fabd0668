-- Accuracy, confusion, precision and recall: the values of scikit-learn 1.2.1.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local metrics = embla.metrics

local told, truth = {0, 2, 2, 2, 1, 1, 0, 1, 4}, {0, 1, 2, 2, 1, 0, 2, 1, 4}
local P = {{.7, .2, .1}, {.1, .6, .3}, {.2, .3, .5}}

t.test("confusion_matrix counts, row by true class", function()
  t.equal(metrics.confusion_matrix(told, truth):tolist(),
          {{1, 1, 0, 0, 0}, {0, 2, 1, 0, 0}, {1, 0, 2, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 1}})
  t.equal(metrics.confusion_matrix({1}, {0}, {num_classes = 2}):tolist(), {{0, 1}, {0, 0}})
  t.raises(function() metrics.confusion_matrix({5}, {0}, {num_classes = 2}) end, "confusion_matrix", "0 to 1", "5")
  t.raises(function() metrics.confusion_matrix({0, 1}, {0}) end, "2 predictions, but 1 targets")
end)

t.test("precision_recall_f1 leaves a class that is nowhere out of the mean", function()
  t.close({metrics.precision_recall_f1(told, truth)}, {0.7083333333333333, 0.7083333333333333, 0.7083333333333333})
  for _, average in ipairs {"micro", "weighted"} do
    t.close({metrics.precision_recall_f1(told, truth, average)}, {2 / 3, 2 / 3, 2 / 3})
  end
  -- By hand: class 0 told twice, once right, true once; class 1 never told, true once.
  local p, r, f = metrics.precision_recall_f1({0, 0}, {0, 1}, {average = "none"})
  t.close({p:tolist(), r:tolist(), f:tolist()}, {{0.5, 0}, {1, 0}, {2 / 3, 0}})
  t.raises(function() metrics.precision_recall_f1({0}, {0}, "mean") end, "precision_recall_f1", "macro")
end)

t.test("accuracy of classes and of the k best", function()
  t.close(metrics.accuracy(told, truth), 6 / 9)
  t.close({metrics.accuracy(P, {0, 1, 0}), metrics.accuracy(P, {0, 1, 0}, {k = 2}), metrics.accuracy(P, {0, 1, 0}, 3)},
          {2 / 3, 2 / 3, 1})
  t.equal({metrics.accuracy({{1, 1}}, {0}), metrics.accuracy({{1, 1}}, {1})}, {1, 0})       -- a tie
end)

t.test("bad input", function()
  t.raises(function() metrics.accuracy({}, {}) end, "accuracy: argument input", "none")
  t.raises(function() metrics.accuracy({{0 / 0, 1}}, {0}) end, "accuracy: argument input: holds NaN")
  t.raises(function() metrics.accuracy(P, {0, 1, 3}) end, "accuracy: argument target", "0 to 2, got 3")
  t.raises(function() metrics.accuracy(P, {0, 1, 2}, 4) end, "accuracy: option k: 4", "3 classes")
  t.raises(function() metrics.accuracy({0}, {0}, 2) end, "needs scores")
  t.raises(function() metrics.accuracy({0}, {-1}) end, "-1")
  t.raises(function() metrics.accuracy("x", {0}) end, "accuracy", "tensor")
end)

t.finish()
