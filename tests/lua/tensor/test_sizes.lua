-- Sizes in every form that functions take them in.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local MAKERS = {"zeros", "ones", "empty", "rand", "randn"}

t.test("one by one, in a table, with names in it or behind, by name", function()
  for _, name in ipairs(MAKERS) do
    local f = embla[name]
    for _, made in ipairs {f(2, 3), f({2, 3}), f {2, 3}, f {size = {2, 3}}, f(2.0, 3.0)} do
      t.equal({made.shape, made.dtype}, {{2, 3}, "float32"})
    end
    for _, made in ipairs {f(2, 3, "float64"), f(2, 3, {dtype = "float64"}), f({2, 3}, {dtype = "float64"}),
                           f({2, 3}, "float64"), f {2, 3, dtype = "float64"}, f {size = {2, 3}, dtype = "float64"},
                           f({size = {2, 3}, dtype = "float64"})} do
      t.equal({made.shape, made.dtype}, {{2, 3}, "float64"})
    end
    t.equal(f().shape, {})
    t.equal(f({}).shape, {})
    t.equal(f({dtype = "float64"}).shape, {})
    t.equal(f {3, requires_grad = true}.requires_grad, true)
    t.equal(f {size = 4}.shape, {4})
  end
  t.equal(embla.zeros {2, 3, dtype = "int64"}.dtype, "int64")
  t.equal(embla.tensor({1}, "int32"):new_ones {2, dtype = "float64"}, embla.tensor({1, 1}, "float64"))
end)

t.test("what is no size, a hole, and an unknown name", function()
  t.raises(function() embla.zeros(2, 1.5) end, "zeros: argument sizes: size 2 must be an integer >= 0, got 1.5")
  t.raises(function() embla.zeros(2, -1) end, "zeros: argument sizes: size 2 must be an integer >= 0, got -1")
  t.raises(function() embla.zeros(2, nil, 3) end, "zeros: argument sizes: size 2", "got nil")
  t.raises(function() embla.zeros {2, nil, 3} end, "zeros: a table with a hole: there is no size 2")
  t.raises(function() embla.zeros {2, dtpye = "int64"} end, "zeros: unknown option 'dtpye', did you mean 'dtype'?")
  t.raises(function() embla.zeros {2, size = {3}} end, "zeros: sizes are given twice")
  t.raises(function() embla.zeros({2}, {3}) end, "zeros: expected sizes and a table of options", "two tables")
  t.raises(function() embla:zeros(3) end, "zeros", "the table embla itself")
end)
t.finish()
