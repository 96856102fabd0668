-- Parts that are loaded when first asked for.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local lazy = require "embla.base.lazy"

local function parts()
  package.loaded["made.one"], package.loaded["made.more"] = nil, nil
  package.preload["made.one"] = function() return "the one" end
  package.preload["made.more"] = function() return {A = "a", B = "b"} end
  return lazy({there = 1}, "made.", {one = "One", more = "A B"})
end

t.test("a part is loaded when it is asked for, and not before", function()
  local p = parts()
  t.equal({package.loaded["made.one"] == nil, package.loaded["made.more"] == nil}, {true, true})
  t.equal({p.there, p.One, package.loaded["made.more"] == nil}, {1, "the one", true})
  t.equal({p.A, p.B, rawget(p, "A")}, {"a", "b", "a"})
end)

t.test("what is no part is an error with the nearest name; rawget and other keys tell without one", function()
  local p = parts()
  t.raises(function() return p.Onee end, "made has no 'Onee', did you mean 'One'?")
  t.raises(function() return p.ther end, "made has no 'ther', did you mean 'there'?")
  t.raises(function() return p.something end, "made has no 'something'")
  t.equal({rawget(p, "Two") == nil, p[1] == nil, p[nil] == nil}, {true, true, true})
end)

t.test("pairs loads and gives every part", function()
  local seen = {}
  for name, part in pairs(parts()) do seen[name] = part end
  t.equal(seen, {there = 1, One = "the one", A = "a", B = "b"})
end)

t.test("nn has all that its modules define", function()
  local nn = require("embla").nn
  for name in pairs(nn) do t.equal(nn[name] ~= nil, true, name) end
  for _, several in ipairs {"attention.transformer", "layers.activations", "layers.dropout", "layers.pool1d",
                            "layers.similarity", "losses", "normalization.layer_norm", "recurrent.cell",
                            "recurrent.layer"} do
    for name, class in pairs(require("embla.nn." .. several)) do t.equal(rawequal(nn[name], class), true, name) end
  end
end)

t.finish()
