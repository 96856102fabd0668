-- Facts of Wikidata (CoDEx, Safavi and Koutra 2020) as vectors, and the ranks of facts that were held out.
--
--     embla scripts/examples/codex.lua [--data codex_s|codex_m] [--model ComplEx] [--epochs N] [--split test]
--
-- The data set lies in the folder EMBLA_DATA, by default ../shared/data. Settings of each model stand below.

local embla = require "embla"
local kg = embla.kg

-- First guesses: no search has been made yet.
local SETTINGS = {
  ComplEx = {dim = 512, epochs = 8, lr = 0.1, loss = "1vsall", n3 = 0.005, dropout = 0.3, reciprocal = true},
  DistMult = {dim = 512, epochs = 8, lr = 0.1, loss = "1vsall", n3 = 0.005, dropout = 0.3, reciprocal = true},
  SimplE = {dim = 512, epochs = 8, lr = 0.1, loss = "1vsall", n3 = 0.005, dropout = 0.3, reciprocal = true},
  RESCAL = {dim = 128, epochs = 20, lr = 0.05, loss = "1vsall", dropout = 0.3, reciprocal = true},
  TransE = {dim = 256, epochs = 20, lr = 0.1, loss = "negatives", num = 128, reciprocal = true},
  RotatE = {dim = 128, epochs = 10, lr = 0.1, loss = "negatives", num = 32, reciprocal = true},
}

local o = embla.args("Learns a graph of facts and ranks those held out.", {
  {name = "data", type = "string", default = "codex_s", doc = "folder of the data set"},
  {name = "model", type = "string", default = "ComplEx", doc = "which",
   choices = {"ComplEx", "DistMult", "SimplE", "RESCAL", "TransE", "RotatE"}},
  {name = "epochs", type = "integer", range = ">= 1", doc = "times that all facts are gone through"},
  {name = "split", type = "string", default = "test", choices = {"valid", "test"}, doc = "the facts that are ranked"},
  {name = "loss", type = "string", choices = {"1vsall", "kvsall", "sampled", "negatives"}, doc = "instead of its own"},
  {name = "dim", type = "integer", range = ">= 2", doc = "numbers in an entity's vector"},
  {name = "lr", type = "number", range = ">= 0", doc = "learning rate"},
  {name = "n3", type = "number", range = ">= 0", doc = "weight of the N3 penalty"},
  {name = "dropout", type = "number", range = "[0, 1]", doc = "of the entity's vector in a query"},
  {name = "seed", type = "integer", default = 1, doc = "of all random draws"},
})
local set = SETTINGS[o.model]
local function chosen(name) return o[name] == nil and set[name] or o[name] end
embla.manual_seed(o.seed)

local here = arg[0]:match "^(.*/)" or ""
local graph = kg.load((os.getenv "EMBLA_DATA" or here .. "../../../shared/data") .. "/" .. o.data)
local model = kg[o.model](graph, chosen "dim", {reciprocal = set.reciprocal, dropout = chosen "dropout"})
local optimizer = embla.optim.Adagrad(model:parameters(), {lr = chosen "lr"})
local trainer = kg.Trainer(model, graph, optimizer,
  {loss = chosen "loss", n3 = chosen "n3", num = set.num, batch_size = 512})
print(("%d entities, %d relations, %d facts"):format(#graph.entities, #graph.relations, #graph.train))

local start = embla.clock()
for epoch = 1, chosen "epochs" do
  print(("epoch %2d  loss %.4f  %.1f s"):format(epoch, trainer:epoch(), embla.clock() - start))
end
local result = kg.evaluate(model, graph, {split = o.split})
print(("%s %s: MRR %.4f  hits@1 %.3f  @3 %.3f  @10 %.3f  MR %.1f"):format(o.model, o.split, result.MRR,
  result.hits[1], result.hits[3], result.hits[10], result.MR))
