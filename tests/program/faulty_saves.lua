-- What test_faulty_files.lua runs with faults: saves the value of a number to a folder, in each of several ways.
--
--   embla tests/program/faulty_saves.lua WAY FOLDER NUMBER       after it "saved"
--   embla tests/program/faulty_saves.lua WAY FOLDER              prints the number that it finds

local embla = require "embla"

-- So many that no file is written at once.
local function numbers(n) return embla.arange(50000):mul(n) end

local ways = {}

ways.value = {
  save = function(path, n) embla.save(path, {number = n, table = numbers(n)}) end,
  load = function(path)
    local value = embla.load(path)
    assert(value.table:equal(numbers(value.number)))
    return value.number
  end,
}

ways.mapped = {
  save = ways.value.save,
  load = function(path)
    local value = embla.load(path, {map = true})
    assert(value.table:equal(numbers(value.number)))
    return value.number
  end,
}

ways.vocab = {
  save = function(path, n)
    local words = {}
    for i = 1, 20000 do words[i] = "word" .. i * n end
    embla.text.Vocab(words):save(path)
  end,
  load = function(path)
    local v = embla.text.Vocab.load(path)
    assert(#v == 20000)
    return tonumber(v:word(0):match "%d+")
  end,
}

local way, path = ways[arg[1]], arg[2] .. "/file"
if arg[3] then
  way.save(path, math.tointeger(arg[3]))
  print "saved"
else
  print(way.load(path))
end
