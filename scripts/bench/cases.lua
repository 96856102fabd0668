-- The cases: each has a name, says whether it belongs to the quick selection, and makes a function to time. Names and
-- contents are those of the PyTorch script that they are compared with.

local embla = require "embla"
local nn, F, optim = embla.nn, embla.F, embla.optim

local cases = {}
local function case(name, quick, make) cases[#cases + 1] = {name = name, quick = quick, make = make} end

local function short(n)
  if n >= 1000000 then return ("%dM"):format(n // 1000000) end
  return n >= 1000 and ("%dk"):format(n // 1000) or tostring(n)
end

-- ---- data ------------------------------------------------------------------------------------------------------

local tables = {}
local function table_of(V, d)
  local key = V .. "x" .. d
  if not tables[key] then
    tables = {}
    collectgarbage()
    tables[key] = embla.empty(V, d):uniform_(-0.1, 0.1)
  end
  return tables[key]
end

local sums = {}                             -- V -> running sums of 1 / r, from 1
local function zipf_sums(V)
  if not sums[V] then
    local list, total = {}, 0
    for r = 1, V do
      total = total + 1 / r
      list[r] = total
    end
    sums[V] = list
  end
  return sums[V]
end

local function zipf_id(list, V)
  local x, low, high = math.random() * list[V], 1, V
  while low < high do
    local middle = (low + high) // 2
    if list[middle] < x then low = middle + 1 else high = middle end
  end
  return low - 1
end

-- ids of a shape, drawn evenly or by Zipf's law
local function draw(V, shape, dist)
  if dist == "uniform" then return embla.randint(0, V, shape) end
  local list, n, ids = zipf_sums(V), 1, {}
  for _, size in ipairs(shape) do n = n * size end
  for i = 1, n do ids[i] = zipf_id(list, V) end
  return embla.LongTensor(ids):view(shape)
end

local function pool(V, shape, dist, d)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  local count = n >= 65536 and 4 or math.max(4, math.min(32, math.ceil(64e6 / (n * d * 4))))
  local list = {}
  for i = 1, count do list[i] = draw(V, shape, dist) end
  return list
end

local function rows(n, d) return {["Mrows/s"] = n / 1e6, ["GB/s"] = n * d * 4 / 1e9} end

local function embedding(V, d, options)
  options = options or {}
  options._weight = table_of(V, d)
  return nn.Embedding(V, d, options)
end

local function optimizer(kind, params)
  local name = kind:match "^%a+"
  if name == "sgd" then return optim.SGD(params, {lr = 0.01}) end
  if name == "adagrad" then return optim.Adagrad(params, {lr = 0.01}) end
  if name == "sparseadam" then return optim.SparseAdam(params, {lr = 0.001}) end
  return optim.Adam(params, {lr = 0.001})
end

local function is_sparse(kind) return not kind:find "dense$" end

local function weights(...)
  local list = {}
  for i, module in ipairs {...} do list[i] = module.weight end
  return list
end

-- ---- calibration -----------------------------------------------------------------------------------------------

case("calib_copy_64MB", true, function()
  local a, b = embla.zeros(16 << 20), embla.ones(16 << 20)
  return function() a:copy_(b) end, {["GB/s"] = 2 * 4 * (16 << 20) / 1e9}
end)
case("calib_mm_512", true, function()
  local a, b = embla.randn(512, 512), embla.randn(512, 512)
  return function() return a:mm(b) end, {["GFLOP/s"] = 2 * 512 ^ 3 / 1e9}
end)

-- ---- lookups ---------------------------------------------------------------------------------------------------

local function forward(N, d, V, dist, options)
  return function()
    local emb, ids = embedding(V, d, options), pool(V, {N}, dist, d)
    local k = #ids
    return function(i) return emb(ids[i % k + 1]) end, rows(N, d)
  end
end

for _, V in ipairs {10000, 100000, 1000000} do
  for _, d in ipairs {16, 64, 128, 300} do
    for _, N in ipairs {1, 32, 1024, 8192, 65536} do
      for _, dist in ipairs {"uniform", "zipf"} do
        local quick = ((V == 100000 and d == 64) or (V == 1000000 and d == 128)) and (N == 1024 or N == 65536) and
                      dist == "uniform" or (V == 100000 and d == 64 and N == 65536)
        case(("emb_fwd/N%d/d%d/V%s/%s"):format(N, d, short(V), dist), quick, forward(N, d, V, dist))
      end
    end
  end
end
case("emb_fwd_max_norm/N8192/d64/V100k/zipf", true, forward(8192, 64, 100000, "zipf", {max_norm = 1.0}))
case("emb_fwd_max_norm/N8192/d64/V100k/uniform", false, forward(8192, 64, 100000, "uniform", {max_norm = 1.0}))

local function forward_backward(N, d, V, dist, options)
  return function()
    local emb, ids, g = embedding(V, d, options), pool(V, {N}, dist, d), embla.randn(N, d)
    local k = #ids
    return function(i)
      emb.weight.grad = nil
      emb(ids[i % k + 1]):backward(g)
    end, rows(N, d)
  end
end

for _, size in ipairs {{10000, 64}, {100000, 64}, {100000, 128}, {1000000, 64}, {10000, 300}} do
  local V, d = size[1], size[2]
  for _, N in ipairs {32, 1024, 8192, 65536} do
    for _, dist in ipairs {"uniform", "zipf"} do
      local quick = V == 100000 and d == 64 and N == 8192
      local tail = ("/N%d/d%d/V%s/%s"):format(N, d, short(V), dist)
      case("emb_fwdbwd_dense" .. tail, quick, forward_backward(N, d, V, dist))
      case("emb_fwdbwd_sparse" .. tail, quick, forward_backward(N, d, V, dist, {sparse = true}))
    end
  end
end
for _, dist in ipairs {"uniform", "zipf"} do
  local tail = "/N8192/d64/V100k/" .. dist
  case("emb_fwdbwd_dense_padding_idx" .. tail, false, forward_backward(8192, 64, 100000, dist, {padding_idx = 0}))
  case("emb_fwdbwd_sparse_padding_idx" .. tail, false,
       forward_backward(8192, 64, 100000, dist, {padding_idx = 0, sparse = true}))
  case("emb_fwdbwd_dense_scale_grad_by_freq" .. tail, dist == "zipf",
       forward_backward(8192, 64, 100000, dist, {scale_grad_by_freq = true}))
end

-- ---- whole steps of one table ----------------------------------------------------------------------------------

local function step(N, d, V, dist, kind)
  return function()
    local emb = embedding(V, d, {sparse = is_sparse(kind)})
    local opt, ids = optimizer(kind, emb:parameters()), pool(V, {N}, dist, d)
    local k = #ids
    return function(i)
      opt:zero_grad()
      emb(ids[i % k + 1]):sum():backward()
      opt:step()
    end, rows(N, d)
  end
end

for _, kind in ipairs {"sgd_sparse", "adagrad_sparse", "sparseadam", "adam_dense", "sgd_dense"} do
  for _, size in ipairs {{10000, 64}, {100000, 64}, {100000, 128}, {1000000, 64}} do
    local V, d = size[1], size[2]
    for _, N in ipairs {32, 1024, 8192, 65536} do
      for _, dist in ipairs {"uniform", "zipf"} do
        case(("step_%s/N%d/d%d/V%s/%s"):format(kind, N, d, short(V), dist),
             N == 8192 and d == 128 and is_sparse(kind), step(N, d, V, dist, kind))
      end
    end
  end
end

-- ---- bags ------------------------------------------------------------------------------------------------------

local function bag(B, L, d, V, dist, mode, sparse, backward, options)
  return function()
    options = options or {}
    local weighted = options.weighted
    options.weighted = nil
    options._weight, options.mode, options.sparse = table_of(V, d), mode, sparse
    local layer, ids = nn.EmbeddingBag(V, d, options), pool(V, {B * L}, dist, d)
    options.weighted = weighted
    local offsets, g, k = embla.arange(0, B * L, L), embla.randn(B, d), #ids
    local factors = weighted and embla.rand(B * L) or nil
    if not backward then return function(i) return layer(ids[i % k + 1], offsets, factors) end, rows(B * L, d) end
    return function(i)
      layer.weight.grad = nil
      layer(ids[i % k + 1], offsets, factors):backward(g)
    end, rows(B * L, d)
  end
end

for _, L in ipairs {10, 50} do
  for _, size in ipairs {{100000, 64}, {1000000, 128}} do
    local V, d = size[1], size[2]
    for _, mode in ipairs {"sum", "mean", "max"} do
      for _, dist in ipairs {"uniform", "zipf"} do
        local quick = V == 100000 and ((L == 10 and mode == "sum" and dist == "uniform") or
                      (L == 50 and mode == "mean" and dist == "zipf") or (L == 10 and mode == "max" and dist == "zipf"))
        local tail = ("_%s/B1024/L%d/d%d/V%s/%s"):format(mode, L, d, short(V), dist)
        case("bag_fwd" .. tail, quick, bag(1024, L, d, V, dist, mode, false, false))
        if V <= 100000 then
          case("bag_fwdbwd_dense" .. tail, quick and mode == "max", bag(1024, L, d, V, dist, mode, false, true))
        end
        if mode ~= "max" then
          case("bag_fwdbwd_sparse" .. tail, quick, bag(1024, L, d, V, dist, mode, true, true))
        end
      end
    end
  end
end
local BAG = "/B1024/L10/d64/V100k/zipf"
case("bag_fwdbwd_sparse_sum_weighted" .. BAG, false,
     bag(1024, 10, 64, 100000, "zipf", "sum", true, true, {weighted = true}))
case("bag_fwdbwd_dense_sum_weighted" .. BAG, false,
     bag(1024, 10, 64, 100000, "zipf", "sum", false, true, {weighted = true}))
case("bag_fwdbwd_dense_mean_padding_idx" .. BAG, false,
     bag(1024, 10, 64, 100000, "zipf", "mean", false, true, {padding_idx = 0}))
case("bag_fwdbwd_dense_mean_scale_grad_by_freq" .. BAG, false,
     bag(1024, 10, 64, 100000, "zipf", "mean", false, true, {scale_grad_by_freq = true}))
case("bag_fwdbwd_dense_mean_max_norm" .. BAG, false,
     bag(1024, 10, 64, 100000, "zipf", "mean", false, true, {max_norm = 1.0}))

-- ---- small work ------------------------------------------------------------------------------------------------

case("tiny_add", true, function()
  local a, b = embla.ones(4), embla.ones(4)
  return function() return a + b end
end)
case("tiny_mul_recording", false, function()
  local a, b = embla.ones(4, {requires_grad = true}), embla.ones(4)
  return function() return a * b end
end)
case("tiny_emb_fwd", true, function()
  local emb, ids = nn.Embedding(100, 8), embla.LongTensor {3}
  return function() return emb(ids) end
end)
case("tiny_emb_fwd_nograd_functional", false, function()
  local w, ids = embla.randn(100, 8), embla.LongTensor {3}
  return function() return F.embedding(ids, w) end
end)

local function tiny_step(sparse)
  return function()
    local emb = nn.Embedding(100, 8, {sparse = sparse})
    local opt, ids = optim.SGD(emb:parameters(), {lr = 0.01}), embla.LongTensor {3, 5, 3, 7}
    return function()
      opt:zero_grad()
      emb(ids):sum():backward()
      opt:step()
    end
  end
end
case("tiny_emb_step_sgd_dense", false, tiny_step(false))
case("tiny_emb_step_sgd_sparse", true, tiny_step(true))

local function mlp(B, inputs, hidden, classes)
  return function()
    local net = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes))
    local opt = optim.SGD(net:parameters(), {lr = 0.01})
    local x, y = embla.randn(B, inputs), embla.randint(0, classes, {B})
    return function()
      opt:zero_grad()
      F.cross_entropy(net(x), y):backward()
      opt:step()
    end, {["samples/s"] = B}
  end
end
case("tiny_mlp_fwd_8_16_4", false, function()
  local net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
  local x = embla.randn(4, 8)
  return function() return net(x) end
end)
case("tiny_mlp_step_4x8_16_4_sgd", true, mlp(4, 8, 16, 4))
case("mlp_step_128x64_128_10_sgd", false, mlp(128, 64, 128, 10))

-- ---- dense layers ----------------------------------------------------------------------------------------------

for _, size in ipairs {{128, 10000}, {1024, 10000}, {128, 50000}, {1024, 50000}} do
  local B, C = size[1], size[2]
  case(("cross_entropy_fwdbwd/B%d/C%s"):format(B, short(C)), B == 128 and C == 10000, function()
    local x, y = embla.randn(B, C, {requires_grad = true}), embla.randint(0, C, {B})
    return function()
      x.grad = nil
      F.cross_entropy(x, y):backward()
    end, {["samples/s"] = B}
  end)
end
for _, size in ipairs {{128, 100, 10000}, {1024, 128, 10000}, {128, 128, 50000}} do
  local B, d, C = size[1], size[2], size[3]
  case(("softmax_layer_fwdbwd/B%d/d%d/C%s"):format(B, d, short(C)), C == 10000 and B == 128, function()
    local layer, x, y = nn.Linear(d, C), embla.randn(B, d, {requires_grad = true}), embla.randint(0, C, {B})
    return function()
      layer:zero_grad()
      x.grad = nil
      F.cross_entropy(layer(x), y):backward()
    end, {["GFLOP/s"] = 6 * B * d * C / 1e9}
  end)
end
if nn.LayerNorm then
  for _, size in ipairs {{1024, 128}, {8192, 300}} do
    local B, d = size[1], size[2]
    case(("layer_norm_fwdbwd/B%d/d%d"):format(B, d), B == 1024, function()
      local layer, x, g = nn.LayerNorm(d), embla.randn(B, d, {requires_grad = true}), embla.randn(B, d)
      return function()
        layer:zero_grad()
        x.grad = nil
        layer(x):backward(g)
      end, rows(B, d)
    end)
  end
end
if nn.LSTM then
  for layers = 1, 2 do
    case(("lstm_fwdbwd/B32/T35/E200/H200/L%d"):format(layers), layers == 2, function()
      local lstm = nn.LSTM(200, 200, {num_layers = layers})
      local x, g = embla.randn(35, 32, 200, {requires_grad = true}), embla.randn(35, 32, 200)
      return function()
        lstm:zero_grad()
        x.grad = nil
        lstm(x):backward(g)
      end, {["tokens/s"] = 32 * 35}
    end)
  end
end
for _, size in ipairs {{64, 64, 64}, {128, 100, 10000}, {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048},
                       {8192, 128, 128}} do
  local m, k, n = size[1], size[2], size[3]
  case(("matmul/%dx%dx%d"):format(m, k, n), n == 10000 or n == 1024, function()
    local a, b = embla.randn(m, k), embla.randn(k, n)
    return function() return a:mm(b) end, {["GFLOP/s"] = 2 * m * k * n / 1e9}
  end)
end
for _, size in ipairs {{1024, 128, 128}, {128, 64, 64}} do
  local B, a, b = size[1], size[2], size[3]
  case(("linear_fwdbwd/B%d/%dx%d"):format(B, a, b), B == 1024, function()
    local layer, x, g = nn.Linear(a, b), embla.randn(B, a, {requires_grad = true}), embla.randn(B, b)
    return function()
      layer:zero_grad()
      x.grad = nil
      layer(x):backward(g)
    end, {["GFLOP/s"] = 6 * B * a * b / 1e9}
  end)
end

-- ---- models ----------------------------------------------------------------------------------------------------

-- Skip-gram with negative sampling: B pairs of centre and context, K negatives each.
local function skipgram(B, d, V, K, kind)
  return function()
    local sparse = {sparse = is_sparse(kind)}
    local u, v = nn.Embedding(V, d, sparse), nn.Embedding(V, d, sparse)
    nn.init.zeros_(v.weight)
    local opt, centres, targets = optimizer(kind, weights(u, v)), pool(V, {B}, "zipf", d), {}
    for i = 1, 4 do targets[i] = draw(V, {B, K + 1}, "zipf") end
    local y = embla.zeros(B, K + 1)
    y[{{}, 0}] = 1
    return function(i)
      opt:zero_grad()
      local scores = F.embedding_dot(u(centres[i % #centres + 1]), targets[i % 4 + 1], v.weight, sparse)
      F.binary_cross_entropy_with_logits(scores, y, {reduction = "sum"}):div(B):backward()
      opt:step()
    end, {["pairs/s"] = B}
  end
end
for _, kind in ipairs {"sgd_sparse", "adagrad_sparse", "sparseadam"} do
  for _, B in ipairs {1024, 8192} do
    case(("sgns_step_%s/B%d/K5/d100/V50k"):format(kind, B), not (kind == "sgd_sparse" and B == 1024),
         skipgram(B, 100, 50000, 5, kind))
  end
end

-- Matrix factorization: users' and items' vectors and biases.
local function factorization(B, d, kind, loss)
  return function()
    local U, I, sparse = 100000, 50000, {sparse = is_sparse(kind)}
    local p, q = nn.Embedding(U, d, sparse), nn.Embedding(I, d, sparse)
    local bp, bq = nn.Embedding(U, 1, sparse), nn.Embedding(I, 1, sparse)
    local opt = optimizer(kind, weights(p, q, bp, bq))
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
for _, kind in ipairs {"sgd_sparse", "adagrad_sparse", "sparseadam", "adam_dense"} do
  for _, B in ipairs {1024, 8192} do
    case(("mf_step_%s/B%d/d64/U100k/I50k/mse"):format(kind, B),
         (kind == "adagrad_sparse" and B == 8192) or (kind == "sparseadam" and B == 1024),
         factorization(B, 64, kind, "mse"))
  end
end
case("mf_step_adagrad_sparse/B8192/d64/U100k/I50k/bce", false, factorization(8192, 64, "adagrad_sparse", "bce"))

-- Knowledge graphs: B triples, each with K corrupted tails.
local function knowledge(model, B, d, K, kind)
  return function()
    local E, R, sparse = 14541, 237, {sparse = is_sparse(kind)}
    local ent, rel = nn.Embedding(E, d, sparse), nn.Embedding(R, d, sparse)
    nn.init.uniform_(ent.weight, -0.05, 0.05)
    nn.init.uniform_(rel.weight, -0.05, 0.05)
    local opt, h, r, t = optimizer(kind, weights(ent, rel)), {}, {}, {}
    for i = 1, 4 do
      h[i], r[i] = draw(E, {B}, "zipf"), draw(R, {B}, "zipf")
      t[i] = embla.cat({draw(E, {B, 1}, "zipf"), draw(E, {B, K}, "uniform")}, 1)
    end
    local y = embla.zeros(B, K + 1)
    y[{{}, 0}] = 1
    local distance = {p = 1, sparse = sparse.sparse}
    local function loss_of(i)
      local x, z = ent(h[i]), rel(r[i])
      if model == "transe" then
        local s = F.embedding_distance(x + z, t[i], ent.weight, distance)
        return F.relu(s[{{}, {0, 1}}] - s[{{}, {1}}] + 1):mean()
      end
      local query
      if model == "distmult" then
        query = x * z
      else
        local a, b = x:chunk(2, 1), z:chunk(2, 1)
        query = embla.cat({a[1] * b[1] - a[2] * b[2], a[1] * b[2] + a[2] * b[1]}, 1)
      end
      return F.binary_cross_entropy_with_logits(F.embedding_dot(query, t[i], ent.weight, sparse), y)
    end
    return function(i)
      opt:zero_grad()
      loss_of(i % 4 + 1):backward()
      opt:step()
    end, {["triples/s"] = B, ["scores/s"] = B * (K + 1)}
  end
end
for _, model in ipairs {"transe", "distmult", "complex"} do
  for _, d in ipairs {100, 200} do
    for _, kind in ipairs {"adagrad_sparse", "sparseadam", "adam_dense"} do
      case(("kge_%s_step_%s/B1024/K64/d%d/E14541"):format(model, kind, d), d == 100 and kind == "adagrad_sparse",
           knowledge(model, 1024, d, 64, kind))
    end
  end
end

-- A language model in Bengio's manner: some words, a tanh layer, a softmax over all words.
local function neural_language_model(B, context, d, H, V, kind)
  return function()
    local emb, hidden, out = nn.Embedding(V, d), nn.Linear(context * d, H), nn.Linear(H, V)
    local params = {emb.weight, hidden.weight, hidden.bias, out.weight, out.bias}
    local opt, xs, ys = optimizer(kind, params), pool(V, {B, context}, "zipf", d), {}
    for i = 1, 4 do ys[i] = draw(V, {B}, "zipf") end
    return function(i)
      opt:zero_grad()
      F.cross_entropy(out(hidden(emb(xs[i % #xs + 1]):view(B, -1)):tanh()), ys[i % 4 + 1]):backward()
      opt:step()
    end, {["tokens/s"] = B}
  end
end
case("nnlm_step_sgd_dense/B128/ctx5/d64/H128/V10k", true, neural_language_model(128, 5, 64, 128, 10000, "sgd_dense"))
case("nnlm_step_adam_dense/B128/ctx5/d64/H128/V10k", false, neural_language_model(128, 5, 64, 128, 10000, "adam_dense"))

return cases
