-- nn.MultiheadAttention against loops written out: masks, ways to lay out tensors, extra keys, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local naive = require "support.naive"
local embla = require "embla"
local nn = embla.nn

local DOUBLE = {dtype = "float64"}
local function numbers(tensor) return tensor:detach():tolist() end
local function always() return true end

-- Rows `from` + 1 .. `from` + n of each list.
local function columns(rows, from, n)
  local part = {}
  for i, row in ipairs(rows) do part[i] = table.move(row, from + 1, from + n, 1, {}) end
  return part
end

local function map(W, xs, b)
  local ys = {}
  for i, x in ipairs(xs) do ys[i] = naive.affine(W, x, b) end
  return ys
end

-- Results and weights (a table of rows for each head) of one sample; query, key and value are lists of rows.
local function by_hand(layer, query, key, value, allowed)
  local E, h = layer.embed_dim, layer.num_heads
  local W, b = numbers(layer.in_proj_weight), numbers(layer.in_proj_bias)
  local function third(list, k) return table.move(list, k * E + 1, k * E + E, 1, {}) end
  local q = map(third(W, 0), query, third(b, 0))
  local k = map(third(W, 1), key, third(b, 1))
  local v = map(third(W, 2), value, third(b, 2))
  if layer.bias_k then k[#k + 1], v[#v + 1] = numbers(layer.bias_k)[1][1], numbers(layer.bias_v)[1][1] end
  if layer.add_zero_attn then
    local zeros = {}
    for e = 1, E do zeros[e] = 0 end
    k[#k + 1], v[#v + 1] = zeros, zeros
  end
  local joined, weights, d = {}, {}, E // h
  for i = 1, #q do joined[i] = {} end
  for head = 0, h - 1 do
    local ys, p = naive.attention(columns(q, head * d, d), columns(k, head * d, d), columns(v, head * d, d),
                                  1 / math.sqrt(d), function(i, j) return allowed(i, j, head) end)
    weights[head + 1] = p
    for i, y in ipairs(ys) do table.move(y, 1, d, #joined[i] + 1, joined[i]) end
  end
  return map(numbers(layer.out_proj.weight), joined, numbers(layer.out_proj.bias)), weights
end

-- Both ways of computing (with weights, without) on N samples, against the loops. allowed(i, j, head, n) from 1.
local function compare(options, call, L, S, allowed)
  options.batch_first, options.dtype = true, "float64"
  local N, E, layer = 2, 6, nn.MultiheadAttention(6, 3, options)
  for _, p in ipairs(layer:parameters()) do p:detach():uniform_(-1, 1) end
  local q, k, v = embla.randn(N, L, E, DOUBLE), embla.randn(N, S, E, DOUBLE), embla.randn(N, S, E, DOUBLE)
  call.average_attn_weights, call.need_weights = false, true
  local y, p = layer(q, k, v, call)
  call.need_weights = false
  local fused = layer(q, k, v, call)
  for n = 0, N - 1 do
    local function seen(i, j, head) return allowed(i, j, head, n + 1) end
    local want, weights = by_hand(layer, numbers(q[n]), numbers(k[n]), numbers(v[n]), seen)
    t.close(y:detach()[n], want, 1e-10, 1e-12)
    t.close(fused:detach()[n], want, 1e-10, 1e-12)
    t.close(p:detach()[n], weights, 1e-10, 1e-12)
  end
end

t.test("attention is its loop", function()
  embla.manual_seed(4)
  compare({}, {}, 3, 4, always)
  compare({}, {is_causal = true}, 4, 4, function(i, j) return j <= i end)
end)

t.test("masks hide keys: for a query, for a sample, for a head, or several of these", function()
  local mask = embla.BoolTensor {{false, true, false, false}, {true, false, false, true}, {false, false, false, true}}
  local function of_mask(i, j) return not mask[{i - 1, j - 1}] end
  local padding = embla.BoolTensor {{false, false, true, false}, {false, false, false, false}}
  local function of_padding(_, j, _, n) return not (n == 1 and j == 3) end
  compare({}, {attn_mask = mask}, 3, 4, of_mask)
  compare({}, {key_padding_mask = padding}, 3, 4, of_padding)
  compare({}, {attn_mask = mask, key_padding_mask = padding}, 3, 4, function(i, j, _, n)
    return of_mask(i, j) and of_padding(i, j, nil, n)
  end)
  local float = embla.zeros(3, 4, DOUBLE):masked_fill(mask, -math.huge)
  compare({}, {attn_mask = float, key_padding_mask = padding}, 3, 4, function(i, j, _, n)
    return of_mask(i, j) and of_padding(i, j, nil, n)
  end)
  compare({}, {is_causal = true, key_padding_mask = padding}, 4, 4, function(i, j, _, n)
    return j <= i and of_padding(i, j, nil, n)
  end)
  local each = embla.zeros(6, 2, 2, {dtype = "bool"})           -- sample n, head h: row 3 n + h
  each[{4, 0, 1}] = true
  compare({}, {attn_mask = each}, 2, 2, function(i, j, head, n)
    return not (n == 2 and head == 1 and i == 1 and j == 2)
  end)
end)

t.test("a learned and a zero key join in, seen by all", function()
  compare({add_bias_kv = true}, {}, 2, 3, always)
  compare({add_zero_attn = true, add_bias_kv = true}, {is_causal = true}, 3, 3, function(i, j)
    return j <= i or j > 3
  end)
end)

t.test("layouts: samples second, samples first, no samples", function()
  local first, second = nn.MultiheadAttention(4, 2, {batch_first = true}), nn.MultiheadAttention(4, 2)
  second:load_state_dict(first:state_dict())
  local x = embla.randn(2, 3, 4)
  local y, p = first(x, x, x)
  local turned = x:transpose(0, 1)
  t.equal({y.shape, p.shape}, {{2, 3, 4}, {2, 3, 3}})
  t.close(second(turned, turned, turned):transpose(0, 1):detach(), y:detach())
  local one, weights = second(x[0], x[0], x[0], {key_padding_mask = embla.BoolTensor {false, false, false}})
  t.close(one:detach(), y:detach()[0])
  t.close(weights:detach(), p:detach()[0])
  t.equal(select("#", first(x, x, x, {need_weights = false})), 1)
end)

t.test("dropout of the weights, in training only", function()
  local layer, x = nn.MultiheadAttention(4, 2, {dropout = 1}), embla.randn(3, 1, 4)
  t.close(layer(x, x, x):detach(), layer.out_proj(embla.zeros(3, 1, 4)):detach())
  t.close(layer(x, x, x, {need_weights = false}):detach(), layer.out_proj(embla.zeros(3, 1, 4)):detach())
  layer:eval()
  t.same_bits((layer(x, x, x)):detach(), (layer(x, x, x)):detach())
end)

t.test("parameters have PyTorch's names and first values", function()
  local names = {}
  for name in nn.MultiheadAttention(4, 2, {kdim = 3, add_bias_kv = true}):named_parameters() do
    names[#names + 1] = name
  end
  t.equal(names, {"q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "bias_k", "bias_v",
                  "out_proj.weight", "out_proj.bias"})
  local layer = nn.MultiheadAttention(4, 2)
  local largest = layer.in_proj_weight:detach():abs():max():item()
  t.equal(largest <= math.sqrt(6 / 16) and largest > 0.4, true)
  t.equal(layer.in_proj_bias:detach(), embla.zeros(12):tolist())
  t.equal(layer.out_proj.bias:detach(), {0, 0, 0, 0})
end)

t.test("tostring", function()
  t.equal(tostring(nn.MultiheadAttention(4, 2)), "MultiheadAttention(\n  (out_proj): "
          .. "NonDynamicallyQuantizableLinear(in_features=4, out_features=4, bias=True)\n)")
end)

t.test("what does not fit is refused", function()
  local layer, x = nn.MultiheadAttention(4, 2), embla.ones(3, 2, 4)
  t.raises(function() nn.MultiheadAttention(4, 3) end, "MultiheadAttention: embed_dim = 4", "num_heads = 3")
  t.raises(function() nn.MultiheadAttention(4, 0) end, "num_heads = 0")
  t.raises(function() layer(x, x) end, "MultiheadAttention: argument value: expected a tensor, got nil")
  t.raises(function() layer(x, embla.ones(3, 2, 5), x) end, "key must have shape (L, N, 4), got (3, 2, 5)")
  t.raises(function() layer(x, x, embla.ones(4, 2, 4)) end, "do not fit each other")
  t.raises(function() layer(x, x, x, {attn_mask = embla.ones(2, 3)}) end, "attn_mask", "(3, 3)", "(2, 3)")
  t.raises(function() layer(x, x, x, {attn_mask = embla.ones(3, 3):long()}) end, "attn_mask", "bool or float32")
  t.raises(function() layer(x, x, x, {key_padding_mask = embla.zeros(3, 2)}) end, "key_padding_mask", "(2, 3)")
  t.raises(function() layer(x, x, x, {causal = true}) end, "unknown option 'causal'", "is_causal")
end)

t.test("a query that sees no key gets 0, with need_weights and without, forwards and backwards", function()
  local layer = nn.MultiheadAttention(4, 2, {batch_first = true})
  embla.manual_seed(3)
  local x = embla.randn(2, 3, 4):requires_grad_()
  local blind = embla.tensor {{false, true, false}, {true, true, true}}
  local inf = embla.zeros(2, 3):masked_fill(blind, -1 / 0)
  local results = {}
  for _, padding in ipairs {blind, inf} do
    for _, need in ipairs {true, false} do
      x.grad = nil
      layer:zero_grad()
      local y, w = layer(x, x, x, {key_padding_mask = padding, need_weights = need})
      y:pow(2):sum():backward()
      results[#results + 1] = {y:detach(), x.grad, layer.in_proj_weight.grad}
      if need then
        t.equal(w[1]:detach(), embla.zeros(3, 3))
        t.close(w[0]:sum(1), {1, 1, 1}, 1e-6, 1e-6)
      end
      t.equal(y[1]:detach(), layer.out_proj.bias:detach():expand(3, 4))
    end
  end
  for _, result in ipairs(results) do
    for i = 1, 3 do t.close(result[i], results[1][i], 1e-5, 1e-6) end
  end
  local y, w = layer(x, x, x, {attn_mask = embla.full({3, 3}, true, {dtype = "bool"})})
  t.equal({w:sum():item(), y:isfinite():all():item()}, {0.0, true})
end)

t.test("attention does not read hidden keys and values", function()
  local F = embla.F
  embla.manual_seed(4)
  local q, k, v = embla.randn(1, 2, 4):requires_grad_(), embla.randn(1, 3, 4), embla.randn(1, 3, 4)
  local function run(filling, opts)
    local keys, values = k:clone(), v:clone()
    keys[{0, 2}], values[{0, 2}] = filling, filling
    keys.requires_grad, values.requires_grad, q.grad = true, true, nil
    local y = F.scaled_dot_product_attention(q, keys, values, opts)
    y:pow(2):sum():backward()
    return {y:tolist(), q.grad:tolist(), keys.grad:tolist(), values.grad:tolist()}
  end
  for _, opts in ipairs {{attn_mask = embla.tensor {{true, true, false}}}, {is_causal = true},
                         {attn_mask = embla.tensor {{0.5, 0.0, -1 / 0}}}} do
    local want = run(0, opts)
    t.close(run(0 / 0, opts), want, 1e-6, 1e-6)
    t.close(run(1 / 0, opts), want, 1e-6, 1e-6)
  end
end)

t.finish()
