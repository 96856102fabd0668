-- kg.Trainer: a small graph is learned by every loss; what does not fit.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local kg = embla.kg

local next_of = {}
for i = 0, 7 do next_of[i + 1] = {"n" .. i, "next", "n" .. (i + 1) % 8} end
local GRAPH = kg.load {train = next_of}

t.test("a ring is learned: every rank is 1", function()
  for _, loss in ipairs {"1vsall", "kvsall", "sampled", "negatives"} do
    embla.manual_seed(1)
    local model = kg.ComplEx(GRAPH, 16, {reciprocal = true})
    local trainer = kg.Trainer(model, GRAPH, embla.optim.Adagrad(model:parameters(), {lr = 0.2}),
                               {loss = loss, batch_size = 4, num = 6, filtered = true})
    local first = trainer:epoch()
    for _ = 1, 60 do trainer:epoch() end
    t.equal(trainer:epoch() < first, true)
    t.equal({loss, kg.evaluate(model, GRAPH, {split = "train"}).MRR}, {loss, 1.0})
  end
end)

-- One triple, entities (3, 4) and (0, 2), relation (1, 0), complex: moduli 5, 2, 1: cubes 125 + 8 + 1; squares 30.
t.test("penalties by hand", function()
  local function loss(opt)
    local graph = kg.load {train = {{"a", "r", "b"}}}
    local model = kg.ComplEx(graph, 2)
    model.entity.weight.data:copy_(embla.tensor {{3.0, 4.0}, {0.0, 2.0}})
    model.relation.weight.data:copy_(embla.tensor {{1.0, 0.0}})
    return kg.Trainer(model, graph, embla.optim.SGD(model:parameters(), {lr = 0}), opt):epoch()
  end
  t.close(loss {n3 = 0.5} - loss(), 67, 1e-4)
  t.close(loss {l2 = 0.5} - loss(), 15, 1e-4)
end)

t.test("what does not fit is refused", function()
  local model = kg.DistMult(GRAPH, 4)
  local optimizer = embla.optim.SGD(model:parameters(), {lr = 0.1})
  t.raises(function() kg.Trainer(model, GRAPH, optimizer, {loss = "hinge"}) end, "loss")
  t.raises(function() kg.Trainer(model, kg.load {test = next_of}, optimizer) end, "no triples")
end)

t.finish()
