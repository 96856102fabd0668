-- What a block switches until it ends: the recording of gradients, anomaly detection, scopes. Each is a matter of the
-- coroutine that opened it, and of those that it resumes; lua_bindings/l_modes.c finds which is in effect.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local autograd = {}

local function check_function(name, f)
  local meta = getmetatable(f)
  if type(f) ~= "function" and not (type(meta) == "table" and meta.__call ~= nil) then
    raise("%s: argument f: expected a function, got %s", name, options.show(f))
  end
end

-- ---- the recording of gradients --------------------------------------------------------------------------------

-- f(...) with gradients recorded or not, whatever the caller's mode: for the library itself. It is Lua all through, as
-- the functions below, so that f may yield.
function autograd.with_grad(on, f, ...)
  local _ <close> = core.open_grad(on)
  return f(...)
end

--- Runs f(...) without recording gradients and returns its results. Without f, for the rest of a block:
-- `local _ <close> = embla.no_grad()`. It holds for the coroutine that calls this, and ends when the variable does,
-- also with the `<close>` forgotten; kept in no local variable it has no effect.
-- @param f   function, or nil
-- @param ... its arguments
-- @return results of f, or a value for a `<close>` variable
function autograd.no_grad(f, ...)
  if f == nil then return core.open_grad(false, true) end
  check_function("no_grad", f)
  local _ <close> = core.open_grad(false, true)
  return f(...)
end

--- Runs f(...) recording gradients, inside no_grad, and returns its results; without f, for the rest of a block, as
-- no_grad does.
-- @param f   function, or nil
-- @param ... its arguments
-- @return results of f, or a value for a `<close>` variable
function autograd.enable_grad(f, ...)
  if f == nil then return core.open_grad(true, true) end
  check_function("enable_grad", f)
  local _ <close> = core.open_grad(true, true)
  return f(...)
end

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

--- Runs f(...) while NaN in a backward is an error (see set_detect_anomaly), and returns its results; without f, for
-- the rest of a block, as no_grad does: `local _ <close> = embla.autograd.detect_anomaly()`.
-- @param f   function, or nil
-- @param ... its arguments
-- @return results of f, or a value for a `<close>` variable
function autograd.detect_anomaly(f, ...)
  if f == nil then return core.open_anomaly() end
  check_function("detect_anomaly", f)
  local _ <close> = core.open_anomaly()
  return f(...)
end

-- ---- scopes ----------------------------------------------------------------------------------------------------

local Scope = core.scope_methods

--- Keeps a tensor beyond the end of the scope.
-- @param t Tensor
-- @return the tensor
function Scope:keep(t)
  if not core.is_tensor(t) then raise("keep: argument t: expected a tensor, got %s", options.show(t)) end
  core.keep_in_scope(self, t)
  return t
end

--- Ends the scope, as the end of its block does: its tensors are freed. Scopes may end in any order.
function Scope:close() core.close_scope(self) end

--- Frees, at the end of its block, every tensor made inside it that was not kept: `local s <close> = embla.scope()`.
-- Inside it is what the coroutine that opened it makes, as long as a local variable of that coroutine holds the scope.
-- One that is never closed frees nothing. A tensor in use, by an operation under way or a graph, is freed after that.
-- @return scope, with methods keep(t) and close()
function autograd.scope() return core.open_scope() end

return autograd
