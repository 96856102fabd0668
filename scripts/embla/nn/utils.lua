-- nn.utils: what is done to all parameters of a network at once.

local core = require "embla.core"
local lazy = require "embla.base.lazy"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local utils = {rnn = require "embla.nn.recurrent.sequences"}

local is_tensor = core.is_tensor

-- A sequence of tensors from a sequence or a single tensor.
local function tensors_of(caller, parameters)
  if is_tensor(parameters) then return {parameters} end
  if type(parameters) ~= "table" then
    raise("%s: argument parameters: expected a tensor or a sequence of tensors, got %s", caller,
          options.show(parameters))
  end
  for i, parameter in ipairs(parameters) do
    if not is_tensor(parameter) then
      raise("%s: argument parameters: expected a tensor at position %d, got %s", caller, i, options.show(parameter))
    end
  end
  return parameters
end

local function gradients_of(caller, parameters)
  local grads = {}
  for _, parameter in ipairs(tensors_of(caller, parameters)) do grads[#grads + 1] = parameter.grad end
  return grads
end

local norm_spec = options.spec("clip_grad_norm_", {
  {name = "max_norm", type = "number", required = true, doc = "largest total norm"},
  {name = "norm_type", type = "number", default = 2.0, range = "> 0", doc = "which norm; math.huge for the largest"},
  {name = "error_if_nonfinite", type = "boolean", default = false, doc = "raise when the total is NaN or infinite"},
})

--- Scales all gradients by min(1, max_norm / (total + 1e-6)), total the norm of all of them as one vector; row-sparse
-- gradients count and are scaled too.
-- @param parameters sequence of Tensors, or one; those without gradient are passed over
-- @param ...        the options, by position or by name
-- @return the total norm before scaling, a number
-- @raise for options that do not fit, or a total that is not finite if error_if_nonfinite
function utils.clip_grad_norm_(parameters, ...)
  local o = norm_spec.arguments(...)
  local grads = gradients_of("clip_grad_norm_", parameters)
  if o.error_if_nonfinite then
    local total = core.clip_grad_norm(grads, math.huge, o.norm_type)
    if total - total ~= 0 then raise("clip_grad_norm_: the total norm of the gradients is %g", total) end
  end
  return core.clip_grad_norm(grads, o.max_norm, o.norm_type)
end

--- Clamps every element of the gradients to -clip_value .. clip_value; row-sparse gradients too.
-- @param parameters sequence of Tensors, or one; those without gradient are passed over
-- @param clip_value number
-- @raise if clip_value is no number
function utils.clip_grad_value_(parameters, clip_value)
  if type(clip_value) ~= "number" then
    raise("clip_grad_value_: argument clip_value: expected number, got %s", options.show(clip_value))
  end
  core.clip_grad_value(gradients_of("clip_grad_value_", parameters), clip_value)
end

--- All parameters, one after the other, as one vector.
-- @param parameters sequence of Tensors
-- @return Tensor (n), a function of the parameters
-- @raise if there are none, or one is no tensor
function utils.parameters_to_vector(parameters)
  local parts = {}
  for i, parameter in ipairs(tensors_of("parameters_to_vector", parameters)) do parts[i] = parameter:reshape(-1) end
  if #parts == 0 then
    raise("parameters_to_vector: argument parameters: expected a sequence of tensors, got an empty one")
  end
  return core.ops.cat(parts, 0)
end

--- Copies a vector, as made by parameters_to_vector, back into the parameters.
-- @param vector     Tensor (n)
-- @param parameters sequence of Tensors, n elements together
-- @raise if the vector has another number of elements
function utils.vector_to_parameters(vector, parameters)
  local list, n = tensors_of("vector_to_parameters", parameters), 0
  if not is_tensor(vector) or vector:dim() ~= 1 then
    raise("vector_to_parameters: argument vector: expected a tensor of 1 dimension, got %s",
          is_tensor(vector) and ("one of %d"):format(vector:dim()) or options.show(vector))
  end
  for _, parameter in ipairs(list) do n = n + parameter:numel() end
  if vector:numel() ~= n then
    raise("vector_to_parameters: the vector has %d elements, the parameters %d", vector:numel(), n)
  end
  local from, first = vector:detach(), 0
  for _, parameter in ipairs(list) do
    local part = from:narrow(0, first, parameter:numel())
    parameter:detach():copy_(part:reshape(table.unpack(parameter.shape)))
    first = first + parameter:numel()
  end
end

--- Takes what stands before the names of a state away, in place: "module." of a model that nn.DataParallel held, or
-- "model." of one that was a part of another. Names that do not begin with it stay. PyTorch has it in
-- torch.nn.modules.utils.
-- @param state  table name -> Tensor
-- @param prefix text
-- @raise if a name without the prefix is there already
function utils.consume_prefix_in_state_dict_if_present(state, prefix)
  local caller = "consume_prefix_in_state_dict_if_present"
  if type(state) ~= "table" then raise("%s: argument state: expected a table, got %s", caller, options.show(state)) end
  if type(prefix) ~= "string" then
    raise("%s: argument prefix: expected a text, got %s", caller, options.show(prefix))
  end
  local renamed = {}
  for name in pairs(state) do
    if type(name) == "string" and #prefix > 0 and name:sub(1, #prefix) == prefix then
      local short = name:sub(#prefix + 1)
      if state[short] ~= nil then raise("%s: argument state: it holds %s and %s", caller, name, short) end
      renamed[#renamed + 1] = {name, short}
    end
  end
  for _, pair in ipairs(renamed) do
    state[pair[2]] = state[pair[1]]
    state[pair[1]] = nil
  end
end

return lazy(utils, "embla.nn.utils.", {})
