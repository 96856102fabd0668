-- kg.load: ids, splits, what train lacks, files that are malformed.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local kg = embla.kg

local GRAPH = {
  train = {{"a", "likes", "b"}, {"b", "likes", "c"}, {"a", "knows", "c"}},
  test = {{"a", "likes", "d"}, {"d", "owns", "e"}, {"b", "likes", "a"}},
}

t.test("names become ids, a split that is left out is empty, and what train lacks is counted and kept", function()
  local g = kg.load(GRAPH)
  t.equal(g.entities:words(), {"a", "b", "c", "d", "e"})
  t.equal(g.relations:words(), {"likes", "knows", "owns"})
  t.equal(g.train, embla.LongTensor {{0, 0, 1}, {1, 0, 2}, {0, 1, 2}})
  t.equal(g.test, embla.LongTensor {{0, 0, 3}, {3, 2, 4}, {1, 0, 0}})
  t.equal(g.valid.shape, {0, 3})
  t.equal(tostring(g), "Graph(5 entities, 3 relations, 3 + 0 + 3 triples)")
  t.equal(g.unseen.test, {entities = 2, relations = 1, triples = 2})
  t.equal(g.unseen.valid, {entities = 0, relations = 0, triples = 0})
end)

local function with_file(text, f)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local ok, message = pcall(f, path)
  os.remove(path)
  if not ok then error(message, 0) end
end

t.test("files of tabs; a malformed line is named", function()
  with_file("New York\tin\tUSA\r\n\nUSA\tin\tworld\n", function(path)
    t.equal(#kg.load({train = path}).train, 2)
    t.equal(kg.load({train = path}).entities:contains "New York", true)
  end)
  with_file("a\tb\tc\na b c\n", function(path)
    t.raises(function() kg.load {train = path} end, ":2: expected head, relation and tail")
  end)
end)

t.test("what is no graph is refused", function()
  t.raises(function() kg.load(3) end, "argument folder: expected a path")
  t.raises(function() kg.load {train = {{"a", "b"}}} end, "triple 1: expected three names")
  t.raises(function() kg.load {dev = {}} end, "unknown option 'dev'")
  t.raises(function() kg.load {train = {}} end, "no triples")
  t.raises(function() kg.load "scripts/embla/kg" end, "no train.txt")
end)

t.finish()
