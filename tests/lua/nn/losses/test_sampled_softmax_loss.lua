-- nn.SampledSoftmaxLoss: its parts, exact evaluation, and that it learns what the full softmax learns.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.F

t.test("parameters, buffers, text", function()
  local loss = nn.SampledSoftmaxLoss(4, 10, {num_sampled = 3})
  t.equal({loss.weight.shape, loss.bias.shape, #loss:parameters()}, {{10, 4}, {10, 1}, 2})
  t.equal(tostring(loss), "SampledSoftmaxLoss(4, 10, num_sampled=3, distribution=log_uniform)")
  t.equal(nn.SampledSoftmaxLoss(4, 10, {num_sampled = 3, bias = false}).bias, nil)
  t.equal(nn.SampledSoftmaxLoss(4, 10, 3).num_sampled, 3)
end)

t.test("after eval() it is exact", function()
  for _, bias in ipairs {true, false} do
    local loss = nn.SampledSoftmaxLoss(4, 10, {num_sampled = 3, bias = bias}):eval()
    local x, target = embla.randn(6, 4), embla.LongTensor {0, 9, 4, 4, 2, 7}
    local scores = x:matmul(loss.weight:t()) + (bias and loss.bias:reshape(-1) or 0)
    t.close(loss(x, target), F.cross_entropy(scores, target), 1e-6)
    t.close(loss:log_prob(x), F.log_softmax(scores, 1), 1e-5, 1e-6)
    t.equal(loss:predict(x), scores:argmax(1))
  end
end)

t.test("in training it is F.sampled_softmax of the same draws", function()
  local counts = embla.arange(10) + 1
  local loss = nn.SampledSoftmaxLoss(4, 10, {num_sampled = 6, distribution = "unigram", counts = counts})
  local x, target = embla.randn(3, 4), embla.LongTensor {0, 9, 4}
  embla.manual_seed(8)
  local got = loss(x, target)
  embla.manual_seed(8)
  t.same_bits(got, F.sampled_softmax(x, target, loss.weight, loss.bias,
                                     {num_sampled = 6, distribution = "unigram", counts = counts}))
end)

t.test("gradients are row-sparse unless told otherwise", function()
  for _, sparse in ipairs {true, false} do
    local loss = nn.SampledSoftmaxLoss(4, 10, {num_sampled = 3, sparse = sparse})
    loss(embla.randn(2, 4), embla.LongTensor {0, 9}):backward()
    t.equal({loss.weight.grad.is_sparse, loss.bias.grad.is_sparse}, {sparse, sparse})
  end
end)

-- The best table for repeated pairs gives each class its share; trained on samples, it must come near to that.
t.test("trained on candidates, the exact loss falls near the entropy of the data", function()
  embla.manual_seed(4)
  local V = 60
  local ids = embla.LongTensor {3, 3, 3, 40, 7, 7, 59, 21}            -- entropy of the shares 3/8 2/8 1/8 1/8 1/8
  local x = embla.ones(8, 1)
  local loss = nn.SampledSoftmaxLoss(1, V, {num_sampled = 20})
  local opt = embla.optim.Adagrad(loss:parameters(), {lr = 0.5})
  for _ = 1, 800 do
    opt:zero_grad()
    loss(x, ids):backward()
    opt:step()
  end
  local entropy = 3 / 8 * math.log(8 / 3) + 2 / 8 * math.log(4) + 3 / 8 * math.log(8)
  local got = loss:eval()(x, ids):item()
  if got < entropy - 1e-4 or got > entropy + 0.03 then t.fail(("loss %g, entropy %g"):format(got, entropy)) end
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.SampledSoftmaxLoss(4, 10) end, "SampledSoftmaxLoss: option num_sampled is required")
  t.raises(function() nn.SampledSoftmaxLoss(4, 0, 3) end, "no classes")
  t.raises(function() nn.SampledSoftmaxLoss(4, -1, 3) end, "n_classes", "-1")
  t.raises(function() nn.SampledSoftmaxLoss(4, 10, {num_sampled = 3, distribution = "unigram"}) end, "counts")
  t.raises(function() nn.SampledSoftmaxLoss(4, 10, 3)(embla.zeros(2, 4), embla.LongTensor {0, 10}) end, "10")
  t.raises(function() nn.SampledSoftmaxLoss(4, 10, 3)(embla.zeros(2, 4)) end, "target")
end)

t.finish()
