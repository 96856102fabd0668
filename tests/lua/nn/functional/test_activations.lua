-- Activations made of several operations: values by hand, gradients, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.nn.functional

t.test("softmin, glu, prelu", function()
  t.close(F.softmin(embla.tensor {0.0, math.log(3)}, 0), {0.75, 0.25})
  t.close(F.glu(embla.tensor {1.0, 2.0, 0.0, math.log(3)}), {0.5, 1.5})
  t.raises(function() F.glu(embla.ones(3)) end, "glu", "3", "even")
  t.close(F.prelu(embla.tensor {-2.0, 2.0}, embla.tensor {0.5}), {-1, 2})
end)

t.test("gumbel_softmax draws by weights", function()
  embla.manual_seed(6)
  local logits = embla.tensor({0.6, 0.3, 0.1}):log():expand(20000, 3)
  local hard = F.gumbel_softmax(logits, {hard = true})
  t.equal(hard:sum(1):eq(1):all():item(), true)
  t.close(hard:mean(0), {0.6, 0.3, 0.1}, 0, 0.02)               -- 5 deviations of the mean
  t.close(F.gumbel_softmax(logits, 0.5):sum(1), embla.ones(20000))
  local x = embla.zeros(2, 3):requires_grad_()
  F.gumbel_softmax(x, 1, true, 1):mul(embla.tensor {1.0, 2.0, 3.0}):sum():backward()
  t.equal(x.grad:abs():sum():item() > 0, true)
  t.close(x.grad:sum(1), {0, 0}, 0, 1e-6)                        -- a softmax does not see a common shift
  t.raises(function() F.gumbel_softmax(x, 0) end, "gumbel_softmax: option tau")
end)

t.test("prelu of 0 dims, and weights it refuses", function()
  local y = F.prelu(embla.tensor(0.5), embla.tensor {0.25})
  t.equal({y:item(), y:dim()}, {0.5, 0})
  t.equal(F.prelu(embla.tensor(-2.0), embla.tensor(0.25)), embla.tensor(-0.5))
  t.raises(function() F.prelu(embla.ones(2, 2), embla.ones(1, 2)) end, "prelu: argument weight", "(1, 2)")
end)

t.test("what PyTorch refuses of activations and pools", function()
  local x = embla.tensor {1.0, -1.0}
  t.raises(function() F.softshrink(x, -0.5) end, "softshrink: lambd: expected a number >= 0, got -0.5")
  t.raises(function() F.softshrink(x, {lambd = -0.5}) end, "softshrink: option lambd: expected number >= 0, got -0.5")
  t.raises(function() nn.Softshrink(-1) end, "Softshrink: option lambd", ">= 0")
  t.raises(function() F.celu(x, 0) end, "celu: alpha: expected a number ~= 0")
  t.raises(function() nn.CELU(0) end, "CELU: option alpha: expected number ~= 0, got 0")
  t.raises(function() nn.Hardtanh(1, -1) end, "Hardtanh: option max_val", "> min_val = 1")
  t.equal(F.hardtanh(x, 1, -1), {-1.0, -1.0})
  for _, shape in ipairs {{2, 2, 0}, {2, 0, 3}, {0, 3}} do
    t.raises(function() F.max_pool1d(embla.zeros(shape), 1) end, "max_pool1d: no window fits")
    t.raises(function() F.avg_pool1d(embla.zeros(shape), 1) end, "avg_pool1d: no window fits")
  end
  t.equal(F.max_pool1d(embla.zeros(0, 2, 3), 1).shape, {0, 2, 3})
end)

t.finish()
