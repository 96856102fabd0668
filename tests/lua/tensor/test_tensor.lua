-- embla.tensor: what it hands out, and fields that there are not.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local tensor = require "embla.tensor"

t.test("makers of tensors are in embla", function()
  for _, name in ipairs {"tensor", "zeros", "ones", "full", "arange", "linspace", "eye", "rand", "randn", "randint",
                         "multinomial", "set_printoptions"} do
    t.equal({name, type(tensor[name])}, {name, "function"})
    t.equal(rawequal(embla[name], tensor[name]), true)
  end
end)

t.test("a field that there is not is refused with the nearest", function()
  local x = embla.ones(2)
  t.raises(function() return x.shpae end, "a tensor has no field or method 'shpae', did you mean 'shape'?")
  t.raises(function() return x:softmx(0) end, "a tensor has no field or method 'softmx', did you mean 'softmax'?")
  t.equal(t.raises(function() return x.zzzzqqq end, "'zzzzqqq'"):find("did you mean", 1, true), nil)
end)

t.finish()
