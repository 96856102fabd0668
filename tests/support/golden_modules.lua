-- Golden cases of modules: outputs, buffers, and the gradients of inputs and parameters.

local embla = require "embla"
local check = require "support.check"
local golden = require "support.golden"
local nn, F = embla.nn, embla.nn.functional

local unpack = table.unpack

-- ---- making ----------------------------------------------------------------------------------------------------

-- Options that belong to the call; all others belong to the constructor.
local AT_CALL = {attn_mask = true, key_padding_mask = true, need_weights = true, average_attn_weights = true}

local function split_options(options)
  local construct, call = {}, {}
  for name, value in pairs(golden.options(options)) do
    if AT_CALL[name] then call[name] = value else construct[name] = value end
  end
  return construct, call
end

local function with_options(list, options)
  if next(options) then list[#list + 1] = options end
  return unpack(list)
end

-- A layer of a Sequential, its sizes read off its weight: (V, D) of an Embedding, (K, D) of a Linear.
local part = {
  Embedding = function(shape) return nn.Embedding(shape[1], shape[2]) end,
  Linear = function(shape) return nn.Linear(shape[2], shape[1]) end,
  Tanh = function() return nn.Tanh() end,
}

local function new_sequential(names, parameters)
  local layers = {}
  for name in names:gmatch("%w+") do
    local weight = parameters[#layers .. ".weight"]
    layers[#layers + 1] = part[name](weight and weight.shape)
  end
  return nn.Sequential(unpack(layers))
end

local function construct(case, options)
  local names = case.module:match("^Sequential%((.*)%)$")
  if names then
    check.equal(case.args, {})
    return new_sequential(names, case.parameters)
  end
  local class = nn[case.module]
  if not class then check.fail("there is no nn." .. case.module) end
  return class(with_options({unpack(case.args)}, options))
end

local function load_state(module, case)
  local state = {}
  for name, spec in pairs(case.parameters) do state[name] = golden.tensor(spec) end
  for name, spec in pairs(case.buffers or {}) do state[name] = golden.tensor(spec) end
  module:load_state_dict(state)
end

local function new_module(case)
  local constructor, call = split_options(case.options)
  local module = construct(case, constructor)
  load_state(module, case)
  module:train(case.mode == "train")
  return module, call
end

-- ---- calling ---------------------------------------------------------------------------------------------------

local ORDER = {"input", "input1", "input2", "query", "key", "value"}

-- Inputs by position. The state of an LSTM is one argument, the list {h, c}.
local function call_arguments(inputs)
  local list = {}
  for _, name in ipairs(ORDER) do list[#list + 1] = inputs[name] end
  list[#list + 1] = inputs.c0 and {inputs.h0, inputs.c0} or inputs.h0
  return list
end

-- Results in PyTorch's order: lists among them (the state of an LSTM) are spread out.
local function flatten(values, list)
  for _, value in ipairs(values) do
    if type(value) == "table" then flatten(value, list) else list[#list + 1] = value end
  end
  return list
end

local function new_inputs(case)
  local inputs = {}
  for name, spec in pairs(case.inputs) do
    inputs[name] = golden.tensor(spec)
    if case.input_grads and case.input_grads[name] then inputs[name]:requires_grad_() end
  end
  return inputs
end

local function match_inputs(case, inputs)
  for name, grad in pairs(case.input_grads or {}) do
    golden.match("grad of " .. name, inputs[name].grad, grad, golden.LOOSE)
  end
end

local function match_outputs(case, outputs)
  check.equal({["number of outputs"] = #outputs}, {["number of outputs"] = #case.outputs})
  for i, output in ipairs(outputs) do golden.match("output " .. i, output, case.outputs[i], golden.LOOSE) end
end

local function match_parameters(case, module)
  local parameters = {}
  for name, parameter in module:named_parameters() do
    if not case.parameter_grads[name] then check.fail("parameter " .. name .. " is not in the case") end
    parameters[name] = parameter
  end
  for name, grad in pairs(case.parameter_grads) do
    if not parameters[name] then check.fail("there is no parameter " .. name) end
    golden.match("grad of " .. name, parameters[name].grad, grad, golden.LOOSE)
  end
end

local function match_buffers(case, module)
  local state = module:state_dict()
  for name, buffer in pairs(case.buffers_after or {}) do
    golden.match("buffer " .. name, state[name], buffer, golden.LOOSE)
  end
end

local function run_module(case)
  local module, options = new_module(case)
  local inputs = new_inputs(case)
  local outputs = flatten({module(with_options(call_arguments(inputs), options))}, {})
  match_outputs(case, outputs)
  golden.backward(outputs, case.grad_outputs)
  match_inputs(case, inputs)
  match_parameters(case, module)
  match_buffers(case, module)
end

-- scaled_dot_product_attention is a function: no parameters, every option at the call.
local function run_function(case)
  check.equal({case.args, case.parameters, case.parameter_grads, case.mode}, {{}, {}, {}, "train"})
  local inputs = new_inputs(case)
  local outputs = {F[case.module](with_options(call_arguments(inputs), golden.options(case.options)))}
  match_outputs(case, outputs)
  golden.backward(outputs, case.grad_outputs)
  match_inputs(case, inputs)
end

local function is_function(name)
  return name:match("^%l") ~= nil
end

local function run(case)
  if is_function(case.module) then return run_function(case) end
  run_module(case)
end

return {
  modules = {
    routes = {run},
    subjects = function(case) return {{"modules", case.module:match("^[%w_]+")}} end,
    exists = {modules = function(name) return (is_function(name) and F or nn)[name] ~= nil end},
  },
}
