-- embla.text: what it holds.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local text = embla.text

t.test("classes under their names, and functions", function()
  local found = {}
  for name, class in pairs(text) do
    found[#found + 1] = name
    if type(class) == "table" then t.equal(class.__name, name) end
  end
  table.sort(found)
  t.equal(found, {"Classifier", "Corpus", "KeyedVectors", "SkipGram", "Vocab", "Word2Vec", "filter_logits", "sample"})
end)

t.test("another name is refused with the nearest", function()
  t.raises(function() return text.Skipgram end, "embla.text has no 'Skipgram', did you mean 'SkipGram'?")
end)

t.finish()
