-- ROC, average precision and likelihoods: the values of scikit-learn 1.2.1, ties among the scores.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local metrics = embla.metrics

local s, y = {.1, .4, .4, .8, .8, .3, .9, .2}, {0, 0, 1, 1, 0, 0, 1, 1}
local P = {{.7, .2, .1}, {.1, .6, .3}, {.2, .3, .5}}

t.test("roc_auc and average_precision", function()
  t.close({metrics.roc_auc(s, y), metrics.average_precision(s, y)}, {0.6875, 0.7095238095238094}, 1e-12)
  t.equal({metrics.roc_auc({1, 1}, {0, 1}), metrics.roc_auc({1, 2}, {1, 0})}, {0.5, 0})
end)

t.test("roc_auc is the share of pairs in order", function()
  embla.manual_seed(1)
  local x, target = embla.randint(20, {200}), embla.randint(2, {200})
  local won, pairs_ = 0, 0
  for i = 0, 199 do
    for j = 0, 199 do
      if target[i] == 1 and target[j] == 0 then
        pairs_ = pairs_ + 1
        won = won + (x[i] > x[j] and 1 or x[i] == x[j] and 0.5 or 0)
      end
    end
  end
  t.close(metrics.roc_auc(x, target), won / pairs_, 1e-12)
end)

t.test("log_loss and perplexity", function()
  t.close({metrics.log_loss(P, {0, 1, 0}), metrics.log_loss({.8, .3, .4}, {1, 0, 1})},
          {0.8256461600462744, 0.49870307570903244}, 1e-12)
  t.equal(metrics.log_loss({0.0}, {1}), math.huge)
  t.close(metrics.perplexity(embla.zeros(2, 3, 7), embla.zeros(2, 3):long()), 7, 1e-12)
  t.close(metrics.perplexity(embla.tensor(P):log(), {0, 1, 0}), math.exp(0.8256461600462744), 1e-6)
end)

t.test("bad input", function()
  t.raises(function() metrics.roc_auc({1, 2}, {1, 1}) end, "roc_auc", "only one class")
  t.raises(function() metrics.roc_auc({1, 2}, {1, 2}) end, "roc_auc: argument target", "0 to 1, got 2")
  t.raises(function() metrics.roc_auc({0 / 0, 2}, {1, 0}) end, "roc_auc", "NaN")
  t.raises(function() metrics.average_precision({1, 2}, {0, 0}) end, "average_precision", "at least one 1")
  t.raises(function() metrics.log_loss({{0.5, 0.6}}, {0}) end, "log_loss", "sum to 1")
  t.raises(function() metrics.log_loss({1.5}, {0}) end, "log_loss", "probabilities")
  t.raises(function() metrics.perplexity(embla.zeros(2, 7), {0}) end, "2 predictions, but 1 targets")
end)

t.finish()
