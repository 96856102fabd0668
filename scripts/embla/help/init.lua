-- help(f): the text about a function, class, module or operation, found where it is defined: the comment above a Lua
-- function, the description of an operation in the core.

local arguments = require "embla.arguments"
local core = require "embla.core"
local native = require "embla.native"
local ops = require "embla.ops"

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

-- What the specs of options that a function reads say.
local function options_of(f)
  local texts = {}
  f = arguments.origin(f)
  for i = 1, 60 do
    local name, spec = debug.getupvalue(f, i)
    if not name then break end
    if type(spec) == "table" and rawget(spec, "by_name") and rawget(spec, "describe") and #spec.names > 0 then
      texts[#texts + 1] = "\nOptions:\n" .. spec.describe()
    end
  end
  return table.concat(texts)
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
  if not spec or #spec.names == 0 or text:find("\nOptions:\n", 1, true) then return text end
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
  local text = ops.doc(f) or native.text(f) or of_lua_function(f)
  if text and text:find "\n" then return text end
  return of_method(f) or text
end

--- The text help prints.
-- @param subject function, class, module, table of functions, or the name of an operation or of a field ("t.grad")
-- @return text, or nil if nothing is known
function help.text(subject)
  if type(subject) == "string" then return ops.doc(subject) or native.text(subject) end
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
