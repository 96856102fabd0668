-- Checks of single arguments: what they let through, and how they refuse the rest.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local expect = require "embla.arguments.expect"

local x, rows = embla.ones(2), embla.sparse_coo_tensor({0, 1}, {{1.0}, {2.0}}, {3, 1})

t.test("what is expected is given back", function()
  t.equal(rawequal(expect.tensor("f", "x", x), x), true)
  t.equal(rawequal(expect.tensor("f", "x", rows), rows), true)
  t.equal(rawequal(expect.dense("f", "x", x), x), true)
  t.equal(expect.number("f", "p", 0.5), 0.5)
  t.equal(expect.integer("f", "n", -3), -3)
  t.equal(math.type(expect.integer("f", "n", 3.0)), "integer")
  t.equal(expect.integer("f", "n", 2, 2), 2)
  local list = {x, x}
  t.equal(rawequal(expect.tensors("f", "tensors", list), list), true)
end)

t.test("dims count from the end too; a tensor of 0 dims has dims 0 and -1", function()
  for given, want in pairs {[0] = 0, [1] = 1, [2] = 2, [-1] = 2, [-3] = 0} do
    t.equal(expect.dim("f", "dim", given, 3), want)
  end
  t.equal({expect.dim("f", "dim", 0, 0), expect.dim("f", "dim", -1, 0)}, {0, 0})
  t.equal(expect.dims("f", "dims", {-1, 0}, 3), {2, 0})
  t.equal(expect.dims("f", "dims", -2, 3), {1})
  t.equal(expect.dims("f", "dims", {}, 3), {})
end)

t.test("refusals name the function and the argument, and tell what was given", function()
  for _, case in ipairs {
    {function() expect.tensor("f", "x", 3) end, "f: argument x: expected a tensor, got 3"},
    {function() expect.tensor("f", "x", nil) end, "f: argument x: expected a tensor, got nil"},
    {function() expect.dense("f", "x", "one") end, 'f: argument x: expected a tensor, got "one"'},
    {function() expect.dense("f", "x", rows) end, "f: argument x: expected a dense tensor, got a row-sparse one"},
    {function() expect.number("f", "p", "1") end, 'f: argument p: expected a number, got "1"'},
    {function() expect.integer("f", "n", 1.5) end, "f: argument n: expected an integer, got 1.5"},
    {function() expect.integer("f", "n", "1") end, 'f: argument n: expected an integer, got "1"'},
    {function() expect.integer("f", "n", 1, 2) end, "f: argument n: expected an integer >= 2, got 1"},
    {function() expect.integer("f", "n", 0 / 0) end, "f: argument n: expected an integer, got nan"},
    {function() expect.dim("f", "dim", 3, 3) end, "f: argument dim: dim 3 is out of range for a tensor of 3 dims"},
    {function() expect.dim("f", "dim", -4, 3) end, "f: argument dim: dim -4 is out of range"},
    {function() expect.dim("f", "dim", 1, 0) end, "f: argument dim: dim 1 is out of range for a tensor of 0 dims"},
    {function() expect.dims("f", "dims", {0, -3}, 3) end, "f: argument dims: dim 0 is given twice"},
    {function() expect.dims("f", "dims", {0, 5}, 3) end, "f: argument dims: dim 5 is out of range"},
    {function() expect.tensors("f", "list", {}) end,
     "f: argument list: expected a list of tensors, got an empty table"},
    {function() expect.tensors("f", "list", x) end, "f: argument list: expected a list of tensors, got a tensor"},
    {function() expect.tensors("f", "list", {x, 2}) end, "f: argument list[2]: expected a tensor, got 2"},
    {function() expect.tensors("f", "list", {x, rows}) end, "f: argument list[2]: expected a dense tensor"},
  } do
    t.raises(case[1], "test_expect.lua:", case[2])
  end
end)

t.finish()
