-- nn.Parameter.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("Parameter shares storage, is a leaf, and requires grad unless told otherwise", function()
  local x = embla.ones(2)
  local p = nn.Parameter(x)
  t.equal({p.requires_grad, p.is_leaf, x.requires_grad}, {true, true, false})
  x:fill_(3)
  t.equal(p:detach():tolist(), {3, 3})
  t.equal(nn.Parameter(x, false).requires_grad, false)
  t.equal(nn.Parameter(x, {requires_grad = false}).requires_grad, false)
  t.equal(nn.Parameter(embla.LongTensor {1}, false).dtype, "int64")
  t.raises(function() nn.Parameter(embla.LongTensor {1}) end, "float")
  t.raises(function() nn.Parameter({1, 2}) end, "Parameter", "tensor", "table")
  t.raises(function() nn.Parameter(x, {require_grad = true}) end, "require_grad", "did you mean 'requires_grad'")
  t.raises(function() nn.Parameter(x, 1) end, "requires_grad", "boolean")
end)

t.finish()
