-- nn.AdaptiveLogSoftmaxWithLoss against its definition, computed class by class in plain Lua.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

local function new(opt)
  embla.manual_seed(3)
  opt = opt or {}
  opt.dtype = "float64"
  return nn.AdaptiveLogSoftmaxWithLoss(8, 12, {4, 7}, opt)
end

-- ---- the slow way ----------------------------------------------------------------------------------------------

local function product(weight, x, bias)
  local y = {}
  for k, row in ipairs(weight) do
    y[k] = bias and bias[k] or 0
    for d, w in ipairs(row) do y[k] = y[k] + w * x[d] end
  end
  return y
end

local function log_softmax(scores)
  local sum, y = 0, {}
  for _, s in ipairs(scores) do sum = sum + math.exp(s) end
  for k, s in ipairs(scores) do y[k] = s - math.log(sum) end
  return y
end

-- log p of the 12 classes for one sample: 4 in the head, then clusters of 3 and 5.
local function slow_row(state, x)
  local head = log_softmax(product(state["head.weight"]:tolist(), x,
                                   state["head.bias"] and state["head.bias"]:tolist()))
  local y = {table.unpack(head, 1, 4)}
  for i = 0, 1 do
    local hidden = product(state[("tail.%d.0.weight"):format(i)]:tolist(), x)
    for _, p in ipairs(log_softmax(product(state[("tail.%d.1.weight"):format(i)]:tolist(), hidden))) do
      y[#y + 1] = p + head[5 + i]
    end
  end
  return y
end

local function slow(module, input)
  local rows = {}
  for i, x in ipairs(input:tolist()) do rows[i] = slow_row(module:state_dict(), x) end
  return rows
end

local function slow_best(rows)
  local best = {}
  for i, row in ipairs(rows) do
    best[i] = 0
    for k, p in ipairs(row) do
      if p > row[best[i] + 1] then best[i] = k - 1 end
    end
  end
  return best
end

-- ---- against it ------------------------------------------------------------------------------------------------

t.test("the state has PyTorch's names and shapes", function()
  local shapes = {}
  for name, value in pairs(new {head_bias = true, div_value = 2.0}:state_dict()) do shapes[name] = value.shape end
  t.equal(shapes, {["head.weight"] = {6, 8}, ["head.bias"] = {6}, ["tail.0.0.weight"] = {4, 8},
                   ["tail.0.1.weight"] = {3, 4}, ["tail.1.0.weight"] = {2, 8}, ["tail.1.1.weight"] = {5, 2}})
  t.equal(new():state_dict()["tail.0.0.weight"].shape, {2, 8})
  t.equal(new():state_dict()["head.bias"], nil)
end)

for name, opt in pairs {plain = {}, ["with bias"] = {head_bias = true, div_value = 2.0}} do
  t.test("log_prob, predict, output and loss follow the definition, " .. name, function()
    local module = new(opt)
    local input, target = embla.randn(40, 8, {dtype = "float64"}) * 4, embla.randint(0, 12, {40})
    local rows = slow(module, input)
    t.close(module:log_prob(input), rows, 1e-12, 1e-12)
    t.close(module:log_prob(input):exp():sum(1), embla.ones(40, {dtype = "float64"}), 1e-12, 1e-12)
    t.equal(module:predict(input), slow_best(rows))
    local want, total = {}, 0
    for i, id in ipairs(target:tolist()) do
      want[i] = rows[i][id + 1]
      total = total - want[i] / 40
    end
    local got = module(input, target)
    t.close(got.output, want, 1e-12, 1e-12)
    t.close(got.loss:item(), total, 1e-12)
    t.equal({got[1] == got.output, got[2] == got.loss}, {true, true})
    t.close(module(input, target:int()).loss:item(), total, 1e-12)
  end)
end

t.test("predictions in the head alone, and in clusters alone", function()
  local module, input = new {head_bias = true}, embla.randn(5, 8, {dtype = "float64"})
  for _, sign in ipairs {100.0, -100.0} do
    module.head.bias.data:fill_(0)
    for k = 0, 3 do module.head.bias.data[k] = sign end
    t.equal(module:predict(input), slow_best(slow(module, input)))
  end
end)

t.test("one sample without a batch", function()
  local module, input = new(), embla.randn(8, {dtype = "float64"})
  for _, id in ipairs {1, 5, 11} do
    local got = module(input, embla.tensor(id))
    t.equal(got.output.shape, {})
    t.close(got.output:item(), slow_row(module:state_dict(), input:tolist())[id + 1], 1e-12)
  end
end)

t.test("a batch that leaves clusters out", function()
  local module, input = new(), embla.randn(3, 8, {dtype = "float64"})
  local got = module(input, embla.LongTensor {0, 3, 0})
  t.close(got.output:sum():item(), -3 * got.loss:item(), 1e-12)
  got.loss:backward()
  t.equal(module.tail[1][1].weight.grad, nil)
  t.equal(module(embla.zeros(0, 8, {dtype = "float64"}), embla.LongTensor {}).output.shape, {0})
end)

t.test("its gradients are those of differences", function()
  local module = new {head_bias = true}
  local input = embla.randn(6, 8, {dtype = "float64", requires_grad = true})
  local target = embla.LongTensor {0, 6, 11, 4, 3, 9}
  local tensors = {input, table.unpack(module:parameters())}
  t.equal(#tensors, 7)
  module(input, target).loss:backward()
  for _, tensor in ipairs(tensors) do
    local flat, got, want = tensor.data:view(-1), tensor.grad:view(-1):tolist(), {}
    for i = 0, flat:size(0) - 1 do
      local x, h = flat[i], 1e-6
      flat[i] = x + h
      local above = module(input, target).loss:item()
      flat[i] = x - h
      want[i + 1] = (above - module(input, target).loss:item()) / (2 * h)
      flat[i] = x
    end
    t.close(got, want, 1e-5, 1e-8)
  end
end)

t.test("state goes there and back", function()
  local a, b = new(), new()
  b:reset_parameters()
  local input, target = embla.randn(4, 8, {dtype = "float64"}), embla.LongTensor {0, 5, 8, 11}
  b:load_state_dict(a:state_dict())
  t.same_bits(a(input, target).output, b(input, target).output)
end)

t.test("it learns", function()
  embla.manual_seed(1)
  local module = nn.AdaptiveLogSoftmaxWithLoss(16, 30, {5, 12})
  local input, target = embla.randn(30, 16), embla.arange(30)
  local opt = embla.optim.Adam(module:parameters(), {lr = 0.03})
  local first = module(input, target).loss:item()
  for _ = 1, 300 do
    opt:zero_grad()
    module(input, target).loss:backward()
    opt:step()
  end
  local last = module(input, target).loss:item()
  if last >= first / 3 then t.fail(("loss %g after %g"):format(last, first)) end
end)

t.test("what does not fit is refused", function()
  local make = nn.AdaptiveLogSoftmaxWithLoss
  for _, cutoffs in ipairs {{}, {0}, {12}, {4, 4}, {7, 4}, {2.5}, {"4"}, {4, "7"}} do
    t.raises(function() make(8, 12, cutoffs) end, "AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence")
  end
  t.raises(function() make(8, 12, 4) end, "cutoffs should be")
  t.raises(function() make(8, 12) end, "cutoffs should be")
  t.raises(function() make(-8, 12, {4}) end, "in_features", "-8")
  t.raises(function() make(8, 12, {4}, {div_value = 0}) end, "div_value", "> 0")
  t.raises(function() make(8, 12, {4}, {div = 2}) end, "unknown option 'div'")
  local module = new()
  local input = embla.zeros(3, 8, {dtype = "float64"})
  t.raises(function() module(input, embla.LongTensor {0, 12, 1}) end,
           "Target values should be in [0, 11], but values in range [0, 12] were found")
  t.raises(function() module(input, embla.LongTensor {0, -1, 1}) end, "[-1, 1]")
  t.raises(function() module(input, embla.LongTensor {0, 1}) end, "input has 3 rows, target 2")
  t.raises(function() module(input, embla.zeros(3)) end, "target", "float32")
  t.raises(function() module(input, {1, 2, 3}) end, "argument target", "a table")
  t.raises(function() module(input[0], embla.LongTensor {0}) end, "argument input: expected shape (N, 8), got (8)")
  t.raises(function() module("x", embla.LongTensor {0}) end, "argument input: expected a tensor")
  t.raises(function() module:log_prob(embla.zeros(3, 7)) end, "(N, 8), got (3, 7)")
  t.raises(function() module:predict() end, "argument input: expected a tensor, got nil")
end)

t.finish()
