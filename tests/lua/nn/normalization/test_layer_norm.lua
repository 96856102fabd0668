-- nn.LayerNorm and nn.RMSNorm: what the golden cases leave out.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

-- Mean 0 and size 1 by hand.
local function normalized(list, eps)
  local mean, var = 0, 0
  for _, x in ipairs(list) do mean = mean + x / #list end
  for _, x in ipairs(list) do var = var + (x - mean) ^ 2 / #list end
  local out = {}
  for i, x in ipairs(list) do out[i] = (x - mean) / math.sqrt(var + eps) end
  return out
end

t.test("LayerNorm over the last dims", function()
  local layer = nn.LayerNorm(3)
  t.close(layer(embla.tensor {{1.0, 2.0, 4.0}}), {normalized({1, 2, 4}, 1e-5)})
  t.equal(#layer:parameters(), 2)
  t.equal(#nn.LayerNorm({3}, {bias = false}):parameters(), 1)
  t.equal(#nn.LayerNorm({2, 3}, {elementwise_affine = false}):parameters(), 0)
  t.equal(nn.LayerNorm({2, 3})(embla.ones(5, 2, 3)).shape, {5, 2, 3})
  t.equal(tostring(nn.LayerNorm({2, 3}, {elementwise_affine = false})),
          "LayerNorm((2, 3), eps=1e-05, elementwise_affine=False)")
end)

t.test("RMSNorm", function()
  local layer = nn.RMSNorm(2, {eps = 0})
  t.close(layer(embla.tensor {{3.0, 4.0}}), {{3 / math.sqrt(12.5), 4 / math.sqrt(12.5)}})
  t.equal(tostring(nn.RMSNorm(2)), "RMSNorm((2,), eps=None, elementwise_affine=True)")
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.LayerNorm({}) end, "LayerNorm", "normalized_shape")
  t.raises(function() nn.LayerNorm("3") end, "LayerNorm", "normalized_shape", "3")
  t.raises(function() nn.LayerNorm(3, {epsilon = 1}) end, "LayerNorm", "epsilon", "options: eps")
  t.raises(function() nn.LayerNorm(3)(embla.ones(2, 4)) end, "layer_norm")
  t.raises(function() nn.RMSNorm(3, {eps = -1}) end, "RMSNorm: option eps", ">= 0", "-1")
end)

t.finish()
