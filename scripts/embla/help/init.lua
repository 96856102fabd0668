-- help(f): the text about a function, class, module or operation, found where it is defined: the comment above a Lua
-- function, the row that registers a function written in C, the description of an operation in the core.

local arguments = require "embla.arguments.by_name"
local core = require "embla.core"
local notes = require "embla.help.notes"
local ops = require "embla.tensor.operations"

local help = {}

-- Lines of a source file; empty if it cannot be read.
local function lines_of(path)
  local lines = {}
  local file <close> = io.open(path, "r")
  if file then
    for line in file:lines() do lines[#lines + 1] = line end
  end
  return lines
end

-- The comment that ends on the line before `at`, without its dashes; nil if there is none.
local function comment_above(lines, at)
  local first = at
  while first > 1 and lines[first - 1]:match "^%s*%-%-" do first = first - 1 end
  if first == at then return nil end
  local texts = {}
  for i = first, at - 1 do texts[#texts + 1] = lines[i]:gsub("^%s*%-+ ?", "") end
  return table.concat(texts, "\n")
end

-- "function F.one_hot(ids, ...)" as "F.one_hot(ids, ...)".
local function signature(line)
  return line and line:match "function%s*([%w_.:]*%b())"
end

local function path_of(info) return info.source:match "^@(.*)$" end

-- The spec that a class has for its constructor or its call, if the function is that.
local function spec_of_class(f)
  local cls = arguments.owner(f)
  if not cls then return nil end
  if f == arguments.origin(rawget(cls, "init")) then return rawget(cls, "spec") end
  if f == arguments.origin(rawget(cls, "forward")) then return rawget(cls, "call_spec") end
end

--- The specs of options that a function reads: those that it can see, and that of its class.
-- @param f function
-- @return list of specs
function help.specs(f)
  f = arguments.origin(f)
  local specs, known = {}, {}
  local function add(spec)
    local is_spec = type(spec) == "table" and rawget(spec, "by_name") and rawget(spec, "describe")
    if not is_spec or known[spec] or #spec.names == 0 then return end
    specs[#specs + 1], known[spec] = spec, true
  end
  add(spec_of_class(f))
  for i = 1, 60 do
    local name, value = debug.getupvalue(f, i)
    if not name then break end
    add(value)
  end
  return specs
end

local function options_of(f)
  local texts = {}
  for i, spec in ipairs(help.specs(f)) do texts[i] = "\nOptions:\n" .. spec.describe() end
  return table.concat(texts)
end

-- The text about a function written in C, "t:size(dim)" and the doc of its row; nil for another.
local function of_row(f)
  local name, arguments_of, doc = core.row(f)
  if not name then return nil end
  local list = {}
  for word in arguments_of:gmatch "%S+" do list[#list + 1] = word end
  local before = list[1] == "t" and "t:" or ""
  if list[1] == "t" then table.remove(list, 1) end
  return ("%s%s(%s)\n%s"):format(before, name, table.concat(list, ", "), doc)
end

local function of_lua_function(f)
  local info = debug.getinfo(arguments.origin(f), "S")
  local path = path_of(info)
  if not path then return nil end
  local lines = lines_of(path)
  local text = comment_above(lines, info.linedefined)
  local head = signature(lines[info.linedefined])
  if not text then return head end
  return (head and head .. "\n" .. text or text) .. options_of(f)
end

-- The comment above the line that makes a class, in the file of one of its methods.
local function class_comment(cls)
  for _, method in pairs(cls) do
    local path = type(method) == "function" and path_of(debug.getinfo(arguments.origin(method), "S"))
    local lines = path and lines_of(path) or {}
    for i, line in ipairs(lines) do
      if line:match('=%s*class%s*%(?"' .. cls.__name .. '"') or line:match(':extend%s*%(?"' .. cls.__name .. '"') then
        return comment_above(lines, i)
      end
    end
  end
end

local function of_class(cls)
  local parts = {cls.__name, class_comment(cls) or rawget(cls, "doc")}
  for _, name in ipairs {"init", "forward"} do
    local method = rawget(cls, name)
    local text = method and not rawget(cls, "doc") and of_lua_function(method)
    if text then parts[#parts + 1] = "\n" .. text end
  end
  local spec, text = rawget(cls, "spec"), table.concat(parts, "\n")
  if not spec or #spec.names == 0 or text:find(spec.describe(), 1, true) then return text end
  return text .. "\n\nOptions:\n" .. spec.describe()
end

-- Methods and functions of a table of functions, by name.
local function of_table(t)
  local names = {}
  for name, value in pairs(t) do
    if type(name) == "string" and name:sub(1, 1) ~= "_" and (type(value) == "function" or type(value) == "table") then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return table.concat(names, "\n")
end

local function is_class(value) return rawget(value, "__name") ~= nil and rawget(value, "__index") == value end

-- The text about a method that has no comment of its own: of the operation of its name, or, for name_, of the method
-- that does the same for a new tensor.
local function of_method(f)
  for name, method in pairs(core.methods) do
    if method == f then
      local plain = name:match "^(.*)_$"
      local other = plain and core.methods[plain]
      local text = ops.doc(name) or other and other ~= f and help.text(other)
      if text then return plain and name .. ", in place:\n" .. text or text end
    end
  end
end

--- The first line of a function written in Lua and the comment above it, with the options that it reads.
-- @param f function
-- @return text, or nil
function help.comment(f) return of_lua_function(f) end

local function of_function(f)
  local noted = notes.text(arguments.origin(f))
  local text = ops.doc(f) or noted and noted .. options_of(f) or of_row(f) or of_lua_function(f)
  if text and text:find "\n" then return text end
  return of_method(f) or text
end

-- The text about a field of tensors.
local function of_field(name, f)
  local _, _, doc = core.row(f)
  if doc then return name .. "\n" .. doc end
  local info = debug.getinfo(f, "S")
  local comment = comment_above(lines_of(path_of(info) or ""), info.linedefined)
  return comment and name .. "\n" .. comment
end

-- The text about what stands under a name: "t.grad", "t:size", "embla.zeros", "optimizer.param_groups".
local function of_name(name)
  local home, mark, key = name:match "^(%w+)([.:])([%w_]+)$"
  if home == "t" and mark == "." then return core.getters[key] and of_field(name, core.getters[key]) end
  if home == "optimizer" then require "embla.optim" end
  local found = home == "t" and core.methods[key] or home == "embla" and rawget(require "embla", key)
  return found and help.text(found) or notes.text(name)
end

--- The text help prints.
-- @param subject function, class, module, table of functions, or the name of an operation or of a field ("t.grad")
-- @return text, or nil if nothing is known
function help.text(subject)
  if type(subject) == "string" then return ops.doc(subject) or of_name(subject) end
  if type(subject) == "function" then return of_function(subject) end
  if type(subject) ~= "table" then return nil end
  if is_class(subject) then return of_class(subject) end
  local meta = getmetatable(subject)
  if type(meta) == "table" and is_class(meta) then return of_class(meta) end
  return of_table(subject)
end

--- Prints what is known about a function, class, module, table of functions, or the operation of a name.
-- @param subject what to explain: help(F.one_hot), help(nn.Linear), help "softmax"
function help.help(subject)
  if subject == nil then subject = help.help end
  print(help.text(subject) or "no help on " .. tostring(subject))
end

return help
