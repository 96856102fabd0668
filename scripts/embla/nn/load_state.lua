-- What Module:load_state_dict does once it knows the module's tensors: all names and shapes are compared, then all
-- values are copied.

local core = require "embla.core"
local options = require "embla.arguments.options"
local shape_text = require("embla.arguments.expect").shape_text
local printed = require "embla.base.list"
local raise = require "embla.errors.raise"

-- ---- comparing -------------------------------------------------------------------------------------------------

-- Whether several elements lie in one place, where none can have a value of its own.
local function is_expanded(tensor)
  for i, step in ipairs(tensor:stride()) do
    if step == 0 and tensor:size(i - 1) > 1 then return true end
  end
  return false
end

-- Why a tensor cannot take what is given for it, or nil.
local function misfit(tensor, given)
  if not core.is_tensor(given) then return "expected a tensor, got " .. options.show(given) end
  if given.is_sparse then return "expected a dense tensor, got a sparse one" end
  local from, to = shape_text(given), shape_text(tensor)
  if from ~= to then return ("shape %s given, %s expected"):format(from, to) end
  return is_expanded(tensor) and "the module's tensor is expanded and cannot be written to" or nil
end

-- Names that the state lacks, in the module's order. Of a tensor with several names one is enough: writers of files
-- leave the others out.
local function missing_names(own, state)
  local found, names = {}, {}
  for name, tensor in pairs(own) do
    if state[name] ~= nil then found[tensor] = true end
  end
  for name, tensor in pairs(own) do
    if state[name] == nil and not found[tensor] then names[#names + 1] = name end
  end
  return names
end

local function unexpected_names(own, state)
  local names = {}
  for name in pairs(state) do
    if own[name] == nil then names[#names + 1] = tostring(name) end
  end
  table.sort(names)
  return names
end

-- "module." if every one of `shorter`, with that before it, is among `longer`; nil if there is no such word.
local function prefix_between(shorter, longer)
  local first, is_there = shorter[1], {}
  for _, name in ipairs(longer) do is_there[name] = true end
  for _, name in ipairs(first and longer or {}) do
    local prefix = name:sub(1, -#first - 1)
    if prefix:sub(-1) == "." and prefix .. first == name then
      local fits = true
      for _, short in ipairs(shorter) do fits = fits and is_there[prefix .. short] end
      if fits then return prefix end
    end
  end
end

-- What to do about names that differ by what stands before them, or nil.
local function advice(missing, unexpected)
  local more, less = prefix_between(missing, unexpected), prefix_between(unexpected, missing)
  if more then
    return ("the missing names are there behind %q, which "):format(more)
           .. ("nn.utils.consume_prefix_in_state_dict_if_present(state, %q) takes off"):format(more)
  end
  return less and ("the state is that of the module's part %q"):format(less:sub(1, -2))
end

-- All that is wrong: list of texts.
local function faults_of(own, state, strict, missing, unexpected)
  local faults = {}
  if strict and #missing > 0 then faults[1] = "missing: " .. table.concat(missing, ", ") end
  if strict and #unexpected > 0 then faults[#faults + 1] = "unexpected: " .. table.concat(unexpected, ", ") end
  for name, tensor in pairs(own) do
    local fault = state[name] ~= nil and misfit(tensor, state[name])
    if fault then faults[#faults + 1] = name .. ": " .. fault end
  end
  faults[#faults + 1] = strict and advice(missing, unexpected) or nil
  return faults
end

-- ---- loading ---------------------------------------------------------------------------------------------------

--- Compares a state with the tensors of a module and makes copies, all that can fail: the first of two steps.
-- @param owner  the module's name, for messages
-- @param own    ordered table name -> Tensor, the module's
-- @param state  table name -> Tensor
-- @param strict whether every name must be there, and no other
-- @return function that puts the copies into the module's tensors and returns {missing_keys = sequence,
--         unexpected_keys = sequence}
-- @raise names that are missing or unexpected (when strict), and all shapes that differ
local function load_state(owner, own, state, strict)
  local missing, unexpected = missing_names(own, state), unexpected_names(own, state)
  local faults = faults_of(own, state, strict, missing, unexpected)
  if #faults > 0 then raise("%s: load_state_dict: argument state: %s", owner, table.concat(faults, "; ")) end
  local copies = {}                               -- all that can fail comes first
  for name, tensor in pairs(own) do
    local given = state[name]
    if given ~= nil then copies[#copies + 1] = {to = tensor:detach(), from = given:detach():to(tensor.dtype)} end
  end
  return function()
    for _, copy_of in ipairs(copies) do copy_of.to:copy_(copy_of.from) end
    return printed.of {missing_keys = printed.of(missing), unexpected_keys = printed.of(unexpected)}
  end
end

return load_state
