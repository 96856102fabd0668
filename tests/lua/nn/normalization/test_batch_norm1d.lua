-- nn.BatchNorm1d: running statistics, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

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

t.test("what does not fit is refused", function()
  t.raises(function() nn.BatchNorm1d(2, {momentum = true}) end, "momentum", "true")
  t.raises(function() nn.BatchNorm1d(2)(embla.ones(2)) end, "BatchNorm1d", "1 dims")
  t.raises(function() nn.BatchNorm1d(2)(3) end, "BatchNorm1d", "3")
  t.raises(function() nn.BatchNorm1d(2)(embla.ones(4, 3)) end, "batch_norm")
end)

t.finish()
