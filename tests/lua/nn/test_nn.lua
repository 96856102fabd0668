-- embla.nn: its names, and where they come from.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("a class has the name under which it is found", function()
  local classes = 0
  for name, class in pairs(nn) do
    if type(class) == "table" and rawget(class, "__index") == class then
      classes = classes + 1
      t.equal({class.__name, type(class.forward)}, {name, "function"})
    end
  end
  t.equal(classes >= 70, true)
end)

t.test("functional, init and utils are tables of functions", function()
  for _, home in ipairs {nn.functional, nn.init, nn.utils} do
    local functions = 0
    for name, f in pairs(home) do
      if type(f) == "function" then functions = functions + 1 end
      if type(f) ~= "function" and name ~= "rnn" then t.fail(name .. " is a " .. type(f)) end
    end
    t.equal(functions > 3, true)
  end
  t.equal(rawequal(embla.F, nn.functional), true)
end)

t.test("another name is refused with the nearest", function()
  t.raises(function() return nn.Linnear end, "embla.nn has no 'Linnear', did you mean 'Linear'?")
end)

t.finish()
