-- Which objects load in two steps.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local two_steps = require "embla.base.two_steps"

t.test("objects of the library do, and those of classes that extend them", function()
  local Net = embla.nn.Module:extend "Net"
  local net = embla.nn.Linear(2, 1)
  for _, object in ipairs {Net(), net, embla.optim.SGD(net:parameters(), {lr = 1}), embla.optim.EMA(net:parameters()),
                           embla.optim.LBFGS(net:parameters())} do
    t.equal(two_steps.of(object), true)
  end
end)

t.test("those with a load_state_dict of their own do not", function()
  local Net = embla.nn.Module:extend "Net"
  function Net:load_state_dict(state) self.loaded = state end
  t.equal(two_steps.of(Net()), false)
  local own = embla.nn.Linear(2, 1)
  rawset(own, "load_state_dict", function() end)
  t.equal(two_steps.of(own), false)
  t.equal(two_steps.of {load_state_dict = print}, false)
end)

t.test("the first step changes nothing, the second takes over", function()
  local net, other = embla.nn.Linear(2, 1), embla.nn.Linear(2, 1)
  local before = net.weight:detach():clone()
  local take = net:_prepare_load(other:state_dict())
  t.same_bits(net.weight:detach(), before)
  take()
  t.same_bits(net.weight:detach(), other.weight:detach())
end)

t.finish()
