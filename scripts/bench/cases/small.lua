-- Small work, of which the time goes into calls rather than numbers.

local embla = require "embla"
local nn, F, optim = embla.nn, embla.F, embla.optim

local function table_step(sparse)
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

local function network(inputs, hidden, classes)
  return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes))
end

local function network_step(B, inputs, hidden, classes)
  return function()
    local net = network(inputs, hidden, classes)
    local opt = optim.SGD(net:parameters(), {lr = 0.01})
    local x, y = embla.randn(B, inputs), embla.randint(0, classes, {B})
    return function()
      opt:zero_grad()
      F.cross_entropy(net(x), y):backward()
      opt:step()
    end, {["samples/s"] = B}
  end
end

return function(case)
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
  case("tiny_emb_step_sgd_dense", false, table_step(false))
  case("tiny_emb_step_sgd_sparse", true, table_step(true))
  case("tiny_mlp_fwd_8_16_4", false, function()
    local net, x = network(8, 16, 4), embla.randn(4, 8)
    return function() return net(x) end
  end)
  case("tiny_mlp_step_4x8_16_4_sgd", true, network_step(4, 8, 16, 4))
  case("mlp_step_128x64_128_10_sgd", false, network_step(128, 64, 128, 10))
end
