-- Facts about the countries of the world, learned as vectors.
--
--     embla scripts/examples/countries.lua [--epochs 60] [--dim 64] [--seed 1] [--save FOLDER [--resume]]
--
-- Each fact is a triple (country, relation, value): (France, neighbour, Spain). ComplEx gives entities and relations
-- complex vectors and scores a triple by Re(h * r * conj(t)); a fact should score above every other value. Some facts
-- are held out, and the trained vectors are asked for them: at which rank does the true value come?

local here = arg and arg[0] and arg[0]:match "^(.*/)" or "./"
package.path = here .. "?.lua;" .. package.path
local checkpoints = require "checkpoints"
local embla = require "embla"
local nn, F, optim = embla.nn, embla.F, embla.optim

local rows = {
  {name = "epochs", type = "integer", default = 60, range = ">= 1", doc = "times that all facts are gone through"},
  {name = "dim", type = "integer", default = 64, range = ">= 1", doc = "complex numbers in a vector"},
  {name = "batch", type = "integer", default = 128, range = ">= 1", doc = "facts in a batch"},
  {name = "lr", type = "number", default = 0.1, range = ">= 0", doc = "learning rate"},
  {name = "dropout", type = "number", default = 0.4, range = "[0, 1]", doc = "share of numbers left out"},
  {name = "seed", type = "integer", default = 1, doc = "of all random draws"},
}
table.move(checkpoints.rows("epochs", 10), 1, 3, #rows + 1, rows)
local set = embla.args("Facts about the countries of the world, learned as vectors.", rows)
embla.manual_seed(set.seed)

-- ---- facts: ids of entities and relations ----------------------------------------------------------------------

local names, ids = {}, {}                   -- entity id -> name (from 0) and back
local function entity(name)
  if not ids[name] then
    ids[name] = #names + (names[0] and 1 or 0)
    names[ids[name]] = name
  end
  return ids[name]
end

local RELATIONS = {"capital", "region", "currency", "language", "neighbour"}
local INVERSE = #RELATIONS                  -- relation r backwards is relation r + INVERSE

-- All facts {head, relation, tail}, relations from 0; a pair of neighbours once.
local function read_facts(path)
  local facts = {}
  for line in io.lines(path) do
    local fields = {}
    for field in (line .. "|"):gmatch "%s*(.-)%s*|" do fields[#fields + 1] = field end
    if line:sub(1, 1) ~= "#" then
      for r = 1, #RELATIONS do
        for value in fields[r + 1]:gmatch "%s*([^,]+)" do
          if RELATIONS[r] ~= "neighbour" or fields[1] < value then
            facts[#facts + 1] = {entity(fields[1]), r - 1, entity(value)}
          end
        end
      end
    end
  end
  return facts
end

local facts = read_facts(here .. "data/countries.txt")

-- A tenth is held out, of what other facts can tell: a capital is nobody else's, so it can only be known.
local train, held = {}, {}
local order = embla.randperm(#facts)
local seen = {}
for _, fact in ipairs(facts) do seen[fact[3]] = (seen[fact[3]] or 0) + 1 end
for i = 0, #facts - 1 do
  local fact = facts[order[i] + 1]
  local to = fact[2] ~= 0 and seen[fact[3]] > 3 and #held < #facts // 10 and held or train
  to[#to + 1] = fact
end

-- Every fact is learned in both directions, and every true answer is known when ranks are counted.
local known = {}
local function note(h, r, t)
  local key = h .. " " .. r
  known[key] = known[key] or {}
  known[key][t] = true
end
local heads, relations, tails = {}, {}, {}
local function learn(h, r, t)
  heads[#heads + 1], relations[#relations + 1], tails[#tails + 1] = h, r, t
end
for _, fact in ipairs(facts) do
  note(fact[1], fact[2], fact[3])
  note(fact[3], fact[2] + INVERSE, fact[1])
end
for _, fact in ipairs(train) do
  learn(fact[1], fact[2], fact[3])
  learn(fact[3], fact[2] + INVERSE, fact[1])
end
print(("%d entities, %d relations, %d facts, %d of them held out"):format(#names + 1, #RELATIONS, #facts, #held))

-- ---- the model -------------------------------------------------------------------------------------------------

local ComplEx = nn.Module:extend "ComplEx"

function ComplEx:init(entities, kinds, dim)
  self.entity = nn.Embedding(entities, 2 * dim)          -- real parts, then imaginary ones
  self.relation = nn.Embedding(kinds, 2 * dim)
  self.dropout = nn.Dropout(set.dropout)
  nn.init.normal_(self.entity.weight, 0, 0.1)
  nn.init.normal_(self.relation.weight, 0, 0.1)
end

-- heads (B), relations (B) -> scores of every entity as the tail (B, V)
function ComplEx:forward(h, r)
  local x, y = self.entity(h):chunk(2, 1), self.relation(r):chunk(2, 1)
  local query = embla.cat({x[1] * y[1] - x[2] * y[2], x[1] * y[2] + x[2] * y[1]}, 1)
  return F.linear(self.dropout(query), self.entity.weight)
end

-- ---- training --------------------------------------------------------------------------------------------------

local model = ComplEx(#names + 1, 2 * INVERSE, set.dim)
local optimizer = optim.Adagrad(model:parameters(), {lr = set.lr})
local data = embla.data.TensorDataset(embla.LongTensor(heads), embla.LongTensor(relations), embla.LongTensor(tails))
local loader = embla.data.DataLoader(data, {batch_size = set.batch, shuffle = true})

local done, _, keep = checkpoints.open(set, {model = model, optimizer = optimizer, loader = loader})
for epoch = done + 1, set.epochs do
  local total, n = 0, 0
  for h, r, t in loader:iter() do
    optimizer:zero_grad()
    local loss = F.cross_entropy(model(h, r), t)
    loss:backward()
    optimizer:step()
    total, n = total + loss:item() * #t, n + #t
  end
  keep(epoch, epoch == set.epochs)
  if epoch % 20 == 0 or epoch == set.epochs then print(("epoch %3d  loss %.3f"):format(epoch, total / n)) end
end

-- ---- ranks of what was held out --------------------------------------------------------------------------------

model:eval()

-- Rank of t among the tails of (h, r, ?), other true tails left out of the count.
local function rank_of(h, r, t)
  local scores = embla.no_grad(function() return model(embla.LongTensor {h}, embla.LongTensor {r}) end)[0]
  local true_score = scores[t]
  local rank, best = 1, {}
  for v, score in scores:iter() do
    if v ~= t and score > true_score and not known[h .. " " .. r][v] then rank = rank + 1 end
    if v ~= h then best[#best + 1] = {name = names[v], score = score} end
  end
  table.sort(best, function(a, b) return a.score > b.score end)
  return rank, best
end

local by_relation, all = {}, {n = 0, mrr = 0, one = 0, ten = 0}
local function count(sum, rank)
  sum.n, sum.mrr = sum.n + 1, sum.mrr + 1 / rank
  sum.one, sum.ten = sum.one + (rank == 1 and 1 or 0), sum.ten + (rank <= 10 and 1 or 0)
end
local examples = {}
for _, fact in ipairs(held) do
  local h, r, t = fact[1], fact[2], fact[3]
  local rank, best = rank_of(h, r, t)
  by_relation[r] = by_relation[r] or {n = 0, mrr = 0, one = 0, ten = 0}
  count(by_relation[r], rank)
  count(all, rank)
  examples[#examples + 1] = ("  %s of %s: %s came at rank %d (best: %s, %s, %s)"):format(
    RELATIONS[r + 1], names[h], names[t], rank, best[1].name, best[2].name, best[3].name)
end

print "\nheld out        n    MRR  hits@1  hits@10"
local function show(name, sum)
  print(("%-12s %4d  %.3f  %6.2f  %7.2f"):format(name, sum.n, sum.mrr / sum.n, sum.one / sum.n, sum.ten / sum.n))
end
for r = 0, #RELATIONS - 1 do
  if by_relation[r] then show(RELATIONS[r + 1], by_relation[r]) end
end
show("all", all)
print "\nsome of them:"
for i = 1, math.min(8, #examples) do print(examples[i]) end
