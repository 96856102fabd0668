-- F.sampled_softmax against cross-entropy over all classes, against its formula in plain Lua, and on the average.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F = embla.F

local N, D, V = 5, 4, 9

local function make(bias_shape)
  embla.manual_seed(2)
  local double = {dtype = "float64", requires_grad = true}
  return embla.randn(N, D, double), embla.LongTensor {3, 0, 8, 3, 1}, embla.randn(V, D, double),
         embla.randn(table.unpack(bias_shape or {V, 1, double}))
end

local function scores_of(x, weight, bias)
  local scores = {}
  for k, row in ipairs(weight) do
    scores[k - 1] = bias[k][1]
    for d, w in ipairs(row) do scores[k - 1] = scores[k - 1] + w * x[d] end
  end
  return scores
end

-- -log of the target's share, each class counting 1 / expected; `own` is the target's expected count.
local function slow_loss(x, target, weight, bias, o)
  local s = scores_of(x, weight, bias)
  local share = math.exp(s[target]) / o.own
  local sum = share
  for i, id in ipairs(o.ids) do
    if id ~= target or o.keep_hits then sum = sum + math.exp(s[id]) / o.expected[i] end
  end
  return math.log(sum / share)
end

t.test("with all classes as candidates it is cross_entropy, and so are the gradients", function()
  for _, sparse in ipairs {true, false} do
    local x, target, weight, bias = make()
    local loss = F.sampled_softmax(x, target, weight, bias, {candidates = embla.arange(V), sparse = sparse})
    loss:backward()
    t.equal({weight.grad.is_sparse, bias.grad.is_sparse}, {sparse, sparse})
    local x2, weight2, bias2 = x:detach():requires_grad_(), weight:detach():clone():requires_grad_(),
                               bias:detach():reshape(-1):requires_grad_()
    local exact = F.cross_entropy(F.linear(x2, weight2, bias2), target)
    exact:backward()
    t.close(loss:item(), exact:item(), 1e-13)
    local function dense(grad) return grad.is_sparse and grad:to_dense() or grad end
    t.close(x.grad, x2.grad, 1e-11, 1e-13)
    t.close(dense(weight.grad), weight2.grad, 1e-11, 1e-13)
    t.close(dense(bias.grad):reshape(-1), bias2.grad, 1e-11, 1e-13)
  end
end)

t.test("it follows its formula", function()
  local x, target, weight, bias = make()
  local o = {ids = {1, 3, 4, 8}, expected = {0.9, 0.5, 2.0, 0.25}}
  local own = {0.5, 0.7, 0.25, 0.5, 0.9}
  for _, keep_hits in ipairs {false, true} do
    local want, sum = {}, 0
    for i, row in ipairs(x:tolist()) do
      o.own, o.keep_hits = own[i], keep_hits
      want[i] = slow_loss(row, target[i - 1], weight:tolist(), bias:tolist(), o)
      sum = sum + want[i]
    end
    local opt = {candidates = embla.LongTensor(o.ids), expected = embla.DoubleTensor(o.expected), reduction = "none",
                 expected_target = embla.DoubleTensor(own), remove_accidental_hits = not keep_hits}
    t.close(F.sampled_softmax(x, target, weight, bias, opt), want, 1e-12)
    opt.reduction = "sum"
    t.close(F.sampled_softmax(x, target, weight, bias, opt):item(), sum, 1e-12)
    opt.reduction = "mean"
    t.close(F.sampled_softmax(x, target, weight, bias, opt):item(), sum / N, 1e-12)
    t.close(F.sampled_softmax(x, target:int(), weight, bias:reshape(-1), opt):item(), sum / N, 1e-12)
  end
end)

t.test("drawing is the same as giving what sample_candidates draws", function()
  local x, target, weight, bias = make()
  embla.manual_seed(9)
  local got = F.sampled_softmax(x, target, weight, bias, {num_sampled = 5})
  embla.manual_seed(9)
  local ids, expected, expected_target = F.sample_candidates(V, 5, {target = target})
  t.same_bits(got, F.sampled_softmax(x, target, weight, bias,
                                     {candidates = ids, expected = expected, expected_target = expected_target}))
end)

t.test("its gradients are those of differences", function()
  local x, target, weight, bias = make()
  local opt = {candidates = embla.LongTensor {1, 3, 4, 8}, expected = embla.DoubleTensor {0.9, 0.5, 2.0, 0.25}}
  F.sampled_softmax(x, target, weight, bias, opt):backward()
  for _, tensor in ipairs {x, weight, bias} do
    local grad = tensor.grad.is_sparse and tensor.grad:to_dense() or tensor.grad
    local flat, got, want = tensor.data:view(-1), grad:reshape(-1):tolist(), {}
    for i = 0, flat:size(0) - 1 do
      local value, h = flat[i], 1e-6
      flat[i] = value + h
      local above = F.sampled_softmax(x, target, weight, bias, opt):item()
      flat[i] = value - h
      want[i + 1] = (above - F.sampled_softmax(x, target, weight, bias, opt):item()) / (2 * h)
      flat[i] = value
    end
    t.close(got, want, 1e-5, 1e-9)
  end
end)

-- Without expected_target exp(loss + s_t) is the estimated sum; its mean over many draws is the sum over all classes.
for _, distribution in ipairs {"log_uniform", "uniform", "unigram"} do
  t.test("the estimated sum is right on the average: " .. distribution, function()
    local x, target, weight, bias = make()
    local counts = distribution == "unigram" and embla.arange(V) + 1 or nil
    local scores = F.linear(x, weight, bias:reshape(-1)):detach()
    local exact, own = scores:exp():sum(1), scores:gather(1, target:unsqueeze(1)):squeeze(1)
    local rounds, sum, squares = 4000, 0, 0
    for _ = 1, rounds do
      local ids, expected = F.sample_candidates(V, 4, {distribution = distribution, counts = counts})
      local loss = F.sampled_softmax(x:detach(), target, weight:detach(), bias:detach(),
                                     {candidates = ids, expected = expected, reduction = "none"})
      local z = (loss + own):exp() / exact
      sum, squares = sum + z, squares + z * z
    end
    local mean = sum / rounds
    local spread = ((squares / rounds - mean * mean) / rounds):sqrt():tolist()
    for i, m in ipairs(mean:tolist()) do t.close(m, 1, 0, 4.5 * spread[i]) end
  end)
end

-- Where softmax(s) is the distribution of the targets, the gradient vanishes on the average, however few candidates.
-- Each class is its own independent draw here, as the theory has it.
t.test("the distribution of the targets is where the loss is least", function()
  embla.manual_seed(11)
  local share, rounds = {0.4, 0.05, 0.2, 0.05, 0.3}, 20000
  local inclusion = embla.DoubleTensor {0.7, 0.5, 0.2, 0.4, 0.3}
  local bias = embla.DoubleTensor(share):log():reshape(5, 1):requires_grad_()
  local x, weight = embla.zeros(rounds, 1, {dtype = "float64"}), embla.zeros(5, 1, {dtype = "float64"})
  local edges, draws = embla.DoubleTensor(share):cumsum(0), embla.rand(rounds, {dtype = "float64"}) * 0.9999999
  local target = F.searchsorted(edges, draws)
  for subset = 0, 31 do
    local ids, p = {}, 1
    for k = 0, 4 do
      if subset >> k & 1 == 1 then ids[#ids + 1] = k end
      p = p * (subset >> k & 1 == 1 and inclusion[k] or 1 - inclusion[k])
    end
    local candidates = embla.LongTensor(ids)
    local loss = F.sampled_softmax(x, target, weight, bias,
      {candidates = candidates, expected = inclusion:index_select(0, candidates), sparse = false,
       expected_target = inclusion:index_select(0, target)})
    loss:backward(embla.tensor(p, "float64"))
  end
  t.close(bias.grad:reshape(-1), embla.zeros(5, {dtype = "float64"}), 0, 4.5 * 0.5 / math.sqrt(rounds))
  t.close(bias.grad:sum():item(), 0, 0, 1e-12)
end)

t.test("only rows of targets and candidates get a gradient", function()
  local x, target, weight, bias = make()
  F.sampled_softmax(x, target, weight, bias, {candidates = embla.LongTensor {2, 3}}):backward()
  t.equal(weight.grad:coalesce():indices(), {{0, 1, 2, 3, 8}})
  t.equal(bias.grad:coalesce():indices(), {{0, 1, 2, 3, 8}})
end)

t.test("what does not fit is refused", function()
  local x, target, weight, bias = make()
  local all = {candidates = embla.arange(V)}
  t.raises(function() F.sampled_softmax(x, target, weight, bias) end, "it needs num_sampled or candidates")
  t.raises(function() F.sampled_softmax(x, target, weight, bias, {num_sample = 3}) end, "did you mean 'num_sampled'")
  t.raises(function() F.sampled_softmax(x, target, weight, bias, {num_sampled = 0}) end, "num_sampled", ">= 1")
  t.raises(function() F.sampled_softmax("x", target, weight, bias, all) end, "argument input", "\"x\"")
  t.raises(function() F.sampled_softmax(x[0], target, weight, bias, all) end, "(N, D), got (4)")
  t.raises(function() F.sampled_softmax(x, x[0], weight, bias, all) end, "argument target", "float64")
  t.raises(function() F.sampled_softmax(x, embla.LongTensor {1}, weight, bias, all) end, "5 rows, target 1")
  t.raises(function() F.sampled_softmax(x, target, nil, bias, all) end, "argument weight", "nil")
  t.raises(function() F.sampled_softmax(x, target, weight, embla.zeros(3), all) end, "9 rows, bias 3")
  t.raises(function() F.sampled_softmax(x, target, weight, 3, all) end, "argument bias", "3")
  t.raises(function() F.sampled_softmax(x, target + 9, weight, bias, all) end, "12", "out of range")
  t.raises(function() F.sampled_softmax(x, target, weight, bias, {candidates = embla.LongTensor {9}}) end, "9")
  t.raises(function() F.sampled_softmax(x, target, weight, bias, {candidates = x}) end, "candidates", "(K)")
  t.raises(function()
    F.sampled_softmax(x, target, weight, bias, {candidates = embla.arange(V), expected = embla.ones(2)})
  end, "option expected: expected shape (9), got (2)")
end)

t.finish()
