-- Whole training steps of models: word vectors, recommenders, knowledge graphs, language models.

local embla = require "embla"
local data = require "cases.data"
local nn, F = embla.nn, embla.F
local draw, pool = data.draw, data.pool

-- `make` four times.
local function four(make) return {make(), make(), make(), make()} end

-- 1 for the true one of each row, which comes first, 0 for the others.
local function first_is_true(B, K)
  local y = embla.zeros(B, K)
  y[{{}, 0}] = 1
  return y
end

-- Skip-gram with negative sampling: B pairs of centre and context, K negatives each.
local function skipgram(B, d, V, K, kind)
  return function()
    local sparse = {sparse = data.is_sparse(kind)}
    local u, v = nn.Embedding(V, d, sparse), nn.Embedding(V, d, sparse)
    nn.init.zeros_(v.weight)
    local opt, centres = data.optimizer(kind, data.parameters(u, v)), pool(V, {B}, "zipf", d)
    local targets, y = four(function() return draw(V, {B, K + 1}, "zipf") end), first_is_true(B, K + 1)
    return function(i)
      opt:zero_grad()
      local scores = F.embedding_dot(u(centres[i % #centres + 1]), targets[i % 4 + 1], v.weight, sparse)
      F.binary_cross_entropy_with_logits(scores, y, {reduction = "sum"}):div(B):backward()
      opt:step()
    end, {["pairs/s"] = B, ["words/s@6pairs"] = B / 6}
  end
end

-- Matrix factorization: users' and items' vectors and biases.
local function factorization(B, d, kind, loss)
  return function()
    local U, I, sparse = 100000, 50000, {sparse = data.is_sparse(kind)}
    local p, q = nn.Embedding(U, d, sparse), nn.Embedding(I, d, sparse)
    local bp, bq = nn.Embedding(U, 1, sparse), nn.Embedding(I, 1, sparse)
    local opt = data.optimizer(kind, data.parameters(p, q, bp, bq))
    local users, items = pool(U, {B}, "uniform", d), pool(I, {B}, "zipf", d)
    local k, y = #users, loss == "bce" and embla.rand(B):round() or embla.randn(B)
    local criterion = loss == "bce" and F.binary_cross_entropy_with_logits or F.mse_loss
    return function(i)
      opt:zero_grad()
      local a, b = users[i % k + 1], items[i % k + 1]
      local scores = F.embedding_dot(p(a), b:unsqueeze(1), q.weight, sparse):squeeze(1)
      criterion(scores + bp(a):squeeze(1) + bq(b):squeeze(1), y):backward()
      opt:step()
    end, {["ratings/s"] = B}
  end
end

-- What a model of a knowledge graph makes of heads and relations, to be compared with tails.
local QUERY = {
  transe = function(h, r) return h + r end,
  distmult = function(h, r) return h * r end,
  complex = function(h, r)
    local a, b = h:chunk(2, 1), r:chunk(2, 1)
    return embla.cat({a[1] * b[1] - a[2] * b[2], a[1] * b[2] + a[2] * b[1]}, 1)
  end,
}

-- Knowledge graphs: B triples, each with K corrupted tails. TransE learns by a margin, the others by logistic loss.
local function knowledge(model, B, d, K, kind)
  return function()
    local E, R, sparse = 14541, 237, data.is_sparse(kind)
    local ent, rel = nn.Embedding(E, d, {sparse = sparse}), nn.Embedding(R, d, {sparse = sparse})
    nn.init.uniform_(ent.weight, -0.05, 0.05)
    nn.init.uniform_(rel.weight, -0.05, 0.05)
    local opt = data.optimizer(kind, data.parameters(ent, rel))
    local h = four(function() return draw(E, {B}, "zipf") end)
    local r = four(function() return draw(R, {B}, "zipf") end)
    local t = four(function() return embla.cat({draw(E, {B, 1}, "zipf"), draw(E, {B, K}, "uniform")}, 1) end)
    local y = first_is_true(B, K + 1)
    local function loss_of(query, tails)
      if model ~= "transe" then
        local scores = F.embedding_dot(query, tails, ent.weight, {sparse = sparse})
        return F.binary_cross_entropy_with_logits(scores, y)
      end
      local s = F.embedding_distance(query, tails, ent.weight, {p = 1, sparse = sparse})
      return F.relu(s[{{}, {0, 1}}] - s[{{}, {1}}] + 1):mean()
    end
    return function(i)
      i = i % 4 + 1
      opt:zero_grad()
      loss_of(QUERY[model](ent(h[i]), rel(r[i])), t[i]):backward()
      opt:step()
    end, {["triples/s"] = B, ["scores/s"] = B * (K + 1)}
  end
end

-- A language model in Bengio's manner: some words, a tanh layer, a softmax over all words.
local function word_model(B, context, d, H, V, kind)
  return function()
    local emb, hidden, out = nn.Embedding(V, d), nn.Linear(context * d, H), nn.Linear(H, V)
    local opt, xs = data.optimizer(kind, data.parameters(emb, hidden, out)), pool(V, {B, context}, "zipf", d)
    local ys = four(function() return draw(V, {B}, "zipf") end)
    return function(i)
      opt:zero_grad()
      F.cross_entropy(out(hidden(emb(xs[i % #xs + 1]):view(B, -1)):tanh()), ys[i % 4 + 1]):backward()
      opt:step()
    end, {["tokens/s"] = B, ["GFLOP/s"] = 6 * B * (context * d * H + H * V) / 1e9}
  end
end

local function lstm_model(B, T, d, V)
  return function()
    local emb, lstm, out = nn.Embedding(V, d), nn.LSTM(d, d), nn.Linear(d, V)
    local params = data.parameters(emb, lstm, out)
    local opt = data.optimizer("adam_dense", params)
    local xs = four(function() return draw(V, {T, B}, "zipf") end)
    local ys = four(function() return draw(V, {T * B}, "zipf") end)
    return function(i)
      i = i % 4 + 1
      opt:zero_grad()
      local h = lstm(emb(xs[i]))
      F.cross_entropy(out(h:view(T * B, d)), ys[i]):backward()
      nn.utils.clip_grad_norm_(params, 1.0)
      opt:step()
    end, {["tokens/s"] = B * T}
  end
end

return function(case)
  for _, kind in ipairs {"sgd_sparse", "adagrad_sparse", "sparseadam"} do
    for _, B in ipairs {1024, 8192} do
      case(("sgns_step_%s/B%d/K5/d100/V50k"):format(kind, B), not (kind == "sgd_sparse" and B == 1024),
           skipgram(B, 100, 50000, 5, kind))
    end
  end
  for _, kind in ipairs {"sgd_sparse", "adagrad_sparse", "sparseadam", "adam_dense"} do
    for _, B in ipairs {1024, 8192} do
      case(("mf_step_%s/B%d/d64/U100k/I50k/mse"):format(kind, B),
           (kind == "adagrad_sparse" and B == 8192) or (kind == "sparseadam" and B == 1024),
           factorization(B, 64, kind, "mse"))
    end
  end
  case("mf_step_adagrad_sparse/B8192/d64/U100k/I50k/bce", false, factorization(8192, 64, "adagrad_sparse", "bce"))
  for _, model in ipairs {"transe", "distmult", "complex"} do
    for _, d in ipairs {100, 200} do
      for _, kind in ipairs {"adagrad_sparse", "sparseadam", "adam_dense"} do
        case(("kge_%s_step_%s/B1024/K64/d%d/E14541"):format(model, kind, d), d == 100 and kind == "adagrad_sparse",
             knowledge(model, 1024, d, 64, kind))
      end
    end
  end
  local SIZES = "/B128/ctx5/d64/H128/V10k"
  case("nnlm_step_sgd_dense" .. SIZES, true, word_model(128, 5, 64, 128, 10000, "sgd_dense"))
  case("nnlm_step_adam_dense" .. SIZES, false, word_model(128, 5, 64, 128, 10000, "adam_dense"))
  case("lstm_lm_step_adam/B32/T35/d200/V10k", false, lstm_model(32, 35, 200, 10000))
end
