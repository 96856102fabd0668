-- Functions with a forward and a backward written in Lua.

local class = require "embla.base.class"
local core = require "embla.core"
local modes = require "embla.autograd.modes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

-- ---- what forward and backward share ---------------------------------------------------------------------------

--- One call of a Function: what its forward leaves for its backward. Fields set on it stay until then; results of
-- forward belong into save_for_backward, for kept as fields they would never be freed.
local Context = class "Context"

local HIDDEN = {}       -- key: the saved tensors while they may be read

function Context:__index(name)
  if name == "saved_tensors" then return rawget(self, HIDDEN) or {} end
  return Context[name]
end

--- Keeps tensors for backward, which finds them in ctx.saved_tensors, in this order. To change one of them in place
-- before then is an error of backward.
-- @param ... tensors; nil leaves a hole
-- @raise if one is no tensor
function Context:save_for_backward(...)
  local n, list, places = select("#", ...), {}, {}
  for i = 1, n do
    local t = select(i, ...)
    if t ~= nil and not core.is_tensor(t) then
      raise("save_for_backward: argument %d: expected a tensor, got %s", i, options.show(t))
    end
    if t ~= nil then
      list[#list + 1] = t
      places[#places + 1] = i
    end
  end
  self[HIDDEN] = {...}
  self.to_save, self.places = list, places
end

--- Says that results of forward have no gradient: they come out as leaves that require none, and backward gets nil
-- for them. So do those of integer dtypes, always.
-- @param ... tensors that forward returns
function Context:mark_non_differentiable(...)
  for i = 1, select("#", ...) do
    local t = select(i, ...)
    if not core.is_tensor(t) then
      raise("mark_non_differentiable: argument %d: expected a tensor, got %s", i, options.show(t))
    end
    self.not_differentiable[t] = true
  end
end

--- Whether backward sees zeros (true, as it is at first) or nil for a result through which no gradient has come.
-- @param value boolean
function Context:set_materialize_grads(value)
  if type(value) ~= "boolean" then
    raise("set_materialize_grads: argument value: expected true or false, got %s", options.show(value))
  end
  self.materialize = value
end

-- ---- backward --------------------------------------------------------------------------------------------------

-- `expected[i]`: whether argument i of forward is a tensor.
local function check_returned(name, returned, expected)
  local n = returned.n
  while n > #expected and returned[n] == nil do n = n - 1 end
  if n ~= #expected then
    raise("%s: backward returned %d gradients, expected %d, one for each argument of forward", name, n, #expected)
  end
  for i = 1, n do
    local g = returned[i]
    if g ~= nil and not core.is_tensor(g) then
      raise("%s: backward returned %s as the gradient of argument %d, expected a tensor or nil", name,
        options.show(g), i)
    elseif g ~= nil and not expected[i] then
      raise("%s: backward returned a gradient for argument %d, which is no tensor", name, i)
    end
  end
  return returned
end

local function outcome(ok, ...) return ok, table.pack(...) end

-- What the core calls: backward with its context, errors with a traceback that names the function.
local function runner(cls, ctx, expected, n_results)
  local name, places = cls.__name, ctx.places or {}
  local function explain(message)
    if type(message) ~= "string" then return message end
    return debug.traceback(message .. "\nin the backward of " .. name, 2)
  end
  return function(saved, dy)
    if type(cls.backward) ~= "function" then raise("%s: backward is not defined", name) end
    local readable = {}
    for k, t in ipairs(saved) do readable[places[k]] = t end
    ctx[HIDDEN] = readable
    local ok, returned = outcome(xpcall(cls.backward, explain, ctx, table.unpack(dy, 1, n_results)))
    ctx[HIDDEN] = nil
    if not ok then error(returned[1], 0) end
    return check_returned(name, returned, expected)
  end
end

-- ---- forward ---------------------------------------------------------------------------------------------------

-- Results that are arguments, come twice or have a history of their own get a handle of theirs.
local function own_handles(results, arguments)
  local seen = {}
  for i = 1, arguments.n do
    if core.is_tensor(arguments[i]) then seen[arguments[i]] = true end
  end
  local handles = {n = results.n}
  for i = 1, results.n do
    local t = results[i]
    if core.is_tensor(t) then
      handles[i] = (seen[t] or t.requires_grad) and t:detach() or t
      seen[t] = true
    else
      handles[i] = t
    end
  end
  return handles
end

local function differentiable(ctx, results, handles)
  local list = {}
  for i = 1, results.n do
    local t = results[i]
    local float = core.is_tensor(t) and t.dtype:find "float"
    list[i] = float and not ctx.not_differentiable[t] and handles[i] or false
  end
  return list
end

local function call(cls, ...)
  local arguments, needs, expected, wanted = table.pack(...), {}, {}, false
  for i = 1, arguments.n do
    expected[i] = core.is_tensor(arguments[i])
    needs[i] = expected[i] and arguments[i].requires_grad
    wanted = wanted or needs[i]
  end
  if type(cls.forward) ~= "function" then raise("%s: forward is not defined", cls.__name) end
  local ctx = setmetatable({needs_input_grad = needs, not_differentiable = {}, materialize = true}, Context)
  local results = table.pack(modes.with_grad(false, cls.forward, ctx, ...))
  if not (wanted and core.is_grad_enabled()) then return table.unpack(results, 1, results.n) end
  local handles = own_handles(results, arguments)
  local saved, recorded = ctx.to_save or {}, differentiable(ctx, results, handles)
  ctx[HIDDEN], ctx.to_save, ctx.not_differentiable = nil, nil, nil
  core.record_function(cls.__name, runner(cls, ctx, expected, results.n), arguments, arguments.n, recorded, results.n,
    saved, ctx.materialize)
  return table.unpack(handles, 1, handles.n)
end

--- A function with a gradient of its own. Classes extend it and define `forward` and `backward`:
--
--   local Exp = embla.autograd.Function:extend "Exp"
--   function Exp.forward(ctx, x) local y = x:exp(); ctx:save_for_backward(y); return y end
--   function Exp.backward(ctx, dy) local y = table.unpack(ctx.saved_tensors); return dy * y end
--   local y = Exp.apply(x)
--
-- forward(ctx, ...) gets the arguments and records no gradients; ctx.needs_input_grad tells, for each, whether one is
-- wanted. backward(ctx, ...) gets a gradient for each result and returns one for each argument of forward, nil for
-- those that have none.
local Function = class "Function"

--- Calls forward, and has backward called when the gradient of a result comes back.
-- @param ... arguments of forward
-- @return what forward returned
-- @raise what forward raises
function Function.apply(...) return call(Function, ...) end

local extend = Function.extend

--- A class with a forward and a backward of its own.
-- @param name text, the name of the function in messages and in printed tensors
-- @return the class; it is called as Class.apply(...), or Class(...)
function Function:extend(name)
  local cls = extend(self, name)
  function cls.apply(...)
    if select("#", ...) > 0 and rawequal(..., cls) then return call(cls, select(2, ...)) end
    return call(cls, ...)
  end
  getmetatable(cls).__call = function(_, ...) return call(cls, ...) end
  return cls
end

return Function
