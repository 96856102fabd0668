-- Tokens drawn from scores: probabilities by hand, and shares of many draws.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local text = embla.text

local scores = embla.tensor {0.5, 0.2, 0.3}:log()

t.test("filter_logits leaves the tokens that may be drawn", function()
  local function p(o) return text.filter_logits(scores, o):softmax(-1) end
  t.close(p(), {0.5, 0.2, 0.3}, 1e-5)
  t.close(p {temperature = 0.5}, {25 / 38, 4 / 38, 9 / 38}, 1e-5)
  t.close(p {temperature = 0}, {1, 0, 0})
  t.close(p {top_k = 2}, {5 / 8, 0, 3 / 8}, 1e-5)
  t.close(p {top_k = 9}, {0.5, 0.2, 0.3}, 1e-5)
  t.close(p {top_p = 0.4}, {1, 0, 0})
  t.close(p {top_p = 0.6}, {5 / 8, 0, 3 / 8}, 1e-5)
  t.close(text.filter_logits(embla.zeros(3), {top_k = 1}):softmax(-1), {1, 0, 0})             -- a tie
end)

t.test("ids are drawn by their probabilities", function()
  embla.manual_seed(1)
  local ids = text.sample(scores:expand {3000, 3})
  t.equal(ids.shape, {3000})
  t.close(ids:bincount():double() / 3000, {0.5, 0.2, 0.3}, 0, 0.04)
  t.equal(text.sample(embla.tensor {1.0, 3.0, 2.0}, {temperature = 0.01}):item(), 1)
  t.equal(text.sample(embla.zeros(2, 4, 5)).shape, {2, 4})
end)

t.test("bad input", function()
  t.raises(function() text.sample(embla.tensor {0 / 0, 1}) end, "sample: argument logits", "finite")
  t.raises(function() text.sample(embla.tensor {-math.huge, -math.huge}) end, "sample: argument logits", "finite")
  t.raises(function() text.sample(embla.zeros(0)) end, "sample: argument logits")
  t.raises(function() text.sample {1} end, "sample")
  t.raises(function() text.sample(scores, {top_k = 0}) end, "sample: option top_k", "0")
  t.raises(function() text.filter_logits(scores, {top_p = 1.5}) end, "filter_logits: option top_p", "1.5")
end)

t.finish()
