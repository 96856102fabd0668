-- nn.ModuleList, and what it shares with nn.Sequential: the members, how they are counted, what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

local function keys(named)
  local list = {}
  for name in pairs(named) do list[#list + 1] = name end
  return list
end

t.test("Sequential and ModuleList count from 1, their names from 0", function()
  local a, b = nn.Linear(1, 2), nn.Tanh()
  for _, list in ipairs {nn.Sequential(a, b), nn.Sequential {a, b}, nn.ModuleList {a, b}} do
    t.equal(#list, 2)
    t.equal(rawequal(list[1], a) and rawequal(list[2], b), true)
    local seen = 0
    for i, layer in ipairs(list) do seen = seen + (rawequal(list[i], layer) and 1 or 0) end
    t.equal(seen, 2)
    t.equal(list[3], nil)
    t.equal(keys(list:state_dict()), {"0.weight", "0.bias"})
    t.raises(function() return list[0] end, "count from 1")
    list:append(nn.Identity())
    t.equal(#list, 3)
    t.raises(function() list:append(1) end, "module", "1")
  end
  t.raises(function() nn.Sequential(a, "tanh") end, "Sequential", "position 2", "tanh")
  t.raises(function() nn.ModuleList {a, 5} end, "ModuleList", "position 2", "5")
  t.raises(function() nn.ModuleList(5) end, "ModuleList", "5")
end)

t.finish()
