-- The table of dtypes against tensors of each: the core says how it stores them, which divide and which are indices.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local dtypes = require "embla.arguments.dtypes"
local embla = require "embla"

local ALL = {"float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool"}

t.test("every dtype that tensors have is there, and no other", function()
  local names = {}
  for name in pairs(dtypes.BYTES) do names[#names + 1] = name end
  t.equal(#names, #ALL)
  for _, name in ipairs(ALL) do
    t.equal({name, embla.zeros(1, {dtype = name}).dtype, dtypes.BYTES[name] ~= nil}, {name, name, true})
  end
end)

t.test("an element is as large as the distance of two in memory", function()
  for _, name in ipairs(ALL) do
    local x = embla.zeros(2, {dtype = name})
    t.equal({name, x:narrow(0, 1, 1):data_ptr() - x:data_ptr()}, {name, dtypes.BYTES[name]})
  end
end)

t.test("floats hold halves; integers cut them off, a bool is 1", function()
  local floats = {}
  for _, name in ipairs(ALL) do
    local kept = embla.tensor({2.5}):to(name):double():item()
    t.equal({name, dtypes.IS_FLOAT[name] == true, dtypes.IS_INTEGER[name] == true}, {name, kept == 2.5, kept == 2})
    if kept == 2.5 then floats[#floats + 1] = name end
  end
  t.equal(dtypes.FLOATS, floats)
end)

t.finish()
