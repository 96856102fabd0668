-- What the examples that learn to write have in common: reading and batches.
local root = arg[0]:match("^(.-)tests/lua/") or ""
package.path = root .. "tests/?.lua;" .. root .. "scripts/examples/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"
local char_text = require "char_text"
local embla = require "embla"

t.test("characters are numbered in the order of their codes, nine tenths are for training", function()
  process.with_file("banana är ab" .. ("n"):rep(8), function(path)
    local text = char_text.load(path)
    t.equal(text.size, 6)                                     -- blank a b n r ä
    t.equal(text.encode "ban ä", {2, 1, 3, 0, 5})
    t.equal(text.decode {2, 1, 3, 0, 5}, "ban ä")
    t.equal({#text.train, #text.valid}, {18, 2})
    t.equal(text.valid, {3, 3})
  end)
end)

t.test("a target is its input one character on", function()
  local ids = embla.arange(100)
  local x, y = char_text.pieces(ids, embla.LongTensor {3, 95}, 4)
  t.equal(x, {{3, 4, 5, 6}, {95, 96, 97, 98}})
  t.equal(y, {{4, 5, 6, 7}, {96, 97, 98, 99}})
  x, y = char_text.batch(embla.arange(6), 50, 5)              -- only one place fits
  t.equal({x.shape, x[7], y[49]}, {{50, 5}, {0, 1, 2, 3, 4}, {1, 2, 3, 4, 5}})
end)

t.test("the mean loss is taken over pieces from all over the text, without gradients", function()
  local starts = {}
  local mean = char_text.mean_loss(embla.arange(101), 2, 2, 20, function(x)
    for _, row in x:iter() do starts[#starts + 1] = row[0] end
    t.equal(embla.is_grad_enabled(), false)
    return x[{0, 0}] == 0 and embla.tensor(1.0) or embla.tensor(4.0)
  end)
  t.equal(starts, {0, 20, 40, 60})
  t.close(mean, 2.5)
end)

t.finish()
