-- Fields of tensors: what they say, and which of them can be set to what.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("fields say what a tensor is", function()
  local x = embla.zeros(2, 3, {dtype = "float64", requires_grad = true})
  t.equal({x.shape, x.dtype, x.requires_grad, x.is_leaf, x.is_sparse}, {{2, 3}, "float64", true, true, false})
  local y = x * 2
  t.equal({y.requires_grad, y.is_leaf, y.grad_fn:name()}, {true, false, "MulBackward0"})
  t.equal({x.grad_fn, x.grad}, {nil, nil})
end)

t.test("shape is a fresh table", function()
  local x = embla.zeros(2, 3)
  x.shape[1] = 7
  t.equal(x.shape, {2, 3})
end)

t.test("data is the same elements without history", function()
  local x = embla.ones(2, {requires_grad = true})
  local bare = (x * 3).data
  t.equal({bare:tolist(), bare.requires_grad}, {{3, 3}, false})
  x.data[0] = 5
  t.equal(x:tolist(), {5, 1})
end)

t.test("requires_grad and grad can be set, to what fits", function()
  local x = embla.ones(2)
  x.requires_grad = true
  x.grad = embla.tensor {3.0, 4.0}
  t.equal(x.grad, {3, 4})
  x.grad = nil
  t.equal(x.grad, nil)
  t.raises(function() x.requires_grad = 1 end, "requires_grad: expected true or false, got 1")
  t.raises(function() x.grad = 1 end, "grad: expected a tensor or nil, got 1")
end)

t.finish()
