-- nn.init: fills tensors with first values. All write in place, outside of any graph, and return the tensor.

local core = require "embla.core"
local lazy = require "embla.base.lazy"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local init = {}

local function check_tensor(name, t)
  if not core.is_tensor(t) or t.is_sparse then
    raise("%s: argument tensor: expected a dense tensor, got %s", name, options.show(t))
  end
  return t:detach()
end

-- ---- plain distributions ---------------------------------------------------------------------------------------

local uniform_spec = options.spec("uniform_", {
  {name = "a", type = "number", default = 0, doc = "least value"},
  {name = "b", type = "number", default = 1, doc = "upper bound"},
})

--- Draws from U(a, b).
-- @param tensor Tensor of a float dtype
-- @param ...    the options, by position or by name
-- @return the tensor
function init.uniform_(tensor, ...)
  local o = uniform_spec.arguments(...)
  check_tensor("uniform_", tensor):uniform_(o.a, o.b)
  return tensor
end

local normal_spec = options.spec("normal_", {
  {name = "mean", type = "number", default = 0, doc = "of the distribution"},
  {name = "std", type = "number", default = 1, range = ">= 0", doc = "its standard deviation"},
})

--- Draws from N(mean, std^2).
-- @param tensor Tensor of a float dtype
-- @param ...    the options, by position or by name
-- @return the tensor
function init.normal_(tensor, ...)
  local o = normal_spec.arguments(...)
  check_tensor("normal_", tensor):normal_(o.mean, o.std)
  return tensor
end

--- Fills with one value.
-- @param tensor Tensor
-- @param value  number
-- @return the tensor
function init.constant_(tensor, value)
  if type(value) ~= "number" then raise("constant_: argument value: expected number, got %s", options.show(value)) end
  check_tensor("constant_", tensor):fill_(value)
  return tensor
end

--- Fills with 0.
-- @param tensor Tensor
-- @return the tensor
function init.zeros_(tensor)
  check_tensor("zeros_", tensor):zero_()
  return tensor
end

--- Fills with 1.
-- @param tensor Tensor
-- @return the tensor
function init.ones_(tensor)
  check_tensor("ones_", tensor):fill_(1)
  return tensor
end

local function check_matrix(name, tensor)
  local t = check_tensor(name, tensor)
  if t:dim() ~= 2 then raise("%s: argument tensor: expected 2 dimensions, got %d", name, t:dim()) end
  return t
end

--- Fills with the identity matrix.
-- @param tensor Tensor (N, D)
-- @return the tensor
function init.eye_(tensor)
  local t = check_matrix("eye_", tensor)
  t:zero_()
  for i = 0, math.min(t:size(0), t:size(1)) - 1 do t:select(0, i):narrow(0, i, 1):fill_(1) end
  return tensor
end

local sparse_spec = options.spec("sparse_", {
  {name = "sparsity", type = "number", required = true, range = "[0, 1]", doc = "part of each column that is 0"},
  {name = "std", type = "number", default = 0.01, range = ">= 0", doc = "deviation of the others"},
})

--- Draws from N(0, std^2), but for a part of each column that is 0. Source: Martens 2010.
-- @param tensor Tensor (N, D)
-- @param ...    the options, by position or by name
-- @return the tensor
-- @raise unless it has 2 dims and sparsity lies in 0 .. 1
function init.sparse_(tensor, ...)
  local o = sparse_spec.arguments(...)
  local t = check_matrix("sparse_", tensor)
  local rows, zeros = t:size(0), math.ceil(o.sparsity * t:size(0))
  t:normal_(0, o.std)
  for d = 0, t:size(1) - 1 do
    t:select(1, d):index_fill_(0, core.randperm(rows):narrow(0, 0, zeros), 0)
  end
  return tensor
end

local dirac_spec = options.spec("dirac_", {
  {name = "groups", type = "integer", default = 1, range = ">= 1", doc = "parts of the channels, each kept by itself"},
})

--- Fills the weight of a convolution so that it passes on as many input channels as it has outputs for.
-- @param tensor Tensor (K, D, ...) of 3 to 5 dims
-- @param ...    the options, by position or by name
-- @return the tensor
-- @raise if it has other dims or groups do not divide K
function init.dirac_(tensor, ...)
  local groups = dirac_spec.arguments(...).groups
  local t = check_tensor("dirac_", tensor)
  if t:dim() < 3 or t:dim() > 5 then
    raise("dirac_: argument tensor: expected 3 to 5 dimensions, got %d", t:dim())
  end
  local outputs = t:size(0)
  if outputs % groups ~= 0 then raise("dirac_: groups = %d do not divide %d output channels", groups, outputs) end
  t:zero_()
  local each = outputs // groups
  for group = 0, groups - 1 do
    for d = 0, math.min(each, t:size(1)) - 1 do
      local centre = t:select(0, group * each + d):select(0, d)
      while centre:dim() > 0 do centre = centre:select(0, centre:size(0) // 2) end
      centre:fill_(1)
    end
  end
  return tensor
end

local truncated_spec = options.spec("trunc_normal_", {
  {name = "mean", type = "number", default = 0, doc = "of the distribution"},
  {name = "std", type = "number", default = 1, range = "> 0", doc = "its standard deviation before it is cut"},
  {name = "a", type = "number", default = -2, doc = "least value"},
  {name = "b", type = "number", default = 2, doc = "greatest value"},
})

local ROUNDS = 10000        -- of drawing again; an interval this far in the tail is a mistake

--- Draws from N(mean, std^2) kept within [a, b]: what falls outside is drawn again.
-- @param tensor Tensor of a float dtype
-- @param ...    the options, by position or by name
-- @return the tensor
-- @raise if a is not below b, or next to nothing of the distribution lies between them
function init.trunc_normal_(tensor, ...)
  local o = truncated_spec.arguments(...)
  if o.a >= o.b then raise("trunc_normal_: options a, b: expected a < b, got a = %g, b = %g", o.a, o.b) end
  local t = check_tensor("trunc_normal_", tensor)
  local drawn = t:clone():normal_(o.mean, o.std)
  for _ = 1, ROUNDS do
    local outside = drawn:lt(o.a):logical_or(drawn:gt(o.b))
    if not outside:any():item() then
      t:copy_(drawn)
      return tensor
    end
    drawn = core.ops.where(outside, drawn:clone():normal_(o.mean, o.std), drawn)
  end
  raise("trunc_normal_: too little of N(%g, %g^2) lies between a = %g and b = %g", o.mean, o.std, o.a, o.b)
end

-- ---- distributions that know the layer -------------------------------------------------------------------------

-- Inputs and outputs of the map a weight (K, D, ...) stands for.
local function fans(name, tensor)
  local shape = check_tensor(name, tensor).shape
  if #shape < 2 then raise("%s: argument tensor: expected at least 2 dimensions, got %d", name, #shape) end
  local field = 1
  for i = 3, #shape do field = field * shape[i] end
  return shape[2] * field, shape[1] * field
end

local GAINS = {
  linear = 1, conv1d = 1, conv2d = 1, conv3d = 1, sigmoid = 1, identity = 1, tanh = 5 / 3, relu = math.sqrt(2),
  selu = 3 / 4,
}

--- The factor by which an activation function wants its inputs' weights larger.
-- @param nonlinearity "linear", "conv1d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"
-- @param slope        of leaky_relu below 0, default 0.01
-- @return number
-- @raise for another name
function init.calculate_gain(nonlinearity, slope)
  if nonlinearity == "leaky_relu" then return math.sqrt(2 / (1 + (slope or 0.01) ^ 2)) end
  if not GAINS[nonlinearity] then
    raise("calculate_gain: argument nonlinearity: expected one of %s, got %s",
          "linear, conv1d, sigmoid, tanh, relu, leaky_relu, selu", options.show(nonlinearity))
  end
  return GAINS[nonlinearity]
end

local gain_spec = {}
for _, name in ipairs {"xavier_uniform_", "xavier_normal_", "orthogonal_"} do
  gain_spec[name] = options.spec(name, {{name = "gain", type = "number", default = 1, doc = "factor of the result"}})
end

-- Fills with mean 0 and the given standard deviation; an empty tensor has none to fill.
local function spread_uniform(tensor, std)
  local bound = math.sqrt(3) * std
  return bound == bound and bound < math.huge and init.uniform_(tensor, -bound, bound) or tensor
end

local function spread_normal(tensor, std)
  return std == std and std < math.huge and init.normal_(tensor, 0, std) or tensor
end

local function xavier_std(name, tensor, ...)
  local gain = gain_spec[name].arguments(...).gain
  local fan_in, fan_out = fans(name, tensor)
  return gain * math.sqrt(2 / (fan_in + fan_out))
end

--- Draws from U(-r, r), r = gain sqrt(6 / (fan_in + fan_out)). Source: Glorot and Bengio 2010.
-- @param tensor Tensor (K, D, ...)
-- @param ...    gain = 1, by position or by name
-- @return the tensor
function init.xavier_uniform_(tensor, ...)
  return spread_uniform(tensor, xavier_std("xavier_uniform_", tensor, ...))
end

--- Draws from N(0, gain^2 2 / (fan_in + fan_out)). Source: Glorot and Bengio 2010.
-- @param tensor Tensor (K, D, ...)
-- @param ...    gain = 1, by position or by name
-- @return the tensor
function init.xavier_normal_(tensor, ...)
  return spread_normal(tensor, math.abs(xavier_std("xavier_normal_", tensor, ...)))
end

local kaiming_spec = {}
for _, name in ipairs {"kaiming_uniform_", "kaiming_normal_"} do
  kaiming_spec[name] = options.spec(name, {
    {name = "a", type = "number", default = 0, doc = "slope below 0 of leaky_relu"},
    {name = "mode", choices = {"fan_in", "fan_out"}, default = "fan_in", doc = "keep the spread forwards or backwards"},
    {name = "nonlinearity", type = "string", default = "leaky_relu", doc = "what follows; see calculate_gain"},
  })
end

local function kaiming_std(name, tensor, ...)
  local o = kaiming_spec[name].arguments(...)
  local fan_in, fan_out = fans(name, tensor)
  return init.calculate_gain(o.nonlinearity, o.a) / math.sqrt(o.mode == "fan_in" and fan_in or fan_out)
end

--- Draws from U(-r, r), r = gain sqrt(3 / fan). Source: He et al. 2015.
-- @param tensor Tensor (K, D, ...)
-- @param ...    a = 0, mode = "fan_in", nonlinearity = "leaky_relu", by position or by name
-- @return the tensor
function init.kaiming_uniform_(tensor, ...)
  return spread_uniform(tensor, kaiming_std("kaiming_uniform_", tensor, ...))
end

--- Draws from N(0, gain^2 / fan). Source: He et al. 2015.
-- @param tensor Tensor (K, D, ...)
-- @param ...    a = 0, mode = "fan_in", nonlinearity = "leaky_relu", by position or by name
-- @return the tensor
function init.kaiming_normal_(tensor, ...)
  return spread_normal(tensor, kaiming_std("kaiming_normal_", tensor, ...))
end

-- Takes from row i what lies along the rows before it; twice, for what rounding left the first time.
local function make_orthogonal(rows, i)
  local row = rows:select(0, i)
  if i > 0 then
    local before = rows:narrow(0, 0, i)
    for _ = 1, 2 do row:sub_(before:t():mv(before:mv(row))) end
  end
  row:div_(row:norm():item())
end

--- Fills with a matrix whose rows (or columns, if there are fewer) are orthonormal, times gain.
-- Source: Saxe et al. 2013.
-- @param tensor Tensor (K, D, ...), seen as (K, D ...)
-- @param ...    gain = 1, by position or by name
-- @return the tensor
function init.orthogonal_(tensor, ...)
  local gain = gain_spec.orthogonal_.arguments(...).gain
  local inputs = fans("orthogonal_", tensor)
  local t = check_tensor("orthogonal_", tensor)
  local outputs = t:size(0)
  if t:numel() == 0 then return tensor end
  local few, many = math.min(inputs, outputs), math.max(inputs, outputs)
  local rows = core.empty({few, many}, "float64"):normal_(0, 1)
  for i = 0, few - 1 do make_orthogonal(rows, i) end
  rows = rows:mul_(gain)
  t:copy_((outputs > inputs and rows:t() or rows):reshape(table.unpack(t.shape)))
  return tensor
end

return lazy(init, "embla.nn.init.", {})
