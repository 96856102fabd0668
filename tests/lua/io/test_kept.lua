-- io.kept: classes whose objects are kept.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local class = require "embla.base.class"
local kept = require "embla.io.kept"

local Point = class "Point"
function Point:init(x, y) self.x, self.y = x, y end
function Point.__keep(self) return {self.x, self.y} end
function Point.__restore(value) return Point(value[1], value[2]) end

t.test("a class has the name it was registered by", function()
  t.equal(kept.name_of(Point(1, 2)), nil)
  kept.register("test.Point", Point)
  kept.register("test.Point", Point)
  t.equal(kept.name_of(Point(1, 2)), "test.Point")
  t.equal(kept.class_of "test.Point" == Point, true)
  t.equal(kept.class_of "test.Other", nil)
  t.equal(kept.name_of {}, nil)
  t.equal(kept.name_of(embla.nn.Linear(1, 1)), nil)
  t.equal(kept.name_of(embla.text.Vocab {"a"}), "Vocab")
  t.raises(function() kept.register("test.Point", class "Other") end, "two classes are called test.Point")
end)

t.test("a class that extends one is another", function()
  t.equal(kept.name_of(Point:extend "Point"(1, 2)), nil)
  t.equal(kept.name_of(embla.text.Vocab:extend "Vocab" {"a"}), nil)
end)

t.test("objects are saved and come back", function()
  local path = os.tmpname()
  kept.register("test.Point", Point)
  local p = Point(embla.ones(2), "y")
  embla.save(path, {p, p})
  local got = embla.load(path)
  t.equal(getmetatable(got[1]) == Point, true)
  t.equal(rawequal(got[1], got[2]), true)
  t.equal(got[1].x, {1, 1})
  t.equal(got[1].y, "y")
  os.remove(path)
end)

t.finish()
