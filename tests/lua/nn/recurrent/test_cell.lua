-- nn.RNNCell, nn.LSTMCell, nn.GRUCell against loops written out, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local naive = require "support.naive"
local embla = require "embla"
local nn = embla.nn

local function numbers(tensor) return tensor and tensor:detach():tolist() end

local function weights_of(cell)
  return {numbers(cell.weight_ih), numbers(cell.weight_hh), numbers(cell.bias_ih), numbers(cell.bias_hh)}
end

local function compare(cell, step)
  local double = {dtype = "float64"}
  local x, h, c = embla.randn(2, 3, double), embla.randn(2, 4, double), embla.randn(2, 4, double)
  local is_lstm = nn.LSTMCell == getmetatable(cell)
  local after_h, after_c = cell(x, is_lstm and {h, c} or h)
  for n = 0, 1 do
    local _, want_h, want_c = naive.direction(step, weights_of(cell), {numbers(x[n])}, numbers(h[n]), numbers(c[n]))
    t.close(after_h:detach()[n], want_h, 1e-10, 1e-12)
    if is_lstm then t.close(after_c:detach()[n], want_c, 1e-10, 1e-12) end
    t.close((cell(x[n], is_lstm and {h[n], c[n]} or h[n])):detach(), want_h, 1e-10, 1e-12)
  end
  local zeros = embla.zeros(2, 4, double)
  t.same_bits((cell(x)):detach(), (cell(x, is_lstm and {zeros, zeros} or zeros)):detach())
end

t.test("each is one step of its loop", function()
  embla.manual_seed(2)
  compare(nn.RNNCell(3, 4, {dtype = "float64"}), naive.step.RNN)
  compare(nn.RNNCell(3, 4, {dtype = "float64", nonlinearity = "relu", bias = false}), naive.step.RNN_relu)
  compare(nn.LSTMCell(3, 4, {dtype = "float64"}), naive.step.LSTM)
  compare(nn.LSTMCell(3, 4, {dtype = "float64", bias = false}), naive.step.LSTM)
  compare(nn.GRUCell(3, 4, {dtype = "float64"}), naive.step.GRU)
end)

t.test("a loop over a cell is the layer", function()
  local layer, cell, x = nn.GRU(2, 3), nn.GRUCell(2, 3), embla.randn(4, 2, 2)
  for _, name in ipairs {"weight_ih", "weight_hh", "bias_ih", "bias_hh"} do
    cell[name]:detach():copy_(layer[name .. "_l0"]:detach())
  end
  local h
  for s = 0, 3 do h = cell(x[s], h) end
  t.close(h:detach(), layer(x):detach()[3])
end)

t.test("state_dict there and back, tostring", function()
  local a, b, x = nn.LSTMCell(2, 3), nn.LSTMCell(2, 3), embla.randn(1, 2)
  b:load_state_dict(a:state_dict())
  t.same_bits((b(x)):detach(), (a(x)):detach())
  t.equal(tostring(nn.RNNCell(3, 4, {bias = false, nonlinearity = "relu"})),
          "RNNCell(3, 4, bias=False, nonlinearity=relu)")
  t.equal(tostring(nn.GRUCell(2, 3)), "GRUCell(2, 3)")
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.GRUCell(2, 0) end, "GRUCell", "hidden_size", "0")
  t.raises(function() nn.GRUCell(2, 3)(embla.ones(4)) end, "GRUCell: input must have shape (N, 2) or (2), got (4)")
  t.raises(function() nn.GRUCell(2, 3)(embla.ones(1, 2), embla.ones(2, 3)) end, "hx must have shape (1, 3), got (2, 3)")
  t.raises(function() nn.LSTMCell(2, 3)(embla.ones(2), embla.ones(3)) end, "LSTMCell", "{h, c}", "a tensor")
  t.raises(function() nn.LSTMCell(2, 3)(embla.ones(2), {embla.ones(3), 1}) end, "LSTMCell: c: expected a tensor", "1")
  t.raises(function() nn.RNNCell(2, 3)() end, "RNNCell", "input", "nil")
end)

t.finish()
