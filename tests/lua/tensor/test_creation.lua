-- New tensors: sizes and options in every form, sequences, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("sizes one by one or in a table, then options or a dtype", function()
  local want = embla.tensor({{0, 0, 0}, {0, 0, 0}}, "int64")
  t.equal(embla.zeros(2, 3, {dtype = "int64"}), want)
  t.equal(embla.zeros({2, 3}, {dtype = "int64"}), want)
  t.equal(embla.zeros(2, 3, "int64"), want)
  t.equal(embla.zeros({2, 3}, "int64"), want)
  t.equal(embla.ones({2}), embla.tensor {1.0, 1.0})
  t.equal(embla.zeros({}).shape, {})
  t.equal(embla.randn({2, 1}, {requires_grad = true}).requires_grad, true)
end)

t.test("sizes and dtypes that are none", function()
  t.raises(function() embla.zeros(2, "three") end, "zeros", "dtype", "three")
  t.raises(function() embla.zeros("int64") end, "zeros", "size 1", "int64")
  t.raises(function() embla.zeros(2, 1.5) end, "zeros", "size 2", "1.5")
  t.raises(function() embla.zeros({2}, {3}) end, "zeros", "two tables of numbers")
  t.raises(function() embla.zeros(-1) end, "-1")
  t.raises(function() embla.zeros({2}, {dtpye = "int64"}) end, "zeros", "dtpye", "dtype")
end)

t.test("sequences", function()
  t.equal(embla.arange(3), embla.tensor({0, 1, 2}, "int64"))
  t.equal(embla.arange(5, 1, -2), embla.tensor({5, 3}, "int64"))
  t.equal(embla.arange(0, 1, 0.25), embla.tensor {0, 0.25, 0.5, 0.75})
  t.equal(embla.linspace(-1, 1, 5), embla.tensor {-1, -0.5, 0.0, 0.5, 1})
  t.close(embla.logspace(0, 3, 4), embla.tensor {1.0, 10, 100, 1000}, 1e-6, 0)
  t.equal(embla.eye(2, 3), embla.tensor {{1.0, 0, 0}, {0, 1, 0}})
  t.equal(embla.full({2}, 7), embla.tensor({7, 7}, "int64"))
end)

t.finish()
