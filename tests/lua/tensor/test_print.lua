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
