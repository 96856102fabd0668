-- nn.init: ranges and moments of what is drawn, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn
local init = nn.init

local function moments(x)
  local mean = x:mean():item()
  return mean, math.sqrt(((x - mean) ^ 2):mean():item())
end

t.test("constants", function()
  t.equal(init.zeros_(embla.ones(2)), {0, 0})
  t.equal(init.ones_(embla.zeros(2)), {1, 1})
  t.equal(init.constant_(embla.zeros(2), 2.5), {2.5, 2.5})
  t.equal(init.eye_(embla.ones(2, 3)), {{1, 0, 0}, {0, 1, 0}})
end)

t.test("they write in place, return the tensor, and leave parameters leaves", function()
  local p = nn.Parameter(embla.zeros(3, 3))
  for _, name in ipairs {"uniform_", "normal_", "zeros_", "ones_", "eye_", "xavier_uniform_", "xavier_normal_",
    "kaiming_uniform_", "kaiming_normal_", "orthogonal_", "trunc_normal_"} do
    t.equal(rawequal(init[name](p), p), true)
    t.equal({p.is_leaf, p.requires_grad}, {true, true})
  end
end)

t.test("uniform and normal", function()
  embla.manual_seed(1)
  local x = init.uniform_(embla.zeros(50000), -1, 3)
  local mean, std = moments(x)
  t.close({mean, std}, {1, 4 / math.sqrt(12)}, 0, 0.02)
  t.equal(x:min():item() >= -1 and x:max():item() <= 3, true)
  t.close({moments(init.normal_(x, {mean = 2, std = 0.5}))}, {2, 0.5}, 0, 0.02)
end)

t.test("xavier and kaiming follow the sizes of the layer", function()
  embla.manual_seed(2)
  local x = embla.zeros(300, 100)
  local _, std = moments(init.xavier_uniform_(x))
  t.close(std, math.sqrt(2 / 400), 0.02)
  t.equal(x:abs():max():item() <= math.sqrt(6 / 400), true)
  _, std = moments(init.xavier_normal_(x, 3))
  t.close(std, 3 * math.sqrt(2 / 400), 0.02)
  _, std = moments(init.kaiming_uniform_(x))
  t.close(std, math.sqrt(2 / 100), 0.02)
  _, std = moments(init.kaiming_normal_(x, {mode = "fan_out", nonlinearity = "relu"}))
  t.close(std, math.sqrt(2 / 300), 0.02)
  _, std = moments(init.kaiming_normal_(embla.zeros(300, 20, 5), {a = 1}))
  t.close(std, math.sqrt(1 / 100), 0.02)
  t.equal(init.xavier_uniform_(embla.zeros(0, 0)).shape, {0, 0})
end)

t.test("orthogonal rows, or columns", function()
  embla.manual_seed(3)
  for _, shape in ipairs {{3, 7}, {7, 3}, {4, 4}, {3, 2, 4}} do
    local x = init.orthogonal_(embla.zeros(table.unpack(shape)), 2):reshape(shape[1], -1)
    local product = x:size(0) <= x:size(1) and x:matmul(x:t()) or x:t():matmul(x)
    for i, row in ipairs(product:tolist()) do
      for j, value in ipairs(row) do t.close(value, i == j and 4 or 0, 1e-5, 1e-5) end
    end
  end
end)

t.test("trunc_normal_ keeps within its bounds", function()
  embla.manual_seed(4)
  local x = init.trunc_normal_(embla.zeros(20000), 0, 1, -1, 1)
  t.equal(x:abs():max():item() <= 1, true)
  t.close({moments(x)}, {0, math.sqrt(1 - 2 * 0.24197072 / 0.68268949)}, 0, 0.01)
  t.raises(function() init.trunc_normal_(x, 0, 1, 2, 1) end, "trunc_normal_", "a < b")
  t.raises(function() init.trunc_normal_(embla.zeros(1), 0, 1, 40, 41) end, "trunc_normal_", "too little")
end)

t.test("gains", function()
  t.equal({init.calculate_gain "linear", init.calculate_gain "tanh"}, {1, 5 / 3})
  t.close(init.calculate_gain("leaky_relu", 0.2), math.sqrt(2 / 1.04))
  t.raises(function() init.calculate_gain "gelu" end, "calculate_gain", "gelu", "leaky_relu")
end)

t.test("what does not fit is refused", function()
  t.raises(function() init.normal_(3) end, "normal_", "a dense tensor", "3")
  t.raises(function() init.normal_(embla.zeros(1), 0, -1) end, "normal_: option std", ">= 0", "-1")
  t.raises(function() init.uniform_(embla.zeros(1), {low = 1}) end, "uniform_", "low", "options: a, b")
  t.raises(function() init.constant_(embla.zeros(1)) end, "constant_", "number", "nil")
  t.raises(function() init.xavier_normal_(embla.zeros(3)) end, "xavier_normal_", "2 dimensions", "1")
  t.raises(function() init.eye_(embla.zeros(3)) end, "eye_", "2 dimensions", "1")
  t.raises(function() init.kaiming_uniform_(embla.zeros(3, 3), {mode = "fan"}) end, "mode", "fan_in, fan_out")
end)

t.test("sparse_: a part of each column is 0", function()
  embla.manual_seed(4)
  local w = nn.init.sparse_(embla.empty(200, 5), 0.25, 2)
  t.equal(w:eq(0):sum(0), {50, 50, 50, 50, 50})
  t.close(w[w:ne(0)]:std():item(), 2, 0.1)
  t.equal(embla.equal(w[{{}, 0}]:eq(0), w[{{}, 1}]:eq(0)), false)
  t.equal(nn.init.sparse_(embla.empty(3, 1), {sparsity = 0.5}):eq(0):sum():item(), 2)
  t.raises(function() nn.init.sparse_(embla.empty(3), 0.5) end, "sparse_", "2 dimensions, got 1")
  t.raises(function() nn.init.sparse_(embla.empty(3, 3)) end, "sparsity is required")
end)

t.test("dirac_: channels are passed on", function()
  t.equal(nn.init.dirac_(embla.empty(2, 3, 3)), {{{0.0, 1.0, 0.0}, {0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}},
                                                 {{0.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 0.0}}})
  t.equal(nn.init.dirac_(embla.empty(4, 1, 1), 4), {{{1.0}}, {{1.0}}, {{1.0}}, {{1.0}}})
  local x = embla.rand(1, 2, 5)
  t.equal(embla.F.conv1d(x, nn.init.dirac_(embla.empty(2, 2, 3)), nil, {padding = 1}), x)
  t.raises(function() nn.init.dirac_(embla.empty(3, 1, 1), 2) end, "groups = 2 do not divide 3")
  t.raises(function() nn.init.dirac_(embla.empty(3, 3)) end, "3 to 5 dimensions, got 2")
end)

t.finish()
