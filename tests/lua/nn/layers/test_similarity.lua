-- nn.CosineSimilarity and nn.PairwiseDistance.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

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
