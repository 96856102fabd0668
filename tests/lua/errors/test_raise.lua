-- Errors raised by the library point at the script, not at the library.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local raise = require "embla.errors.raise"
local options = require "embla.arguments.options"

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

t.test("a message begins with the name of the function that found what is wrong, once", function()
  local embla = require "embla"
  local x, y = embla.zeros(2, 3), embla.zeros(4)
  local function text_of(f) return t.raises(f, ": "):match "test_raise%.lua:%d+: (.*)" end
  t.equal(text_of(function() embla.F.heaviside(x, y) end):match "^%w+: %w+", "where: shapes")
  t.equal(text_of(function() x:isclose(y) end):match "^%w+: %w+", "eq: shapes")
  t.equal(text_of(function() x:view_as(y) end):match "^%w+: %w+", "view: shape")
  t.equal(text_of(function() embla.nn.Linear(3, 2)(y) end):match "^%w+: %w+", "linear: shapes")
  t.equal(text_of(function() return x + y end):match "^%w+: %w+", "add: shapes")
  t.equal(text_of(function() embla.nn.Embedding(4, 3)({7}) end):match "^%w+: %w+", "Embedding: index")
  t.equal(text_of(function() embla.F.embedding({7}, x) end):match "^%w+: %w+", "Embedding: index")
  t.equal(text_of(function() embla.F.embedding("a", x) end):match "^%w+: %w+", "Embedding: input")
  t.equal(text_of(function() x:negative("y") end):match "^%w+: %w+", "neg: too")
  t.equal(text_of(function() embla.zeros(2, {dtype = "bool"}):abs_() end):match "^%w+: %w+", "abs: tensors")
end)

t.test("an operation that scripts know under another name says that one", function()
  local embla = require "embla"
  local x = embla.zeros(2, 3)
  local function text_of(f) return t.raises(f, ": "):match "test_raise%.lua:%d+: (.*)" end
  t.equal(text_of(function() x:max(7) end):match "^%w+: %w+", "max: dim")
  t.equal(text_of(function() x:median(7) end):match "^%w+: %w+", "median: dim")
  t.equal(text_of(function() x:clamp(embla.zeros(4), embla.zeros(4)) end):match "^%w+: %w+", "clamp: shapes")
  t.equal(text_of(function() x:lerp(x, embla.zeros(4)) end):match "^%w+: %w+", "lerp: shapes")
  t.equal(text_of(function() return x[embla.zeros(4, {dtype = "bool"})] end):match "^%w+: %w+", "index: mask")
  t.equal(text_of(function() embla.F.cross_entropy(x, embla.zeros(4)) end):match "^[%w_]+: %w+",
    "cross_entropy: argument")
  t.equal(text_of(function() embla.nn.LSTM(3, 2)(embla.zeros(1, 1, 4)) end):match "^%w+: %w+", "LSTM: input")
end)

t.finish()
