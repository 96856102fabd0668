-- Models of embeddings, each in a few lines: knowledge graphs, word vectors, recommenders, many classes.
--
--     embla scripts/examples/fast_models.lua [--steps 50]
--
-- Most of them score a query against rows of a table. F.embedding_dot and F.embedding_distance do that row by row where
-- the rows lie: the tensor of (batch, candidates, width) that one would gather otherwise never exists, neither forward
-- nor backward, and the sparse gradient of the table is a list of ids, coefficients and queries until the optimizer
-- sums each row while it updates it. Write the query with ordinary operations, then one of the two; an optimizer that
-- takes sparse gradients (SGD, Adagrad, SparseAdam, …) does the rest. Ids of shape (K) are shared by the whole batch;
-- the scores are then a product of matrices.
--
-- Run, it takes some steps of each model on made-up ids and tells time and loss; required, it returns the models.

local embla = require "embla"
local nn, F = embla.nn, embla.F

local D = 64                                              -- width of a row
local ENTITIES, RELATIONS, WORDS, USERS, ITEMS = 5000, 20, 10000, 3000, 4000
local sparse = {sparse = true}
local models = {
  entity = nn.Embedding(ENTITIES, D, sparse), relation = nn.Embedding(RELATIONS, D, sparse),
  phase = nn.Embedding(RELATIONS, D // 2, sparse),
  input = nn.Embedding(WORDS, D, sparse), output = nn.Embedding(WORDS, D, sparse),
  user = nn.Embedding(USERS, D, sparse), item = nn.Embedding(ITEMS, D, sparse), bias = nn.Embedding(ITEMS, 1, sparse),
}
local entity, relation, phase = models.entity, models.relation, models.phase
local input, output, user, item, bias = models.input, models.output, models.user, models.item, models.bias
local tables = {entity, relation, phase, input, output, user, item, bias}

local function halves(x) return table.unpack(x:chunk(2, 1)) end

-- ---- knowledge graphs: head, relation (B), candidate tails (B, K) -> scores (B, K) -------------------------------

function models.distmult(h, r, t) return F.embedding_dot(entity(h) * relation(r), t, entity.weight, sparse) end

function models.complex(h, r, t)                          -- real and imaginary halves
  local a, b = halves(entity(h))
  local c, d = halves(relation(r))
  return F.embedding_dot(embla.cat({a * c - b * d, a * d + b * c}, 1), t, entity.weight, sparse)
end

function models.transe(h, r, t)
  return -F.embedding_distance(entity(h) + relation(r), t, entity.weight, {p = 1, sparse = true})
end

function models.rotate(h, r, t)                           -- the head turned by the relation's angles
  local a, b = halves(entity(h))
  local cos, sin = phase(r):cos(), phase(r):sin()
  return -F.embedding_distance(embla.cat({a * cos - b * sin, a * sin + b * cos}, 1), t, entity.weight, sparse)
end

-- ---- word vectors: words (B), a neighbour and drawn words (B, 1 + K), 1 for the neighbour -> loss ---------------

function models.skipgram(word, others, label)
  local scores = F.embedding_dot(input(word), others, output.weight, sparse)
  return F.binary_cross_entropy_with_logits(scores, label)
end

-- ---- recommenders ----------------------------------------------------------------------------------------------

function models.rating(u, i)                              -- users and items (B) -> ratings (B)
  return (F.embedding_dot(user(u), i:unsqueeze(1), item.weight, sparse) + bias(i)):squeeze(1)
end

function models.bpr(u, chosen, passed)                    -- users (B), an item chosen and one passed over -> loss
  local scores = F.embedding_dot(user(u), embla.stack({chosen, passed}, 1), item.weight, sparse)
  return -F.logsigmoid(scores[{{}, 0}] - scores[{{}, 1}]):mean()
end

-- ---- many classes, few of them sampled: states (B, D), classes (B) -> loss --------------------------------------

function models.softmax(state, class)
  return F.sampled_softmax(state, class, output.weight, nil, {num_sampled = 50, sparse = true})
end

if ... == "fast_models" then return models end              -- require "fast_models"

-- ---- some steps of each ----------------------------------------------------------------------------------------

local steps = embla.args("Some steps of each model of embeddings, with time and loss.", {
  {name = "steps", type = "integer", default = 50, range = ">= 1", doc = "steps of each model"},
}).steps

local B, K = 1024, 64                                     -- batch, candidates
local label = embla.zeros(B, 1 + K)
label[{{}, 0}] = 1
local function ids(n, ...) return embla.randint(0, n, {...}) end
local h, r, t = ids(ENTITIES, B), ids(RELATIONS, B), ids(ENTITIES, B, 1 + K)
local word, others = ids(WORDS, B), ids(WORDS, B, 6)
local u, i, j, stars = ids(USERS, B), ids(ITEMS, B), ids(ITEMS, B), embla.rand(B)

-- The true tail above the drawn ones.
local function ranked(score)
  return function() return F.binary_cross_entropy_with_logits(score(h, r, t), label) end
end

local tasks = {
  {"DistMult", ranked(models.distmult)}, {"ComplEx", ranked(models.complex)}, {"TransE", ranked(models.transe)},
  {"RotatE", ranked(models.rotate)},
  {"skip-gram", function() return models.skipgram(word, others, label[{{}, {0, 6}}]) end},
  {"ratings", function() return F.mse_loss(models.rating(u, i), stars) end},
  {"BPR", function() return models.bpr(u, i, j) end},
  {"sampled softmax", function() return models.softmax(input(word), others[{{}, 0}]) end},
}

print(("%-16s %12s %12s %12s"):format("model", "ms a step", "first loss", "last loss"))
for _, task in ipairs(tasks) do
  local name, loss_of = table.unpack(task)
  local params = {}
  for k, rows in ipairs(tables) do params[k] = nn.init.normal_(rows.weight, 0, 0.1) end
  local optimizer = embla.optim.Adagrad(params, {lr = 0.1})
  local first, last
  local start = embla.clock()
  for _ = 1, steps do
    optimizer:zero_grad()
    local loss = loss_of()
    loss:backward()
    optimizer:step()
    first, last = first or loss:item(), loss:item()
  end
  local ms = (embla.clock() - start) / steps * 1e3
  print(("%-16s %12.2f %12.4f %12.4f"):format(name, ms, first, last))
end
