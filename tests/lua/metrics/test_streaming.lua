-- Metrics batch by batch give what their functions give for all.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local metrics = embla.metrics

t.test("batches of different sizes", function()
  embla.manual_seed(2)
  local x, y = embla.rand(50), embla.randint(2, {50})
  for class, f in pairs {Accuracy = "accuracy", LogLoss = "log_loss", MeanSquaredError = "mean_squared_error",
                         MeanAbsoluteError = "mean_absolute_error", RocAuc = "roc_auc", R2 = "r2", Pearson = "pearson",
                         AveragePrecision = "average_precision", Spearman = "spearman"} do
    local input = f == "accuracy" and (x * 2):long() or x
    local metric = metrics[class]()
    for _ = 1, 2 do
      for _, part in ipairs {{0, 7}, {7, 50}} do metric:update(input[{part}], y[{part}]) end
      t.close(metric:value(), metrics[f](input, y), 1e-12)
      metric:reset()
    end
    t.raises(function() metric:value() end, "metrics." .. class, "nothing was given")
  end
end)

t.test("Mean, Confusion, and options", function()
  local mean = metrics.Mean()
  mean:update(2)
  mean:update({4, 6}, 0.5)
  t.close(mean:value(), (2 + 5) / 2)
  local counts = metrics.Confusion {num_classes = 2}
  counts:update({0, 1}, {0, 0})
  counts:update({1}, {1})
  t.raises(function() counts:update({2}, {1}) end, "0 to 1, got 2")
  t.equal(counts:value():tolist(), {{1, 1}, {0, 1}})
  local best = metrics.Accuracy {k = 2}
  best:update({{3, 2, 1}, {3, 2, 1}}, {1, 2})
  t.equal(best:value(), 0.5)
  t.raises(function() mean:update(1, 0) end, "Mean: argument weight", "0")
  t.raises(function() metrics.Confusion():update({0}, {0}) end, "num_classes")
end)

t.finish()
