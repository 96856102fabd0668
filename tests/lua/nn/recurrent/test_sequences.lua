-- nn.utils.rnn: sequences of several lengths put together and taken apart.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local rnn = embla.nn.utils.rnn

local a, b, c = embla.tensor {1.0, 2.0, 3.0}, embla.tensor {4.0}, embla.tensor {5.0, 6.0}

t.test("sequences side by side, padded", function()
  t.equal(rnn.pad_sequence {a, b, c}, {{1, 4, 5}, {2, 0, 6}, {3, 0, 0}})
  t.equal(rnn.pad_sequence({a, b}, true, -1), {{1, 2, 3}, {4, -1, -1}})
  t.equal(rnn.pad_sequence({embla.ones(1, 2), embla.ones(2, 2)}, {batch_first = true, padding_value = 0.5}),
          {{{1, 1}, {0.5, 0.5}}, {{1, 1}, {1, 1}}})
  t.equal(rnn.pad_sequence({embla.LongTensor {7}, embla.LongTensor {8, 9}}, {padding_value = 3}).dtype, "int64")
end)

t.test("and back", function()
  local list = rnn.unpad_sequence(rnn.pad_sequence {a, b, c}, {3, 1, 2})
  for i, x in ipairs {a, b, c} do t.equal(list[i], x:tolist()) end
  list = rnn.unpad_sequence(rnn.pad_sequence({a, b}, true), embla.LongTensor {2, 0}, {batch_first = true})
  t.equal({list[1]:tolist(), list[2].shape}, {{1, 2}, {0}})
end)

t.test("the gradient finds its way", function()
  local w = b:clone():requires_grad_()
  rnn.pad_sequence({a, w}):mul(3):sum():backward()
  t.equal(w.grad, {3})
end)

t.test("what does not fit is refused", function()
  t.raises(function() rnn.pad_sequence(a) end, "pad_sequence", "table of tensors", "a tensor")
  t.raises(function() rnn.pad_sequence {} end, "pad_sequence", "empty")
  t.raises(function() rnn.pad_sequence {a, 3} end, "position 2", "3")
  t.raises(function() rnn.pad_sequence {embla.ones(2, 2), embla.ones(2, 3)} end, "position 2", "(2, 3)", "(2, 2)")
  t.raises(function() rnn.pad_sequence({a}, {padding = 1}) end, "padding_value")
  t.raises(function() rnn.unpad_sequence(embla.ones(3, 2), {1}) end, "unpad_sequence", "2 lengths")
  t.raises(function() rnn.unpad_sequence(embla.ones(3, 2), {1, 4}) end, "length 4 at position 1", "0 to 3")
end)

t.finish()
