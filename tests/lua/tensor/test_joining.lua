-- Tensors joined side by side, and grids: by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local x = embla.tensor {{1, 2, 3}, {4, 5, 6}}

t.test("tensors are joined side by side", function()
  local a, b = embla.tensor {1, 2}, embla.tensor {3, 4}
  t.equal(embla.hstack {a, b}, {1, 2, 3, 4})
  t.equal(embla.hstack {x, x}, {{1, 2, 3, 1, 2, 3}, {4, 5, 6, 4, 5, 6}})
  t.equal(embla.hstack {embla.tensor(1), embla.tensor(2)}, {1, 2})
  t.equal(embla.vstack {a, b}, {{1, 2}, {3, 4}})
  t.equal(embla.vstack {x, embla.tensor {7, 8, 9}}, {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}})
  t.equal(embla.dstack {a, b}, {{{1, 3}, {2, 4}}})
  t.equal(embla.dstack({x, x}).shape, {2, 3, 2})
  t.equal(embla.column_stack {a, b}, {{1, 3}, {2, 4}})
  t.raises(function() embla.hstack {} end, "hstack: argument tensors", "empty")
  t.raises(function() embla.vstack {1} end, "vstack: argument tensors[1]: expected a tensor")
end)

t.test("grids", function()
  local g = embla.meshgrid(embla.tensor {1, 2}, embla.tensor {3, 4, 5})
  t.equal(g[1], {{1, 1, 1}, {2, 2, 2}})
  t.equal(g[2], {{3, 4, 5}, {3, 4, 5}})
  g = embla.meshgrid({embla.tensor {1, 2}, embla.tensor {3, 4, 5}}, {indexing = "xy"})
  t.equal(g[1], {{1, 2}, {1, 2}, {1, 2}})
  t.equal(g[2], {{3, 3}, {4, 4}, {5, 5}})
  t.equal(embla.meshgrid(embla.tensor(7))[1], {7})
  t.raises(function() embla.meshgrid(x) end, "at most 1 dim")
end)

t.finish()
