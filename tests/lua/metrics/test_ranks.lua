-- Ranks by hand: 1 is the least, and two of 5 share places 2 and 3.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local metrics = embla.metrics

t.test("equal numbers share the mean of their ranks", function()
  t.equal(require "embla.metrics.ranks"(embla.tensor {5, 1, 5, 9}):tolist(), {2.5, 1.0, 2.5, 4.0})
  t.close(metrics.spearman({1, 2}, {5, 9}), 1, 1e-12)
end)

t.finish()
