-- Classes: objects, inheritance, metamethods.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local class = require "embla.class"

local Point = class "Point"
function Point:init(x, y) self.x, self.y = x, y end
function Point.__add(a, b) return Point(a.x + b.x, a.y + b.y) end
function Point:norm() return math.sqrt(self.x ^ 2 + self.y ^ 2) end

t.test("a class is called to make an object", function()
  local p = Point(3, 4)
  t.equal({p.x, p.y, p:norm()}, {3, 4, 5})
  t.equal((p + p).x, 6)
  t.equal(tostring(Point), "class Point")
  t.equal(Point.super, nil)
end)

t.test("a class inherits methods and metamethods, and replaces them", function()
  local Pixel = Point:extend "Pixel"
  function Pixel:init(x, y, colour)
    Point.init(self, x, y)
    self.colour = colour
  end
  function Pixel:norm() return Point.norm(self) * 2 end
  local p = Pixel(3, 4, "red")
  t.equal({p:norm(), p.colour, (p + p).y}, {10, "red", 8})
  t.equal(rawequal(Pixel.super, Point), true)
  t.equal(rawequal(getmetatable(p), Pixel), true)
  t.equal(p.__name, "Pixel")
  t.equal(Point(3, 4):norm(), 5)
end)

t.test("a class without init takes no notice of arguments", function()
  t.equal(next(class("Bare")(1, 2)), nil)
end)

t.test("a class needs a name", function()
  t.raises(function() Point:extend() end, "extend", "name", "nil")
end)

t.finish()
