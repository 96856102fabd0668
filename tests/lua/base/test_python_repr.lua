-- Values as Python writes them; the wanted texts are those of Python's repr.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local repr = require "embla.base.python_repr"

local CASES = {
  {1, "1"}, {-3, "-3"}, {1.0, "1.0"}, {0.1, "0.1"}, {0.0, "0.0"}, {-0.0, "-0.0"}, {1e-5, "1e-05"}, {0.0001, "0.0001"},
  {1.5e-7, "1.5e-07"}, {1e15, "1000000000000000.0"}, {1e16, "1e+16"}, {123456.789, "123456.789"},
  {1 / 3, "0.3333333333333333"},
  {1e100, "1e+100"}, {5e-324, "5e-324"}, {100.0, "100.0"}, {2.5, "2.5"},
  {math.huge, "inf"}, {-math.huge, "-inf"}, {0 / 0, "nan"},
  {true, "True"}, {false, "False"}, {"mean", "mean"},
  {{3}, "(3,)"}, {{2, 3}, "(2, 3)"}, {{1.0, {true}}, "(1.0, (True,))"},
}

t.test("values are written as in Python", function()
  for _, case in ipairs(CASES) do t.equal(repr(case[1]), case[2]) end
  t.equal(repr(nil), "None")
end)

t.finish()
