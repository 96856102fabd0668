-- embla itself: its parts, its generator, its default dtype.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("parts are loaded by name, functions of F are in embla too", function()
  for name, module in pairs {nn = "embla.nn", data = "embla.data", io = "embla.io", optim = "embla.optim",
                             text = "embla.text", autograd = "embla.autograd"} do
    t.equal({name, rawequal(embla[name], require(module))}, {name, true})
  end
  for name in pairs(embla.F) do
    if rawget(embla, name) == nil then t.fail("embla has no " .. name) end
  end
  t.raises(function() return embla.tensro end, "embla has no 'tensro', did you mean 'tensor'?")
end)

t.test("range counts from 0", function()
  local seen = {}
  for i in embla.range(3) do seen[#seen + 1] = i end
  t.equal(seen, {0, 1, 2})
  for _ in embla.range(0) do t.fail("a turn too many") end
end)

t.test("the generator is put back where it was", function()
  embla.manual_seed(5)
  embla.rand(7)
  local state = embla.get_rng_state()
  local first = embla.randn(10)
  t.equal(embla.randn(10):equal(first), false)
  embla.set_rng_state(state)
  t.same_bits(embla.randn(10), first)
  t.equal(embla.initial_seed(), 5)
  t.raises(function() embla.set_rng_state {1} end,
           "set_rng_state: argument state: expected what get_rng_state returned, got a table")
  t.raises(function() embla.set_rng_state(nil) end, "set_rng_state: argument state: expected what get_rng_state")
end)

t.test("the default dtype is one of floats", function()
  t.raises(function() embla.set_default_dtype "int64" end,
           "set_default_dtype: argument dtype: expected one of float32, float64, float16, bfloat16, got \"int64\"")
  t.equal(embla.get_default_dtype(), "float32")
  embla.set_default_dtype "float64"
  t.equal({embla.ones(1).dtype, embla.tensor({0.5}).dtype, embla.nn.Linear(1, 1).weight.dtype},
          {"float64", "float64", "float64"})
  embla.set_default_dtype "float32"
end)

t.test("the clock goes forward", function()
  local before = embla.clock()
  repeat until embla.clock() > before
  t.equal(embla.clock() - before < 10, true)
end)

t.finish()
