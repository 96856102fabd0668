-- Models whose state PyTorch wrote (tests/data/make_torch_models.py says how): the same model made here takes the file
-- as it is, computes what PyTorch computed, and writes a file that PyTorch takes. The classes of nn are walked, so a
-- layer without a file fails.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local process = require "support.process"
local nn, safetensors = embla.nn, embla.io.safetensors

local DATA = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/data/"
local RTOL, ATOL = 1e-5, 1e-6                           -- of what a float32 model computes: sums go in another order

local calls, notes = safetensors.load(DATA .. "torch/calls.safetensors")

local function path_of(name) return ("%storch/%s.safetensors"):format(DATA, name) end

-- ---- models of one's own ---------------------------------------------------------------------------------------

-- Each is the class of the same name in make_torch_models.py.
local Own = nn.Module:extend "Own"

function Own:init()
  self.first = nn.Linear(3, 2)
  self:register_buffer("shift", embla.zeros(2))
  self.scale = nn.Parameter(embla.ones(2))
  self:register_buffer("scratch", embla.zeros(1), {persistent = false})
  self.second = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
  self.shared = self.first
end

function Own:forward(x) return self.second(self.shared(x) * self.scale + self.shift) end

local Tied = nn.Module:extend "Tied"

function Tied:init()
  self.encoder = nn.Embedding(4, 2)
  self.decoder = nn.Linear(2, 4)
  self.decoder.weight = self.encoder.weight
end

function Tied:forward(ids) return self.decoder(self.encoder(ids)) end

local Listed = nn.Module:extend "Listed"

function Listed:init(layers) self.layers = layers end

function Listed:forward(x)
  for _, layer in ipairs(self.layers) do x = layer(x) end
  return x
end

local function eleven()
  local layers = {}
  for i = 1, 11 do layers[i] = nn.Linear(1, 1) end
  return layers
end

local Named = nn.Module:extend "Named"

function Named:init() self.parts = nn.ModuleDict {{"second", nn.Linear(2, 2)}, {"first", nn.Linear(3, 2)}} end

function Named:forward(x) return self.parts.second(self.parts.first(x)) end

-- A table of Parameters is what PyTorch needs ParameterList and ParameterDict for.
local Parameters = nn.Module:extend "Parameters"

function Parameters:init(names)
  self.names, self.weights = names, {}
  for _, name in ipairs(names) do self.weights[name] = nn.Parameter(embla.ones(2)) end
end

function Parameters:forward(x) return x * self.weights[self.names[1]] + self.weights[self.names[2]] end

-- ---- cases -----------------------------------------------------------------------------------------------------

local function ones() return embla.ones(4) end

-- Name of the file -> function that makes the model; the part before "-" is the class.
local CASES = {
  Embedding = function() return nn.Embedding(5, 3, {padding_idx = 1}) end,
  EmbeddingBag = function() return nn.EmbeddingBag(5, 3, {mode = "sum"}) end,
  Linear = function() return nn.Linear(3, 2) end,
  ["Linear-no-bias"] = function() return nn.Linear(3, 2, {bias = false}) end,
  ["Linear-float64"] = function() return nn.Linear(3, 2):double() end,
  ["Linear-float16"] = function() return nn.Linear(3, 2):half() end,
  ["Linear-bfloat16"] = function() return nn.Linear(3, 2):bfloat16() end,
  Bilinear = function() return nn.Bilinear(2, 3, 2) end,
  Conv1d = function() return nn.Conv1d(2, 4, 3, {padding = 1, groups = 2}) end,
  PReLU = function() return nn.PReLU(3) end,
  LayerNorm = function() return nn.LayerNorm {2, 3} end,
  RMSNorm = function() return nn.RMSNorm(4) end,
  GroupNorm = function() return nn.GroupNorm(2, 4) end,
  BatchNorm1d = function() return nn.BatchNorm1d(3) end,
  ["BatchNorm1d-not-affine"] = function() return nn.BatchNorm1d(3, {affine = false}) end,
  ["BatchNorm1d-untracked"] = function() return nn.BatchNorm1d(3, {track_running_stats = false}) end,
  RNN = function() return nn.RNN(3, 2, {nonlinearity = "relu"}) end,
  ["RNN-both-ways"] = function() return nn.RNN(3, 2, {bidirectional = true}) end,
  LSTM = function() return nn.LSTM(3, 2) end,
  ["LSTM-stacked"] = function() return nn.LSTM(3, 2, {num_layers = 2, bidirectional = true}) end,
  ["LSTM-no-bias"] = function() return nn.LSTM(3, 2, {num_layers = 2, bias = false}) end,
  GRU = function() return nn.GRU(3, 2) end,
  ["GRU-stacked"] = function() return nn.GRU(3, 2, {num_layers = 2, bidirectional = true, batch_first = true}) end,
  RNNCell = function() return nn.RNNCell(3, 2) end,
  LSTMCell = function() return nn.LSTMCell(3, 2) end,
  GRUCell = function() return nn.GRUCell(3, 2) end,
  ["GRUCell-no-bias"] = function() return nn.GRUCell(3, 2, {bias = false}) end,
  MultiheadAttention = function() return nn.MultiheadAttention(4, 2) end,
  ["MultiheadAttention-other-sizes"] = function()
    return nn.MultiheadAttention(4, 2, {kdim = 3, vdim = 2, add_bias_kv = true, batch_first = true})
  end,
  ["MultiheadAttention-no-bias"] = function() return nn.MultiheadAttention(4, 2, {bias = false}) end,
  TransformerEncoderLayer = function() return nn.TransformerEncoderLayer(4, 2, {dim_feedforward = 3}) end,
  ["TransformerEncoderLayer-norm-first"] = function()
    return nn.TransformerEncoderLayer(4, 2, {dim_feedforward = 3, activation = "gelu", batch_first = true,
                                             norm_first = true})
  end,
  TransformerEncoder = function()
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, {dim_feedforward = 3}), 2, {norm = nn.LayerNorm(4)})
  end,
  Sequential = function()
    return nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Sequential(nn.Dropout(), nn.Linear(2, 2)), nn.PReLU())
  end,
  ModuleList = function() return Listed(nn.ModuleList(eleven())) end,
  ModuleDict = function() return Named() end,
  Module = function() return Own() end,
  ["Module-tied"] = function() return Tied() end,
  ["Parameter-list"] = function() return Parameters {1, 2} end,
  ["Parameter-dict"] = function() return Parameters {"gain", "offset"} end,
  AdaptiveLogSoftmaxWithLoss = function()
    return nn.AdaptiveLogSoftmaxWithLoss(4, 7, {2, 4}, {div_value = 2, head_bias = true})
  end,
  ["CrossEntropyLoss-weight"] = function() return nn.CrossEntropyLoss {weight = ones()} end,
  ["NLLLoss-weight"] = function() return nn.NLLLoss {weight = ones()} end,
  ["BCELoss-weight"] = function() return nn.BCELoss {weight = ones()} end,
  ["BCEWithLogitsLoss-weight"] = function() return nn.BCEWithLogitsLoss {weight = ones(), pos_weight = ones()} end,
  ["MultiMarginLoss-weight"] = function() return nn.MultiMarginLoss {weight = ones()} end,
  ["MultiLabelSoftMarginLoss-weight"] = function() return nn.MultiLabelSoftMarginLoss {weight = ones()} end,
}

local names = {}
for name in pairs(CASES) do names[#names + 1] = name end
table.sort(names)

local function new(name) return CASES[name]():eval() end

-- Tensors CASE/kind/0, CASE/kind/1, ...
local function tensors_of(name, kind)
  local list = {}
  while calls[("%s/%s/%d"):format(name, kind, #list)] do
    list[#list + 1] = calls[("%s/%s/%d"):format(name, kind, #list)]
  end
  return list
end

-- Results in PyTorch's order: lists among them, as the state of an LSTM, are spread out.
local function flat(values, list)
  for _, value in ipairs(values) do
    if type(value) == "table" then flat(value, list) else list[#list + 1] = value:detach() end
  end
  return list
end

local function compute(name, model)
  local inputs = tensors_of(name, "in")
  if name:find "^LSTM" and #inputs == 3 then inputs = {inputs[1], {inputs[2], inputs[3]}} end
  return flat({model(table.unpack(inputs))}, {})
end

-- ---- from PyTorch ----------------------------------------------------------------------------------------------

local function check_state(name, model, state)
  local order = {}
  for key, tensor in pairs(model:state_dict()) do
    order[#order + 1] = key
    if not state[key] then t.fail(key .. " is not in the file") end
    t.equal({key, tensor.dtype, tensor.shape}, {key, state[key].dtype, state[key].shape})
    t.same_bits(tensor, state[key])
  end
  t.equal(table.concat(order, " "), notes[name])
end

local function check_outputs(name, model)
  local expected = tensors_of(name, "out")
  local got = #expected > 0 and compute(name, model) or {}
  t.equal(#got, #expected)
  for i, tensor in ipairs(expected) do t.close(got[i], tensor, RTOL, ATOL) end
end

for _, name in ipairs(names) do
  t.test(name .. " takes PyTorch's file and computes what PyTorch does", function()
    local model = new(name)
    t.equal(model:load_state_dict(safetensors.load(path_of(name))), {missing_keys = {}, unexpected_keys = {}})
    check_state(name, model, (safetensors.load(path_of(name))))
    check_outputs(name, model)
  end)
  t.test(name .. " takes it mapped, and by embla.load", function()
    local model = new(name)
    model:load_state_dict(safetensors.load(path_of(name), {map = true}))
    check_outputs(name, model)
    model = new(name)
    model:load_state_dict(embla.load(path_of(name), {map = true}), {strict = true})
    check_state(name, model, embla.load(path_of(name)))
  end)
end

t.test("a table of layers has the names of a ModuleList, a module in it those of Sequential", function()
  local net = Listed(eleven()):eval()
  net:load_state_dict(safetensors.load(path_of "ModuleList"))
  check_state("ModuleList", net, (safetensors.load(path_of "ModuleList")))
  check_outputs("ModuleList", net)
end)

t.test("writing to a model does not change the file that was mapped", function()
  local net, state = new "Linear", safetensors.load(path_of "Linear", {map = true})
  net:load_state_dict(state)
  net.weight:detach():zero_()
  t.same_bits(state.weight, safetensors.load(path_of "Linear").weight)
end)

t.test("of tied weights a file may hold one", function()
  for _, left_out in ipairs {"encoder.weight", "decoder.weight"} do
    local net, state = new "Module-tied", safetensors.load(path_of "Module-tied")
    state[left_out] = nil
    t.equal(net:load_state_dict(state), {missing_keys = {}, unexpected_keys = {}})
    check_outputs("Module-tied", net)
    t.equal(rawequal(net.encoder.weight, net.decoder.weight), true)
  end
end)

-- ---- to PyTorch ------------------------------------------------------------------------------------------------

-- A folder of its own for what is written, removed at the end.
local function with_folder(use)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. process.quote(folder)))
  local ok, err = pcall(use, folder)
  os.execute("rm -r " .. process.quote(folder))
  if not ok then error(err, 0) end
end

-- The Python that has PyTorch, or nil.
local function python_with_torch()
  for _, python in ipairs {"python3", "/usr/bin/python3"} do
    if os.execute(python .. " -c 'import torch' 2>/dev/null") then return python end
  end
end

local python = python_with_torch()
if python then
  t.test("PyTorch takes what is written and computes the same", function()
    with_folder(function(folder)
      for _, name in ipairs(names) do
        local model = new(name)
        model:load_state_dict(safetensors.load(path_of(name)))
        safetensors.save(("%s/%s.safetensors"):format(folder, name), model:state_dict())
      end
      local script = process.quote(DATA .. "make_torch_models.py")
      local out, err = process.run(("%s %s --check %s"):format(python, script, process.quote(folder)))
      if out ~= #names .. " models\n" then t.fail(out .. err) end    -- warnings on standard error are no failure
    end)
  end)
else
  t.skip("PyTorch takes what is written", "no python3-torch")
end

-- ---- the walk --------------------------------------------------------------------------------------------------

-- Classes that PyTorch does not have.
local NOT_PYTORCHS = {SampledSoftmaxLoss = true}

local ARGUMENTS = {Threshold = {0.1, 2.0}, AdaptiveAvgPool1d = {2}, AdaptiveMaxPool1d = {2}, AvgPool1d = {2},
                   MaxPool1d = {2}, Unflatten = {1, {2, 2}}, LogSoftmax = {1}, Softmax = {1}, Softmin = {1}}

local function is_class(value) return type(value) == "table" and rawget(value, "__index") == value end

local covered = {}
for name in pairs(CASES) do covered[name:match "^%w+"] = true end

t.test("classes that have no state in PyTorch have none here", function()
  for name in notes.stateless:gmatch "%S+" do
    local class = nn[name]
    local state = class(table.unpack(ARGUMENTS[name] or {})):state_dict()
    t.equal({name, next(state)}, {name})
    covered[name] = true
  end
end)

t.test("every class has a file", function()
  for name, value in pairs(nn) do
    if is_class(value) and not covered[name] and not NOT_PYTORCHS[name] then
      t.fail(name .. ": write a case in this file and in tests/data/make_torch_models.py")
    end
  end
end)

t.test("every file has a case", function()
  for name in pairs(notes) do
    if name ~= "stateless" and not CASES[name] then t.fail("there is no case " .. name) end
  end
end)

t.finish()
