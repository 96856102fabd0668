-- Norms, distances, rows kept short: by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local NAN = 0 / 0

t.test("distances and norms kept short", function()
  t.equal(embla.dist(embla.tensor {3.0, 0.0}, embla.tensor {0.0, 4.0}), embla.tensor(5.0))
  t.equal(embla.tensor({3.0, 0.0}):dist(embla.tensor {0.0, 4.0}, 1), embla.tensor(7.0))
  t.equal(embla.tensor({3.0, 0.0}):dist(embla.tensor {0.0, 4.0}, 1 / 0), embla.tensor(4.0))
  local rows = embla.tensor {{3.0, 4.0}, {0.3, 0.4}}
  t.close(rows:renorm(2, 0, 1), {{0.6, 0.8}, {0.3, 0.4}})
  t.close(rows:renorm(1, 1, 2), {{3 * 2 / 3.3, 4 * 2 / 4.4}, {0.3 * 2 / 3.3, 0.4 * 2 / 4.4}})
  t.close(rows:renorm_(2, 0, 1), {{0.6, 0.8}, {0.3, 0.4}})
  t.close(rows, {{0.6, 0.8}, {0.3, 0.4}})
  t.raises(function() rows:renorm(2, 0, -1) end, "renorm: argument maxnorm", ">= 0")
end)

t.test("renorm of rows that hold NaN: they stay, and so does their gradient", function()
  local rows = embla.tensor({{NAN, 2.0}, {3.0, 4.0}}, {requires_grad = true})
  local y = rows:renorm(2, 0, 10)
  t.equal(y:detach(), {{NAN, 2.0}, {3.0, 4.0}})
  y:sum():backward()
  t.equal(rows.grad, {{1.0, 1.0}, {1.0, 1.0}})
  t.raises(function() rows:renorm(0, 0, 1) end, "renorm: argument p", "> 0")
end)

t.finish()
