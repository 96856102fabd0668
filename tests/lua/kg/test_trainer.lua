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
  -- kvsall asks (a, r, ?) and (?, r, b): cubes 125 + 1 and 8 + 1, squares 25 + 1 and 4 + 1, mean over two questions
  t.close(loss {loss = "kvsall", n3 = 0.5} - loss {loss = "kvsall"}, 135 / 4, 1e-4)
  t.close(loss {loss = "kvsall", l2 = 0.5} - loss {loss = "kvsall"}, 31 / 4, 1e-4)
end)

-- One question of tails, two of heads, three entities: where every score is 0, each question costs 3 log 2.
t.test("kvsall is the mean over questions, however many are of each side", function()
  local graph = kg.load {train = {{"a", "r", "b"}, {"a", "r", "c"}}}
  local model = kg.DistMult(graph, 4, {std = 0})
  local trainer = kg.Trainer(model, graph, embla.optim.SGD(model:parameters(), {lr = 0}), {loss = "kvsall"})
  t.close(trainer:epoch(), 3 * math.log(2), 1e-5)
end)

t.test("what does not fit is refused", function()
  local model = kg.DistMult(GRAPH, 4)
  local optimizer = embla.optim.SGD(model:parameters(), {lr = 0.1})
  t.raises(function() kg.Trainer(model, GRAPH, optimizer, {loss = "hinge"}) end, "loss")
  t.raises(function() kg.Trainer(model, kg.load {test = next_of}, optimizer) end, "no triples")
  t.raises(function() kg.Trainer(model, nil, optimizer) end, "Trainer: argument dataset: expected what kg.load returns")
  t.raises(function() kg.Trainer(kg.DistMult(9, 1, 4), GRAPH, optimizer) end,
           "Trainer: argument model: of 9 entities and 1 relations, the dataset has 8 and 1")
  for _, loss in ipairs {"sampled", "negatives"} do
    t.raises(function() kg.Trainer(model, GRAPH, optimizer, {loss = loss, label_smoothing = 0.1}) end,
             "Trainer: label_smoothing: the loss " .. loss .. " has none")
  end
end)

t.finish()
