-- Gradients from Lua: backward, grad, hooks, the recording mode, scopes; functions and checks have files of their own.

local core = require "embla.core"
local later = require "embla.later"
local options = require "embla.options"
local print_text = require "embla.tensor.print"
local raise = require "embla.raise"

local autograd = {}
local methods = core.methods

-- ---- backward --------------------------------------------------------------------------------------------------

local backward_spec = options.spec("backward", {
  {name = "retain_graph", type = "boolean", default = false, doc = "keep what a second backward through it needs"},
})

--- Sends a gradient from this tensor back to the leaves, adding into their grad.
-- @param grad Tensor of this one's shape; may be left out for a single element
-- @param opt  {retain_graph = false}
-- @raise if there is no history, it was freed, or a value it needs was changed in place
function methods:backward(grad, opt)
  if grad == nil and opt == nil then return core.backward(self) end
  if type(grad) == "table" and opt == nil and (next(grad) == nil or type(next(grad)) == "string") then
    grad, opt = nil, grad
  end
  if type(grad) == "table" or type(grad) == "number" then grad = core.tensor(grad, self.dtype, "backward: grad") end
  if grad ~= nil and not core.is_tensor(grad) then
    raise("backward: argument grad: expected a tensor, got %s", options.show(grad))
  end
  return core.backward(self, grad, backward_spec.read(opt).retain_graph)
end

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
-- @param opt          {retain_graph = false, allow_unused = false}
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

-- ---- the recording mode ----------------------------------------------------------------------------------------

local function is_callable(f)
  local meta = getmetatable(f)
  return type(f) == "function" or type(meta) == "table" and meta.__call ~= nil
end

local function with_mode(on, name, f, ...)
  if f ~= nil and not is_callable(f) then
    raise("%s: argument f: expected a function, got %s", name, options.show(f))
  end
  if f ~= nil then return core.with_grad(on, f, ...) end
  local before = core.set_grad_enabled(on)
  return setmetatable({}, {__close = function() core.set_grad_enabled(before) end})
end

--- Runs f(...) without recording gradients and returns its results; without f, a scope:
-- `local _ <close> = embla.no_grad()`.
-- @param f   function, or nil
-- @param ... its arguments
-- @return results of f, or a scope
function autograd.no_grad(f, ...) return with_mode(false, "no_grad", f, ...) end

--- Runs f(...) recording gradients, inside no_grad; without f, a scope.
-- @param f   function, or nil
-- @param ... its arguments
-- @return results of f, or a scope
function autograd.enable_grad(f, ...) return with_mode(true, "enable_grad", f, ...) end

autograd.is_grad_enabled = core.is_grad_enabled

-- ---- anomalies -------------------------------------------------------------------------------------------------

--- Whether a backward that gives NaN is an error that names the operation and the line of the script that called it.
-- Operations called while this is off are only named. Slower: the line of each call is looked up and each gradient
-- looked through.
-- @param on boolean
function autograd.set_detect_anomaly(on)
  if type(on) ~= "boolean" then
    raise("set_detect_anomaly: argument on: expected true or false, got %s", options.show(on))
  end
  core.set_anomaly(on)
end

--- Runs f(...) while NaN in a backward is an error (see set_detect_anomaly), and returns its results; without f, a
-- scope: `local _ <close> = embla.autograd.detect_anomaly()`.
-- @param f   function, or nil
-- @param ... its arguments
-- @return results of f, or a scope
function autograd.detect_anomaly(f, ...)
  if f ~= nil and not is_callable(f) then
    raise("detect_anomaly: argument f: expected a function, got %s", options.show(f))
  end
  local before = core.set_anomaly(true)
  local scope = setmetatable({}, {__close = function() core.set_anomaly(before) end})
  if not f then return scope end
  local _ <close> = scope
  return f(...)
end

-- ---- scopes ----------------------------------------------------------------------------------------------------

local Scope = {}
Scope.__index = Scope

--- Keeps a tensor beyond the end of the scope.
-- @param t Tensor
-- @return the tensor
function Scope:keep(t)
  self.kept[t] = true
  return t
end

function Scope:__close()
  if not self.list then return end
  local list = self.list
  self.list = nil
  core.close_scope(list, self.before, self.own, self.kept)
end
Scope.close = Scope.__close

--- Frees, at the end of its block, every tensor made inside it that was not kept: `local s <close> = embla.scope()`.
-- @return scope, with a method keep(t)
function autograd.scope()
  local list, before, own = core.open_scope()
  return setmetatable({list = list, before = before, own = own, kept = {}}, Scope)
end

return later(autograd, "embla.autograd.", {["function"] = "Function", gradcheck = "gradcheck"})
