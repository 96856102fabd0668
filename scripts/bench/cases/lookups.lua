-- One table: lookups, their gradients, whole steps, and grouping alone.

local embla = require "embla"
local data = require "cases.data"
local embedding, pool, rows = data.embedding, data.pool, data.rows

local BOTH = {"uniform", "zipf"}

local function tail_of(N, d, V, dist) return ("/N%d/d%d/V%s/%s"):format(N, d, data.short(V), dist) end

local function forward(N, d, V, dist, options)
  return function()
    local emb, ids = embedding(V, d, options), pool(V, {N}, dist, d)
    local k = #ids
    return function(i) return emb(ids[i % k + 1]) end, rows(N, d)
  end
end

-- The gradient of the output is given.
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

local function step(N, d, V, dist, kind)
  return function()
    local emb = embedding(V, d, {sparse = data.is_sparse(kind)})
    local opt, ids = data.optimizer(kind, emb:parameters()), pool(V, {N}, dist, d)
    local k = #ids
    return function(i)
      opt:zero_grad()
      emb(ids[i % k + 1]):sum():backward()
      opt:step()
    end, rows(N, d)
  end
end

local function coalesce(N, d, V, dist)
  return function()
    local ids, values = pool(V, {N}, dist, d), embla.randn(N, d)
    local k = #ids
    return function(i)
      return embla.sparse_coo_tensor(ids[i % k + 1]:view(1, -1), values, {V, d}):coalesce()
    end, rows(N, d)
  end
end

local function add_forward(case)
  for _, V in ipairs {10000, 100000, 1000000} do
    for _, d in ipairs {16, 64, 128, 300} do
      local small, large = V == 100000 and d == 64, V == 1000000 and d == 128
      for _, N in ipairs {1, 32, 1024, 8192, 65536} do
        for _, dist in ipairs(BOTH) do
          local quick = (small or large) and (N == 1024 or N == 65536) and dist == "uniform" or small and N == 65536
          case("emb_fwd" .. tail_of(N, d, V, dist), quick, forward(N, d, V, dist))
        end
      end
    end
  end
  for _, dist in ipairs {"zipf", "uniform"} do
    case("emb_fwd_max_norm/N8192/d64/V100k/" .. dist, dist == "zipf",
         forward(8192, 64, 100000, dist, {max_norm = 1.0}))
  end
end

local function add_backward(case)
  for _, size in ipairs {{10000, 64}, {100000, 64}, {100000, 128}, {1000000, 64}, {10000, 300}} do
    local V, d = size[1], size[2]
    for _, N in ipairs {32, 1024, 8192, 65536} do
      for _, dist in ipairs(BOTH) do
        local quick, tail = V == 100000 and d == 64 and N == 8192, tail_of(N, d, V, dist)
        case("emb_fwdbwd_dense" .. tail, quick, forward_backward(N, d, V, dist))
        case("emb_fwdbwd_sparse" .. tail, quick, forward_backward(N, d, V, dist, {sparse = true}))
      end
    end
  end
  for _, dist in ipairs(BOTH) do
    local function add(name, quick, options)
      case("emb_fwdbwd_" .. name .. tail_of(8192, 64, 100000, dist), quick,
           forward_backward(8192, 64, 100000, dist, options))
    end
    add("dense_padding_idx", false, {padding_idx = 0})
    add("sparse_padding_idx", false, {padding_idx = 0, sparse = true})
    add("dense_scale_grad_by_freq", dist == "zipf", {scale_grad_by_freq = true})
  end
end

-- Dense gradients of few ids tell little that others do not.
local function is_told(kind, N, V) return data.is_sparse(kind) or (N > 32 and (V < 1000000 or N == 8192)) end

local function add_steps(case)
  for _, kind in ipairs {"sgd_sparse", "adagrad_sparse", "sparseadam", "adam_dense", "sgd_dense"} do
    for _, size in ipairs {{10000, 64}, {100000, 64}, {100000, 128}, {1000000, 64}} do
      local V, d = size[1], size[2]
      for _, N in ipairs {32, 1024, 8192, 65536} do
        for _, dist in ipairs(BOTH) do
          local quick = V == 100000 and d == 64 and N == 8192 and (dist == "zipf" or kind == "adagrad_sparse")
          if is_told(kind, N, V) then
            case("step_" .. kind .. tail_of(N, d, V, dist), quick, step(N, d, V, dist, kind))
          end
        end
      end
    end
  end
end

local function add_grouping(case)
  for _, N in ipairs {1024, 8192, 65536} do
    for _, d in ipairs {64, 128} do
      for _, dist in ipairs(BOTH) do
        case("coalesce" .. tail_of(N, d, 100000, dist), N == 8192 and d == 64 and dist == "zipf",
             coalesce(N, d, 100000, dist))
      end
    end
  end
end

return function(case)
  add_forward(case)
  add_backward(case)
  add_steps(case)
  add_grouping(case)
end
