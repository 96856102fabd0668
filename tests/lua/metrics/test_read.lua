-- What the metrics read: lists as tensors, each digit kept.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local metrics = embla.metrics

local read = require "embla.metrics.read"

t.test("lists and tensors", function()
  t.equal(read.numbers("f", "x", {{0.1, 2}, {3, 4}}):tolist(), {0.1, 2.0, 3.0, 4.0})
  t.equal(read.classes("f", "x", embla.tensor {true, false}):tolist(), {1, 0})
  t.equal(metrics.mean_absolute_error({0.1}, {0.1}), 0.0)
end)

t.test("refused", function()
  t.raises(function() read.tensor("f", "x", 3) end, "f: argument x: expected a tensor, got 3")
  t.raises(function() read.classes("f", "x", {0.5}) end, "f: argument x: expected ids")
  t.raises(function() read.pair("f", {1}, {1, 2}) end, "f: 1 predictions, but 2 targets")
end)

t.finish()
