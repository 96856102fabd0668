-- io.json: values of Lua as JSON (RFC 8259), and back.

local core = require "embla.core"
local list = require "embla.base.list"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local json = {}

-- JSON's null, which a nil in a table cannot be.
json.null = setmetatable({}, {__name = "json.null", __tostring = function() return "null" end})

--- Marks a table as an array, so that an empty one is [] and not {}. Lists that the library returns are marked.
-- @param elements sequence
-- @return elements
function json.array(elements) return list.of(elements) end

-- ---- what is written -------------------------------------------------------------------------------------------

local spec = options.spec("json.encode", {
  {name = "indent", type = "integer", default = 0, range = "[0, 16]",
   doc = "spaces for each level, every member on a line of its own; 0: all on one line"},
  {name = "nonfinite", choices = {"error", "string", "null"}, default = "error",
   doc = 'NaN and infinities, which JSON has not: refused, "NaN" "Infinity" "-Infinity", or null'},
})

local DEEPEST = 1000                                    -- levels

local NAMED = {["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"',
               ["\\"] = "\\\\"}

local function escape(char) return NAMED[char] or ("\\u%04x"):format(char:byte()) end

-- Where the value that is being written sits: "value.layers[2]", 'value["body mass"]'.
local function path_of(state)
  local parts = {"value"}
  for i, key in ipairs(state.keys) do
    local plain = type(key) == "string" and key:find "^[%a_][%w_]*$"
    parts[i + 1] = plain and "." .. key or ("[%s]"):format(options.show(key))
  end
  local path = table.concat(parts)
  return #path > 200 and path:sub(1, 100) .. " … " .. path:sub(-97) or path
end

local function refuse(state, format, ...) raise("json.encode: %s: " .. format, path_of(state), ...) end

local function encode_string(text, state)
  local _, wrong = utf8.len(text)
  if wrong then refuse(state, "a string that is not UTF-8, at byte %d: %s", wrong, options.show(text)) end
  return '"' .. text:gsub('[\0-\31"\\]', escape) .. '"'
end

local NONFINITE = {
  error = function(x, state) refuse(state, "expected a finite number, got %s", options.show(x)) end,
  string = function(x) return x ~= x and '"NaN"' or x > 0 and '"Infinity"' or '"-Infinity"' end,
  null = function() return "null" end,
}

--- The shortest text that reads as the same number; that of a float shows that it is one.
-- @param x finite number
-- @return text
function json.number(x)
  if math.type(x) == "integer" then return ("%d"):format(x) end
  for digits = 15, 17 do
    local text = ("%%.%dg"):format(digits):format(x)
    if tonumber(text) == x or digits == 17 then
      text = text:gsub("[^%de+-]+", ".")                -- the point of another locale
      return text:find "[.e]" and text or text .. ".0"
    end
  end
end

-- ---- tables ----------------------------------------------------------------------------------------------------

-- Whether a table is an array; how many members it has; its keys in order, for an object.
local function kind_of(t, state)
  local n, names = rawlen(t), {}
  for key in next, t do
    if type(key) == "string" then
      names[#names + 1] = key
    elseif math.type(key) ~= "integer" or key < 1 or key > n then
      refuse(state, "expected names or positions 1, 2, … as keys, got the key %s", options.show(key))
    end
  end
  if n > 0 and #names > 0 then refuse(state, "a table of both names and positions: %s", options.show(names[1])) end
  table.sort(names)
  return n > 0 or #names == 0 and getmetatable(t) == core.list_metatable, n, names
end

-- A table's members between its brackets.
local function enclose(members, open, close, state)
  if #members == 0 then return open .. close end
  if state.indent == 0 then return open .. table.concat(members, ", ") .. close end
  local line = "\n" .. (" "):rep(state.indent * (#state.keys + 1))
  return open .. line .. table.concat(members, "," .. line) .. line:sub(1, -1 - state.indent) .. close
end

local encode_value

local function encode_member(t, key, state)
  local depth = #state.keys + 1
  state.keys[depth] = key
  local text = encode_value(rawget(t, key), state)
  if type(key) == "string" then
    if key:find("\0", 1, true) then refuse(state, "a name with a zero byte, which readers refuse") end
    text = encode_string(key, state) .. ": " .. text
  end
  state.keys[depth] = nil
  return text
end

local function encode_table(t, state)
  local meta = getmetatable(t)
  if not (list.is_plain(t) or type(meta) == "table" and meta.__name == "ordered table") then
    refuse(state, "expected a plain table, got %s", options.show(t))
  end
  if state.open[t] then refuse(state, "a cycle: the table is in itself") end
  if #state.keys >= DEEPEST then refuse(state, "more than %d levels", DEEPEST) end
  state.open[t] = true
  local is_array, n, names = kind_of(t, state)
  local members = {}
  for i = 1, is_array and n or 0 do members[i] = encode_member(t, i, state) end
  for i, name in ipairs(names) do members[i] = encode_member(t, name, state) end
  state.open[t] = nil
  return enclose(members, is_array and "[" or "{", is_array and "]" or "}", state)
end

encode_value = function(value, state)
  local kind = type(value)
  if kind == "string" then return encode_string(value, state) end
  if kind == "boolean" then return tostring(value) end
  if kind == "number" then
    local finite = value == value and value ~= math.huge and value ~= -math.huge
    return finite and json.number(value) or state.nonfinite(value, state)
  end
  if value == json.null then return "null" end
  if kind == "table" then return encode_table(value, state) end
  refuse(state, "expected a table, string, number, boolean or json.null, got %s", options.show(value))
end

--- A value as JSON text. Sequences are arrays, tables with names objects, their names sorted; an empty table is {}
-- unless it is marked by json.array. Integers stay integers, and floats floats ("2.0"): read back, each is the same.
-- @param document table, string, number, boolean or json.null
-- @param opt      the options
-- @return text
-- @raise for what JSON has not (functions, tensors, cycles, strings that are not UTF-8, …), naming where it is
function json.encode(document, opt)
  local o = spec.read(opt)
  local state = {indent = o.indent, nonfinite = NONFINITE[o.nonfinite], keys = {}, open = {}}
  return encode_value(document, state)
end

-- ---- what is read ----------------------------------------------------------------------------------------------

--- The value that a JSON text stands for. Arrays are sequences, integers are integers, those beyond 64 bits floats, and
-- null is json.null.
-- @param text JSON (RFC 8259) in UTF-8
-- @return table, string, number, boolean or json.null
-- @raise naming line and column, if it is malformed, or a name stands twice in an object
function json.decode(text)
  if type(text) ~= "string" then raise("json.decode: argument text: expected a string, got %s", options.show(text)) end
  return core.json_decode(text, "json.decode", json.null)
end

--- The value that a file of JSON stands for.
-- @param path file
-- @return as of decode
-- @raise if the file cannot be read; naming path, line and column, if it is malformed
function json.load(path)
  if type(path) ~= "string" then raise("json.load: argument path: expected a path, got %s", options.show(path)) end
  return core.json_decode(core.read_file(path), path, json.null)
end

return json
