-- The core's operations as functions of F and methods of tensors. core.ops holds the C functions, called by position;
-- this file hands them out, reads their named options, and tells help what they are.

local arguments = require "embla.arguments.by_name"
local core = require "embla.core"
local options = require "embla.arguments.options"
local place = require "embla.errors.place"

local ops = {functional = {}}
local described = {}

local function optional_options(rows)
  local list = {}
  for i, row in ipairs(rows) do
    local copy = {}
    for key, value in pairs(row) do copy[key] = value end
    if copy.initial == "!" then copy.initial = "" end       -- given by position; the core checks that it is
    list[i] = copy
  end
  return list
end

-- What a call may name: inputs, as any value, since the core checks them; then the options.
local function named_spec(name, inputs, spec)
  local rows = {}
  for i, input in ipairs(inputs) do rows[i] = {name = input, type = "any", doc = "see above"} end
  local named = options.extend(name, options.spec(name, rows), spec.rows)
  named.also = arguments.also(inputs[1] == "tensors" and {} or inputs, spec.names)
  return named
end

--- What an operation takes.
-- @param name its name
-- @return {name, doc, inputs = {names}, optional = {names}, outputs, spec, inplace, differentiable}, or nil
function ops.describe(name)
  if described[name] then return described[name] end
  local raw = core.op_spec(name)
  if not raw then return nil end
  local spec = options.from_op(name, optional_options(raw.opts))
  described[name] = {
    name = name, doc = raw.doc, inputs = raw.inputs, optional = raw.optional, outputs = raw.outputs, spec = spec,
    inplace = raw.inplace, differentiable = raw.differentiable, rows = raw.opts,
    named = named_spec(name, raw.inputs, spec),
  }
  return described[name]
end

core.set_network(place.in_network)
core.set_names(arguments.in_order)
core.set_reader(function(name, given) return options.given(ops.describe(name).named, given) end)

-- ---- names -----------------------------------------------------------------------------------------------------

local methods = core.methods
local name_of = {}

local function add(name, f)
  ops.functional[name] = f
  methods[name] = f
end

for name, f in pairs(core.ops) do
  name_of[f] = name
  add(name, f)
end

--- The text about an operation.
-- @param subject its name or its function
-- @return text, or nil if there is no such operation
function ops.doc(subject)
  local name = name_of[subject] or subject
  local op = type(name) == "string" and ops.describe((name:gsub("_$", "")))
  if not op then return nil end
  local options_text = op.spec.describe()
  local head = ("%s(%s)"):format(name, table.concat(op.inputs, ", "))
  return head .. "\n" .. op.doc .. (options_text ~= "" and "\nOptions:\n" .. options_text or "")
end

return ops
