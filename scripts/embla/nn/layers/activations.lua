-- Activation functions as layers, a row each: PyTorch's class over the operation of the core, whose options it takes.

local core = require "embla.core"
local Module = require "embla.nn.module"
local ops = require "embla.tensor.operations"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local repr = require "embla.base.python_repr"

-- class; operation; options in the order of PyTorch's constructor, {name, default} (none: required);
-- `show`: the options that tostring names, or `bare`: shown without their names. `inplace`: the class has that option.
-- `ascending`: the second must be above the first.
local ROWS = {
  {"ReLU", "relu", inplace = true},
  {"ReLU6", "relu6", inplace = true},
  {"LeakyReLU", "leaky_relu", {"negative_slope", 0.01}, inplace = true},
  {"ELU", "elu", {"alpha", 1.0}, inplace = true},
  {"SELU", "selu", inplace = true},
  {"CELU", "celu", {"alpha", 1.0}, inplace = true},
  {"GELU", "gelu", {"approximate", "none"}, quoted = true},
  {"SiLU", "silu", inplace = true},
  {"Mish", "mish", inplace = true},
  {"Softplus", "softplus", {"beta", 1}, {"threshold", 20}},
  {"Softsign", "softsign"},
  {"Tanh", "tanh"},
  {"Tanhshrink", "tanhshrink"},
  {"Sigmoid", "sigmoid"},
  {"LogSigmoid", "logsigmoid"},
  {"Hardtanh", "hardtanh", {"min_val", -1.0}, {"max_val", 1.0}, inplace = true, ascending = true},
  {"Hardsigmoid", "hardsigmoid", inplace = true},
  {"Hardswish", "hardswish", inplace = true},
  {"Hardshrink", "hardshrink", {"lambd", 0.5}, bare = true},
  {"Softshrink", "softshrink", {"lambd", 0.5}, bare = true},
  {"Threshold", "threshold", {"threshold"}, {"value"}, inplace = true},
  {"Softmax", "softmax", {"dim"}},
  {"Softmin", "softmin", {"dim"}},
  {"LogSoftmax", "log_softmax", {"dim"}},
}

local INPLACE = {name = "inplace", type = "boolean", default = false, doc = "write over the input"}

-- The class's spec: the operation's options with the defaults of the row, and inplace.
local function spec_of(row, operation)
  local rows = {}
  for i = 3, #row do
    local name, default = row[i][1], row[i][2]
    local known = operation.spec.by_name[name]
    rows[#rows + 1] = {name = name, type = known.type, choices = known.choices, range = known.range, default = default,
                       required = default == nil, doc = known.doc}
  end
  if row.inplace then rows[#rows + 1] = INPLACE end
  return options.spec(row[1], rows)
end

-- The text between the brackets of tostring.
local function show(row, layer)
  local parts = {}
  for i = 3, #row do
    local name = row[i][1]
    local value = repr(layer[name])
    if row.quoted then value = "'" .. value .. "'" end
    parts[#parts + 1] = row.bare and value or name .. "=" .. value
  end
  if layer.inplace then parts[#parts + 1] = "inplace=True" end
  return table.concat(parts, ", ")
end

local function define(row)
  local name, operation = row[1], ops.describe(row[2])
  local run, run_inplace = core.ops[row[2]], core.ops[row[2] .. "_"]
  local spec = spec_of(row, operation)
  local first, second = row[3] and row[3][1], row[4] and row[4][1]
  local Layer = Module:extend(name)
  Layer.doc, Layer.spec = operation.doc, spec

  function Layer:init(...)
    for key, value in pairs(spec.arguments(...)) do self[key] = value end
    if row.ascending and self[second] <= self[first] then
      raise("%s: option %s: expected number > %s = %g, got %g", name, second, first, self[first], self[second])
    end
  end

  function Layer:forward(input)
    local call = self.inplace and run_inplace or run
    if not first then return call(input) end
    if not second then return call(input, self[first]) end
    return call(input, self[first], self[second])
  end

  function Layer:extra_repr() return show(row, self) end

  return Layer
end

local activations = {}
for _, row in ipairs(ROWS) do activations[row[1]] = define(row) end
return activations
