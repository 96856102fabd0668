-- F.one_hot: values by hand, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F = embla.nn.functional

t.test("one_hot", function()
  local y = F.one_hot(embla.LongTensor {{0, 2}, {1, 0}})
  t.equal(y, {{{1, 0, 0}, {0, 0, 1}}, {{0, 1, 0}, {1, 0, 0}}})
  t.equal(y.dtype, "int64")
  t.equal(F.one_hot(embla.LongTensor {1}, 4), {{0, 1, 0, 0}})
  t.equal(F.one_hot({1, 0}, {num_classes = 2}), {{0, 1}, {1, 0}})
  t.equal(F.one_hot(embla.tensor(1, "int32"), 2), {0, 1})
  t.equal(F.one_hot(embla.zeros(0, {dtype = "int64"}), 3).shape, {0, 3})
end)

t.test("one_hot refuses ids it has no place for", function()
  t.raises(function() F.one_hot(embla.LongTensor {3, 0}, 3) end, "one_hot: id 3", "num_classes = 3")
  t.raises(function() F.one_hot(embla.LongTensor {0, -1}) end, "one_hot: id -1", "num_classes = 1")
  t.raises(function() F.one_hot(embla.LongTensor {1}, 0) end, "num_classes", "0")
  t.raises(function() F.one_hot(embla.zeros(0, {dtype = "int64"})) end, "num_classes")
  t.raises(function() F.one_hot(embla.LongTensor {1}, {classes = 3}) end, "classes", "num_classes")
  t.raises(function() F.one_hot(embla.tensor {1.0}, 3) end, "one_hot", "float32")
  t.raises(function() F.one_hot(3) end, "one_hot", "tensor", "3")
end)

t.finish()
