-- seeded: what a seed and an epoch draw, whatever else is drawn.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local seeded = require "embla.data.seeded"

local function draw(seed, epoch, skip)
  local _ <close> = seeded.epoch(seed, epoch, skip)
  return embla.rand(8, {dtype = "float64"}):tolist()
end

t.test("draws depend on seed, epoch and place alone", function()
  local first = draw(7, 3)
  embla.manual_seed(99)
  embla.randn(100)
  t.equal(draw(7, 3), first)
  for _, other in ipairs {{8, 3}, {7, 4}, {7, 2}, {7, 3, 1024}} do
    t.equal(draw(table.unpack(other))[1] ~= first[1], true)
  end
  t.equal({table.unpack(draw(7, 3, 2), 1, 4)}, {table.unpack(first, 5, 8)})     -- two numbers a block
end)

t.test("the generator stays where it was, after an error too", function()
  embla.manual_seed(5)
  local wanted = embla.rand(3):tolist()
  embla.manual_seed(5)
  draw(1, 0)
  pcall(function()
    local _ <close> = seeded.epoch(1, 0)
    embla.rand(5)
    error "x"
  end)
  t.equal(embla.rand(3):tolist(), wanted)
end)

t.test("the first epoch does not repeat what manual_seed with its seed draws", function()
  embla.manual_seed(7)
  local drawn = embla.rand(8, {dtype = "float64"}):tolist()
  t.equal(draw(7, 0)[1] ~= drawn[1], true)
end)

t.test("a seed that nobody gave follows manual_seed", function()
  embla.manual_seed(11)
  local one, two = seeded.draw(), seeded.draw()
  embla.manual_seed(11)
  t.equal({seeded.draw(), seeded.draw()}, {one, two})
  t.equal({math.type(one), one ~= two}, {"integer", true})
end)

t.test("numbers of epochs", function()
  t.equal({seeded.is_epoch(0), seeded.is_epoch(3.0), seeded.is_epoch((1 << 26) - 1)}, {true, true, true})
  for _, bad in ipairs {-1, 1.5, 0 / 0, 1 << 26, "1", {}, math.huge} do t.equal(seeded.is_epoch(bad), false) end
end)

t.finish()
