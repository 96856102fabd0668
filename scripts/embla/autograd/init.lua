-- Gradients from Lua: backward, grad, hooks; modes, functions and checks have files of their own.

local arguments = require "embla.arguments.by_name"
local core = require "embla.core"
local lazy = require "embla.base.lazy"
local modes = require "embla.autograd.modes"
local options = require "embla.arguments.options"
local print_text = require "embla.tensor.print"
local raise = require "embla.errors.raise"

local autograd = {}
local methods, send_back = core.methods, core.backward

-- ---- backward --------------------------------------------------------------------------------------------------

local backward_spec = options.spec("backward", {
  {name = "retain_graph", type = "boolean", default = false, doc = "keep what a second backward through it needs"},
})

--- Sends a gradient from this tensor back to the leaves, adding into their grad.
-- @param grad Tensor of this one's shape; may be left out for a single element
-- @param opt  the options
-- @raise if there is no history, it was freed, or a value it needs was changed in place
function methods:backward(grad, opt)
  if type(grad) == "table" and opt == nil and (next(grad) == nil or type(next(grad)) == "string") then
    grad, opt = nil, grad
  end
  if type(grad) == "table" or type(grad) == "number" then grad = core.tensor(grad, self.dtype, "backward: grad") end
  if grad ~= nil and not core.is_tensor(grad) then
    raise("backward: argument grad: expected a tensor, got %s", options.show(grad))
  end
  return send_back(self, grad, backward_spec.read(opt).retain_graph)
end

-- Nearly every call has no arguments, and is part of every training step.
local backward, by_name = methods.backward, arguments.reader("backward", methods.backward)
methods.backward = arguments.stands_for(function(self, grad, opt)
  if grad == nil and opt == nil then return send_back(self) end
  return by_name(self, grad, opt)
end, backward)

local grad_spec = options.spec("grad", {
  {name = "retain_graph", type = "boolean", default = false, doc = "keep what a second backward through it needs"},
  {name = "allow_unused", type = "boolean", default = false, doc = "false: an input that is not reached is an error"},
})

local function list_of(name, value)
  if core.is_tensor(value) then return {value} end
  if type(value) ~= "table" then
    raise("grad: argument %s: expected a tensor or a list of tensors, got %s", name, options.show(value))
  end
  return value
end

--- Gradients of outputs for inputs; no .grad is touched.
-- @param outputs      Tensor or list of them
-- @param inputs       Tensor or list of them
-- @param grad_outputs Tensor or list, one for each output; may be left out for single elements
-- @param opt          the options
-- @return list of gradients, one for each input (false where allow_unused let one be missing)
function autograd.grad(outputs, inputs, grad_outputs, opt)
  if type(grad_outputs) == "table" and opt == nil and type(next(grad_outputs)) == "string" then
    grad_outputs, opt = nil, grad_outputs
  end
  local o = grad_spec.read(opt)
  local grads = core.grad(list_of("outputs", outputs), list_of("inputs", inputs),
                          grad_outputs ~= nil and list_of("grad_outputs", grad_outputs) or nil, o.retain_graph)
  for i, g in ipairs(grads) do
    if not g and not o.allow_unused then
      raise("grad: input %d was not used to make the outputs (allow_unused = true makes this false)", i)
    end
  end
  return grads
end

-- ---- what made a tensor ----------------------------------------------------------------------------------------

local GradFn = {}
GradFn.__index = GradFn

--- Its name as PyTorch has it: "AddBackward0".
-- @return text
function GradFn:name() return self.text end
function GradFn:__tostring() return "<" .. self.text .. ">" end

--- What made it, for a result of a recorded operation: name() is PyTorch's name of it, "AddBackward0".
-- @return object, or nil for a leaf
function core.getters.grad_fn(t)
  local name = print_text.node_name(t)
  return name and setmetatable({text = name}, GradFn)
end

-- ---- hooks -----------------------------------------------------------------------------------------------------

local register_hook = core.register_hook

--- Calls f(grad) when the gradient of this tensor is known. f may write to it; what f returns, if anything, takes its
-- place: a tensor of its shape and dtype, row-sparse if it is. Else backward raises an error.
-- @param f function
-- @return handle with a method remove()
-- @raise if the tensor does not require grad
function methods:register_hook(f)
  if type(f) ~= "function" then raise("register_hook: argument f: expected a function, got %s", options.show(f)) end
  local id = register_hook(self, f)
  local tensor = self
  return {remove = function() core.remove_hook(tensor, id) end}
end

-- ---- what a block switches -------------------------------------------------------------------------------------

autograd.no_grad, autograd.enable_grad = modes.no_grad, modes.enable_grad
autograd.is_grad_enabled = core.is_grad_enabled
autograd.detect_anomaly, autograd.set_detect_anomaly = modes.detect_anomaly, modes.set_detect_anomaly
autograd.scope = modes.scope

return lazy(autograd, "embla.autograd.", {["function"] = "Function", gradcheck = "gradcheck"})
