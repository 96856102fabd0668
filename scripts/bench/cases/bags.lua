-- Bags of L ids each: forward, with the gradient of the output given, and a whole step.

local embla = require "embla"
local data = require "cases.data"

local B = 1024

-- options: those of EmbeddingBag; `weighted`: each id has a factor of its own.
local function forward(L, d, V, dist, options, weighted)
  local layer, ids = data.bag(V, d, options), data.pool(V, {B * L}, dist, d)
  local offsets, factors, k = embla.arange(0, B * L, L), weighted and embla.rand(B * L) or nil, #ids
  return function(i) return layer(ids[i % k + 1], offsets, factors) end, layer
end

local function lookup(L, d, V, dist, options)
  return function() return forward(L, d, V, dist, options), data.rows(B * L, d) end
end

local function forward_backward(L, d, V, dist, options, weighted)
  return function()
    local run, layer = forward(L, d, V, dist, options, weighted)
    local g = embla.randn(B, d)
    return function(i)
      layer.weight.grad = nil
      run(i):backward(g)
    end, data.rows(B * L, d)
  end
end

local function step(L, d, V, dist, kind)
  return function()
    local run, layer = forward(L, d, V, dist, {mode = "sum", sparse = data.is_sparse(kind)})
    local opt = data.optimizer(kind, layer:parameters())
    return function(i)
      opt:zero_grad()
      run(i):sum():backward()
      opt:step()
    end, data.rows(B * L, d)
  end
end

-- Which of the many are quick ones: L, mode and distribution.
local QUICK = {["10 sum uniform"] = true, ["50 mean zipf"] = true, ["10 max zipf"] = true}

local function add_modes(case, L, V, d)
  for _, mode in ipairs {"sum", "mean", "max"} do
    for _, dist in ipairs {"uniform", "zipf"} do
      local quick = V == 100000 and QUICK[("%d %s %s"):format(L, mode, dist)] or false
      local tail = ("_%s/B%d/L%d/d%d/V%s/%s"):format(mode, B, L, d, data.short(V), dist)
      case("bag_fwd" .. tail, quick, lookup(L, d, V, dist, {mode = mode}))
      if V <= 100000 then
        case("bag_fwdbwd_dense" .. tail, quick and mode == "max", forward_backward(L, d, V, dist, {mode = mode}))
      end
      if mode ~= "max" then
        case("bag_fwdbwd_sparse" .. tail, quick, forward_backward(L, d, V, dist, {mode = mode, sparse = true}))
      end
    end
  end
end

return function(case)
  for _, L in ipairs {10, 50} do
    add_modes(case, L, 100000, 64)
    add_modes(case, L, 1000000, 128)
  end
  local function add(name, options, weighted)
    case("bag_fwdbwd_" .. name .. "/B1024/L10/d64/V100k/zipf", false,
         forward_backward(10, 64, 100000, "zipf", options, weighted))
  end
  add("sparse_sum_weighted", {mode = "sum", sparse = true}, true)
  add("dense_sum_weighted", {mode = "sum"}, true)
  add("dense_mean_padding_idx", {mode = "mean", padding_idx = 0})
  add("dense_mean_scale_grad_by_freq", {mode = "mean", scale_grad_by_freq = true})
  add("dense_mean_max_norm", {mode = "mean", max_norm = 1.0})
  for _, dist in ipairs {"uniform", "zipf"} do
    case("bag_step_adagrad_sparse/B1024/L10/d64/V100k/" .. dist, dist == "uniform",
         step(10, 64, 100000, dist, "adagrad_sparse"))
  end
end
