-- Models of kg: scores by hand, all entities beside single triples, gradients.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local kg = embla.kg

local NAMES = {"TransE", "DistMult", "ComplEx", "RotatE", "RESCAL", "SimplE"}

-- h = (1, 2), t = (3, -1), relations as given. ComplEx: Re((1 + 2i)(2 + 5i)(3 + i)) = Re((-8 + 9i)(3 + i)) = -33.
-- RESCAL: (1, 2) ((2, 5), (1, 3)) = (4, 11), (4, 11) . (3, -1) = 1. SimplE: (1 * 2 * -1 + 3 * 5 * 2) / 2 = 14.
-- RotatE: i (1 + 2i) = -2 + i, |-2 + i - (3 - i)| = sqrt 29.
local BY_HAND = {
  TransE = {{2, 5}, -8}, DistMult = {{2, 5}, -4}, ComplEx = {{2, 5}, -33}, RESCAL = {{2, 5, 1, 3}, 1},
  SimplE = {{2, 5}, 14}, RotatE = {{math.pi / 2}, -math.sqrt(29)},
}

t.test("scores by hand", function()
  for _, name in ipairs(NAMES) do
    local model = kg[name](2, 1, 2)
    model.entity.weight.data:copy_(embla.tensor {{1.0, 2.0}, {3.0, -1.0}})
    model.relation.weight.data:copy_(embla.FloatTensor {BY_HAND[name][1]})
    local ids = {embla.LongTensor {0}, embla.LongTensor {0}, embla.LongTensor {1}}
    t.close(model:score(ids[1], ids[2], ids[3])[0], BY_HAND[name][2], 1e-5)
    t.close(model:score_heads(ids[2], ids[3])[0][0], BY_HAND[name][2], 1e-5)
  end
end)

t.test("all entities, some of them, and single triples have the same scores, from both sides", function()
  for _, name in ipairs(NAMES) do
    local model = kg[name](5, 2, 4)
    local h, r, tails = embla.LongTensor {0, 3, 4}, embla.LongTensor {1, 0, 1}, embla.LongTensor {2, 2, 0}
    local all, heads = model:score_tails(h, r), model:score_heads(r, tails)
    t.equal(all.shape, {3, 5})
    for e = 0, 4 do
      local same = embla.full({3}, e)
      t.close(all:select(1, e), model:score(h, r, same), 1e-4, 1e-5)
      t.close(heads:select(1, e), model:score(same, r, tails), 1e-4, 1e-5)
    end
    t.close(model:score_tails(h, r, embla.LongTensor {4, 1}), all:index_select(1, embla.LongTensor {4, 1}), 1e-4, 1e-5)
  end
end)

t.test("reciprocal relations: heads are tails of the inverse", function()
  local model = kg.ComplEx(5, 2, 4, {reciprocal = true})
  t.equal(model.relation.weight.shape, {4, 4})
  local r, tails = embla.LongTensor {1}, embla.LongTensor {3}
  t.equal(model:score_heads(r, tails), model:score_tails(tails, embla.LongTensor {3}))
end)

t.test("sizes are those of a dataset, options the same after it", function()
  local graph = kg.load {train = {{"a", "r", "b"}, {"a", "s", "c"}}}
  for _, model in ipairs {kg.ComplEx(graph, 4, {reciprocal = true, dropout = 0.5, std = 0}),
                          kg.ComplEx(3, 2, 4, {reciprocal = true, dropout = 0.5, std = 0})} do
    t.equal({model.entity.weight.shape, model.relation.weight.shape}, {{3, 4}, {4, 4}})
    t.equal({model.dropout, model.entity.weight:abs():max():item()}, {0.5, 0})
  end
  t.raises(function() kg.ComplEx(graph, 4, {dropuot = 0.5}) end, "dropuot")
  t.raises(function() kg.ComplEx({}, 4) end, "ComplEx: argument dataset: expected what kg.load returns")
end)

t.test("gradients are the numeric ones", function()
  for _, name in ipairs(NAMES) do
    local model = kg[name](4, 2, 4, {std = 1}):to "float64"
    local h, r = embla.LongTensor {0, 1}, embla.LongTensor {1, 0}
    t.equal(embla.autograd.gradcheck(function() return model:score_tails(h, r) + model:score_heads(r, h) end,
                                     model:parameters()), true)
  end
end)

t.test("what does not fit is refused", function()
  t.raises(function() kg.ComplEx(5, 2, 3) end, "ComplEx: argument dim: expected an even number, got 3")
  t.raises(function() kg.TransE(0, 2, 3) end, "TransE: argument entities: expected an integer >= 1, got 0")
  t.raises(function() kg.TransE(5, 2, 4, {p = 3}) end, "p")
  t.raises(function() kg.DistMult(5, 2, 4):score_tails(embla.LongTensor {5}, embla.LongTensor {0}) end, "5")
end)

t.finish()
