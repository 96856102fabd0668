-- nn.RNNCell, nn.LSTMCell, nn.GRUCell: one step of one recurrent layer, for loops of one's own.

local core = require "embla.core"
local init = require "embla.nn.initializers"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local weights = require "embla.nn.weights"

local op, is_tensor = core.ops, core.is_tensor

local cells = {}

local BIAS = {name = "bias", type = "boolean", default = true, doc = "whether biases are added"}
local NONLINEARITY = {name = "nonlinearity", default = "tanh", choices = {"tanh", "relu"},
                      doc = "function of the sum of the input's and the state's part"}

-- A class sets gates (G, rows of a weight are G H) and spec.
local Cell = Module:extend "Cell"

local function construct(self, input_size, hidden_size, ...)
  local o = self.spec.arguments(...)
  self.input_size = weights.size(self.__name, "input_size", input_size)
  self.hidden_size = weights.size(self.__name, "hidden_size", hidden_size)
  if self.hidden_size == 0 then raise("%s: argument hidden_size: expected integer > 0, got 0", self.__name) end
  self.bias, self.nonlinearity = o.bias, o.nonlinearity
  local rows = self.gates * self.hidden_size
  self.weight_ih = weights.new(o.dtype, rows, self.input_size)
  self.weight_hh = weights.new(o.dtype, rows, self.hidden_size)
  self:register_parameter("bias_ih", o.bias and weights.new(o.dtype, rows) or nil)
  self:register_parameter("bias_hh", o.bias and weights.new(o.dtype, rows) or nil)
  self:reset_parameters()
end

--- Draws all weights anew from U(-1/sqrt(H), 1/sqrt(H)).
function Cell:reset_parameters()
  local bound = 1 / math.sqrt(self.hidden_size)
  for _, weight in ipairs(self:parameters()) do init.uniform_(weight, -bound, bound) end
end

-- (D) or (N, D) as one step (1, N, D); whether there was a dim of samples.
local function one_step(self, x)
  if not is_tensor(x) then raise("%s: argument input: expected a tensor, got %s", self.__name, options.show(x)) end
  local dims = x:dim()
  if dims ~= 1 and dims ~= 2 or x:size(-1) ~= self.input_size then
    raise("%s: input must have shape (N, %d) or (%d), got (%s)", self.__name, self.input_size, self.input_size,
          table.concat(x.shape, ", "))
  end
  return dims == 2 and x:unsqueeze(0) or x:reshape(1, 1, self.input_size), dims == 2
end

local function check_state(self, name, state, batched, N)
  if state == nil then return nil end
  if not is_tensor(state) then
    raise("%s: %s: expected a tensor, got %s", self.__name, name, options.show(state))
  end
  local want = batched and {N, self.hidden_size} or {self.hidden_size}
  if table.concat(state.shape, ", ") ~= table.concat(want, ", ") then
    raise("%s: %s must have shape (%s), got (%s)", self.__name, name, table.concat(want, ", "),
          table.concat(state.shape, ", "))
  end
  return batched and state or state:unsqueeze(0)
end

function Cell:extra_repr()
  local parts = {tostring(self.input_size), tostring(self.hidden_size)}
  if not self.bias then parts[#parts + 1] = "bias=False" end
  if self.nonlinearity and self.nonlinearity ~= "tanh" then parts[#parts + 1] = "nonlinearity=" .. self.nonlinearity end
  return table.concat(parts, ", ")
end

-- ---- the three -------------------------------------------------------------------------------------------------

--- One step of Elman's layer: h' = tanh(W_ih x + b_ih + W_hh h + b_hh). Weights weight_ih (H, D), weight_hh (H, H),
-- bias_ih, bias_hh (H), drawn from U(-1/sqrt(H), 1/sqrt(H)). Source: PyTorch's nn.RNNCell.
local RNNCell = Cell:extend "RNNCell"
cells.RNNCell, RNNCell.gates, RNNCell.spec = RNNCell, 1, options.spec("RNNCell", {BIAS, NONLINEARITY, weights.DTYPE})

--- Makes the weights.
-- @param input_size  D >= 0
-- @param hidden_size H > 0
-- @param ...         the options, by position or by name
-- @raise for sizes or options that do not fit
function RNNCell:init(input_size, hidden_size, ...) construct(self, input_size, hidden_size, ...) end

--- Goes one step.
-- @param input Tensor (N, D) or (D)
-- @param h     Tensor (N, H) or (H), the state before; zeros if left out
-- @return the state after, of h's shape
-- @raise if sizes do not fit
function RNNCell:forward(input, h)
  local step, batched = one_step(self, input)
  h = check_state(self, "hx", h, batched, step:size(1))
  local _, after = op.rnn_layer(step, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, h, nil,
                                self.nonlinearity)
  return batched and after or after:squeeze(0)
end

--- One step of long short-term memory: c' = f c + i g, h' = o tanh(c'). Weights weight_ih (4 H, D), weight_hh (4 H, H),
-- bias_ih, bias_hh (4 H), gates in the order i, f, g, o. Source: PyTorch's nn.LSTMCell.
local LSTMCell = Cell:extend "LSTMCell"
cells.LSTMCell, LSTMCell.gates, LSTMCell.spec = LSTMCell, 4, options.spec("LSTMCell", {BIAS, weights.DTYPE})

--- Makes the weights.
-- @param input_size  D >= 0
-- @param hidden_size H > 0
-- @param ...         the options, by position or by name
-- @raise for sizes or options that do not fit
function LSTMCell:init(input_size, hidden_size, ...) construct(self, input_size, hidden_size, ...) end

--- Goes one step.
-- @param input Tensor (N, D) or (D)
-- @param state {h, c}, each (N, H) or (H), the states before; zeros if left out
-- @return h and c after, each of h's shape
-- @raise if sizes do not fit
function LSTMCell:forward(input, state)
  local step, batched = one_step(self, input)
  if state ~= nil and (type(state) ~= "table" or #state ~= 2) then
    raise("LSTMCell: argument state: expected a table {h, c}, got %s", options.show(state))
  end
  local h = state and check_state(self, "h", state[1], batched, step:size(1))
  local c = state and check_state(self, "c", state[2], batched, step:size(1))
  local _, after_h, after_c = op.lstm_layer(step, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, h, c)
  if batched then return after_h, after_c end
  return after_h:squeeze(0), after_c:squeeze(0)
end

--- One step of gated recurrent units: h' = (1 - z) n + z h. Weights weight_ih (3 H, D), weight_hh (3 H, H), bias_ih,
-- bias_hh (3 H), gates in the order r, z, n. Source: PyTorch's nn.GRUCell.
local GRUCell = Cell:extend "GRUCell"
cells.GRUCell, GRUCell.gates, GRUCell.spec = GRUCell, 3, options.spec("GRUCell", {BIAS, weights.DTYPE})

--- Makes the weights.
-- @param input_size  D >= 0
-- @param hidden_size H > 0
-- @param ...         the options, by position or by name
-- @raise for sizes or options that do not fit
function GRUCell:init(input_size, hidden_size, ...) construct(self, input_size, hidden_size, ...) end

--- Goes one step.
-- @param input Tensor (N, D) or (D)
-- @param h     Tensor (N, H) or (H), the state before; zeros if left out
-- @return the state after, of h's shape
-- @raise if sizes do not fit
function GRUCell:forward(input, h)
  local step, batched = one_step(self, input)
  h = check_state(self, "hx", h, batched, step:size(1))
  local _, after = op.gru_layer(step, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, h)
  return batched and after or after:squeeze(0)
end

return cells
