-- Golden cases of the optimizers, of gradient clipping, and of the learning-rate schedulers.

local embla = require "embla"
local check = require "support.check"
local golden = require "support.golden"
local nn, optim = embla.nn, embla.optim

local function optimizer_of(case)
  return {{"optimizers", case.optimizer}}
end

local function is_optimizer(name) return optim[name] ~= nil end

local function new_optimizer(name, params, options)
  local class = optim[name]
  if not class then check.fail("there is no optim." .. name) end
  return class(params, golden.options(options))
end

local function set_lr(opt, lr)
  if not lr then return end
  for _, group in ipairs(opt.param_groups) do group.lr = lr end
end

-- What a case that must be refused is about: the options, or the lack of parameters.
local function refused_parameters(case)
  if case.error.message:find("empty parameter list", 1, true) then return {} end
  return {embla.ones(2, 2):requires_grad_()}
end

-- Constructs; a gradient of the wrong kind is refused only by step.
local function run_refusal(case)
  local params = refused_parameters(case)
  local opt = new_optimizer(case.optimizer, params, case.options)
  if not case.error.message:find("dense gradients", 1, true) then return end
  params[1].grad = embla.ones(2, 2)
  opt:step()
end

-- ---- optim_sparse ----------------------------------------------------------------------------------------------

local function match_state(opt, want)
  local state = opt:state_dict().state[1]
  for name, wanted in pairs(want) do
    local got = state and state[name]
    if got == nil then check.fail("the optimizer's state has no '" .. name .. "'") end
    if golden.is_tensor(wanted) then
      golden.match("state " .. name, got.is_sparse and got:to_dense() or got, wanted)
    else
      check.equal({[name] = golden.number(got)}, {[name] = wanted})
    end
  end
end

local function run_sparse(case)
  if case.error then return run_refusal(case) end
  local weight = golden.leaf(case.weight)
  local opt = new_optimizer(case.optimizer, {weight}, case.options)
  for i, step in golden.each(case, "steps") do
    set_lr(opt, step.set_lr)
    weight.grad = not step.no_grad and golden.rows(step.indices, step.values, case.weight.shape, weight.dtype) or nil
    opt:step()
    golden.match("weight after step " .. i, weight, step.weight_after)
  end
  match_state(opt, case.state_after or {})
end

-- ---- optim_dense -----------------------------------------------------------------------------------------------

local function new_params(specs)
  local params = {}
  for i, spec in ipairs(specs) do params[i] = golden.leaf(spec) end
  return params
end

local function run_steps(case, params, opt)
  for i, step in golden.each(case, "steps") do
    set_lr(opt, step.set_lr)
    for k, param in ipairs(params) do
      param.grad = step.grads[k] and golden.tensor(step.grads[k], param.dtype) or nil
    end
    opt:step()
    for k, param in ipairs(params) do
      golden.match(("parameter %d after step %d"):format(k, i), param, step.params_after[k])
    end
  end
end

local function run_quadratic(case, param, opt)
  check.equal(case.objective, "sum((p - target)^2 * scale)")
  local target, scale = golden.tensor(case.target), golden.tensor(case.scale)
  for i, want in ipairs(case.trajectory) do
    opt:zero_grad()
    local loss = ((param - target) ^ 2 * scale):sum()
    loss:backward()
    opt:step()
    golden.match("parameter after step " .. i, param, want)
  end
end

local function run_dense(case)
  if case.error then return run_refusal(case) end
  local params = new_params(case.params)
  local opt = new_optimizer(case.optimizer, params, case.options)
  if case.objective then return run_quadratic(case, params[1], opt) end
  run_steps(case, params, opt)
end

-- ---- clip_grad -------------------------------------------------------------------------------------------------

local function with_gradients(specs)
  local params = {}
  for i, spec in ipairs(specs) do
    params[i] = embla.zeros_like(golden.tensor(spec)):requires_grad_()
    params[i].grad = golden.tensor(spec)
  end
  return params
end

local function match_gradients(params, specs)
  for i, spec in ipairs(specs) do golden.match("grad " .. i, params[i].grad, spec) end
end

local function clip_norm(case, params)
  local total = nn.utils.clip_grad_norm_(params, case.max_norm, {norm_type = case.norm_type})
  golden.match_numbers("total norm", golden.number(total), case.total_norm, golden.GENERAL)
end

local clip = {}

function clip.norm(case)
  local params = with_gradients(case.grads)
  clip_norm(case, params)
  match_gradients(params, case.grads_after)
end

function clip.value(case)
  local params = with_gradients(case.grads)
  nn.utils.clip_grad_value_(params, case.clip_value)
  match_gradients(params, case.grads_after)
end

function clip.norm_sparse(case)
  local params = with_gradients(case.grads)
  local sparse = embla.zeros(table.unpack(case.sparse_shape)):requires_grad_()
  sparse.grad = golden.rows(case.sparse_indices, case.sparse_values, case.sparse_shape)
  clip_norm(case, {sparse, table.unpack(params)})
  match_gradients(params, case.grads_after)
  check.equal(sparse.grad.is_sparse, true)
  local want = golden.rows(case.sparse_indices, case.sparse_values_after, case.sparse_shape)
  check.close(sparse.grad, want)
end

local function run_clip(case)
  local run = clip[case.kind]
  if not run then check.fail("unknown kind " .. check.show(case.kind)) end
  run(case)
end

-- ---- schedulers ------------------------------------------------------------------------------------------------

local function scheduled_groups(base_lr)
  if type(base_lr) == "number" then base_lr = {base_lr} end
  local groups = {}
  for i, lr in ipairs(base_lr) do groups[i] = {params = {embla.zeros(2):requires_grad_()}, lr = lr} end
  return groups
end

-- Lua source of a function, or a list of such.
local function compile(source)
  if type(source) ~= "table" then return assert(load("return " .. source))() end
  local list = {}
  for i, text in ipairs(source) do list[i] = compile(text) end
  return list
end

local function match_group_field(opt, field, i, want)
  if type(want) == "number" then want = {want} end
  for k, group in ipairs(opt.param_groups) do
    local label = ("%s of group %d after %d steps"):format(field, k, i - 1)
    golden.match_numbers(label, group[field], want[k], golden.DOUBLE)
  end
end

local function is_scheduler(name) return optim.lr_scheduler ~= nil and optim.lr_scheduler[name] ~= nil end

local function run_scheduler(case)
  if not is_scheduler(case.scheduler) then check.fail("there is no optim.lr_scheduler." .. case.scheduler) end
  local class = optim.lr_scheduler[case.scheduler]
  local options = golden.options(case.options)
  if options.lr_lambda then options.lr_lambda = compile(options.lr_lambda) end
  local optimizer_options = golden.options(case.optimizer_options, {lr = 1})      -- each group has its own
  local opt = new_optimizer(case.optimizer, scheduled_groups(case.base_lr), optimizer_options)
  local scheduler = class(opt, options)
  for i, lr in ipairs(case.lrs) do
    if i > 1 then
      opt:step()
      scheduler:step(case.metrics and case.metrics[i - 1])
    end
    match_group_field(opt, "lr", i, lr)
    if case.momentums then match_group_field(opt, "momentum", i, case.momentums[i]) end
  end
end

return {
  optim_sparse = {routes = {run_sparse}, subjects = optimizer_of, exists = {optimizers = is_optimizer}},
  optim_dense = {routes = {run_dense}, subjects = optimizer_of, exists = {optimizers = is_optimizer}},
  clip_grad = {routes = {run_clip}},
  schedulers = {
    routes = {run_scheduler},
    subjects = function(case) return {{"optimizers", case.optimizer}, {"schedulers", case.scheduler}} end,
    exists = {optimizers = is_optimizer, schedulers = is_scheduler},
  },
}
