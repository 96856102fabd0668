-- LayerNorm, RMSNorm, GroupNorm, BatchNorm1d: what the golden cases leave out.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.nn.functional

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

t.test("GroupNorm", function()
  local layer = nn.GroupNorm(1, 2)
  t.close(layer(embla.tensor {{{1.0, 2.0}, {4.0, 5.0}}}):reshape(1, 4), {normalized({1, 2, 4, 5}, 1e-5)})
  t.equal(tostring(nn.GroupNorm(2, 4)), "GroupNorm(2, 4, eps=1e-05, affine=True)")
end)

t.test("BatchNorm1d gathers statistics in training and uses them in evaluation", function()
  local layer = nn.BatchNorm1d(1, {momentum = 0.5})
  layer(embla.tensor {{1.0}, {3.0}})                        -- mean 2, unbiased variance 2
  t.close(layer.running_mean, {1})
  t.close(layer.running_var, {1.5})
  t.equal(layer.num_batches_tracked:item(), 1)
  layer:eval()
  t.close(layer(embla.tensor {{4.0}}), {{3 / math.sqrt(1.5 + 1e-5)}})
  t.equal(layer.num_batches_tracked:item(), 1)
end)

t.test("BatchNorm1d without momentum takes the mean over all batches", function()
  local layer = nn.BatchNorm1d(1, {momentum = false})
  layer(embla.tensor {{1.0}, {3.0}})
  layer(embla.tensor {{5.0}, {7.0}})
  t.close(layer.running_mean, {4})
  layer:reset_running_stats()
  t.close(layer.running_mean, {0})
  t.equal(tostring(layer), "BatchNorm1d(1, eps=1e-05, momentum=None, affine=True, track_running_stats=True)")
end)

t.test("BatchNorm1d without statistics takes the batch's always", function()
  local layer = nn.BatchNorm1d(1, {track_running_stats = false}):eval()
  t.equal(#layer:buffers(), 0)
  t.close(layer(embla.tensor {{1.0}, {3.0}}), {{-1}, {1}}, 1e-4, 1e-4)
end)

t.test("functions take the arguments in PyTorch's order", function()
  local x = embla.tensor {{1.0, 2.0, 4.0}}
  t.close(F.layer_norm(x, {3}), {normalized({1, 2, 4}, 1e-5)})
  t.close(F.layer_norm(x, {3}, nil, embla.ones(3), {eps = 1}):sub(1), {normalized({1, 2, 4}, 1)})
  t.close(F.group_norm(x, 3, nil, embla.ones(3)), {{1, 1, 1}})
  t.close(F.rms_norm(x, {3}, nil, 0), {{1 / math.sqrt(7), 2 / math.sqrt(7), 4 / math.sqrt(7)}})
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.LayerNorm({}) end, "LayerNorm", "normalized_shape")
  t.raises(function() nn.LayerNorm("3") end, "LayerNorm", "normalized_shape", "3")
  t.raises(function() nn.LayerNorm(3, {epsilon = 1}) end, "LayerNorm", "epsilon", "options: eps")
  t.raises(function() nn.LayerNorm(3)(embla.ones(2, 4)) end, "layer_norm")
  t.raises(function() nn.RMSNorm(3, {eps = -1}) end, "RMSNorm: option eps", ">= 0", "-1")
  t.raises(function() nn.GroupNorm(3, 4) end, "GroupNorm", "4 channels", "3 groups")
  t.raises(function() nn.GroupNorm(0, 4) end, "GroupNorm", "0 groups")
  t.raises(function() nn.BatchNorm1d(2, {momentum = true}) end, "momentum", "true")
  t.raises(function() nn.BatchNorm1d(2)(embla.ones(2)) end, "BatchNorm1d", "1 dims")
  t.raises(function() nn.BatchNorm1d(2)(3) end, "BatchNorm1d", "3")
  t.raises(function() nn.BatchNorm1d(2)(embla.ones(4, 3)) end, "batch_norm")
end)

t.finish()
