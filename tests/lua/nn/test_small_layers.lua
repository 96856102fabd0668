-- Small layers: Identity, Flatten, PReLU, Bilinear, CosineSimilarity, PairwiseDistance.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("Identity gives back what it is given, whatever it was made with", function()
  local x = embla.ones(2)
  t.equal(rawequal(nn.Identity(1, {a = 2})(x), x), true)
  t.equal(tostring(nn.Identity()), "Identity()")
end)

t.test("Flatten joins dims", function()
  local x = embla.zeros(2, 3, 4, 5)
  t.equal(nn.Flatten()(x).shape, {2, 60})
  t.equal(nn.Flatten(0)(x).shape, {120})
  t.equal(nn.Flatten {start_dim = 1, end_dim = 2}(x).shape, {2, 12, 5})
  t.equal(tostring(nn.Flatten()), "Flatten(start_dim=1, end_dim=-1)")
  t.raises(function() nn.Flatten {start = 1} end, "Flatten", "start", "start_dim")
end)

t.test("PReLU has learned slopes", function()
  local layer = nn.PReLU()
  local x = embla.tensor({{-2.0, 4.0}}):requires_grad_()
  local out = layer(x)
  t.equal(out, {{-0.5, 4}})
  out:sum():backward()
  t.equal(layer.weight.grad, {-2})
  t.equal(x.grad, {{0.25, 1}})
  layer = nn.PReLU(2, {init = 0.5})
  t.equal(layer(embla.tensor {{-2.0, -4.0}}), {{-1, -2}})
  t.equal(layer(embla.ones(2, 2, 3)).shape, {2, 2, 3})
  t.equal(tostring(layer), "PReLU(num_parameters=2)")
  t.raises(function() layer(embla.ones(2, 3)) end, "prelu", "3", "2")
  t.raises(function() nn.PReLU(0) end, "PReLU", "num_parameters", "0")
end)

t.test("Bilinear by its definition", function()
  embla.manual_seed(4)
  local layer = nn.Bilinear(2, 3, 4, {dtype = "float64"})
  local x1, x2 = embla.randn(5, 2, {dtype = "float64"}), embla.randn(5, 3, {dtype = "float64"})
  local a, b, w, c = x1:tolist(), x2:tolist(), layer.weight:detach():tolist(), layer.bias:detach():tolist()
  local want = {}
  for n = 1, 5 do
    want[n] = {}
    for k = 1, 4 do
      local sum = c[k]
      for i = 1, 2 do
        for j = 1, 3 do sum = sum + a[n][i] * w[k][i][j] * b[n][j] end
      end
      want[n][k] = sum
    end
  end
  t.close(layer(x1, x2):detach(), want, 1e-12, 1e-12)
  t.raises(function() layer(x2, x1) end, "bilinear", "2 and 3", "3 and 2")
  t.equal(tostring(layer), "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)")
end)

t.test("CosineSimilarity and PairwiseDistance, worked out by hand", function()
  local a, b = embla.tensor {{3.0, 4.0}, {1.0, 0.0}}, embla.tensor {{4.0, 3.0}, {0.0, 2.0}}
  t.close(nn.CosineSimilarity()(a, b), {0.96, 0})
  t.close(nn.CosineSimilarity {dim = 0}(a, b), {12 / (math.sqrt(10) * 4), 12 / (4 * math.sqrt(13))})
  t.close(nn.PairwiseDistance()(a, b), {math.sqrt(2), math.sqrt(5)}, 1e-5, 1e-5)
  t.close(nn.PairwiseDistance(1)(a, b), {2, 3}, 1e-5, 1e-5)
  t.equal(nn.PairwiseDistance {keepdim = true}(a, b).shape, {2, 1})
  t.equal({tostring(nn.CosineSimilarity()), tostring(nn.PairwiseDistance())},
          {"CosineSimilarity()", "PairwiseDistance()"})
  t.raises(function() nn.CosineSimilarity {eps = -1} end, "CosineSimilarity", "eps", ">= 0")
  t.raises(function() nn.PairwiseDistance {q = 1} end, "PairwiseDistance", "q", "options: p, eps, keepdim")
end)

t.finish()
