-- Tensors as text: what the golden cases leave out, and the options of printing. The wanted texts are PyTorch's.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

local DEFAULTS = {profile = "default"}

local function shown(tensor, options)
  embla.set_printoptions(options)
  local text = tostring(tensor)
  embla.set_printoptions(DEFAULTS)
  return text
end

t.test("a tensor with a history names the operation", function()
  local x = embla.ones(2):requires_grad_()
  t.equal(tostring(x), "tensor([1., 1.], requires_grad=True)")
  t.equal(tostring(x * 2), "tensor([2., 2.], grad_fn=<MulBackward0>)")
  t.equal(tostring(x + 2), "tensor([3., 3.], grad_fn=<AddBackward0>)")
  t.equal(tostring((x * 2):sum()), "tensor(4., grad_fn=<SumBackward0>)")
  t.equal(tostring((x * 2):detach()), "tensor([2., 2.])")
  t.equal(tostring(x:log_softmax(0)), "tensor([-0.6931, -0.6931], grad_fn=<LogSoftmaxBackward0>)")
end)

t.test("nodes are named as PyTorch names them", function()
  local x = embla.ones(2, 3):requires_grad_()
  local nodes = {
    SumBackward1 = x:sum(1), MeanBackward0 = x:mean(), MaxBackward1 = x:max(), MaxBackward0 = (x:max(1)),
    NormBackward1 = x:norm(), MmBackward0 = x:matmul(x:t()), SliceBackward0 = x:narrow(0, 0, 1),
    NllLossBackward0 = embla.F.cross_entropy(x, embla.LongTensor {0, 1}), LogSigmoidBackward0 = embla.F.logsigmoid(x),
    EmbeddingBackward0 = embla.F.embedding({0, 1}, x), EmbeddingBagBackward0 = embla.F.embedding_bag({{0, 1}}, x),
    NativeLayerNormBackward0 = embla.F.layer_norm(x, {3}), ClampBackward1 = x:clamp(0, 1),
  }
  for node, tensor in pairs(nodes) do t.equal(tostring(tensor):match "grad_fn=<(.-)>", node) end
end)

t.test("nodes of elementwise operations, which a plain number among the operands may change", function()
  local F, x, y = embla.F, embla.ones(2, 2):requires_grad_(), embla.ones(2, 2):requires_grad_()
  local mask, ids = x:gt(0), embla.zeros({2, 2}, "int64")
  for _, case in ipairs {
    {"Asinh", 0, F.asinh(x)}, {"Acosh", 0, F.acosh(x)}, {"Atanh", 0, F.atanh(x)}, {"Logit", 0, F.logit(x)},
    {"Sinc", 0, F.sinc(x)}, {"Deg2Rad", 0, F.deg2rad(x)}, {"Rad2Deg", 0, F.rad2deg(x)}, {"Log1P", 0, F.log1p(x)},
    {"NanToNum", 0, F.nan_to_num(x)}, {"Fmax", 0, F.fmax(x, y)}, {"Fmin", 0, F.fmin(x, y)},
    {"Hypot", 0, F.hypot(x, y)}, {"Logaddexp", 0, F.logaddexp(x, y)}, {"Xlogy", 0, F.xlogy(x, y)},
    {"Xlogy", 1, F.xlogy(2, x)}, {"Xlogy", 2, F.xlogy(x, 2)}, {"Pow", 0, x ^ 2}, {"Pow", 1, x ^ y},
    {"Pow", 1, 2 ^ x}, {"Remainder", 0, x % 2}, {"Remainder", 1, x % y}, {"Fmod", 0, x:fmod(2)},
    {"Fmod", 1, x:fmod(y)}, {"Sub", 0, x - 1}, {"Rsub", 1, 1 - x}, {"Div", 0, x / 2}, {"Mul", 0, 2 / x},
    {"Clamp", 0, x:clamp(y, y)}, {"Clamp", 1, x:clamp(0, 1)}, {"Clamp", 1, x:clamp(0)},
    {"ClampMin", 0, x:clamp_min(0)}, {"ClampMin", 1, x:clamp_min(y)}, {"ClampMax", 0, x:clamp_max(0)},
    {"ClampMax", 1, x:clamp_max(y)}, {"Lerp", 0, F.lerp(x, y, 0.5)}, {"Lerp", 1, F.lerp(x, y, y)},
    {"Prelu", 0, F.prelu(x, embla.ones(2))}, {"Glu", 0, F.glu(x)}, {"MaskedFill", 0, x:masked_fill(mask, 1)},
    {"Scatter", 0, x:scatter(0, ids, y)}, {"Scatter", 1, x:scatter(0, ids, 1)},
    {"IndexFill", 0, x:index_fill(0, {0}, 1)}, {"Prod", 0, x:prod()}, {"Prod", 1, x:prod(1)},
    {"Mv", 0, x:matmul(embla.ones(2))}, {"Dot", 0, embla.ones(2):matmul(x[0])},
    {"UnsafeView", 0, embla.ones(3, 2, 2):matmul(x)}, {"ConstantPadNd", 0, F.pad(x, {1, 1})},
  } do
    local want = case[1] .. "Backward" .. case[2]
    t.equal(case[3].grad_fn:name(), want)
    case[3]:sum():backward()
    t.equal(case[3].grad_fn:name(), want)               -- what backward frees is not needed for it
  end
end)

t.test("nodes of operations along dims, without an input, by the dims of the result", function()
  local F, x, y, v = embla.F, embla.ones(2, 3):requires_grad_(), embla.ones(1, 2, 3):requires_grad_(), embla.ones(3)
  local w, b = embla.ones(4, 3):requires_grad_(), embla.ones(4)
  for _, case in ipairs {
    {"Sum", 0, x:sum()}, {"Sum", 1, x:sum({0, 1})}, {"Sum", 1, x[0]:sum(0)}, {"Sum", 1, y:sum(0)},
    {"Mean", 0, x:mean()}, {"Mean", 1, x:mean({0, 1})}, {"Prod", 0, x:prod()}, {"Prod", 1, x[0]:prod(0)},
    {"Squeeze", 0, y:squeeze()}, {"Squeeze", 1, y:squeeze(0)}, {"Squeeze", 1, y:sum():unsqueeze(0):squeeze(0)},
    {"Addmm", 0, F.linear(x, w, b)}, {"Mm", 0, F.linear(x, w)}, {"View", 0, F.linear(y, w, b)},
    {"UnsafeView", 0, F.linear(y, w)}, {"Add", 0, F.linear(v, w, b)}, {"Squeeze", 3, F.linear(v, w)},
    {"Index", 0, x[embla.tensor {true, false}]}, {"IndexFill", 0, x:index_fill(0, {0}, 1)},
    {"IndexFill", 1, x:index_fill(0, {0}, embla.tensor(1.0))},
  } do t.equal(case[3].grad_fn:name(), case[1] .. "Backward" .. case[2]) end
end)

t.test("a parameter is marked, what is made of it is not", function()
  local p = nn.Parameter(embla.ones(2))
  t.equal(tostring(p), "Parameter containing:\ntensor([1., 1.], requires_grad=True)")
  t.equal(tostring(p:detach()), "tensor([1., 1.])")
  t.equal(tostring(nn.Parameter(embla.ones(2), false)), "Parameter containing:\ntensor([1., 1.])")
end)

t.test("a large tensor shows its edges and reads no more", function()
  t.equal(tostring(embla.zeros(2000, 3000)), table.concat({
    "tensor([[0., 0., 0.,  ..., 0., 0., 0.],",
    "        [0., 0., 0.,  ..., 0., 0., 0.],",
    "        [0., 0., 0.,  ..., 0., 0., 0.],",
    "        ...,",
    "        [0., 0., 0.,  ..., 0., 0., 0.],",
    "        [0., 0., 0.,  ..., 0., 0., 0.],",
    "        [0., 0., 0.,  ..., 0., 0., 0.]])"}, "\n"))
end)

t.test("views are printed as they are seen", function()
  t.equal(tostring(embla.arange(6):reshape(2, 3):t()), "tensor([[0, 3],\n        [1, 4],\n        [2, 5]])")
  t.equal(tostring(embla.zeros(1):expand(3)), "tensor([0., 0., 0.])")
end)

-- What Lua allocates meanwhile shows how much was gone through; 1 MB are some thousand rows.
local function printed_at_once(x)
  collectgarbage()
  collectgarbage "stop"
  local before = collectgarbage "count"
  local text = tostring(x)
  local used = collectgarbage "count" - before
  collectgarbage "restart"
  if used > 1000 then t.fail(("%d KB for %d characters"):format(used, #text)) end
  return text
end

t.test("of many rows only those are looked at that are shown", function()
  local row = "        [0., 0.]"
  t.equal(printed_at_once(embla.zeros(1):expand(270000000, 2)),
          "tensor([[0., 0.],\n" .. row .. ",\n" .. row .. ",\n        ...,\n" .. row .. ",\n" .. row .. ",\n" .. row ..
          "])")
  t.equal(select(2, printed_at_once(embla.zeros(1):expand(100000, 100000, 2)):gsub("0%.", "")), 6 * 6 * 2)
end)

t.test("of a row-sparse gradient only the entries that are shown are made", function()
  local core = require "embla.core"
  local w = embla.zeros(4, 3):requires_grad_()
  local ids = embla.arange(40000) % 4
  embla.nn.functional.embedding(ids, w, {sparse = true}):backward(embla.arange(3):float():expand(40000, 3))
  local peak = select(3, core.memory())
  local text = tostring(w.grad)
  t.equal(select(3, core.memory()) - peak < 400000, true)
  local row = "[0., 1., 2.]"
  t.equal(text, "tensor(indices=tensor([[0, 1, 2,  ..., 1, 2, 3]]),\n       values=tensor([" .. row .. ",\n" ..
    ((" "):rep(22) .. row .. ",\n"):rep(2) .. (" "):rep(22) .. "...,\n" .. ((" "):rep(22) .. row .. ",\n"):rep(2) ..
    (" "):rep(22) .. row .. "]),\n       size=(4, 3), nnz=40000, layout=torch.sparse_coo)")
end)

t.test("options change what they name and stay until changed", function()
  local x = embla.tensor {1 / 3, 2 / 3}
  t.equal(shown(x, {precision = 2}), "tensor([0.33, 0.67])")
  t.equal(shown(x, {sci_mode = true, precision = 1}), "tensor([3.3e-01, 6.7e-01])")
  t.equal(shown(embla.arange(5), {threshold = 4, edgeitems = 1}), "tensor([0,  ..., 4])")
  t.equal(shown(x, {profile = "short"}), "tensor([0.33, 0.67])")
  embla.set_printoptions {precision = 2}
  embla.set_printoptions {linewidth = 40}
  t.equal(tostring(x), "tensor([0.33, 0.67])")
  embla.set_printoptions(DEFAULTS)
  t.equal(tostring(x), "tensor([0.3333, 0.6667])")
end)

t.test("options that do not fit are refused", function()
  t.raises(function() embla.set_printoptions {precison = 2} end, "set_printoptions", "precison",
           "did you mean 'precision'")
  t.raises(function() embla.set_printoptions {precision = -1} end, "precision", "-1")
  t.raises(function() embla.set_printoptions {edgeitems = 0} end, "edgeitems", "0")
  t.raises(function() embla.set_printoptions {linewidth = "wide"} end, "linewidth", "wide")
  t.raises(function() embla.set_printoptions {sci_mode = 1} end, "sci_mode", "boolean")
  t.raises(function() embla.set_printoptions {profile = "long"} end, "profile", "default, short, full")
  t.equal(tostring(embla.tensor {0.5}), "tensor([0.5000])")
end)

t.finish()
