-- nn.RNN, nn.LSTM, nn.GRU: recurrent layers, stacked and in one or both directions. One direction of one layer over all
-- steps is one operation of the core; here they are put together.

local core = require "embla.core"
local init = require "embla.nn.initializers"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local repr = require "embla.base.python_repr"
local weights = require "embla.nn.weights"

local op, is_tensor = core.ops, core.is_tensor

local recurrent = {}

-- Letters in shapes: T steps, N samples, D features in, H of the state, L layers, W directions (1 or 2).

-- ---- options ---------------------------------------------------------------------------------------------------

local CONSTRUCTOR = {
  {name = "num_layers", type = "integer", default = 1, range = ">= 1", doc = "layers, each fed by the one below"},
  {name = "bias", type = "boolean", default = true, doc = "whether biases are added"},
  {name = "batch_first", type = "boolean", default = false, doc = "input and output are (N, T, *), not (T, N, *)"},
  {name = "dropout", type = "number", default = 0, range = "[0, 1]", doc = "in training, between layers"},
  {name = "bidirectional", type = "boolean", default = false, doc = "a second direction, from the last step"},
  weights.DTYPE,
}

local NONLINEARITY = {name = "nonlinearity", default = "tanh", choices = {"tanh", "relu"},
                      doc = "function of the sum of the input's and the state's part"}

local function is_pair_of_tensors(value) return #value == 2 and is_tensor(value[1]) and is_tensor(value[2]) end

local STATE = {name = "state", also = "hx", type = "tensor",
               doc = "(L W, N, H) for L layers and W directions, the first state; zeros if left out"}
local STATES = {name = "state", also = "hx", type = "table", check = is_pair_of_tensors,
                range = "{h_0, c_0} of two tensors",
                doc = "each (L W, N, H) for L layers and W directions, the first states; zeros if left out"}
local LENGTHS = {name = "lengths", type = "tensor|integers",
                 doc = "(N), steps of each sample; those after them are padding, whose output is 0"}

-- ---- what the three share --------------------------------------------------------------------------------------

-- A class sets: gates (G, rows of a weight are G H), has_cell (there is a c beside h), spec, call_spec.
local Recurrent = Module:extend "Recurrent"

-- Makes the weights of every layer and direction, under PyTorch's names.
local function make_weights(self, dtype)
  local H, W = self.hidden_size, self.bidirectional and 2 or 1
  self.all_weights = {}
  for k = 0, self.num_layers * W - 1 do
    local layer, reverse = k // W, k % W == 1
    local suffix = ("_l%d%s"):format(layer, reverse and "_reverse" or "")
    local D = layer == 0 and self.input_size or H * W
    local names = {"weight_ih" .. suffix, "weight_hh" .. suffix, "bias_ih" .. suffix, "bias_hh" .. suffix}
    self[names[1]] = weights.new(dtype, self.gates * H, D)
    self[names[2]] = weights.new(dtype, self.gates * H, H)
    if self.bias then
      self[names[3]] = weights.new(dtype, self.gates * H)
      self[names[4]] = weights.new(dtype, self.gates * H)
    end
    self.all_weights[k + 1] = names
  end
end

local function construct(self, input_size, hidden_size, ...)
  local o = self.spec.arguments(...)
  self.input_size = weights.size(self.__name, "input_size", input_size)
  self.hidden_size = weights.size(self.__name, "hidden_size", hidden_size)
  if self.hidden_size == 0 then raise("%s: argument hidden_size: expected integer > 0, got 0", self.__name) end
  self.num_layers, self.bias, self.batch_first = o.num_layers, o.bias, o.batch_first
  self.dropout, self.bidirectional, self.nonlinearity = o.dropout, o.bidirectional, o.nonlinearity
  make_weights(self, o.dtype)
  self:reset_parameters()
end

--- Draws all weights anew from U(-1/sqrt(H), 1/sqrt(H)).
function Recurrent:reset_parameters()
  local bound = 1 / math.sqrt(self.hidden_size)
  for _, weight in ipairs(self:parameters()) do init.uniform_(weight, -bound, bound) end
end

local function show_shape(list) return "(" .. table.concat(list, ", ") .. ")" end

-- The state as given, with a dim of samples, checked against (L W, N, H).
local function check_state(self, name, state, batched, N)
  local want = {#self.all_weights, N, self.hidden_size}
  if not batched then table.remove(want, 2) end
  if show_shape(state.shape) ~= show_shape(want) then
    raise("%s: %s must have shape %s, got %s", self.__name, name, show_shape(want), show_shape(state.shape))
  end
  return batched and state or state:unsqueeze(1)
end

-- The first states of all layers and directions: h, c, either nil.
local function first_states(self, given, batched, N)
  if given == nil then return nil, nil end
  if not self.has_cell then return check_state(self, "h_0", given, batched, N), nil end
  return check_state(self, "h_0", given[1], batched, N), check_state(self, "c_0", given[2], batched, N)
end

local function check_input(self, x)
  if not is_tensor(x) then raise("%s: argument input: expected a tensor, got %s", self.__name, options.show(x)) end
  if x:dim() ~= 2 and x:dim() ~= 3 or x:size(-1) ~= self.input_size then
    raise("%s: input must have shape %s or (T, %d), got %s", self.__name,
          (self.batch_first and "(N, T, %d)" or "(T, N, %d)"):format(self.input_size), self.input_size,
          show_shape(x.shape))
  end
end

-- Direction k (counted from 0 over all layers) of one layer: output (T, N, H), last h and c (N, H).
local function run_direction(self, k, x, h, c, lengths)
  local names = self.all_weights[k + 1]
  local w_ih, w_hh, b_ih, b_hh = self[names[1]], self[names[2]], self[names[3]], self[names[4]]
  local reverse = self.bidirectional and k % 2 == 1
  h, c = h and h:select(0, k), c and c:select(0, k)
  if self.has_cell then return op.lstm_layer(x, w_ih, w_hh, b_ih, b_hh, h, c, lengths, reverse) end
  if self.nonlinearity then
    return op.rnn_layer(x, w_ih, w_hh, b_ih, b_hh, h, lengths, self.nonlinearity, reverse)
  end
  return op.gru_layer(x, w_ih, w_hh, b_ih, b_hh, h, lengths, reverse)
end

-- All layers: output (T, N, W H) and lists of the last states.
local function run_layers(self, x, h, c, lengths)
  local W, last_h, last_c = self.bidirectional and 2 or 1, {}, {}
  for layer = 0, self.num_layers - 1 do
    if layer > 0 and self.training and self.dropout > 0 then x = op.dropout(x, self.dropout) end
    local outputs = {}
    for k = layer * W, layer * W + W - 1 do
      outputs[#outputs + 1], last_h[k + 1], last_c[k + 1] = run_direction(self, k, x, h, c, lengths)
    end
    x = W == 2 and op.cat(outputs, 2) or outputs[1]
  end
  return x, last_h, last_c
end

local function join(states, batched)
  local all = #states == 1 and states[1]:unsqueeze(0) or op.stack(states, 0)
  return batched and all or all:squeeze(1)
end

local function run(self, x, ...)
  local o = self.call_spec.arguments(...)
  check_input(self, x)
  local batched = x:dim() == 3
  if not batched then x = x:unsqueeze(1) elseif self.batch_first then x = x:transpose(0, 1) end
  local h, c = first_states(self, o.state, batched, x:size(1))
  local lengths = o.lengths
  if type(lengths) == "table" then lengths = core.tensor(lengths, "int64") end
  local y, last_h, last_c = run_layers(self, x, h, c, lengths)
  if not batched then y = y:squeeze(1) elseif self.batch_first then y = y:transpose(0, 1) end
  if not self.has_cell then return y, join(last_h, batched) end
  return y, {join(last_h, batched), join(last_c, batched)}
end

function Recurrent:extra_repr()
  local parts = {tostring(self.input_size), tostring(self.hidden_size)}
  if self.num_layers ~= 1 then parts[#parts + 1] = "num_layers=" .. self.num_layers end
  if not self.bias then parts[#parts + 1] = "bias=False" end
  if self.batch_first then parts[#parts + 1] = "batch_first=True" end
  if self.dropout ~= 0 then parts[#parts + 1] = "dropout=" .. repr(self.dropout) end
  if self.bidirectional then parts[#parts + 1] = "bidirectional=True" end
  return table.concat(parts, ", ")
end

-- ---- the three -------------------------------------------------------------------------------------------------

-- num_layers, nonlinearity and the others, in PyTorch's order
local RNN_CONSTRUCTOR = table.move(CONSTRUCTOR, 2, #CONSTRUCTOR, 3, {CONSTRUCTOR[1], NONLINEARITY})

--- Elman's recurrent layers: h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh).
-- Weights are drawn from U(-1/sqrt(H), 1/sqrt(H)) and named as PyTorch's: weight_ih_l0, weight_hh_l0, bias_ih_l0,
-- bias_hh_l0, weight_ih_l0_reverse, ... Source: PyTorch's nn.RNN, Elman 1990.
local RNN = Recurrent:extend "RNN"
recurrent.RNN, RNN.gates = RNN, 1
RNN.spec, RNN.call_spec = options.spec("RNN", RNN_CONSTRUCTOR), options.spec("RNN", {STATE, LENGTHS})

--- Makes the weights.
-- @param input_size  D >= 0
-- @param hidden_size H > 0
-- @param ...         the options, by position or by name
-- @raise for sizes or options that do not fit
function RNN:init(input_size, hidden_size, ...) construct(self, input_size, hidden_size, ...) end

--- Runs over a sequence.
-- @param input Tensor (T, N, D); (N, T, D) with batch_first; or (T, D), one sample
-- @param ...   the options, by position or by name
-- @return output of the last layer (T, N, W H), or with T and N as in input; last states (L W, N, H)
-- @raise if sizes do not fit
function RNN:forward(input, ...) return run(self, input, ...) end

--- Long short-term memory: c_t = f c_(t-1) + i g, h_t = o tanh(c_t), with i, f, o the sigmoids and g the tanh of
-- W_ih x_t + b_ih + W_hh h_(t-1) + b_hh. Weights as in RNN, gates in the order i, f, g, o.
-- Source: PyTorch's nn.LSTM, Hochreiter and Schmidhuber 1997.
local LSTM = Recurrent:extend "LSTM"
recurrent.LSTM, LSTM.gates, LSTM.has_cell = LSTM, 4, true
LSTM.spec, LSTM.call_spec = options.spec("LSTM", CONSTRUCTOR), options.spec("LSTM", {STATES, LENGTHS})

--- Makes the weights.
-- @param input_size  D >= 0
-- @param hidden_size H > 0
-- @param ...         the options, by position or by name
-- @raise for sizes or options that do not fit
function LSTM:init(input_size, hidden_size, ...) construct(self, input_size, hidden_size, ...) end

--- Runs over a sequence.
-- @param input Tensor (T, N, D); (N, T, D) with batch_first; or (T, D), one sample
-- @param ...   the options, by position or by name
-- @return output of the last layer (T, N, W H), or with T and N as in input; last states {h_n, c_n}, each (L W, N, H)
-- @raise if sizes do not fit
function LSTM:forward(input, ...) return run(self, input, ...) end

--- Gated recurrent units: h_t = (1 - z) n + z h_(t-1), r and z sigmoids of W_ih x_t + b_ih + W_hh h_(t-1) + b_hh
-- and n = tanh(W_in x_t + b_in + r (W_hn h_(t-1) + b_hn)). Weights as in RNN, gates in the order r, z, n.
-- Source: PyTorch's nn.GRU, Cho et al. 2014.
local GRU = Recurrent:extend "GRU"
recurrent.GRU, GRU.gates = GRU, 3
GRU.spec, GRU.call_spec = options.spec("GRU", CONSTRUCTOR), options.spec("GRU", {STATE, LENGTHS})

--- Makes the weights.
-- @param input_size  D >= 0
-- @param hidden_size H > 0
-- @param ...         the options, by position or by name
-- @raise for sizes or options that do not fit
function GRU:init(input_size, hidden_size, ...) construct(self, input_size, hidden_size, ...) end

--- Runs over a sequence.
-- @param input Tensor (T, N, D); (N, T, D) with batch_first; or (T, D), one sample
-- @param ...   the options, by position or by name
-- @return output of the last layer (T, N, W H), or with T and N as in input; last states (L W, N, H)
-- @raise if sizes do not fit
function GRU:forward(input, ...) return run(self, input, ...) end

return recurrent
