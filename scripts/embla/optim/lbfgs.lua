-- optim.LBFGS: a quasi-Newton method, on all parameters as one vector.

local core = require "embla.core"
local modes = require "embla.autograd.modes"
local Optimizer = require "embla.optim.optimizer"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local strong_wolfe = require "embla.optim.strong_wolfe"

--- L-BFGS: p <- p + t d, where d = -H g, and H, the inverse of the curvature, is known from the last history_size steps
-- and changes of gradient. t is lr (in the first iteration lr min(1, 1 / sum |g|)), or what the line search finds from
-- there. One step() is up to max_iter such iterations, each of which calls the closure at least once. One group only;
-- sparse gradients count as dense ones. Liu, Nocedal 1989: On the limited memory BFGS method for large scale
-- optimization.
local LBFGS = Optimizer:extend "LBFGS"

Optimizer.describe_options(LBFGS, {
  {name = "lr", type = "number", default = 1, range = ">= 0", doc = "step length, or the first that a search tries"},
  {name = "max_iter", type = "integer", default = 20, range = "> 0", doc = "iterations a step, at most"},
  {name = "max_eval", type = "integer", range = "> 0",
   doc = "calls of the closure after which a step begins no new iteration; by default max_iter * 5 // 4"},
  {name = "tolerance_grad", type = "number", default = 1e-7, range = ">= 0",
   doc = "a step ends where no element of the gradient is larger"},
  {name = "tolerance_change", type = "number", default = 1e-9, range = ">= 0",
   doc = "a step ends where the loss, or every parameter, changes by less"},
  {name = "history_size", type = "integer", default = 100, range = "> 0", doc = "iterations that H remembers"},
  {name = "line_search_fn", choices = {"strong_wolfe"}, doc = "how the step length is found; left out: it is lr"},
})

local function no_state() return {func_evals = 0, n_iter = 0, old_dirs = {}, old_stps = {}, H_diag = 1} end

-- How often parameters got other rows.
local function resizes(params)
  local n = 0
  for _, p in ipairs(params) do n = n + core.resizes(p) end
  return n
end

-- Past steps say nothing about other rows, so all are forgotten then.
local function follow_resizes(self)
  local n = resizes(self.param_groups[1].params)
  if n ~= self.resizes then self.state, self.resizes = no_state(), n end
end

--- Makes the optimizer.
-- @param params sequence of tensors, or of one group
-- @param ...    the options, by position or by name
-- @raise for options that do not fit, or several groups
function LBFGS:init(params, ...)
  Optimizer.init(self, params, ...)
  follow_resizes(self)
end

--- Refuses a second group.
-- @param group {params = sequence of tensors, ...}
-- @raise if there is a group already
function LBFGS:add_param_group(group)
  if #self.param_groups > 0 then raise("LBFGS: all parameters are in one group; it takes no second one") end
  Optimizer.add_param_group(self, group)
end

-- ---- parameters as a vector ------------------------------------------------------------------------------------

local function flat(parts) return core.ops.cat(parts, 0) end

local function flat_params(params)
  local parts = {}
  for i, p in ipairs(params) do parts[i] = p:detach():reshape(-1) end
  return flat(parts)
end

local function flat_gradient(params)
  local parts = {}
  for i, p in ipairs(params) do
    local grad = p.grad
    if not grad then
      parts[i] = p:detach():clone():zero_():reshape(-1)
    else
      parts[i] = (grad.is_sparse and grad:to_dense() or grad):detach():reshape(-1)
    end
  end
  return flat(parts)
end

local function set_params(params, vector)
  local first = 0
  for _, p in ipairs(params) do
    local n = p:numel()
    p:detach():copy_(vector:narrow(0, first, n):reshape(table.unpack(p.shape)))
    first = first + n
  end
end

local function dot(a, b) return a:dot(b):item() end
local function largest(vector) return vector:numel() > 0 and vector:abs():max():item() or 0 end

-- ---- the direction ---------------------------------------------------------------------------------------------

-- Remembers the last step and how the gradient changed over it, unless the curvature along it was not positive.
local function remember(s, gradient, history_size)
  local y, step = gradient - s.prev_flat_grad, s.d * s.t
  local curvature = dot(y, step)
  if curvature <= 1e-10 then return end
  if #s.old_dirs == history_size then
    table.remove(s.old_dirs, 1)
    table.remove(s.old_stps, 1)
  end
  table.insert(s.old_dirs, y)
  table.insert(s.old_stps, step)
  s.H_diag = curvature / dot(y, y)
end

-- -H g, by the two-loop recursion (Nocedal, Wright, algorithm 7.4).
local function direction(s, gradient)
  local q, rho, alpha = -gradient, {}, {}
  for i = #s.old_dirs, 1, -1 do
    rho[i] = 1 / dot(s.old_dirs[i], s.old_stps[i])
    alpha[i] = rho[i] * dot(s.old_stps[i], q)
    q:sub_(s.old_dirs[i] * alpha[i])
  end
  q:mul_(s.H_diag)
  for i = 1, #s.old_dirs do
    q:add_(s.old_stps[i] * (alpha[i] - rho[i] * dot(s.old_dirs[i], q)))
  end
  return q
end

-- ---- a step ----------------------------------------------------------------------------------------------------

local function value_of(loss)
  local value = loss
  if core.is_tensor(loss) then value = loss:numel() == 1 and loss:item() or nil end
  if type(value) ~= "number" then
    raise("LBFGS: the closure must return the loss, a number or a tensor of one element, got %s", options.show(loss))
  end
  return value
end

-- One step's own copy of the state: what a failing closure leaves behind is not taken over.
local function copy_of(state)
  local s = {}
  for key, item in pairs(state) do s[key] = item end
  s.old_dirs = table.move(state.old_dirs, 1, #state.old_dirs, 1, {})
  s.old_stps = table.move(state.old_stps, 1, #state.old_stps, 1, {})
  return s
end

-- Has the state outlast a scope around the step.
local function outlast(s)
  for _, home in ipairs {s, s.old_dirs, s.old_stps} do
    for key, item in pairs(home) do
      if core.is_tensor(item) then home[key] = core.handle(item) end
    end
  end
end

-- Moves to the next point along s.d from x, which is `here`; returns it, and x as it is then.
local function advance(s, o, x, here, evaluate, last)
  local function at(t) return x + s.d * t end
  local point
  if o.line_search_fn then
    local reach = largest(s.d)
    point = strong_wolfe(here, s.t, function(t) return evaluate(at(t), t, s.d) end,
                         function(width) return math.abs(width) * reach < o.tolerance_change end)
    s.t = point.t
  elseif not last then
    point = evaluate(at(s.t), s.t, s.d)
  end
  return point, at(s.t)
end

-- All iterations of one step. Returns where they led.
local function iterate(s, o, x, point, max_eval, evaluate)
  local before_step = s.func_evals - 1
  for iteration = 1, o.max_iter do
    s.n_iter = s.n_iter + 1
    if s.prev_flat_grad then remember(s, point.gradient, o.history_size) end
    s.d = direction(s, point.gradient)
    s.prev_flat_grad = point.gradient
    s.t = s.n_iter == 1 and math.min(1, 1 / point.gradient:abs():sum():item()) * o.lr or o.lr
    local here = {t = 0, f = point.f, gradient = point.gradient, slope = dot(point.gradient, s.d)}
    if here.slope > -o.tolerance_change then return x end
    local last = iteration == o.max_iter
    point, x = advance(s, o, x, here, evaluate, last)
    if last or s.func_evals - before_step >= max_eval or largest(point.gradient) <= o.tolerance_grad or
        largest(s.d * s.t) <= o.tolerance_change or math.abs(point.f - here.f) < o.tolerance_change then
      return x
    end
  end
end

--- Runs up to max_iter iterations.
-- @param closure function that clears the gradients, computes the loss and its gradients, and returns the loss
-- @return what the closure returned the first time
-- @raise if there is no closure, or it returns no loss; if it raises, parameters and state are as before
function LBFGS:step(closure)
  if type(closure) ~= "function" then
    raise("LBFGS: step: argument closure: expected one that computes the loss anew, got %s", options.show(closure))
  end
  follow_resizes(self)
  local group, s = self.param_groups[1], copy_of(self.state)
  local params, first_loss = group.params, nil
  local function evaluate(x, t, d)
    if x then set_params(params, x) end
    local loss = modes.with_grad(true, closure)
    if first_loss == nil then first_loss = loss end
    s.func_evals = s.func_evals + 1
    local gradient = flat_gradient(params)
    return {t = t, f = value_of(loss), gradient = gradient, slope = d and dot(gradient, d)}
  end
  local start = flat_params(params)
  local ok, err = pcall(modes.with_grad, false, function()
    local point = evaluate()
    if largest(point.gradient) <= group.tolerance_grad then return end
    set_params(params, iterate(s, group, start, point, group.max_eval or group.max_iter * 5 // 4, evaluate))
    outlast(s)
  end)
  if not ok then
    set_params(params, start)
    error(err, 0)
  end
  self.state = s
  return first_loss
end

-- ---- state -----------------------------------------------------------------------------------------------------

local TENSORS, LISTS = {"d", "prev_flat_grad"}, {"old_dirs", "old_stps"}
local NUMBERS = {"func_evals", "n_iter", "t", "H_diag"}

local function copy_state(state)
  local copy = {}
  for _, key in ipairs(NUMBERS) do copy[key] = state[key] end
  for _, key in ipairs(TENSORS) do copy[key] = state[key] and core.handle(state[key]:clone()) end
  for _, key in ipairs(LISTS) do
    copy[key] = {}
    for i, vector in ipairs(state[key]) do copy[key][i] = core.handle(vector:clone()) end
  end
  return copy
end

--- The state, which belongs to all parameters together, under the first.
-- @return table
function LBFGS:get_state()
  follow_resizes(self)
  return {self.state.n_iter > 0 and copy_state(self.state) or nil}
end

local function check_vector(vector, like, key)
  if not core.is_tensor(vector) or vector:dim() ~= 1 or vector:numel() ~= like:numel() then
    raise("LBFGS: load_state_dict: state %s: expected a tensor of shape (%d), got %s", key, like:numel(),
          options.show(vector))
  elseif vector.is_sparse or vector.dtype ~= like.dtype then
    raise("LBFGS: load_state_dict: state %s: expected a dense tensor of %s, got %s%s", key, like.dtype,
          vector.is_sparse and "a sparse one of " or "", vector.dtype)
  end
end

-- Counts that are integers >= 0, numbers that are finite.
local function check_numbers(saved)
  for _, key in ipairs(NUMBERS) do
    local value, count = saved[key], key == "n_iter" or key == "func_evals"
    local fits = type(value) == "number" and value - value == 0 and (not count or math.tointeger(value) and value >= 0)
    if not (fits or key == "t" and value == nil and saved.n_iter == 0) then
      raise("LBFGS: load_state_dict: state %s: expected %s, got %s", key, count and "an integer >= 0" or "a number",
            options.show(value))
    end
  end
end

-- Copies the state, which stands under the first parameter, false if there is none.
function LBFGS:_prepare_states(params, states)
  local saved = states[1] or no_state()
  local like = flat_params(params)
  if type(saved) ~= "table" then
    raise("LBFGS: load_state_dict: state of parameter 1: expected a table, got %s", options.show(saved))
  end
  check_numbers(saved)
  for _, key in ipairs(TENSORS) do
    if saved.n_iter ~= 0 then check_vector(saved[key], like, key) end
  end
  for _, key in ipairs(LISTS) do
    if type(saved[key]) ~= "table" then raise("LBFGS: load_state_dict: state %s is no list", key) end
    for _, vector in ipairs(saved[key]) do check_vector(vector, like, key) end
  end
  if #saved.old_dirs ~= #saved.old_stps then
    raise("LBFGS: load_state_dict: state old_dirs has %d vectors, old_stps %d", #saved.old_dirs, #saved.old_stps)
  end
  local state, n = copy_state(saved), resizes(params)
  return function() self.state, self.resizes = state, n end
end

return LBFGS
