-- Errors raised by the library point at the script, not at the library.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local raise = require "embla.raise"
local options = require "embla.options"

local function line() return debug.getinfo(2, "l").currentline end

t.test("the error is at the line of the script, however deep the library is", function()
  local spec = options.spec("Thing", {{name = "a", type = "number"}})
  local here
  local text = t.raises(function() here = line(); spec.arguments(1, 2, 3) end, "Thing")
  t.equal(tonumber(text:match "test_raise%.lua:(%d+): Thing"), here)
end)

t.test("so are errors of the core, raised below a layer", function()
  local emb = require("embla").nn.Embedding(4, 3)
  local here
  local text = t.raises(function() here = line(); emb({7}) end, "index 7")
  t.equal(tonumber(text:match "test_raise%.lua:(%d+): Embedding"), here)
end)

t.test("the format is filled in; a text without values is taken as it is", function()
  t.raises(function() raise("%s: expected %d", "op", 3) end, "op: expected 3")
  t.raises(function() raise("100% wrong") end, "100% wrong")
end)

t.finish()
