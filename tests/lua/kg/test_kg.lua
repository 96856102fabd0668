-- kg as a whole: its names, and a graph read, learned and ranked.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("the names are there", function()
  for name in ("load Negatives evaluate Trainer TransE DistMult ComplEx RotatE RESCAL SimplE"):gmatch "%S+" do
    t.equal({name, embla.kg[name] ~= nil}, {name, true})
  end
  t.raises(function() return embla.kg.Complex end, "ComplEx")
end)

t.test("the bindings refuse what is no handle", function()
  local core = require "embla.core"
  t.raises(function() core.answers_list(3, embla.LongTensor {1}) end, "answers_list")
end)

t.finish()
