-- Every documented argument goes by position and by name, in functions and methods alike: the walk over the core's
-- operations takes each input and each option through both, under its own name and PyTorch's. The calls by position are
-- the truth here; what they give is tested elsewhere.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"
local ops = require "embla.ops"
local F, nn, optim = embla.F, embla.nn, embla.optim

-- ---- samples ---------------------------------------------------------------------------------------------------

local function rows() return embla.tensor {{0.5, 0.25, 0.75}, {0.125, 0.625, 0.375}} end
local function other() return embla.tensor {{0.375, 0.5, 0.125}, {0.25, 0.875, 0.0625}} end
local function third() return embla.tensor {{0.75, 0.5, 0.25}, {0.5, 0.25, 0.625}} end
local function square() return embla.tensor {{1.0, 2.0, 0.5}, {0.25, 1.0, 3.0}, {2.0, 0.5, 1.0}} end
local function whole() return embla.tensor {{6, 3, 5}, {1, 7, 2}} end
local function whole2() return embla.tensor {{3, 5, 1}, {4, 2, 6}} end
local function bits() return embla.tensor {{true, false, true}, {false, true, true}} end
local function line() return embla.tensor {0.5, 0.25, 0.75} end
local function line2() return embla.tensor {0.375, 0.5, 0.125} end
local function ids() return embla.tensor {2, 0} end
local function table_of() return embla.rand(4, 3) end
local function channels() return embla.tensor {{{0.5, 0.25, 0.75, 0.125}, {0.625, 0.375, 1.0, 0.0}}} end
local function batch() return embla.reshape(embla.arange(12):float() / 8, 2, 2, 3) end
local function batch2() return embla.reshape(embla.arange(12):float() / 4, 2, 3, 2) end
local function scores() return embla.tensor {{0.5, 0.25, 0.75}, {0.125, 0.625, 0.375}} end
local function signs() return embla.tensor {1.0, -1.0} end
local function steps() return embla.tensor {{{0.5, 0.25}}, {{0.75, 0.125}}} end
local function weights_of(gates) return embla.ones(gates * 2, 2) / 4 end
local function bias_of(gates) return embla.ones(gates * 2) / 8 end
local function recurrent(gates, cell)
  local list = {steps(), weights_of(gates), weights_of(gates), bias_of(gates), bias_of(gates), embla.zeros(1, 2)}
  if cell then list[#list + 1] = embla.zeros(1, 2) end
  list[#list + 1] = embla.tensor {2}
  return list
end
local function list_of() return {rows(), other()} end

-- Inputs of an operation, where two by three floats will not do, and options without default.
local SAMPLES = {
  adaptive_avg_pool1d = {{channels()}, {output_size = 2}}, adaptive_max_pool1d = {{channels()}, {output_size = 2}},
  addmm = {{line(), rows(), square()}}, all = {{bits()}, {dim = 1}}, any = {{bits()}, {dim = 1}},
  amax = {{rows()}, {dim = {0, 1}}}, amin = {{rows()}, {dim = 1}}, argmax = {{rows()}, {dim = 1}},
  argmin = {{rows()}, {dim = 1}}, avg_pool1d = {{channels()}, {kernel_size = 2, stride = 1}},
  baddbmm = {{embla.zeros(2, 2, 2), batch(), batch2()}}, batch_norm = {{rows(), line(), line(), line(), line()}},
  bilinear = {{line(), line2(), embla.ones(2, 3, 3), embla.ones(2)}}, bincount = {{ids(), embla.tensor {0.5, 2.0}}},
  bitwise_and = {{whole(), whole2()}}, bitwise_or = {{whole(), whole2()}}, bitwise_xor = {{whole(), whole2()}},
  bitwise_not = {{whole()}}, bmm = {{batch(), batch2()}}, cat = {list_of()}, stack = {list_of()},
  clamp = {{rows()}, {min = 0.25, max = 0.5}}, conv1d = {{channels(), embla.ones(2, 2, 2), embla.ones(2)}},
  cosine_embedding_loss = {{rows(), other(), signs()}}, count_nonzero = {{rows()}, {dim = 0}},
  cross_entropy = {{scores(), ids(), line()}}, cross_entropy_probabilities = {{scores(), other(), line()}},
  cummax = {{rows()}, {dim = 1}}, cummin = {{rows()}, {dim = 1}}, cumprod = {{rows()}, {dim = 1}},
  cumsum = {{rows()}, {dim = 1}}, diag = {{line()}}, dot = {{line(), line2()}},
  embedding = {{ids(), table_of()}, {padding_idx = 1, max_norm = 0.5}},
  embedding_bag = {{embla.tensor {0, 1, 2}, table_of(), embla.tensor {0, 1}}, {padding_idx = 3, max_norm = 0.5}},
  embedding_distance = {{embla.rand(2, 3), embla.tensor {{0, 1}, {2, 3}}, table_of()}, {padding_idx = 1}},
  embedding_dot = {{embla.rand(2, 3), embla.tensor {{0, 1}, {2, 3}}, table_of()}, {padding_idx = 1}},
  expand = {{line()}, {shape = {2, 3}}}, flip = {{rows()}, {dims = {1}}},
  gather = {{rows(), embla.tensor {{0}, {1}}}, {dim = 1}}, gaussian_nll_loss = {{rows(), other(), third()}},
  group_norm = {{channels(), embla.ones(2), embla.ones(2)}, {num_groups = 1}}, gru_layer = {recurrent(3)},
  hinge_embedding_loss = {{line(), embla.tensor {1.0, -1.0, 1.0}}}, index = {{rows(), ids()}, {dim = 1}},
  index_add = {{rows(), embla.tensor {1, 0}, other()}, {dim = 0}},
  index_copy = {{rows(), embla.tensor {1, 0}, other()}, {dim = 0}},
  index_fill = {{rows(), embla.tensor {1}, embla.tensor(2.0)}, {dim = 0}},
  index_mask = {{rows(), embla.tensor {true, false}}}, index_put = {{rows(), embla.tensor {1}, line()}, {dim = 0}},
  index_select = {{rows(), ids()}, {dim = 1}}, kthvalue = {{rows()}, {k = 2}},
  layer_norm = {{rows(), line(), line()}, {normalized_shape = {3}}}, lerp = {{rows(), other()}, {weight = 0.5}},
  linear = {{rows(), square(), line()}}, log_softmax = {{rows()}, {dim = 1}}, logcumsumexp = {{rows()}, {dim = 1}},
  logsumexp = {{rows()}, {dim = 1}}, lstm_layer = {recurrent(4, true)},
  margin_ranking_loss = {{line(), line2(), embla.tensor {1.0, -1.0, 1.0}}},
  masked_fill = {{rows(), bits()}, {value = 2.0}}, masked_put = {{rows(), bits(), embla.ones(4)}},
  masked_select = {{rows(), bits()}}, matmul = {{rows(), square()}}, max_dim = {{rows()}, {dim = 1}},
  max_pool1d = {{channels()}, {kernel_size = 2, stride = 1}}, mean = {{rows()}, {dim = 1}},
  median_dim = {{rows()}, {dim = 1}}, min_dim = {{rows()}, {dim = 1}}, mm = {{rows(), square()}},
  multi_margin_loss = {{scores(), ids(), line()}}, multilabel_soft_margin_loss = {{scores(), other(), line()}},
  mv = {{rows(), line()}}, narrow = {{rows()}, {dim = 1, start = 0, length = 2}}, nll_loss = {{scores(), ids(), line()}},
  norm = {{rows()}, {dim = 1}}, outer = {{line(), line2()}}, pad = {{rows()}, {pad = {1, 1}}},
  permute = {{rows()}, {dims = {1, 0}}}, prod = {{rows()}, {dim = 1}}, reshape = {{rows()}, {shape = {3, 2}}},
  rms_norm = {{rows(), line()}, {normalized_shape = {3}, eps = 1e-3}}, rnn_layer = {recurrent(1)},
  roll = {{rows()}, {shifts = 1, dims = 0}},
  scaled_dot_product_attention = {{batch(), batch(), batch()}, {scale = 0.5}},
  scatter = {{rows(), embla.tensor {{0}, {1}}, embla.ones(2, 1)}, {dim = 1}},
  scatter_add = {{rows(), embla.tensor {{0}, {1}}, embla.ones(2, 1)}, {dim = 1}},
  searchsorted = {{embla.tensor {0.25, 0.5, 0.75}, rows()}}, select = {{rows()}, {dim = 1, index = 2}},
  slice = {{rows()}, {start = 0, stop = 1}}, softmax = {{rows()}, {dim = 1}}, softmin = {{rows()}, {dim = 1}},
  squeeze = {{embla.ones(2, 1)}, {dim = 1}}, std = {{rows()}, {dim = 1}}, sum = {{rows()}, {dim = 1}},
  t = {{rows()}}, take = {{rows(), ids()}}, threshold = {{rows()}, {threshold = 0.5, value = 2.0}},
  tile = {{rows()}, {repeats = {2, 1}}}, to = {{rows()}, {dtype = "float64"}}, topk = {{rows()}, {k = 2}},
  transpose = {{rows()}, {dim0 = 0, dim1 = 1}}, triplet_margin_loss = {{rows(), other(), third()}},
  unflatten = {{rows()}, {dim = 1, sizes = {3, 1}}}, unsqueeze = {{rows()}, {dim = 1}}, var = {{rows()}, {dim = 1}},
  view = {{rows()}, {shape = {3, 2}}}, where = {{bits(), rows(), other()}}, binary_cross_entropy = {{rows(), other(), third()}},
  binary_cross_entropy_with_logits = {{rows(), other(), third(), line()}}, kl_div = {{rows(), other()}},
  soft_margin_loss = {{rows(), embla.ones(2, 3)}}, copy = {{rows(), other()}}, linspace = nil,
}

-- The inputs and all options of an operation, defaults filled in.
local function sample(name)
  local op = ops.describe(name)
  local given = SAMPLES[name] or {}
  local inputs = given[1]
  if not inputs then
    inputs = {}
    for i = 1, #op.inputs do inputs[i] = ({rows, other, third})[i]() end
  end
  local options = {}
  for _, row in ipairs(op.spec.rows) do
    local value = given[2] and given[2][row.name]
    if value == nil then value = row.default end
    options[row.name] = value
  end
  return op, inputs, options
end

-- ---- calls -------------------------------------------------------------------------------------------------------

local function results(f, ...)
  embla.manual_seed(3)
  local all = table.pack(f(...))
  for i = 1, all.n do
    if embla.is_tensor(all[i]) then all[i] = all[i]:clone() end
  end
  return all
end

local function copies(inputs)
  local list = {}
  for i, x in ipairs(inputs) do list[i] = x:clone() end
  return list
end

-- Positions as the C function has them: a required dim right after the first input.
local function by_position(op, inputs, options)
  local rest = {n = 0}
  for _, row in ipairs(op.spec.rows) do
    rest.n = rest.n + 1
    rest[rest.n] = options[row.name]
  end
  if op.inputs[1] == "tensors" then return {inputs, table.unpack(rest, 1, rest.n)}, rest.n + 1 end
  local list = table.move(inputs, 1, #op.inputs, 1, {})
  local first = op.rows[1]
  local dim_first = #op.inputs > 1 and first and first.name == "dim" and first.initial == "!"
  local n = #op.inputs
  if dim_first then
    table.insert(list, 2, rest[1])
    n = n + 1
  end
  for i = dim_first and 2 or 1, rest.n do
    n = n + 1
    list[n] = rest[i]
  end
  return list, n
end

local function by_name(op, inputs, options)
  local named = {}
  for key, value in pairs(options) do named[key] = value end
  if op.inputs[1] == "tensors" then
    named.tensors = inputs
  else
    for i, name in ipairs(op.inputs) do named[name] = inputs[i] end
  end
  return named
end

-- The same with PyTorch's names where they are others.
local function renamed(op, named)
  local new = {}
  for key, value in pairs(named) do new[key] = value end
  for also, name in pairs(op.named.also) do
    if new[name] ~= nil and named[also] == nil then new[also], new[name] = named[name], nil end
  end
  return new
end

local function check_op(name, f, inplace)
  local op, inputs, options = sample(name)
  local fresh = function() return inplace and copies(inputs) or inputs end
  local list, n = by_position(op, fresh(), options)
  local want = results(f, table.unpack(list, 1, n))
  t.equal(results(f, by_name(op, fresh(), options)), want)
  t.equal(results(f, renamed(op, by_name(op, fresh(), options))), want)
  if op.inputs[1] == "tensors" then return end
  local mine = fresh()
  local named = by_name(op, mine, options)
  named[op.inputs[1]] = nil
  t.equal(results(f, mine[1], named), want)
end

local names = {}
for name in pairs(core.ops) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  local plain = name:gsub("_$", "")
  t.test(name .. ": inputs and options by name", function() check_op(plain, core.ops[name], plain ~= name) end)
end
t.finish()
