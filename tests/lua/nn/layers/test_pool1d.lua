-- nn.MaxPool1d, AvgPool1d, AdaptiveMaxPool1d, AdaptiveAvgPool1d: values by hand, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

local x = embla.tensor {{3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0}}

t.test("the largest of each window", function()
  t.equal(nn.MaxPool1d(2)(x), {{3, 4, 9}})
  t.equal(nn.MaxPool1d(3, 2)(x), {{4, 5, 9}})
  t.equal(nn.MaxPool1d(3, {stride = 3, padding = 1})(x), {{3, 5, 9}})
  t.equal(nn.MaxPool1d(2, {ceil_mode = true})(x), {{3, 4, 9, 2}})
  t.equal(nn.MaxPool1d {kernel_size = 2, stride = 1, dilation = 3}(x), {{3, 5, 9, 2}})
  t.equal(nn.MaxPool1d(2)(x:unsqueeze(0)), {{{3, 4, 9}}})
end)

t.test("the mean of each window", function()
  t.close(nn.AvgPool1d(2)(x), {{2, 2.5, 7}})
  t.close(nn.AvgPool1d(3, {stride = 3, padding = 1})(x), {{4 / 3, 10 / 3, 11 / 3}})
  t.close(nn.AvgPool1d(3, {stride = 3, padding = 1, count_include_pad = false})(x), {{2, 10 / 3, 11 / 2}})
end)

t.test("a number of windows", function()
  t.equal(nn.AdaptiveMaxPool1d(3)(x), {{4, 5, 9}})              -- 0..2, 2..4, 4..6
  t.close(nn.AdaptiveAvgPool1d(3)(x), {{8 / 3, 10 / 3, 16 / 3}})
  t.equal(nn.AdaptiveMaxPool1d {output_size = 7}(x), x:tolist())
end)

t.test("the gradient goes to the largest, or is shared", function()
  local w = x:clone():requires_grad_()
  nn.MaxPool1d(2)(w):sum():backward()
  t.equal(w.grad, {{1, 0, 1, 0, 0, 1, 0}})
  w.grad = nil
  nn.AvgPool1d(2)(w):sum():backward()
  t.equal(w.grad, {{0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0}})
end)

t.test("tostring", function()
  t.equal(tostring(nn.MaxPool1d(2)), "MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)")
  t.equal(tostring(nn.AvgPool1d(2, 1)), "AvgPool1d(kernel_size=(2,), stride=(1,), padding=(0,))")
  t.equal(tostring(nn.AdaptiveAvgPool1d(2)), "AdaptiveAvgPool1d(output_size=2)")
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.MaxPool1d() end, "MaxPool1d: option kernel_size is required")
  t.raises(function() nn.MaxPool1d(0) end, "MaxPool1d: option kernel_size", ">= 1", "0")
  t.raises(function() nn.AvgPool1d(2, {dilation = 2}) end, "AvgPool1d: unknown option 'dilation'")
  t.raises(function() nn.MaxPool1d(2, {padding = 2})(x) end, "max_pool1d", "padding", "2")
  t.raises(function() nn.MaxPool1d(9)(x) end, "max_pool1d", "no window fits", "(1, 7)")
  t.raises(function() nn.AdaptiveMaxPool1d(2)(embla.ones(3)) end, "adaptive_max_pool1d")
  t.raises(function() nn.AdaptiveAvgPool1d("2") end, "output_size", "integer")
end)

t.finish()
