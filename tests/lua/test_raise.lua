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

t.test("a message begins with what the script called, then what that is put together out of", function()
  local embla = require "embla"
  local x, y = embla.zeros(2, 3), embla.zeros(4)
  local function lead_of(f) return t.raises(f, ": "):match "test_raise%.lua:%d+: ([%w_]+: [%w_]+)" end
  t.equal(lead_of(function() embla.F.heaviside(x, y) end), "heaviside: where")
  t.equal(lead_of(function() x:isclose(y) end), "isclose: eq")
  t.equal(lead_of(function() embla.F.hypot(x, y) end), "hypot: shapes")
  t.equal(lead_of(function() x:view_as(y) end), "view_as: view")
  t.equal(lead_of(function() embla.nn.Linear(3, 2)(y) end), "Linear: linear")
  t.equal(lead_of(function() embla.nn.Linear(3, 2):forward(y) end), "forward: linear")
  t.equal(lead_of(function() return x + y end), "add: shapes")
  t.equal(lead_of(function() pcall(x.view, x, 7); x:neg():view(7) end), "view: shape")
end)

t.test("a name that leads already is not said twice", function()
  local embla = require "embla"
  local text = t.raises(function() embla.nn.Embedding(4, 3)({7}) end, "index 7")
  t.equal(text:match ": (Embedding: %a+)", "Embedding: index")
  text = t.raises(function() embla.zeros(2).negative("x") end, "neg")
  t.equal(text:match "%d: (.*)$":match "^negative: neg: ", nil)
  text = t.raises(function() embla.zeros(2, {dtype = "bool"}):abs_() end, "bool")
  t.equal(text:match "%d: (.*)$":match "^abs: tensors" ~= nil, true)
end)

t.finish()
