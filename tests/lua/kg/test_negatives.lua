-- kg.Negatives: shares by hand, sides, the filter, seeds.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local kg = embla.kg

-- r: a has three tails, two pairs (h, r), four tails; triples 4: tph = 4 / 2 = 2, hpt = 4 / 4 = 1: head 2 / 3.
local GRAPH = kg.load {train = {{"a", "r", "b"}, {"a", "r", "c"}, {"a", "r", "d"}, {"b", "r", "e"}}}

t.test("Bernoulli's shares", function()
  t.close(kg.Negatives(GRAPH, {bernoulli = true}).head_share[0], 2 / 3, 1e-12)
  t.equal(kg.Negatives(GRAPH).head_share[0], 0.5)
end)

t.test("one side is replaced, none is known, and the seed decides", function()
  for side, column in pairs {head = 0, tail = 2} do
    local negatives = kg.Negatives(GRAPH, {num = 50, corrupt = side, filtered = true})
    embla.manual_seed(7)
    local got = negatives:draw(GRAPH.train)
    t.equal(got.shape, {4, 50, 3})
    local known = {}
    for _, x in ipairs(GRAPH.train:tolist()) do known[table.concat(x, " ")] = true end
    for i, several in ipairs(got:tolist()) do
      for _, x in ipairs(several) do
        t.equal(known[table.concat(x, " ")], nil)
        t.equal(x[3 - column], GRAPH.train[i - 1][2 - column])
      end
    end
    embla.manual_seed(7)
    t.equal(negatives:draw(GRAPH.train), got)
  end
end)

t.test("what does not fit is refused", function()
  t.raises(function() kg.Negatives(GRAPH, {num = 0}) end, "num")
  t.raises(function() kg.Negatives({}) end, "Negatives: argument dataset: expected what kg.load returns")
  t.raises(function() kg.Negatives(GRAPH):draw(embla.LongTensor {{0, 0, 9}}) end, "id 9 at position [0, 2]")
end)

t.finish()
