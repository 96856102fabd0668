-- Every documented argument goes by position and by name, in functions and methods alike: the walk over the core's
-- operations takes each input and each option through both, under its own name and PyTorch's. The calls by position are
-- the truth here; what they give is tested elsewhere.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local arguments = require "embla.arguments.by_name"
local core = require "embla.core"
local embla = require "embla"
local ops = require "embla.tensor.operations"
local F, nn, optim = embla.F, embla.nn, embla.optim

-- ---- samples ---------------------------------------------------------------------------------------------------

local function rows() return embla.tensor {{0.5, 0.25, 0.75}, {0.125, 0.625, 0.375}} end
local function other() return embla.tensor {{0.375, 0.5, 0.125}, {0.25, 0.875, 0.0625}} end
local function third() return embla.tensor {{0.75, 0.5, 0.25}, {0.5, 0.25, 0.625}} end
local function square() return embla.tensor {{1.0, 2.0, 0.5}, {0.25, 1.0, 3.0}, {2.0, 0.5, 1.0}} end
local function definite() return embla.tensor {{3.0, 1.0, 0.5}, {1.0, 2.0, 0.25}, {0.5, 0.25, 1.0}} end
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
  mv = {{rows(), line()}}, narrow = {{rows()}, {dim = 1, start = 0, length = 2}},
  nll_loss = {{scores(), ids(), line()}},
  norm = {{rows()}, {dim = 1}}, outer = {{line(), line2()}}, pad = {{rows()}, {pad = {1, 1}}},
  permute = {{rows()}, {dims = {1, 0}}}, prod = {{rows()}, {dim = 1}}, reshape = {{rows()}, {shape = {3, 2}}},
  rms_norm = {{rows(), line()}, {normalized_shape = {3}, eps = 1e-3}}, rnn_layer = {recurrent(1)},
  roll = {{rows()}, {shifts = 1, dims = 0}},
  scaled_dot_product_attention = {{batch(), batch(), batch()}, {scale = 0.5}},
  scatter = {{rows(), embla.tensor {{0}, {1}}, embla.ones(2, 1)}, {dim = 1}},
  scatter_add = {{rows(), embla.tensor {{0}, {1}}, embla.ones(2, 1)}, {dim = 1}},
  scatter_reduce = {{rows(), embla.tensor {{0}, {1}}, embla.ones(2, 1)}, {dim = 1, reduce = "sum"}},
  searchsorted = {{embla.tensor {0.25, 0.5, 0.75}, rows()}}, select = {{rows()}, {dim = 1, index = 2}},
  slice = {{rows()}, {start = 0, stop = 1}}, softmax = {{rows()}, {dim = 1}}, softmin = {{rows()}, {dim = 1}},
  squeeze = {{embla.ones(2, 1)}, {dim = 1}}, std = {{rows()}, {dim = 1}}, sum = {{rows()}, {dim = 1}},
  t = {{rows()}}, take = {{rows(), ids()}}, threshold = {{rows()}, {threshold = 0.5, value = 2.0}},
  tile = {{rows()}, {repeats = {2, 1}}}, to = {{rows()}, {dtype = "float64"}}, topk = {{rows()}, {k = 2}},
  transpose = {{rows()}, {dim0 = 0, dim1 = 1}}, triplet_margin_loss = {{rows(), other(), third()}},
  unflatten = {{rows()}, {dim = 1, sizes = {3, 1}}}, unsqueeze = {{rows()}, {dim = 1}}, var = {{rows()}, {dim = 1}},
  view = {{rows()}, {shape = {3, 2}}}, where = {{bits(), rows(), other()}},
  binary_cross_entropy = {{rows(), other(), third()}}, cholesky = {{definite()}}, eigh = {{definite()}},
  inv = {{definite()}}, solve = {{definite(), square()}},
  binary_cross_entropy_with_logits = {{rows(), other(), third(), line()}}, kl_div = {{rows(), other()}},
  soft_margin_loss = {{rows(), embla.ones(2, 3)}}, copy = {{rows(), other()}},
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

-- ---- functions written in Lua -----------------------------------------------------------------------------------

-- These read sizes, or what they are called with, themselves: tests/lua/tensor/test_sizes.lua and below.
local OWN = {
  empty = true, zeros = true, ones = true, rand = true, randn = true, new_zeros = true, new_ones = true,
  new_empty = true, arange = true, meshgrid = true, unique = true, no_grad = true, enable_grad = true,
  detect_anomaly = true, range = true, scope = true, renorm_ = true, scatter_reduce_ = true,
}

-- Whether a function written in Lua has parameters that could go by name.
local function has_parameters(f)
  local info = debug.getinfo(f, "Su")
  return info.what == "Lua" and (info.nparams > 1 or info.nparams == 1 and debug.getlocal(f, 1) ~= "self")
end

for prefix, home in pairs {["embla."] = embla, ["F."] = F, ["t:"] = core.methods, ["nn.init."] = nn.init,
                           ["nn.utils."] = nn.utils, ["nn.utils.rnn."] = nn.utils.rnn} do
  t.test(prefix .. " holds no function that does not read its arguments by name", function()
    local found = {}
    for name, f in pairs(home) do
      if type(f) == "function" and not OWN[name] and has_parameters(f) and arguments.origin(f) == f then
        found[#found + 1] = name
      end
    end
    table.sort(found)
    t.equal(found, {})
  end)
end

t.test("functions in Lua: the same by position and by name", function()
  local x, y = rows(), other()
  t.equal(F.layer_norm(channels(), {4}, {weight = embla.ones(4), bias = embla.ones(4)}),
          F.layer_norm(channels(), {4}, embla.ones(4), embla.ones(4)))
  t.equal(F.rms_norm(x, {3}, {weight = line()}), F.rms_norm(x, {3}, line()))
  t.equal(F.group_norm(channels(), 1, {weight = embla.ones(2), eps = 1e-3}),
          F.group_norm(channels(), 1, embla.ones(2), nil, 1e-3))
  t.equal(F.repeat_interleave(embla.tensor {1, 2}, 2, {dim = 0}), embla.tensor {1, 1, 2, 2})
  t.equal(F.repeat_interleave {input = embla.tensor {1, 2}, repeats = 2, dim = 0}, embla.tensor {1, 1, 2, 2})
  t.equal(#x:chunk(2, {dim = 1}), 2)
  t.equal(x:chunk {chunks = 3, dim = 1}[2], x:narrow(1, 1, 1))
  t.equal(#x:unbind {dim = 1}, 3)
  t.equal(F.take_along_dim(x, embla.tensor {{0}, {2}}, {dim = 1}), embla.tensor {{0.5}, {0.375}})
  t.equal(F.take_along_dim {input = x, indices = embla.tensor {{0}, {2}}, dim = 1}, embla.tensor {{0.5}, {0.375}})
  t.equal(#F.tensor_split(embla.ones(4), {sections = 2}), 2)
  t.equal(F.tensor_split(embla.arange(4), {indices = {1}})[2], embla.tensor {1, 2, 3})
  t.equal(x:rot90 {k = 1, dims = {0, 1}}, x:rot90(1, {0, 1}))
  t.equal(F.dist(x, {other = y, p = 1}), F.dist(x, y, 1))
  t.equal(x:split {size = 1}[2], x:split(1)[2])
  t.equal(x:split(2, {dim = 1})[2].shape, {2, 1})
  t.equal(embla.diff(embla.tensor {1, 4, 9}, {n = 2}), embla.tensor {2})
  t.equal({F.var_mean(x, {dim = 1, unbiased = false})}, {F.var_mean(x, 1, false)})
  t.equal(x:var {dim = 1, unbiased = false}, x:var(1, false))
  t.equal({x:max {dim = 1, keepdim = true}}, {x:max(1, true)})
  t.equal(x:max {other = y}, x:maximum(y))
  t.equal(x:norm {p = 1, dim = 1}, x:norm(1, 1))
  t.equal(x:clamp {min = 0.25, max = 0.5}, x:clamp(0.25, 0.5))
  t.equal(x:clone():clamp_min_ {min = 0.5}, x:clamp_min(0.5))
  t.equal(x:clone():renorm_ {p = 2, dim = 0, maxnorm = 0.5}, x:renorm(2, 0, 0.5))
  t.equal(F.cross_entropy(x, {target = ids()}), F.cross_entropy(x, ids()))
  t.equal(F.cross_entropy {input = x, target = ids(), reduction = "sum"}, F.cross_entropy(x, ids(), nil, nil, "sum"))
  t.equal(F.conv1d(channels(), {weight = embla.ones(2, 2, 2), stride = 2}),
          F.conv1d(channels(), embla.ones(2, 2, 2), nil, 2))
  t.equal(F.one_hot {input = ids(), num_classes = 4}, F.one_hot(ids(), 4))
  t.equal(F.lerp {input = x, ["end"] = y, weight = 0.5}, F.lerp(x, y, 0.5))
  t.equal(F.pow {input = x, exponent = 2}, F.pow(x, 2))
  t.equal(embla.full {size = {2}, fill_value = 3}, embla.tensor {3, 3})
  t.equal(embla.arange {start = 1, ["end"] = 7, step = 2}, embla.tensor {1, 3, 5})
  t.equal(embla.linspace {start = 0, ["end"] = 1, steps = 3}, embla.tensor {0.0, 0.5, 1.0})
  t.equal(embla.eye {n = 2, m = 3}.shape, {2, 3})
  t.equal(embla.tensor {data = {1, 2}, dtype = "int32"}, embla.tensor({1, 2}, "int32"))
  t.equal(embla.randint {low = 3, high = 4, size = {2}}, embla.tensor {3, 3})
  t.equal(embla.randint(1, {2}), embla.tensor {0, 0})
  t.equal(x:size {dim = 1}, 3)
  t.equal(embla.zeros(2):fill_ {value = 3.0}, embla.tensor {3.0, 3.0})
  t.equal(embla.zeros(2):normal_ {mean = 2, std = 0}, embla.tensor {2.0, 2.0})
  t.equal(embla.zeros(2):uniform_ {low = 1, high = 1}, embla.tensor {1.0, 1.0})
  t.equal(nn.init.constant_ {tensor = embla.zeros(2), value = 4}, embla.tensor {4.0, 4.0})
end)

t.test("names that arguments once had are taken too", function()
  local x, y, w = rows(), other(), third()
  t.equal(F.add {x = x, y = y, alpha = 2}, F.add(x, y, 2))
  t.equal(F.pow {x = x, y = 2}, F.pow(x, 2))
  t.equal(F.lerp {x = x, y = y, weight = 0.5}, F.lerp(x, y, 0.5))
  t.equal(x:lerp {y = y, weight = 0.5}, F.lerp(x, y, 0.5))
  t.equal(F.addcmul {x = x, y = y, z = w, value = 2}, F.addcmul(x, y, w, 2))
  t.equal(F.where {condition = x:gt(y), x = x, y = y}, F.maximum(x, y))
  t.equal(F.dot {input = line(), tensor = line()}, F.dot(line(), line()))
  t.equal(F.sum {x = x, dim = 1}, x:sum(1))
  t.equal(F.normalize {x = x}, F.normalize(x))
  t.equal(F.nansum {t = x, dim = 1}, x:sum(1))
  t.equal(F.isin {x = x, others = x}:all():item(), true)
  t.equal(F.take_along_dim {t = x, ids = embla.tensor {{0}, {2}}, dim = 1}, embla.tensor {{0.5}, {0.375}})
  t.equal(embla.allclose {a = x, b = x}, true)
  t.equal(embla.zeros(2, 3):copy_ {source = x}, x)
  t.equal(embla.zeros_like {t = x}, x * 0)
end)

t.test("a window of one size may be written as PyTorch's tuple", function()
  t.equal(F.max_pool1d(channels(), {2}), F.max_pool1d(channels(), 2))
  t.equal(F.avg_pool1d(channels(), {kernel_size = {2}, stride = {1}}), F.avg_pool1d(channels(), 2, 1))
  t.equal(tostring(nn.Conv1d(1, 2, {3}, {stride = {2}, padding = {1}})),
          "Conv1d(1, 2, kernel_size=(3,), stride=(2,), padding=(1,))")
  t.equal(tostring(nn.MaxPool1d {3}), tostring(nn.MaxPool1d(3)))
  t.raises(function() F.max_pool1d(channels(), {2, 2}) end, "max_pool1d: kernel_size: expected an integer")
end)

t.test("an argument given twice is an error, and so is one too many", function()
  local x = rows()
  t.raises(function() x:sum(0, {dim = 1}) end, "sum: option dim is given twice, by position and by name")
  t.raises(function() F.linear(x, square(), {weight = square()}) end, "linear: weight is given twice")
  t.raises(function() F.layer_norm(x, {3}, line(), {weight = line()}) end, "layer_norm: argument weight is given twice")
  t.raises(function() F.add {input = x, x = x, other = x} end, "add: option input is given twice")
  t.raises(function() x:normal_(0, {mean = 1}) end, "normal_: argument 2 is given twice")
  t.raises(function() x:dim(1) end, "dim: too many arguments: 2 given, 1 expected (t)")
end)

-- ---- layers ------------------------------------------------------------------------------------------------------

local layer = nn.TransformerEncoderLayer(4, 2, {dim_feedforward = 4})
local SIZES = {
  in_features = 3, out_features = 4, in1_features = 2, in2_features = 3, num_embeddings = 5, embedding_dim = 4,
  in_channels = 2, out_channels = 4, kernel_size = 3, num_groups = 2, num_channels = 4, num_features = 4,
  normalized_shape = {4}, input_size = 3, hidden_size = 4, embed_dim = 4, num_heads = 2, d_model = 4, nhead = 2,
  encoder_layer = layer, num_layers = 2, n_classes = 10, cutoffs = {4}, output_size = 2, threshold = 0.5, value = 1,
  dim = 1, unflattened_size = {2, 2}, sizes = {2, 2}, num_sampled = 4,
}

-- Names of what a constructor takes, in order: its parameters, then its options.
local function names_of(cls)
  local list, init = {}, arguments.origin(cls.init)
  for i = 2, debug.getinfo(init, "u").nparams do list[#list + 1] = debug.getlocal(init, i) end
  for _, name in ipairs(cls.spec.names) do list[#list + 1] = name end
  return list
end

local function fields(object)
  local found = {}
  for key, value in next, object do
    if type(value) == "number" or type(value) == "boolean" or type(value) == "string" then found[key] = value end
  end
  return found
end

for name, cls in pairs(nn) do
  if type(cls) == "table" and rawget(cls, "__index") == cls and cls.spec then
    t.test(("nn.%s: the constructor's arguments by name"):format(name), function()
      local positions, named, n = {}, {}, 0
      for _, key in ipairs(names_of(cls)) do
        n = n + 1
        local row = cls.spec.by_name[key]
        local value = row and row.default
        if value == nil then value = SIZES[key] end
        positions[n], named[key] = value, value
      end
      local want = cls(table.unpack(positions, 1, n))
      for _, made in ipairs {cls(named), positions[1] ~= nil and cls(positions[1], (function()
        local rest = {}
        for key, value in pairs(named) do rest[key] = key ~= names_of(cls)[1] and value or nil end
        return rest
      end)()) or want} do
        t.equal(tostring(made), tostring(want))
        t.equal(fields(made), fields(want))
      end
    end)
  end
end

t.test("what a layer is called with, by name", function()
  local x, y = rows(), other()
  t.equal(nn.CrossEntropyLoss()(x, {target = ids()}), nn.CrossEntropyLoss()(x, ids()))
  t.equal(nn.CrossEntropyLoss() {input = x, target = y}, nn.CrossEntropyLoss()(x, y))
  t.equal(nn.MSELoss() {input = x, target = y}, nn.MSELoss()(x, y))
  t.equal(nn.TripletMarginLoss()(x, {positive = y, negative = third()}), nn.TripletMarginLoss()(x, y, third()))
  t.equal(nn.MarginRankingLoss() {input1 = line(), input2 = line2(), target = embla.ones(3)},
          nn.MarginRankingLoss()(line(), line2(), embla.ones(3)))
  local bag = nn.EmbeddingBag(4, 2, {mode = "sum"})
  local list, starts = embla.tensor {0, 1, 2}, embla.tensor {0, 1}
  t.equal(bag(list, {offsets = starts}), bag(list, starts))
  t.equal(bag {input = list, offsets = starts, per_sample_weights = line()}, bag(list, starts, line()))
  t.equal(nn.CosineSimilarity()(x, {x2 = y}), nn.CosineSimilarity()(x, y))
  local cell, h = nn.GRUCell(3, 2), embla.ones(2, 2)
  t.equal(cell(x, {h = h}), cell(x, h))
  t.raises(function() nn.MSELoss()(x, {tarrget = y}) end, "MSELoss", "unknown option 'tarrget', did you mean 'target'?")
end)

-- ---- optimizers and schedules ------------------------------------------------------------------------------------

local function is_class(value) return type(value) == "table" and rawget(value, "__index") == value end

for name, cls in pairs(optim) do
  if is_class(cls) and name ~= "Optimizer" then
    t.test(("optim.%s: params and options by name"):format(name), function()
      local p = embla.rand(2, {requires_grad = true})
      local option = cls.spec.by_name.lr and {lr = 0.25} or {decay = 0.5}
      local named = {params = {p}, lr = option.lr, decay = option.decay}
      local a, b = cls({p}, option), cls(named)
      t.equal(fields(b), fields(a))
      if b.param_groups then t.equal(tostring(b), tostring(a)) end
    end)
  end
end

local SCHEDULES = {
  step_size = 2, milestones = {1, 2}, lr_lambda = function() return 0.5 end, T_max = 3, T_0 = 2, base_lr = 0.1,
  max_lr = 0.5, total_steps = 10, gamma = 0.5,
}

for name, cls in pairs(optim.lr_scheduler) do
  if is_class(cls) and name ~= "LRScheduler" and name ~= "ChainedScheduler" and name ~= "SequentialLR" then
    t.test(("lr_scheduler.%s: optimizer and options by name"):format(name), function()
      local function opt() return optim.SGD({embla.rand(2, {requires_grad = true})}, {lr = 1, momentum = 0.5}) end
      local chosen = {}
      for _, row in ipairs(cls.spec.rows) do
        if row.required or row.name == "total_steps" then chosen[row.name] = SCHEDULES[row.name] end
      end
      local first, second = opt(), opt()
      local a = cls(first, chosen)
      chosen.optimizer = second
      local b = cls(chosen)
      t.equal(fields(b), fields(a))
      t.equal(second.param_groups[1].lr, first.param_groups[1].lr)
    end)
  end
end

t.test("schedules of schedules, and methods of objects, by name", function()
  local opt = optim.SGD({embla.rand(2, {requires_grad = true})}, {lr = 1})
  local one = optim.lr_scheduler.ConstantLR(opt, {factor = 0.5})
  local two = optim.lr_scheduler.ExponentialLR(opt, {gamma = 0.5})
  t.equal(optim.lr_scheduler.ChainedScheduler {schedulers = {one, two}}:get_last_lr()[1], opt.param_groups[1].lr)
  local calls = 0
  t.equal(opt:step {closure = function() calls = calls + 1; return 7 end}, 7)
  t.equal(calls, 1)
  local net = nn.Linear(2, 2)
  t.equal(net:train {mode = false}.training, false)
  net:register_buffer {name = "mean", tensor = embla.zeros(2), persistent = false}
  t.equal(net.mean, {0.0, 0.0})
end)
t.test("layers take the arguments of their forward by name", function()
  local x, pair, places = embla.rand(4, 6), embla.rand(2, 3, 6), embla.LongTensor {{0, 1}, {2, 0}}
  local h, c, target = embla.rand(4, 3), embla.rand(4, 3), embla.LongTensor {0, 1, 2, 3}
  local states, twin = {embla.rand(1, 3, 3), embla.rand(1, 3, 3)}, {embla.rand(1, 2, 3), embla.rand(1, 2, 3)}
  local closed = {key_padding_mask = embla.BoolTensor {{false, true}, {false, false}, {true, false}}}
  for _, case in ipairs {
    {nn.Linear(6, 3), {"input"}, x}, {nn.ReLU(), {"input"}, x}, {nn.Softmax(1), {"input"}, x},
    {nn.Hardtanh(-1, 0.5), {"x"}, x}, {nn.LayerNorm(6), {"input"}, x}, {nn.RMSNorm(6), {"input"}, x},
    {nn.BatchNorm1d(6):eval(), {"input"}, x}, {nn.GroupNorm(2, 6), {"input"}, x}, {nn.Dropout():eval(), {"input"}, x},
    {nn.Conv1d(3, 2, 2), {"input"}, pair}, {nn.MaxPool1d(2), {"input"}, pair}, {nn.Flatten(), {"input"}, pair},
    {nn.Unflatten(1, {2, 3}), {"input"}, x}, {nn.GLU(), {"input"}, x}, {nn.PReLU(), {"input"}, x},
    {nn.Sequential(nn.Linear(6, 3), nn.ReLU()), {"input"}, x},
    {nn.Embedding(5, 3), {"input"}, places}, {nn.EmbeddingBag(5, 3), {"input"}, places},
    {nn.EmbeddingBag(5, 3), {"input", "offsets"}, places[0], embla.LongTensor {0, 1}},
    {nn.EmbeddingBag(5, 3, {mode = "sum"}), {"input", "offsets", "per_sample_weights"}, places, nil, embla.rand(2, 2)},
    {nn.RNN(6, 3), {"input", "hx"}, pair, states[1]}, {nn.GRU(6, 3), {"input", "state"}, pair, states[1]},
    {nn.LSTM(6, 3), {"input", "hx"}, pair, states}, {nn.LSTM(6, 3), {"input"}, pair},
    {nn.LSTM(6, 3, {batch_first = true}), {"input", "hx", "lengths"}, pair, twin, {3, 1}},
    {nn.RNNCell(6, 3), {"input", "hx"}, x, h}, {nn.GRUCell(6, 3), {"input", "h"}, x, h},
    {nn.LSTMCell(6, 3), {"input", "hx"}, x, {h, c}},
    {nn.MultiheadAttention(6, 2), {"query", "key", "value"}, pair, pair, pair},
    {nn.MultiheadAttention(6, 2), {"query", "key", "value", "key_padding_mask", "need_weights"}, pair, pair, pair,
     closed.key_padding_mask, false},
    {nn.TransformerEncoderLayer(6, 2):eval(), {"src"}, pair},
    {nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2), 1):eval(), {"src"}, pair},
    {nn.Bilinear(6, 6, 2), {"input1", "input2"}, x, x}, {nn.CosineSimilarity(), {"x1", "x2"}, x, x * 2},
    {nn.MSELoss(), {"input", "target"}, x, x * 2}, {nn.CrossEntropyLoss(), {"input", "target"}, x, target},
  } do
    local made, words, given = case[1], case[2], {}
    for i, name in ipairs(words) do given[name] = case[i + 2] end
    t.same_bits((made(given)), (made(table.unpack(case, 3, #words + 2))))
  end
  t.raises(function() nn.Linear(6, 3) {inptu = x} end, "Linear: unknown option 'inptu'")
  t.raises(function() nn.GRU(6, 3) {input = pair, hy = states[1]} end, "GRU: unknown option 'hy'")
end)

t.test("a script's own forward gets its table as it is", function()
  local Net = nn.Module:extend "Net"
  function Net.forward(_, given) return given end
  local named = {input = 1, target = 2}
  t.equal({Net()(named) == named, nn.Sequential(Net(), Net())(named) == named, nn.Identity()(named) == named},
          {true, true, true})
end)

t.test("the other name of an option goes through a table of names", function()
  local options = require "embla.arguments.options"
  local spec = options.spec("f", {{name = "value", type = "number", also = "padding_value"}})
  local f = arguments.reader("f", function(input, opt) return input, spec.read(opt).value end)
  t.equal({f {input = 1, padding_value = 2}}, {1, 2})
  t.equal({f(1, {value = 3})}, {1, 3})
  t.raises(function() f {input = 1, padding_valu = 2} end, "f: unknown option 'padding_valu'", "input, value)")
end)

t.finish()
