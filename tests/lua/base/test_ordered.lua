-- Ordered tables: pairs and for loops go in the order of the first assignment.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local ordered = require "embla.base.ordered"

local function filled()
  local o = ordered()
  for i, key in ipairs {"zeta", "alpha", "mid", "beta"} do o[key] = i end
  return o
end

local function keys(o)
  local list = {}
  for key in pairs(o) do list[#list + 1] = key end
  return list
end

t.test("pairs goes in order", function()
  t.equal(keys(filled()), {"zeta", "alpha", "mid", "beta"})
  t.equal(keys(ordered()), {})
end)

t.test("so does a for loop over the table itself", function()
  local list = {}
  for key, value in filled() do list[value] = key end
  t.equal(list, {"zeta", "alpha", "mid", "beta"})
end)

t.test("a key set to nil is passed over and keeps its place", function()
  local o = filled()
  o.alpha = nil
  t.equal(keys(o), {"zeta", "mid", "beta"})
  o.new, o.alpha = 5, 6
  t.equal(keys(o), {"zeta", "alpha", "mid", "beta", "new"})
end)

t.test("keys may be taken away on the way", function()
  local o = filled()
  for key in pairs(o) do o[key] = nil end
  t.equal(keys(o), {})
end)

t.test("values are read by key", function()
  t.equal({filled().mid, filled().none}, {3})
end)

t.finish()
