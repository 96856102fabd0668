-- nn.ModuleDict: modules by name.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local nn = require("embla").nn

local function keys(named)
  local list = {}
  for name in pairs(named) do list[#list + 1] = name end
  return list
end

t.test("ModuleDict holds modules by name", function()
  local dict = nn.ModuleDict {b = nn.Linear(1, 1), a = nn.Tanh()}
  t.equal(keys(dict:named_children()), {"a", "b"})
  t.equal(keys(nn.ModuleDict({{"b", nn.Tanh()}, {"a", nn.Tanh()}}):named_children()), {"b", "a"})
  t.equal(dict.b.in_features, 1)
  t.raises(function() nn.ModuleDict {forward = nn.Tanh()} end, "forward", "taken")
  t.raises(function() nn.ModuleDict {a = 1} end, "module", "1")
  t.raises(function() nn.ModuleDict(1) end, "ModuleDict", "1")
end)

t.finish()
