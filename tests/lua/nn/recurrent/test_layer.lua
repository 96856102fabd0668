-- nn.RNN, nn.LSTM, nn.GRU against loops written out, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local naive = require "support.naive"
local embla = require "embla"
local nn = embla.nn

local function numbers(tensor) return tensor and tensor:detach():tolist() end

local function zeros(n)
  local list = {}
  for i = 1, n do list[i] = 0 end
  return list
end

-- All layers and directions over one sample (list of steps). h0, c0: a list for each layer and direction.
local function stack(layer, step, xs, h0, c0)
  local W, last_h, last_c = layer.bidirectional and 2 or 1, {}, {}
  for k = 0, layer.num_layers * W - 1, W do
    local sides = {}
    for side = 0, W - 1 do
      local suffix = ("_l%d%s"):format(k // W, side == 1 and "_reverse" or "")
      local w = {}
      for i, name in ipairs {"weight_ih", "weight_hh", "bias_ih", "bias_hh"} do
        w[i] = layer.bias == false and i > 2 and false or numbers(layer[name .. suffix])
      end
      local at = k + side + 1
      sides[side + 1], last_h[at], last_c[at] = naive.direction(step, w, xs, h0[at], c0[at], side == 1)
    end
    local joined = {}
    for s = 1, #xs do
      joined[s] = {}
      for _, side in ipairs(sides) do table.move(side[s], 1, #side[s], #joined[s] + 1, joined[s]) end
    end
    xs = joined
  end
  return xs, last_h, last_c
end

-- Compares a layer with the loops on T x N random samples, `lengths` steps each.
local function compare(class, step, options, T, lengths, with_state)
  options.dtype = "float64"
  local N, D, H = #lengths, 3, 2
  local layer = nn[class](D, H, options)
  local x, L = embla.randn(T, N, D, {dtype = "float64"}), layer.num_layers * (layer.bidirectional and 2 or 1)
  local h0 = embla.randn(L, N, H, {dtype = "float64"}) * (with_state and 1 or 0)
  local c0 = embla.randn(L, N, H, {dtype = "float64"}) * (with_state and 1 or 0)
  local state = with_state and (class == "LSTM" and {h0, c0} or h0) or nil
  local y, last = layer(options.batch_first and x:transpose(0, 1) or x, state, {lengths = lengths})
  if options.batch_first then y = y:transpose(0, 1) end
  for n = 0, N - 1 do
    local xs = numbers(x:select(1, n):narrow(0, 0, lengths[n + 1]))
    local ys, h, c = stack(layer, step, xs, numbers(h0:select(1, n)), numbers(c0:select(1, n)))
    for s = lengths[n + 1] + 1, T do ys[s] = zeros(y:size(2)) end
    t.close(y:detach():select(1, n), ys, 1e-10, 1e-12)
    t.close((class == "LSTM" and last[1] or last):detach():select(1, n), h, 1e-10, 1e-12)
    if class == "LSTM" then t.close(last[2]:detach():select(1, n), c, 1e-10, 1e-12) end
  end
end

for _, class in ipairs {"RNN", "LSTM", "GRU"} do
  local step = naive.step[class]
  t.test(class .. " is its loop, stacked, in both directions, over padded samples", function()
    embla.manual_seed(1)
    compare(class, step, {}, 4, {4, 4}, false)
    compare(class, step, {num_layers = 2}, 3, {3}, true)
    compare(class, step, {bidirectional = true, batch_first = true}, 4, {4, 2, 1}, true)
    compare(class, step, {num_layers = 3, bidirectional = true, bias = false}, 5, {2, 5, 3}, true)
    compare(class, step, {num_layers = 2, batch_first = true}, 3, {3, 1}, false)
  end)
end

t.test("relu in place of tanh", function()
  compare("RNN", naive.step.RNN_relu, {nonlinearity = "relu", num_layers = 2}, 4, {4, 3}, true)
end)

t.test("lengths as a tensor, and none at all", function()
  local layer, x = nn.GRU(2, 3), embla.randn(3, 2, 2)
  local y = layer(x, {lengths = embla.LongTensor {3, 1}})
  t.same_bits(layer(x, nil, {3, 1}):detach(), y:detach())
  t.equal(y[{{1, 3}, 1}]:detach(), {{0, 0, 0}, {0, 0, 0}})
  t.same_bits(layer(x):detach(), layer(x, {lengths = {3, 3}}):detach())
end)

t.test("one sample without a dim of samples", function()
  local layer, x = nn.LSTM(2, 3, {num_layers = 2, batch_first = true}), embla.randn(4, 2)
  local y, state = layer(x)
  local want, wanted = layer(x:unsqueeze(0))
  t.equal({y.shape, state[1].shape, state[2].shape}, {{4, 3}, {2, 3}, {2, 3}})
  t.equal(y:detach(), want:detach()[0])
  t.equal(state[2]:detach(), wanted[2]:detach():squeeze(1))
  t.equal(layer(x, state)[0].shape, {3})
end)

t.test("dropout falls between layers, in training only", function()
  local x = embla.randn(3, 2, 4)
  local layer = nn.GRU(4, 5, {num_layers = 2, dropout = 1})
  local alone = nn.GRU(5, 5)
  for _, name in ipairs {"weight_ih", "weight_hh", "bias_ih", "bias_hh"} do
    alone[name .. "_l0"]:detach():copy_(layer[name .. "_l1"]:detach())
  end
  t.close(layer(x):detach(), alone(embla.zeros(3, 2, 5)):detach())
  layer:eval()
  t.same_bits(layer(x):detach(), layer(x):detach())
  local plain = nn.GRU(4, 5, {dropout = 1})               -- one layer: there is no between
  t.same_bits(plain(x):detach(), plain(x):detach())
end)

t.test("the state goes on from one piece of text to the next", function()
  local layer, x = nn.LSTM(2, 3, {num_layers = 2}), embla.randn(6, 2, 2)
  local whole = layer(x)
  local first, state = layer(x:narrow(0, 0, 4))
  local second = layer(x:narrow(0, 4, 2), state)
  t.close(embla.cat({first, second}, 0):detach(), whole:detach())
end)

t.test("weights have PyTorch's names, sizes and bounds, and travel", function()
  local layer, names = nn.LSTM(3, 4, {num_layers = 2, bidirectional = true}), {}
  for name in layer:named_parameters() do names[#names + 1] = name end
  t.equal({table.unpack(names, 1, 8)}, {
    "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse", "weight_hh_l0_reverse",
    "bias_ih_l0_reverse", "bias_hh_l0_reverse"})
  t.equal({#names, layer.weight_ih_l1.shape, layer.bias_hh_l1.shape}, {16, {16, 8}, {16}})
  for _, weight in ipairs(layer:parameters()) do
    t.equal(weight:detach():abs():max():item() <= 0.5, true)
    t.equal(weight:detach():abs():max():item() > 0.2, true)
  end
  local other, x = nn.LSTM(3, 4, {num_layers = 2, bidirectional = true}), embla.randn(2, 1, 3)
  other:load_state_dict(layer:state_dict())
  t.same_bits(other(x):detach(), layer(x):detach())
end)

t.test("layers in double and after conversion", function()
  local layer = nn.RNN(2, 2):double()
  t.equal(layer(embla.randn(3, 1, 2, {dtype = "float64"})).dtype, "float64")
end)

t.test("tostring", function()
  t.equal(tostring(nn.LSTM(3, 4, 2, {bias = false, dropout = 0.1, bidirectional = true})),
          "LSTM(3, 4, num_layers=2, bias=False, dropout=0.1, bidirectional=True)")
  t.equal(tostring(nn.RNN(3, 4, {nonlinearity = "relu"})), "RNN(3, 4)")
end)

t.test("what does not fit is refused", function()
  local layer = nn.LSTM(3, 4)
  t.raises(function() nn.LSTM(3, 0) end, "LSTM: argument hidden_size", "> 0", "0")
  t.raises(function() nn.GRU("3", 4) end, "GRU: argument input_size", '"3"')
  t.raises(function() nn.GRU(3, 4, {num_layer = 2}) end, "num_layer", "did you mean 'num_layers'")
  t.raises(function() nn.RNN(3, 4, {nonlinearity = "sigmoid"}) end, "one of tanh, relu", "sigmoid")
  t.raises(function() nn.RNN(3, 4, {dropout = 2}) end, "RNN: option dropout", "[0, 1]")
  t.raises(function() layer(embla.ones(2, 3, 5)) end, "LSTM: input must have shape (T, N, 3) or (T, 3), got (2, 3, 5)")
  t.raises(function() nn.LSTM(3, 4, {batch_first = true})(embla.ones(3)) end, "(N, T, 3)", "(3)")
  t.raises(function() layer({1, 2}) end, "LSTM: argument input: expected a tensor", "a table")
  t.raises(function() layer(embla.ones(2, 2, 3), embla.ones(1, 2, 4)) end, "option state", "{h_0, c_0}")
  t.raises(function() layer(embla.ones(2, 2, 3), {embla.ones(1, 2, 4), embla.ones(1, 3, 4)}) end,
           "LSTM: c_0 must have shape (1, 2, 4), got (1, 3, 4)")
  t.raises(function() nn.GRU(3, 4)(embla.ones(2, 3), embla.ones(1, 1, 4)) end, "GRU: h_0", "(1, 4)", "(1, 1, 4)")
  t.raises(function() layer(embla.ones(2, 2, 3), {lengths = {1, 3}}) end, "length 3", "[1]", "2")
  t.raises(function() layer(embla.ones(2, 2, 3), {lengths = {1}}) end, "lengths", "(2)", "(1)")
  t.raises(function() layer(embla.ones(2, 2, 3), {lengths = {1.5, 1}}) end, "lengths", "list of integers")
end)

t.test("padding is not read: NaN and infinity behind a sample's length", function()
  for _, class in ipairs {"RNN", "LSTM", "GRU"} do
    for _, both in ipairs {false, true} do
      embla.manual_seed(1)
      local layer = nn[class](3, 2, {bidirectional = both, num_layers = 2})
      local function run(filling)
        embla.manual_seed(2)
        local x = embla.randn(4, 2, 3)
        x[{{2, 4}, 0}] = filling
        x.requires_grad = true
        layer:zero_grad()
        layer(x, {lengths = {2, 4}}):sum():backward()
        local list = {x.grad:tolist()}
        for _, p in ipairs(layer:parameters()) do list[#list + 1] = p.grad:tolist() end
        return list
      end
      local want = run(0)
      t.equal(run(0 / 0), want)
      t.equal(run(1 / 0), want)
    end
  end
end)

t.finish()
