-- What every optimizer is: parameters in groups, each group with its options, and the state that the core keeps for
-- each parameter. The classes (SGD, Adam, ...) come from the core's update rules, see init.lua.

local arguments = require "embla.arguments.by_name"
local class = require "embla.base.class"
local copy = require "embla.optim.copy"
local core = require "embla.core"
local list_of = require("embla.base.list").of
local modes = require "embla.autograd.modes"
local note = require("embla.help.notes").note
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local two_steps = require "embla.base.two_steps"

local run_rule, forget = core.optimizer_step, core.zero_grad

local Optimizer = class "Optimizer"

-- ---- options of a rule -----------------------------------------------------------------------------------------

local KINDS = {bool = "boolean", number = "number", enum = "string"}

local function words(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

-- The core checks values, of a group changed between steps too. "betas[0]" and "betas[1]" are one option in Lua, {0.9,
-- 0.999}: that it is a pair is checked here.
local function rows_of(rule)
  local rows, pairs_ = {}, {}
  for _, opt in ipairs(rule.opts) do
    local name, place = opt.name:match("^(.-)%[(%d)%]$")
    if not name then
      rows[#rows + 1] = {name = opt.name, type = KINDS[opt.kind], default = opt.default, doc = opt.doc,
                         expects = opt.expects, by_core = true}
    elseif place == "0" then
      pairs_[name] = {name = name, type = "numbers", default = {opt.default}, doc = opt.doc,
                      check = function(value) return #value == 2 end, range = "of two"}
      rows[#rows + 1] = pairs_[name]
    else
      pairs_[name].default[2] = opt.default
      pairs_[name].doc = pairs_[name].doc .. "; " .. opt.doc
    end
  end
  return rows
end

--- Gives a class of optimizers its options.
-- @param cls  class that extends Optimizer
-- @param rows of its options, see embla.options
function Optimizer.describe_options(cls, rows)
  cls.spec = options.spec(cls.__name, rows)
  -- A group may carry a name, and what a schedule notes down for resuming.
  cls.group_spec = options.extend(cls.__name, cls.spec, {
    {name = "name", type = "string", doc = "of the group, for the reader"},
    {name = "initial_lr", type = "number", doc = "the lr that schedules start from"},
  })
end

--- The class of optimizers that follow an update rule of the core.
-- @param rule a member of core.rules()
-- @return a class
function Optimizer.from_rule(rule)
  local cls = Optimizer:extend(rule.name)
  cls.rule, cls.doc, cls.state_names = rule.name, rule.doc, words(rule.state)
  Optimizer.describe_options(cls, rows_of(rule))
  return cls
end

-- Refuses options that the rule cannot take, of a group that has a number if it is there already; where there is no
-- rule, the spec has said all.
local function check_options(self, given, number)
  if self.core then core.check_options(self.core, given, number or 0) end
end

-- ---- parameters ------------------------------------------------------------------------------------------------

local function is_module(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.is_module == true
end

-- Raises unless `params` can be a sequence of parameters (or groups), not empty.
local function check_sequence(name, params)
  if core.is_tensor(params) then
    raise("%s: params must be a sequence of tensors or of groups, got a tensor: write {t}", name)
  elseif is_module(params) then
    raise("%s: params must be a sequence of tensors or of groups, got a module: write net:parameters()", name)
  elseif type(params) ~= "table" then
    raise("%s: params must be a sequence of tensors or of groups, got %s", name, options.show(params))
  elseif #params == 0 and params.params ~= nil then
    raise("%s: params must be a sequence of tensors or of groups, got a single group: write {group}", name)
  elseif #params == 0 and next(params) ~= nil then
    raise("%s: params must be a sequence of tensors or of groups, got a table by name: write net:parameters()", name)
  elseif #params == 0 then
    raise("%s: optimizer got an empty parameter list", name)
  end
end

local function check_parameter(self, p, where, seen)
  if not core.is_tensor(p) then
    raise("%s: %s must be a tensor, got %s", self.__name, where, options.show(p))
  elseif not p.is_leaf then
    raise("%s: can't optimize a non-leaf Tensor: %s was computed from other tensors", self.__name, where)
  elseif seen[p] then
    raise("%s: some parameters appear more than once: %s is also %s", self.__name, where, seen[p])
  end
  seen[p] = where
end

-- A fresh list of the group's parameters, checked against all groups so far.
local function read_params(self, params)
  if core.is_tensor(params) then params = {params} end
  check_sequence(self.__name, params)
  local seen, list = {}, {}
  for g, group in ipairs(self.param_groups) do
    for i, p in ipairs(group.params) do seen[p] = ("parameter %d of group %d"):format(i, g) end
  end
  for i = 1, #params do
    check_parameter(self, params[i], ("parameter %d of group %d"):format(i, #self.param_groups + 1), seen)
    list[i] = params[i]
  end
  return list
end

-- ---- making ----------------------------------------------------------------------------------------------------

-- A list of tensors is one group; a list of tables is groups.
local function groups_of(name, params)
  check_sequence(name, params)
  if type(params[1]) == "table" then return params end
  return {{params = params}}
end

note("optimizer.param_groups", "optimizer.param_groups",
     "The groups: tables of params and the options that hold for them, which may be set between steps.",
     "@return list of tables")

--- Makes an optimizer.
-- @param params sequence of tensors, or of groups {params = {...}, lr = ..., ...} whose options win over `opt`
-- @param ...    options in the order of the rule, lr first, and then or only a table {lr =, ...}
-- @raise for an unknown option or one out of range, for no parameters, one given twice or one that is no leaf
function Optimizer:init(params, ...)
  self.defaults = self.spec.arguments(...)
  self.param_groups = list_of {}
  self.core = self.rule and core.new_optimizer(self.rule)
  check_options(self, self.defaults)
  for _, group in ipairs(groups_of(self.__name, params)) do self:add_param_group(group) end
end

--- Adds parameters, with options of their own.
-- @param group {params = sequence of tensors or one tensor, lr = ..., ...}; options left out are the optimizer's
-- @raise as the making of an optimizer does
function Optimizer:add_param_group(group)
  if type(group) ~= "table" or group.params == nil then
    raise("%s: a parameter group is a table {params = {...}, ...}, got %s", self.__name,
          type(group) == "table" and "one without params" or options.show(group))
  end
  local given = {}
  for name, default in pairs(self.defaults) do given[name] = default end
  for name, value in pairs(group) do given[name] = value end
  given.params = nil
  local new = self.group_spec.read(given)
  check_options(self, new)
  new.params = read_params(self, group.params)
  self.param_groups[#self.param_groups + 1] = new
end

-- ---- working ---------------------------------------------------------------------------------------------------

local step_spec = options.spec("step", {
  {name = "closure", type = "function", doc = "computes the loss and its gradients anew"},
})

--- Updates every parameter that has a gradient, by the rule and the options of its group as they stand now.
-- Either all are updated or, when one cannot be, none.
-- @param closure function that computes the loss and its gradients anew, or nil
-- @return what the closure returned
-- @raise if a gradient does not fit its parameter or the rule, or an option is out of range
local function update(self, closure)
  if self == nil then arguments.wrong_self(Optimizer, "step", self) end
  local loss
  if closure ~= nil then
    if type(closure) == "table" and not getmetatable(closure) then closure = step_spec.read(closure).closure end
    if type(closure) ~= "function" then
      raise("%s: step: argument closure: expected a function, got %s", self.__name, options.show(closure))
    end
    loss = modes.with_grad(true, closure)
  end
  return (run_rule(self.core, self.param_groups, loss))
end
rawset(Optimizer, "step", update)                       -- it reads its arguments itself: a loop pays for nothing else

--- Forgets the gradients.
-- @param opt {set_to_none = true}; false puts zeros in place of a dense gradient, no entries in that of a sparse one
function Optimizer:zero_grad(opt)
  local set_to_none = true
  if opt ~= nil then set_to_none = Optimizer.zero_grad_spec.arguments(opt).set_to_none end
  local groups = self.param_groups
  for g = 1, #groups do forget(groups[g].params, set_to_none) end
end

Optimizer.zero_grad_spec = options.spec("zero_grad", {
  {name = "set_to_none", type = "boolean", default = true, doc = "grad becomes nil rather than zeros"},
})

-- ---- state -----------------------------------------------------------------------------------------------------

--- Copies of the state of each parameter.
-- @return table by number, nil for a parameter not yet updated
function Optimizer:get_state()
  local state, number = {}, 0
  for g, group in ipairs(self.param_groups) do
    for _, p in ipairs(group.params) do
      number = number + 1
      state[number] = core.optimizer_state(self.core, p, group, g)
    end
  end
  return state
end

--- What is needed to go on from here: a snapshot, that later steps do not change.
-- @return {state = {[i] = {step =, exp_avg =, ...}}, param_groups = {{lr =, ..., params = {1, 2, ...}}}}; parameters
--   are numbered from 1 through all groups, those not yet updated have no state
function Optimizer:state_dict()
  local groups, number = {}, 0
  for g, group in ipairs(self.param_groups) do
    local saved = {}
    for key, value in pairs(group) do
      if key ~= "params" then saved[key] = copy(value) end
    end
    saved.params = {}
    for i in ipairs(group.params) do
      number = number + 1
      saved.params[i] = number
    end
    groups[g] = saved
  end
  return list_of {state = list_of(self:get_state()), param_groups = list_of(groups)}
end

local function check_dict(self, dict)
  local groups = type(dict) == "table" and dict.param_groups
  if type(groups) ~= "table" or type(dict.state) ~= "table" then
    raise("%s: load_state_dict: argument dict: expected a table {state =, param_groups =}, got %s", self.__name,
          options.show(dict))
  end
  if #groups ~= #self.param_groups then
    raise("%s: loaded state dict has a different number of parameter groups: %d, not %d", self.__name, #groups,
          #self.param_groups)
  end
  for g, group in ipairs(groups) do
    if type(group) ~= "table" or type(group.params) ~= "table" or #group.params ~= #self.param_groups[g].params then
      raise("%s: loaded state dict contains a parameter group that doesn't match the size of optimizer's group %d",
            self.__name, g)
    end
  end
end

-- State that is there only with some options: amsgrad, momentum, centered.
local SOMETIMES = {max_exp_avg_sq = true, momentum_buffer = true, grad_avg = true}

local MOST_STEPS = (1 << 53) - 1

-- The state of parameter number i with its step as an integer, however it was saved.
local function read_state(self, saved, i)
  if type(saved) ~= "table" then
    raise("%s: load_state_dict: state of parameter %d: expected a table, got %s", self.__name, i, options.show(saved))
  end
  local state = {}
  for key, value in pairs(saved) do state[key] = value end
  local step = state.step
  if core.is_tensor(step) and not step.is_sparse and step:numel() == 1 then step = step:item() end
  state.step = type(step) == "number" and math.tointeger(step)
  if not state.step or state.step < 0 or state.step > MOST_STEPS then
    raise("%s: load_state_dict: step of parameter %d: expected an integer from 0 to 2^53 - 1, got %s", self.__name, i,
          options.show(step))
  end
  for _, name in ipairs(self.state_names) do
    if state.step > 0 and state[name] == nil and not SOMETIMES[name] then
      raise("%s: load_state_dict: state of parameter %d: %s is missing", self.__name, i, name)
    end
  end
  return state
end

-- What a saved group says, but for its parameters. Options that it lacks, being younger than it, stay as they are.
local function read_group(self, saved, g)
  local group, given = copy(saved), {}
  group.params = nil
  if group.lr == nil then raise("%s: load_state_dict: param_groups[%d]: lr is missing", self.__name, g) end
  check_options(self, group, g)
  for _, row in ipairs(self.group_spec.rows) do
    if group[row.name] == nil then group[row.name] = self.param_groups[g][row.name] end
    given[row.name] = group[row.name]
  end
  self.group_spec.read(given)
  return group
end

-- Refuses numbers of parameters that are none, or come twice.
local function check_numbers(self, groups)
  local seen = {}
  for g, group in ipairs(groups) do
    for _, number in ipairs(group.params) do
      if not math.tointeger(number) then
        raise("%s: load_state_dict: param_groups[%d].params: expected numbers of parameters, got %s", self.__name, g,
              options.show(number))
      elseif seen[number] then
        raise("%s: load_state_dict: param_groups[%d].params: parameter %d comes twice", self.__name, g, number)
      end
      seen[number] = true
    end
  end
end

local function refill(group, saved)
  local params = group.params
  for key in pairs(group) do group[key] = nil end
  for key, value in pairs(saved) do group[key] = value end
  group.params = params
end

-- Copies states, which the function that it returns takes over: list of parameters, list with the state of each, false
-- for none.
function Optimizer:_prepare_states(params, states)
  local list, fresh = {}, core.new_optimizer(self.rule)
  for i, saved in ipairs(states) do list[i] = saved and read_state(self, saved, i) end
  core.set_optimizer_state(fresh, params, list)
  return function() self.core = fresh end
end

function Optimizer:_prepare_load(dict)
  check_dict(self, dict)
  check_numbers(self, dict.param_groups)
  local params, states, groups = {}, {}, {}
  for g, saved in ipairs(dict.param_groups) do
    groups[g] = read_group(self, saved, g)
    for i, number in ipairs(saved.params) do
      params[#params + 1] = self.param_groups[g].params[i]
      states[#params] = dict.state[number] or false
    end
  end
  local take_states = self:_prepare_states(params, states)
  return function()
    take_states()
    for g, saved in ipairs(groups) do refill(self.param_groups[g], saved) end
  end
end

--- Goes on from what state_dict returned: the same steps then give the same bits.
-- @param dict as returned by state_dict of an optimizer of the same class and with the same parameters; copied
-- @raise if the groups, their options, a step or a state tensor do not fit or are missing; nothing is loaded then
function Optimizer:load_state_dict(dict) self:_prepare_load(dict)() end
two_steps.note(Optimizer)

-- ---- text ------------------------------------------------------------------------------------------------------

local function show(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = show(item) end
  return "(" .. table.concat(parts, ", ") .. ")"
end

local function describe(self)
  local lines = {self.__name .. " ("}
  for g, group in ipairs(self.param_groups) do
    lines[#lines + 1] = "Parameter Group " .. g
    local keys = {}
    for key in pairs(group) do
      if key ~= "params" then keys[#keys + 1] = key end
    end
    table.sort(keys)
    for _, key in ipairs(keys) do lines[#lines + 1] = ("    %s: %s"):format(key, show(group[key])) end
  end
  lines[#lines + 1] = ")"
  return table.concat(lines, "\n")
end
Optimizer.__tostring = describe

return Optimizer
