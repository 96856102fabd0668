-- nn.Module: what every layer and every network is. A module is a table; its fields that hold Parameters, buffers and
-- other modules are found in the order in which they were first assigned. A field may also be a plain Lua table of
-- modules and Parameters, filled when it is assigned or later, tables in it included: they are found when somebody asks
-- for them, named as those of a ModuleList ("layers.0.weight") or ModuleDict. Behind a metatable or in a function
-- nothing is looked for.

local arguments = require "embla.arguments.by_name"
local class = require "embla.base.class"
local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local load_state = require "embla.nn.load_state"
local printed = require "embla.base.list"
local options = require "embla.arguments.options"
local ordered = require "embla.base.ordered"
local Parameter = require "embla.nn.parameter"
local raise = require "embla.errors.raise"
local two_steps = require "embla.base.two_steps"

local type = type                                       -- each call of a module asks for it

local Module = class "Module"
Module.is_module = true

-- ---- fields ----------------------------------------------------------------------------------------------------

--- Makes the bare module: fields are kept in the table itself, so that reading one costs nothing; `_keys` notes their
-- order, `_parameters`, `_buffers` and `_modules` what was registered.
-- @return table of the class
function Module:allocate()
  return setmetatable({training = true, _keys = {}, _place = {}, _parameters = {}, _buffers = {}, _modules = {}}, self)
end

local function is_module(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.is_module == true
end

function Module.__newindex(self, key, value)
  if value == nil then return end
  rawset(self, key, value)
  class.note(key)
  if not self._place[key] then
    self._keys[#self._keys + 1] = key
    self._place[key] = #self._keys
  end
  if core.is_parameter(value) then self._parameters[key] = true end
  if is_module(value) then self._modules[key] = true end
end

-- The name of a field, as PyTorch has it: the members of a list are named from 0.
local function name_of(key)
  return math.type(key) == "integer" and tostring(key - 1) or tostring(key)
end

-- "parameter", "buffer", "module" or nil: what a field is to its module.
local function kind_of(module, key, value)
  if is_module(value) then return "module" end
  if core.is_parameter(value) then return "parameter" end
  if module._parameters[key] then
    raise("%s: field %s was a Parameter and now holds %s: wrap a tensor in nn.Parameter, copy into the old one with "
          .. "copy_, or take it away with nil", module.__name, name_of(key),
          core.is_tensor(value) and "a plain tensor" or options.show(value))
  end
  if module._modules[key] then
    raise("%s: field %s was a module and now holds %s: give it a module, or take it away with nil", module.__name,
          name_of(key), options.show(value))
  end
  if not core.is_tensor(value) then return nil end
  return module._buffers[key] and "buffer" or nil
end

-- The keys of a plain table: positions in order, then names by the alphabet.
local function sorted_keys(list)
  local keys = {}
  for key in next, list do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    local x, y = math.type(a) == "integer", math.type(b) == "integer"
    if x ~= y then return x end
    return x and a < b or not x and tostring(a) < tostring(b)
  end)
  return keys
end

-- Whether a plain table holds, however deep, a module or a Parameter: most are data. `seen`: tables looked into.
local function holds_any(list, seen)
  if seen[list] then return false end
  seen[list] = true
  for _, value in next, list do
    local kind = type(value)
    if kind == "userdata" and core.is_parameter(value) or kind == "table" and (is_module(value) or
        getmetatable(value) == nil and holds_any(value, seen)) then
      return true
    end
  end
  return false
end

-- Calls visit(name, value, table, key) for the modules or Parameters in a plain table and in those in it. `path`: the
-- tables around it, for one that holds itself.
local function visit_table(module, list, prefix, kind, path, visit)
  if path[list] then return end
  path[list] = true
  for _, key in ipairs(sorted_keys(list)) do
    local value = list[key]
    local is_table = type(value) == "table" and getmetatable(value) == nil
    local member = is_module(value) and "module" or core.is_parameter(value) and "parameter"
    if (is_table or member) and type(key) ~= "string" and math.type(key) ~= "integer" then
      raise("%s: field %s has a %s under the key %s: expected a name or a position", module.__name,
            prefix:sub(1, -2), member or "table", tostring(key))
    elseif is_table then
      visit_table(module, value, prefix .. name_of(key) .. ".", kind, path, visit)
    elseif member == kind then
      visit(prefix .. name_of(key), value, list, key)
    end
  end
  path[list] = nil
end

-- Calls visit(name, value, table, key) for the fields of one kind: table[key] is the value.
local function each_field(module, kind, visit)
  for _, key in ipairs(module._keys) do
    local value = rawget(module, key)
    if type(value) == "table" and getmetatable(value) == nil then
      if kind ~= "buffer" and holds_any(value, {}) then
        visit_table(module, value, name_of(key) .. ".", kind, {}, visit)
      end
    elseif value ~= nil and kind_of(module, key, value) == kind then
      visit(name_of(key), value, module, key)
    end
  end
end

local buffer_spec = options.spec("register_buffer", {
  {name = "persistent", type = "boolean", default = true, doc = "whether state_dict holds it"},
})

--- Registers a tensor that belongs to the module without being trained (a running mean): it is saved and converted, and
-- outlasts a scope around the call.
-- @param name   text, the field
-- @param tensor Tensor, or nil for none yet
-- @param opt    the options
-- @raise if the name is taken or the value is no tensor
function Module:register_buffer(name, tensor, opt)
  local o = buffer_spec.arguments(opt)
  self:_check_new("register_buffer", name, tensor)
  self._buffers[name] = o.persistent and "persistent" or "transient"
  self[name] = tensor and core.outlast(tensor)
end

--- Registers a parameter under a name; the same as assigning it to the field.
-- @param name      text
-- @param parameter Parameter, or nil for none yet
-- @raise if the name is taken or the value is no Parameter
function Module:register_parameter(name, parameter)
  self:_check_new("register_parameter", name, parameter)
  if parameter ~= nil and not core.is_parameter(parameter) then
    raise("register_parameter: argument parameter: expected a Parameter, got a plain tensor (wrap it in nn.Parameter)")
  end
  self._parameters[name] = true
  self[name] = parameter
end

--- Adds a module under a name; the same as assigning it to the field.
-- @param name   text, or a position counted from 1
-- @param module Module
-- @raise if the name is taken or the value is no module
function Module:add_module(name, module)
  if not is_module(module) then
    raise("add_module: argument module: expected a module, got %s", options.show(module))
  end
  self:_check_name("add_module", name)
  self[name] = module
end

function Module:_check_name(caller, name)
  if type(name) ~= "string" and math.type(name) ~= "integer" or name == "" then
    raise("%s: argument name: expected a name, got %s", caller, options.show(name))
  end
  if type(name) == "string" and name:find(".", 1, true) then raise("%s: name %q must not hold a dot", caller, name) end
  if self[name] ~= nil then raise("%s: field %s of %s is taken", caller, name_of(name), self.__name) end
end

function Module:_check_new(caller, name, tensor)
  self:_check_name(caller, name)
  if tensor ~= nil and not core.is_tensor(tensor) then
    raise("%s: argument tensor: expected a tensor for %s, got %s", caller, name, options.show(tensor))
  end
end

-- ---- walking ---------------------------------------------------------------------------------------------------

-- Calls visit(module, prefix) for the module and all in it, outermost first, each once.
local function walk(module, prefix, seen, visit)
  if seen[module] then return end
  seen[module] = true
  visit(module, prefix)
  each_field(module, "module", function(name, child) walk(child, prefix .. name .. ".", seen, visit) end)
end

-- Parameters or buffers of the whole tree by full name; a shared one under its first name only.
local function named_tensors(self, kind)
  local found, seen = ordered(), {}
  walk(self, "", {}, function(module, prefix)
    each_field(module, kind, function(name, tensor)
      if not seen[tensor] then found[prefix .. name] = tensor end
      seen[tensor] = true
    end)
  end)
  return found
end

local function values(named)
  local found = {}
  for _, value in pairs(named) do found[#found + 1] = value end
  return printed.of(found)
end

--- All parameters with their names, in order of definition, a shared one once.
-- @return ordered table name -> Parameter: `for name, p in net:named_parameters() do`, or pairs() of it
function Module:named_parameters() return named_tensors(self, "parameter") end

--- All parameters, in order of definition, a shared one once.
-- @return sequence of Parameters
function Module:parameters() return values(named_tensors(self, "parameter")) end

--- All buffers with their names.
-- @return ordered table name -> Tensor
function Module:named_buffers() return named_tensors(self, "buffer") end

--- All buffers.
-- @return sequence of Tensors
function Module:buffers() return values(named_tensors(self, "buffer")) end

--- The modules that are fields of this one, or in plain tables that are, with their names.
-- @return ordered table name -> Module
function Module:named_children()
  local found, seen = ordered(), {}
  each_field(self, "module", function(name, child)
    if not seen[child] then found[name] = child end
    seen[child] = true
  end)
  return found
end

--- The modules that are fields of this one.
-- @return sequence of Modules
function Module:children() return values(self:named_children()) end

--- This module (named "") and all in it, with their full names, each once.
-- @return ordered table name -> Module
function Module:named_modules()
  local found = ordered()
  walk(self, "", {}, function(module, prefix) found[prefix:sub(1, -2)] = module end)
  return found
end

--- This module and all in it, each once.
-- @return sequence of Modules
function Module:modules() return values(self:named_modules()) end

--- Calls a function with every module, the innermost first.
-- @param f function(module)
-- @return the module itself
function Module:apply(f)
  if type(f) ~= "function" then raise("apply: argument f: expected a function, got %s", options.show(f)) end
  for _, child in ipairs(self:children()) do child:apply(f) end
  f(self)
  return self
end

-- ---- modes -----------------------------------------------------------------------------------------------------

--- Sets training mode for this module and all in it: Dropout drops, normalizations gather statistics.
-- @param mode boolean, default true
-- @return the module itself
function Module:train(mode)
  if mode == nil then mode = true end
  if type(mode) ~= "boolean" then raise("train: argument mode: expected boolean, got %s", options.show(mode)) end
  for _, module in ipairs(self:modules()) do module.training = mode end
  return self
end

--- Sets evaluation mode: train(false).
-- @return the module itself
function Module:eval() return self:train(false) end

--- Sets whether the parameters are trained.
-- @param on boolean, default true
-- @return the module itself
function Module:requires_grad_(on)
  if on == nil then on = true end
  if type(on) ~= "boolean" then raise("requires_grad_: argument on: expected boolean, got %s", options.show(on)) end
  for _, parameter in ipairs(self:parameters()) do parameter:requires_grad_(on) end
  return self
end

local zero_grad_spec = options.spec("zero_grad", {
  {name = "set_to_none", type = "boolean", default = true, doc = "false: dense gradients become zeros instead of nil"},
})

--- Takes the gradients away: every parameter's grad becomes nil.
-- @param opt the options
function Module:zero_grad(opt)
  local keep = not zero_grad_spec.arguments(opt).set_to_none
  for _, parameter in ipairs(self:parameters()) do
    local grad = parameter.grad
    if keep and grad and not grad.is_sparse then grad:detach():zero_() else parameter.grad = nil end
  end
end

-- ---- conversion ------------------------------------------------------------------------------------------------

-- The tensor in another dtype; a parameter stays one, with its gradient.
local function convert(tensor, dtype)
  if not dtypes.IS_FLOAT[tensor.dtype] or tensor.dtype == dtype then return tensor end
  local converted = tensor:detach():to(dtype)
  if not core.is_parameter(tensor) then return converted end
  local parameter = Parameter(converted, tensor.requires_grad)
  if tensor.grad then parameter.grad = tensor.grad:to(dtype) end
  core.set_frozen_rows(parameter, core.frozen_rows(tensor))
  return parameter
end

--- Converts the parameters and buffers of a float dtype. They become new tensors: make the optimizer afterwards.
-- @param dtype "float32", "float64", "float16" or "bfloat16"
-- @return the module itself
-- @raise if the dtype is another
function Module:to(dtype)
  if not dtypes.IS_FLOAT[dtype] then
    raise("to: argument dtype: expected float32, float64, float16 or bfloat16, got %s", options.show(dtype))
  end
  local made, modules = {}, self:modules()
  local function each(visit)
    for _, module in ipairs(modules) do
      for _, kind in ipairs {"parameter", "buffer"} do
        each_field(module, kind, function(_, tensor, holder, key) visit(holder, key, tensor) end)
      end
    end
  end
  each(function(_, _, tensor) made[tensor] = made[tensor] or core.outlast(convert(tensor, dtype)) end)
  each(function(module, key, tensor) module[key] = made[tensor] end)
  return self
end

--- Converts to float32.
-- @return the module itself
function Module:float() return self:to "float32" end

--- Converts to float64.
-- @return the module itself
function Module:double() return self:to "float64" end

--- Converts to float16.
-- @return the module itself
function Module:half() return self:to "float16" end

--- Converts to bfloat16.
-- @return the module itself
function Module:bfloat16() return self:to "bfloat16" end

-- ---- copies ----------------------------------------------------------------------------------------------------

-- A deep copy of modules, tensors and plain tables; `made` holds what is copied already, so that sharing is kept.
local function copy(value, made)
  if made[value] ~= nil then return made[value] end
  if core.is_tensor(value) then
    local tensor = value:detach():clone()
    made[value] = core.is_parameter(value) and Parameter(tensor, value.requires_grad) or tensor
    if value.is_leaf then core.set_frozen_rows(made[value], core.frozen_rows(value)) end
    return made[value]
  end
  if type(value) ~= "table" or not printed.is_plain(value) and not is_module(value) then return value end
  local new = is_module(value) and getmetatable(value):allocate() or setmetatable({}, getmetatable(value))
  made[value] = new
  for key, member in next, value do rawset(new, key, copy(member, made)) end
  return new
end

--- A copy of the module and all in it, with parameters and buffers of its own; what is shared inside it stays shared
-- in the copy. Gradients are not copied.
-- @return Module
function Module:clone() return copy(self, {}) end

-- ---- state -----------------------------------------------------------------------------------------------------

-- Everything that is saved, by full name; a shared parameter under each of its names.
local function saved_tensors(self)
  local found = ordered()
  -- `seen` is the path from the root, not all that was met: a module used twice is saved under both names.
  local function collect(module, prefix, seen)
    if seen[module] then return end
    seen[module] = true
    each_field(module, "parameter", function(name, tensor) found[prefix .. name] = tensor end)
    each_field(module, "buffer", function(name, tensor, _, key)
      if module._buffers[key] == "persistent" then found[prefix .. name] = tensor end
    end)
    each_field(module, "module", function(name, child) collect(child, prefix .. name .. ".", seen) end)
    seen[module] = nil
  end
  collect(self, "", {})
  return found
end

--- Parameters and persistent buffers by name ("0.weight" is the weight of the first layer of a Sequential).
-- @return table name -> Tensor, sharing storage with the module; pairs() goes in order of definition
function Module:state_dict()
  local state = ordered()
  for name, tensor in pairs(saved_tensors(self)) do state[name] = tensor:detach() end
  return state
end

local load_spec = options.spec("load_state_dict", {
  {name = "strict", type = "boolean", default = true, doc = "whether every name must be there, and no other"},
})

function Module:_prepare_load(state, strict)
  if type(state) ~= "table" then
    raise("load_state_dict: argument state: expected a table, got %s", options.show(state))
  end
  return load_state(self.__name, saved_tensors(self), state, strict ~= false)
end

--- Copies the tensors of a state into the module: all of them, or none if anything does not fit. Of a tensor that the
-- module has under several names the state needs one.
-- @param state table name -> Tensor, as from state_dict, embla.load or io.safetensors.load, PyTorch's files included
-- @param ...   the options, by position or by name
-- @return {missing_keys = sequence, unexpected_keys = sequence}
-- @raise names that are missing or unexpected (when strict), and all shapes that differ
function Module:load_state_dict(state, ...)
  -- What io.safetensors.load returns after the tensors is no option, where its call is the argument.
  local metadata, widened = ...
  local is_file = type(metadata) == "table" and type(widened) == "table"
  return self:_prepare_load(state, is_file or load_spec.arguments(...).strict)()
end
two_steps.note(Module)

-- ---- calling and showing ---------------------------------------------------------------------------------------

--- Computes the module's result; calling the module calls this. Each class defines its own.
-- @raise if the class has none
function Module:forward() raise("%s: the class defines no forward", self.__name) end

-- Not a tail call, for a variable waits to be closed: an error inside finds this frame, and the module in it, even
-- where forward has gone on with a tail call of its own (errors/place.lua). A table may hold names, which others read
-- for the forwards of the library.
function Module.__call(self, ...)
  local _ <close> = nil
  local first = ...
  local forward = self.forward
  if type(first) == "table" then forward = arguments.of_forward[forward] or forward end
  return forward(self, ...)
end

--- What tostring shows between the brackets; classes with options define their own.
-- @return text
function Module.extra_repr() return "" end

-- Appends the text of a module, whose further lines begin with `margin`. Modules may lie deeper in one another than
-- tostring can call itself. `outer` is the way from the root.
local function describe(module, margin, outer, parts)
  if outer[module] then
    parts[#parts + 1] = module.__name .. "(...)"
    return
  end
  outer[module] = true
  local extra, inner, empty = module:extra_repr(), margin .. "  ", true
  parts[#parts + 1] = module.__name .. "("
  local place = #parts + 1
  parts[place] = ""
  each_field(module, "module", function(name, child)
    empty = false
    parts[#parts + 1] = ("%s(%s): "):format(inner, name)
    if getmetatable(child).__tostring == Module.__tostring then
      describe(child, inner, outer, parts)
    else
      parts[#parts + 1] = (tostring(child):gsub("\n", inner))
    end
  end)
  outer[module] = nil
  if extra ~= "" then parts[place] = empty and (extra:gsub("\n", margin)) or inner .. (extra:gsub("\n", inner)) end
  parts[#parts + 1] = empty and ")" or margin .. ")"
end

--- The tree of modules, as PyTorch shows it.
-- @return text
function Module.__tostring(self)
  local parts = {}
  describe(self, "\n", {}, parts)
  return table.concat(parts)
end

--- The parameters that are a module's own, not those of modules in it.
-- @param module Module
-- @return sequence of Parameters
function Module.own_parameters(module)
  local list = {}
  each_field(module, "parameter", function(_, parameter) list[#list + 1] = parameter end)
  return list
end

--- Whether a value is a module.
-- @param value anything
-- @return boolean
Module.is_instance = is_module

return Module
