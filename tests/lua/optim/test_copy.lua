-- Copies of states: equal, and of their own.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local copy = require "embla.optim.copy"
local embla = require "embla"

t.test("tables within tables are copied, other values are the same", function()
  local tensor = embla.ones(2)
  local state = {lr = 0.1, betas = {0.9, 0.999}, groups = {{params = {1, 2}}}, name = "Adam", on = false, t = tensor}
  local made = copy(state)
  t.equal(made, state)
  t.equal(rawequal(made.t, tensor), true)
  made.betas[1], made.groups[1].params[2] = 0, 7
  t.equal({state.betas, state.groups}, {{0.9, 0.999}, {{params = {1, 2}}}})
end)

t.test("a plain value is itself", function()
  t.equal({copy(3), copy "x", copy(false)}, {3, "x", false})
  t.equal(copy(nil), nil)
end)

t.finish()
