-- embla.nn.padding: frames of every kind, by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local padding = require "embla.nn.layers.padding"

local x = embla.tensor {{1.0, 2.0, 3.0}}

t.test("what stands in the frame", function()
  t.equal(padding.extend(x, 2, 1, "zeros"), {{0, 0, 1, 2, 3, 0}})
  t.equal(padding.extend(x, 2, 1, "replicate"), {{1, 1, 1, 2, 3, 3}})
  t.equal(padding.extend(x, 2, 2, "reflect"), {{3, 2, 1, 2, 3, 2, 1}})
  t.equal(padding.extend(x, 3, 2, "circular"), {{1, 2, 3, 1, 2, 3, 1, 2}})
  t.equal(rawequal(padding.extend(x, 0, 0, "reflect"), x), true)
end)

t.test("the frame that keeps the length", function()
  t.equal({padding.same(3, 1)}, {1, 1})
  t.equal({padding.same(4, 1)}, {1, 2})
  t.equal({padding.same(2, 3)}, {1, 2})
  t.equal({padding.same(1, 5)}, {0, 0})
end)

t.test("too wide a frame is refused", function()
  t.raises(function() padding.extend(x, 3, 0, "reflect") end, "3 positions", "reflect")
  t.raises(function() padding.extend(x, 0, 4, "circular") end, "4 behind", "circular")
  t.raises(function() padding.extend(embla.ones(1, 0), 1, 1, "replicate") end, "0 positions")
end)

t.finish()
