-- Dense layers: losses over many classes, norms, recurrent layers, products.

local embla = require "embla"
local data = require "cases.data"
local nn, F = embla.nn, embla.F

local function recorded(...) return embla.randn(...):requires_grad_() end

local function cross_entropy(B, C)
  return function()
    local x, y = recorded(B, C), embla.randint(0, C, {B})
    return function()
      x.grad = nil
      F.cross_entropy(x, y):backward()
    end, {["samples/s"] = B, ["GB/s_logits"] = B * C * 4 / 1e9}
  end
end

-- The output layer of a language model.
local function softmax_layer(B, d, C)
  return function()
    local layer, x, y = nn.Linear(d, C), recorded(B, d), embla.randint(0, C, {B})
    return function()
      layer:zero_grad()
      x.grad = nil
      F.cross_entropy(layer(x), y):backward()
    end, {["samples/s"] = B, ["GFLOP/s"] = 6 * B * d * C / 1e9}
  end
end

-- A layer's forward and backward, the gradient of the output given.
local function through(layer, x, g)
  return function()
    layer:zero_grad()
    x.grad = nil
    layer(x):backward(g)
  end
end

local function layer_norm(B, d)
  return function() return through(nn.LayerNorm(d), recorded(B, d), embla.randn(B, d)), data.rows(B, d) end
end

local function linear(B, a, b)
  return function()
    return through(nn.Linear(a, b), recorded(B, a), embla.randn(B, b)), {["GFLOP/s"] = 6 * B * a * b / 1e9}
  end
end

local function lstm(B, T, E, H, layers, backward)
  return function()
    local layer, x, g = nn.LSTM(E, H, {num_layers = layers}), recorded(T, B, E), embla.randn(T, B, H)
    local rates = {["tokens/s"] = B * T,
                   ["GFLOP/s"] = (backward and 6 or 2) * layers * B * T * 4 * H * (E + H) / 1e9}
    if backward then return through(layer, x, g), rates end
    return function() return embla.no_grad(layer, x) end, rates
  end
end

local function product(m, k, n)
  return function()
    local a, b = embla.randn(m, k), embla.randn(k, n)
    return function() return a:mm(b) end, {["GFLOP/s"] = 2 * m * k * n / 1e9}
  end
end

return function(case)
  for _, C in ipairs {10000, 50000} do
    for _, B in ipairs {128, 1024} do
      case(("cross_entropy_fwdbwd/B%d/C%s"):format(B, data.short(C)), B == 128 and C == 10000, cross_entropy(B, C))
    end
  end
  for _, size in ipairs {{128, 100, 10000}, {1024, 128, 10000}, {128, 128, 50000}} do
    local B, d, C = table.unpack(size)
    case(("softmax_layer_fwdbwd/B%d/d%d/C%s"):format(B, d, data.short(C)), d == 100, softmax_layer(B, d, C))
  end
  case("layer_norm_fwdbwd/B1024/d128", true, layer_norm(1024, 128))
  case("layer_norm_fwdbwd/B8192/d300", false, layer_norm(8192, 300))
  case("lstm_fwdbwd/B32/T35/E200/H200/L1", false, lstm(32, 35, 200, 200, 1, true))
  case("lstm_fwdbwd/B32/T35/E200/H200/L2", true, lstm(32, 35, 200, 200, 2, true))
  case("lstm_fwd_nograd/B32/T35/E200/H200/L2", false, lstm(32, 35, 200, 200, 2, false))
  for _, size in ipairs {{64, 64, 64}, {128, 100, 10000}, {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048},
                         {8192, 128, 128}} do
    local m, k, n = table.unpack(size)
    case(("matmul/%dx%dx%d"):format(m, k, n), n == 10000 or n == 1024, product(m, k, n))
  end
  case("linear_fwdbwd/B1024/128x128", true, linear(1024, 128, 128))
  case("linear_fwdbwd/B128/64x64", false, linear(128, 64, 64))
end
