-- notes: a text is kept with the function or the name it is about.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local notes = require "embla.help.notes"

t.test("lines noted are one text, of a function or of a name", function()
  local function f() end
  notes.note(f, "f(x)", "Does nothing.", "@param x anything")
  notes.note("thing.field", "thing.field", "A field.")
  t.equal(notes.text(f), "f(x)\nDoes nothing.\n@param x anything")
  t.equal(notes.text "thing.field", "thing.field\nA field.")
  t.equal(notes.text(print), nil)
end)

t.test("a function that nothing else holds is let go of", function()
  local held = setmetatable({}, {__mode = "k"})
  do
    local function f() return held end
    held[f] = true
    notes.note(f, "f()", "Is let go of.")
  end
  collectgarbage()
  t.equal(next(held), nil)
end)

t.finish()
