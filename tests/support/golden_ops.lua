-- Golden cases of operations. An operation is called in every form a script may use: as a method, in F, in the module,
-- and as an operator; each form must give the same.

local embla = require "embla"
local check = require "support.check"
local golden = require "support.golden"
local F = embla.nn.functional

local unpack = table.unpack

-- ---- arguments -------------------------------------------------------------------------------------------------

-- Parameters passed by position after the tensors, in PyTorch's order, as far as they are given without a gap. All
-- others go into the options table.
local POSITIONAL = {
  argsort = {"dim", "descending"}, chunk = {"chunks", "dim"}, clamp = {"min", "max"}, cumprod = {"dim"},
  cumsum = {"dim"}, diag = {"diagonal"}, flatten = {"start_dim", "end_dim"}, kthvalue = {"k", "dim"},
  lerp = {"weight"}, masked_fill = {"value"}, narrow = {"dim", "start", "length"}, norm = {"p", "dim", "keepdim"},
  one_hot = {"num_classes"}, pad = {"pad"}, roll = {"shifts", "dims"}, select = {"dim", "index"},
  sort = {"dim", "descending"}, squeeze = {"dim"}, std = {"dim"}, threshold = {"threshold", "value"},
  topk = {"k", "dim", "largest"}, transpose = {"dim0", "dim1"}, tril = {"diagonal"}, triu = {"diagonal"},
  unbind = {"dim"}, unsqueeze = {"dim"}, var = {"dim"},
}
for _, op in ipairs {"all", "amax", "amin", "any", "argmax", "argmin", "logsumexp", "max", "mean", "median", "min",
  "prod", "sum"} do
  POSITIONAL[op] = {"dim", "keepdim"}
end
for _, op in ipairs {"log_softmax", "softmax", "softmin"} do POSITIONAL[op] = {"dim"} end

-- The arguments after the first tensor.
local function arguments(op, inputs, params)
  local list, options = {unpack(inputs, 2)}, golden.options(params)
  for _, name in ipairs(POSITIONAL[op] or {}) do
    if options[name] == nil then break end
    list[#list + 1] = options[name]
    options[name] = nil
  end
  if next(options) then list[#list + 1] = options end
  return list
end

-- ---- forms of a call -------------------------------------------------------------------------------------------

-- Whatever `home` (a tensor, a module) has under a name, or nil; an unknown name may raise.
local function find(home, name)
  local ok, value = pcall(function() return home[name] end)
  return ok and type(value) == "function" and value or nil
end

-- The places that have an operation of this name, each function once.
local function functions(name)
  local list, seen = {}, {}
  for _, home in ipairs {embla.zeros(1), F, embla} do
    local fn = find(home, name)
    if fn and not seen[fn] then
      seen[fn] = true
      list[#list + 1] = fn
    end
  end
  return list
end

-- Forms that call functions named `name` with arguments made by `arrange(inputs, params)`.
local function named(name, arrange)
  return {exists = function() return #functions(name) > 0 end, forms = function()
    local forms = {}
    for i, fn in ipairs(functions(name)) do
      forms[i] = function(inputs, params) return fn(arrange(inputs, params)) end
    end
    return forms
  end}
end

-- One form; it is there when the operations it needs are.
local function form(needs, call)
  return {exists = function()
    for name in needs:gmatch("%S+") do
      if #functions(name) == 0 then return false end
    end
    return true
  end, forms = function() return {call} end}
end

local function default(op)
  return named(op, function(inputs, params) return inputs[1], unpack(arguments(op, inputs, params)) end)
end

-- x:op(dim, ...): the dim comes before the other tensors, further numbers after them.
local function dim_first(op)
  return named(op, function(inputs, params)
    local list = {inputs[1], params.dim, unpack(inputs, 2)}
    list[#list + 1] = params.value
    if params.alpha then list[#list + 1] = {alpha = params.alpha} end
    return unpack(list)
  end)
end

-- x:op(sizes...): a list parameter spread out.
local function spread(name, field)
  return named(name, function(inputs, params) return inputs[1], unpack(params[field]) end)
end

-- op({tensors}, dim)
local function of_list(op)
  return named(op, function(inputs, params) return inputs, params.dim end)
end

-- op(args...): makes a tensor.
local function creation(op)
  return form(op, function(_, _, args) return embla[op](unpack(args)) end)
end

-- F.op(x, first, weight, bias, {eps}) with weight and bias perhaps missing.
local function normalization(op, first)
  return form(op, function(inputs, params)
    return F[op](inputs[1], params[first], inputs[2], inputs[3], {eps = params.eps})
  end)
end

local special = {
  add_scalar = form("add", function(x, p) return x[1] + p.scalar end),
  sub_scalar = form("sub", function(x, p) return x[1] - p.scalar end),
  mul_scalar = form("mul", function(x, p) return x[1] * p.scalar end),
  div_scalar = form("div", function(x, p) return x[1] / p.scalar end),
  pow_scalar = form("pow", function(x, p) return x[1] ^ p.scalar end),
  rsub_scalar = form("sub", function(x, p) return p.scalar - x[1] end),
  rdiv_scalar = form("div", function(x, p) return p.scalar / x[1] end),
  arange = creation "arange", eye = creation "eye", linspace = creation "linspace",
  cat = of_list "cat", stack = of_list "stack",
  gather = dim_first "gather", index_add = dim_first "index_add", index_copy = dim_first "index_copy",
  index_fill = dim_first "index_fill", index_select = dim_first "index_select", scatter = dim_first "scatter",
  scatter_add = dim_first "scatter_add",
  expand = spread("expand", "shape"), flip = spread("flip", "dims"), permute = spread("permute", "dims"),
  ["repeat"] = spread("tile", "repeats"), reshape = spread("reshape", "shape"),
  layer_norm = normalization("layer_norm", "normalized_shape"), group_norm = normalization("group_norm", "num_groups"),
  where = form("where", function(x) return embla.where(x[1], x[2], x[3]) end),
  einsum = form("einsum", function(x, p) return embla.einsum(p.equation, unpack(x)) end),
  split = named("split", function(x, p) return x[1], p.split_size or p.sections, p.dim end),
  bincount = named("bincount", function(x, p) return x[1], {weights = x[2], minlength = p.minlength} end),
  masked_fill_softmax = form("masked_fill softmax", function(x, p)
    return x[1]:masked_fill(x[2], -math.huge):softmax(p.dim)
  end),
  transpose_reshape = form("t reshape", function(x) return x[1]:t():reshape(-1) end),
}

local operators = {
  add = function(a, b) return a + b end,
  sub = function(a, b) return a - b end,
  mul = function(a, b) return a * b end,
  div = function(a, b) return a / b end,
  pow = function(a, b) return a ^ b end,
  floor_divide = function(a, b) return a // b end,
  remainder = function(a, b) return a % b end,
  neg = function(a) return -a end,
}

local function kind_of(op)
  return special[op] or default(op)
end

-- ---- running ---------------------------------------------------------------------------------------------------

local function new_inputs(case)
  local inputs = {}
  for i, spec in ipairs(case.inputs) do
    inputs[i] = golden.tensor(spec)
    if case.grads and case.grads[i] then inputs[i]:requires_grad_() end
  end
  return inputs
end

-- Several results come as several values or as one list.
local function collect(first, ...)
  return type(first) == "table" and first or {first, ...}
end

local function run_form(case, call)
  local inputs = new_inputs(case)
  local outputs = collect(call(inputs, case.params or {}, case.args))
  local want = case.outputs or {case.output}
  local tolerance = case.op:find("_norm$") and golden.LOOSE or golden.GENERAL
  check.equal({["number of results"] = #outputs}, {["number of results"] = #want})
  for i, output in ipairs(outputs) do golden.match("output " .. i, output, want[i], tolerance) end
  if not case.grads then return end
  golden.backward(outputs, case.grad_outputs or {case.grad_output})
  for i, grad in ipairs(case.grads) do
    if grad then golden.match("grad of input " .. i, inputs[i].grad, grad, tolerance) end
  end
end

local function forms_of(case)
  local kind = kind_of(case.op)
  local forms = kind.exists() and kind.forms() or {}
  if operators[case.op] and not next(case.params or {}) then
    forms[#forms + 1] = function(inputs) return operators[case.op](unpack(inputs)) end
  end
  return forms
end

local function run(case)
  local forms = forms_of(case)
  if #forms == 0 then check.fail("there is no operation '" .. case.op .. "'") end
  for _, call in ipairs(forms) do run_form(case, call) end
end

return {
  ops = {
    routes = {run},
    subjects = function(case) return {{"ops", case.op}} end,
    exists = {ops = function(op) return kind_of(op).exists() end},
  },
}
