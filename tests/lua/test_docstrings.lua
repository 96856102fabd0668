-- Every public function, method and class is described, and by its real parameters: those of the comment above it are
-- compared with those of the function; its options stand in their spec alone.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local arguments = require "embla.arguments.by_name"
local embla = require "embla"
local core = require "embla.core"
local help = require "embla.help"
local notes = require "embla.help.notes"
local ops = require "embla.tensor.operations"

-- ---- what is public --------------------------------------------------------------------------------------------

-- Hooks that classes of the library define for their base, which describes them; and what only the library calls.
local INTERNAL = {extra_repr = true, setup = true, rate = true, restart = true, note_rates = true, adopt = true,
                  is_instance = true}

local function is_class(value)
  return type(value) == "table" and rawget(value, "__name") ~= nil and rawget(value, "__index") == value
end

local HOMES = {
  ["embla."] = embla, ["autograd."] = embla.autograd, ["utils."] = embla.utils, ["F."] = embla.F, ["nn."] = embla.nn,
  ["nn.init."] = embla.nn.init, ["nn.utils."] = embla.nn.utils, ["nn.utils.rnn."] = embla.nn.utils.rnn,
  ["optim."] = embla.optim, ["lr_scheduler."] = embla.optim.lr_scheduler, ["data."] = embla.data,
  ["text."] = embla.text, ["io."] = embla.io, ["io.json."] = embla.io.json, ["log."] = embla.log,
  ["metrics."] = embla.metrics, ["t:"] = core.methods,
}

-- Calls visit(name, function, class or nil) for each public function, and visit_class(name, class) for each class.
local function walk(visit, visit_class)
  local seen = {}
  local function go(name, value, cls)
    if seen[value] then return end
    seen[value] = true
    if type(value) == "function" then
      visit(name, value, cls)
    elseif is_class(value) then
      visit_class(name, value)
      for key, method in pairs(value) do
        if type(key) == "string" and not key:match "^_" and not INTERNAL[key] and type(method) == "function" then
          go(name .. ":" .. key, method, value)
        end
      end
      if value.super then go(name .. "'s base", value.super) end
    end
  end
  for prefix, home in pairs(HOMES) do
    for key, value in pairs(home) do
      if type(key) == "string" and not key:match "^_" then go(prefix .. key, value) end
    end
  end
end

local function report(found)
  table.sort(found)
  if #found > 0 then t.fail(table.concat(found, "\n")) end
end

-- The text about a function that no comment stands above: one written in C, or one that was made for several names.
local function apart(f) return core.row(f) or notes.text(arguments.origin(f)) end

-- ---- texts -----------------------------------------------------------------------------------------------------

-- The text about a function; of a method that replaces its base's, perhaps the base's.
local function text_of(f, cls, key)
  local text = help.text(f)
  while cls and not (text and text:find "\n") do
    cls = cls.super
    local inherited = cls and rawget(cls, key)
    text = inherited and help.text(inherited) or nil
  end
  return text and text:find "\n" and text or nil
end

t.test("every function and class is described", function()
  local silent = {}
  walk(function(name, f, cls)
    local key = name:match "([%w_]+)$"
    local made_from_op = cls and rawget(cls, "doc") and (key == "init" or key == "forward" or key == "apply")
    if not made_from_op and not text_of(f, cls, key) then silent[#silent + 1] = name end
  end, function(name, cls)
    local text = help.text(cls)
    if not text or not text:find "\n" then silent[#silent + 1] = "class " .. name end
  end)
  report(silent)
end)

-- ---- parameters ------------------------------------------------------------------------------------------------

-- Parameters as a set, without those whose names say that they are not for the caller.
local function real_parameters(f)
  f = arguments.origin(f)
  local info, set = debug.getinfo(f, "u"), {}
  for i = 1, info.nparams do
    local name = debug.getlocal(f, i)
    if name ~= "self" and not name:match "^_" then set[name] = true end
  end
  if info.isvararg then set["..."] = true end
  return set
end

local function documented_parameters(text)
  local set = {}
  for names in text:gmatch "@param%s+([%w_.]+)" do set[names] = true end
  return set
end

-- "size(dim, ...)" of the first line of a text.
local function signature_parameters(text)
  local set = {}
  for name in (text:match "^[^\n]-%((.-)%)" or ""):gmatch "[%w_.]+" do set[name] = true end
  return set
end

local function compare(name, real, documented, found)
  for parameter in pairs(real) do
    if not documented[parameter] then found[#found + 1] = ("%s: %s is not documented"):format(name, parameter) end
  end
  for parameter in pairs(documented) do
    if not real[parameter] then found[#found + 1] = ("%s: there is no parameter %s"):format(name, parameter) end
  end
end

t.test("what is documented are the real parameters", function()
  local found = {}
  walk(function(name, f)
    local text = help.comment(f)
    if apart(f) or ops.doc(f) or not text or not text:find "\n" then return end
    compare(name, real_parameters(f), documented_parameters(text), found)
  end, function() end)
  report(found)
end)

t.test("texts apart from a function: the parameters of the first line are explained; none is left over", function()
  local found, in_c, noted = {}, 0, 0
  walk(function(name, f)
    if not apart(f) then return end
    local text = help.text(f)
    compare(name, signature_parameters(text), documented_parameters(text), found)
    if core.row(f) then in_c = in_c + 1 else noted = noted + 1 end
  end, function() end)
  report(found)
  t.equal({in_c > 30, noted > 25}, {true, true})
end)

t.test("every field of a tensor is described", function()
  local silent = {}
  for name in pairs(core.getters) do
    if not help.text("t." .. name) then silent[#silent + 1] = name end
  end
  report(silent)
end)

-- ---- options ---------------------------------------------------------------------------------------------------

-- What the comment says about `opt` or `...`, as it stands in the file.
local function about_options(text)
  local list = {}
  text = text:match "^(.-)\nOptions:\n" or text
  for parameter, words in (text .. "\n@"):gmatch "@param%s+([%w_.]+)([^@]*)" do
    if parameter == "opt" or parameter == "..." then list[#list + 1] = words end
  end
  return table.concat(list, "\n")
end

-- The options of the specs that a comment names again: "dim = 1", "{dim, eps}", "dim: along which"; and what it takes
-- for one: "{dimm = 1}".
local function repeated(text, specs)
  local list, words = {}, about_options(text)
  for _, spec in ipairs(specs) do
    for _, name in ipairs(spec.names) do
      if words:find("%f[%w_]" .. name .. "%s*[=,:;})(]") then list[#list + 1] = name end
    end
  end
  for table_ in words:gmatch "%b{}" do
    for name in table_:gmatch "([%w_]+)%s*=" do
      if not table.concat(list, " "):find(name, 1, true) then list[#list + 1] = name end
    end
  end
  return list
end

t.test("a comment does not say again what the spec of options says", function()
  local found, with_options = {}, 0
  walk(function(name, f)
    local specs, text = help.specs(f), help.text(f)
    if ops.doc(f) or not text or #specs == 0 then return end
    with_options = with_options + 1
    local again = repeated(text, specs)
    if #again > 0 then found[#found + 1] = name .. ": " .. table.concat(again, ", ") end
  end, function() end)
  report(found)
  t.equal(with_options > 100, true)
end)

t.test("an option said again would be found", function()
  local specs = {{names = {"dim", "eps"}}}
  for words, again in pairs {
    ["{dim = 1, eps = 1e-8}"] = {"dim", "eps"}, ["dim, by position or by name"] = {"dim"}, ["{steps, eps}"] = {"eps"},
    ["eps (least)"] = {"eps"}, ["{epz = 1}"] = {"epz"}, ["the options, by position or by name"] = {},
    ["of a dim there is"] = {},
  } do
    local text = "F.f(x, ...)\nDoes.\n@param x   dim = 3\n@param ... " .. words .. "\n@return Tensor"
    t.equal(repeated(text, specs), again)
  end
end)

t.test("every option of a spec says what it is, and help shows it", function()
  local found = {}
  local function check(name, text, spec)
    for _, row in ipairs(spec.rows) do
      if not row.doc or row.doc == "" then found[#found + 1] = ("%s: option %s has no doc"):format(name, row.name) end
      if not text:find(row.name, 1, true) then found[#found + 1] = ("%s: help lacks %s"):format(name, row.name) end
    end
  end
  walk(function(name, f, cls)
    local text = help.text(cls and rawget(cls, "doc") and cls or f)     -- a layer out of an operation: one text for all
    for _, spec in ipairs(text and not apart(f) and help.specs(f) or {}) do check(name, text, spec) end
  end, function(name, cls)
    if rawget(cls, "spec") and type(cls.spec) == "table" then check(name, help.text(cls), cls.spec) end
  end)
  report(found)
end)

t.test("every operation is described, with its inputs and options", function()
  local found = {}
  for name in pairs(core.ops) do
    local op = ops.describe((name:gsub("_$", "")))
    local text = help.text(name) or ""
    if not op or op.doc == "" then found[#found + 1] = name .. " has no doc" end
    for _, input in ipairs(op and op.inputs or {}) do
      if not text:find(input, 1, true) then found[#found + 1] = ("%s: help lacks %s"):format(name, input) end
    end
    for _, row in ipairs(op and op.rows or {}) do
      if row.doc == "" then found[#found + 1] = ("%s: option %s has no doc"):format(name, row.name) end
      if not text:find(row.name, 1, true) then found[#found + 1] = ("%s: help lacks %s"):format(name, row.name) end
    end
  end
  report(found)
end)

t.finish()
