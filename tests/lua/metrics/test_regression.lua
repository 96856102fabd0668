-- Errors and correlations: the values of scikit-learn 1.2.1 and SciPy 1.10.1, ties among the numbers.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local metrics = embla.metrics

local x, y = {2.5, 0, 2, 8, 2}, {3, -.5, 2, 7, 4}

t.test("errors and correlations", function()
  t.close({metrics.mean_squared_error(x, y), metrics.mean_absolute_error(x, y), metrics.r2(x, y)},
          {1.1, 0.8, 0.8178807947019867}, 1e-12)
  t.close({metrics.pearson(x, y), metrics.spearman(x, y)}, {0.9239606119685821, 0.8207826816681234}, 1e-12)
end)

t.test("bad input", function()
  t.raises(function() metrics.r2({1, 2}, {3, 3}) end, "r2", "no variance")
  t.raises(function() metrics.pearson({1, 1}, {3, 4}) end, "pearson: argument input", "same")
  t.raises(function() metrics.spearman({1, 2}, {4, 4}) end, "spearman: argument target", "same")
  for _, name in ipairs {"mean_squared_error", "mean_absolute_error", "r2", "pearson", "spearman"} do
    t.raises(function() metrics[name]({}, {}) end, name, "none")
    t.raises(function() metrics[name]({1, 0 / 0}, {1, 2}) end, name, "NaN")
    t.raises(function() metrics[name]({1, 2, 3}, {1, 2}) end, "3 predictions, but 2 targets")
  end
end)

t.finish()
