-- Named options: one description (a spec) serves defaults, checks, error texts, positional order and help.
--
--   local spec = options.spec("SGD", {
--     {name = "lr", type = "number", required = true, range = ">= 0", doc = "step size"},
--     {name = "momentum", type = "number", default = 0, range = ">= 0", doc = "velocity decay"},
--   })
--   local o = spec.read(opt)      --> train.lua:12: SGD: option lr: expected number >= 0, got -1
--
-- A row: name; type; default (none: may be left out); required; doc; and, narrowing the type,
--   range    "> 0", ">= 0", "< 1", "<= 1", "~= 0", "[0, 1)" and the like; for lists it holds for each member
--   choices  a list of the words allowed
--   check    function(value) -> boolean, for what a range cannot say; `range` is then only its text
--   by_core  true: the core checks the value, and says what it `expects`
-- or also, PyTorch's other name for it.
-- PyTorch's None is written false, as a nil in a table is no entry: of an option that may be left out it says that it
-- is (max_norm = false); where None means something beside the default, the row's type has boolean (momentum = false).
-- Types: any boolean dtype function integer integers number numbers string strings table tensor;
-- "integer|string" is either.

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local raise = require "embla.errors.raise"

local options = {}

-- ---- values ----------------------------------------------------------------------------------------------------

local is_tensor = core.is_tensor

local function is_list_of(value, is_member)
  if type(value) ~= "table" then return false end
  local members = 0
  for _, member in pairs(value) do
    members = members + 1
    if not is_member(member) then return false end
  end
  return members == #value
end

local function is_dtype(value) return dtypes.BYTES[value] ~= nil end
local function is_number(value) return type(value) == "number" end
local function is_integer(value) return type(value) == "number" and math.tointeger(value) ~= nil end

-- An integer as one: 3.0, and a list of one, as PyTorch's sizes of windows are, {3}. Anything else as it is.
local function whole(value)
  local one = value
  if type(value) == "table" and #value == 1 and is_list_of(value, is_integer) then one = value[1] end
  return type(one) == "number" and math.tointeger(one) or value
end

local TYPES = {
  any = function() return true end,
  boolean = function(v) return type(v) == "boolean" end,
  dtype = is_dtype,
  ["function"] = function(v)
    return type(v) == "function" or type(v) == "table" and (getmetatable(v) or {}).__call ~= nil
  end,
  integer = is_integer,
  integers = function(v) return is_list_of(v, is_integer) end,
  number = is_number,
  numbers = function(v) return is_list_of(v, is_number) end,
  string = function(v) return type(v) == "string" end,
  strings = function(v) return is_list_of(v, function(member) return type(member) == "string" end) end,
  table = function(v) return type(v) == "table" end,
  tensor = is_tensor,
}

local TYPE_TEXTS = {
  dtype = "a dtype (float32, float64, float16, bfloat16, int64, int32, uint8 or bool)", integers = "a list of integers",
  numbers = "a list of numbers", strings = "a list of strings", tensor = "a tensor",
  table = "a table", ["function"] = "a function",
}

--- Whether a value is the name of a dtype.
-- @param value anything
-- @return boolean
function options.is_dtype(value) return is_dtype(value) end

--- Whether a value is an integer, be it written as a float: the one rule of what an integer is.
-- @param value anything
-- @return boolean
function options.is_integer(value) return is_integer(value) end

--- Whether a value is a list of integers.
-- @param value anything
-- @return boolean
function options.is_integers(value) return is_list_of(value, is_integer) end

--- What a value is, in words for a message: -1, "nearest", nil, table, tensor.
-- @param value anything
-- @return text
function options.show(value)
  if type(value) == "string" then return ("%q"):format(#value > 40 and value:sub(1, 37) .. "..." or value) end
  if is_tensor(value) then return "a tensor" end
  if type(value) == "userdata" then
    return getmetatable(value) == "embla.Tensor" and "a tensor that was freed with its scope" or "userdata"
  end
  if type(value) == "table" then
    local meta = getmetatable(value)
    local name = type(meta) == "table" and meta.__name
    if type(meta) == "table" and meta.__library then
      return ("the table %s itself (write %s.… with a dot, not a colon)"):format(meta.__library, meta.__library)
    end
    return "a " .. (type(name) == "string" and name or "table")
  end
  if type(value) == "function" then return "a function" end
  if value ~= value then return "nan" end               -- C writes its sign too
  if math.type(value) == "float" then return ("%.7g"):format(value) end
  return tostring(value)
end

-- ---- ranges ----------------------------------------------------------------------------------------------------

local COMPARE = {
  [">"] = function(x, limit) return x > limit end,
  [">="] = function(x, limit) return x >= limit end,
  ["<"] = function(x, limit) return x < limit end,
  ["<="] = function(x, limit) return x <= limit end,
  ["~="] = function(x, limit) return x ~= limit end,
}

-- A function that tells whether a number lies in the range written as text.
local function parse_range(text)
  local sign, limit = text:match("^([<>~]=?)%s*(%S+)$")
  if sign then
    limit = assert(tonumber(limit), text)
    return function(x) return COMPARE[sign](x, limit) end
  end
  local open, low, high, close = text:match("^([%[%(])%s*(%S+),%s*(%S+)%s*([%]%)])$")
  low, high = tonumber(low), tonumber(high)
  assert(low and high, "unreadable range " .. text)
  local above, below = COMPARE[open == "[" and ">=" or ">"], COMPARE[close == "]" and "<=" or "<"]
  return function(x) return above(x, low) and below(x, high) end
end

-- `range` said of a number, or of each number in a list.
local function in_range(range)
  return function(value)
    if type(value) == "number" then return range(value) end
    if type(value) ~= "table" then return true end
    for _, member in ipairs(value) do
      if not range(member) then return false end
    end
    return true
  end
end

-- ---- nearest names ---------------------------------------------------------------------------------------------

-- Fewest insertions, deletions and replacements that turn one word into the other.
local function edit_distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local replaced = diagonal + (a:byte(i) == b:byte(j) and 0 or 1)
      diagonal = row[j]
      row[j] = math.min(replaced, row[j] + 1, row[j - 1] + 1)
    end
  end
  return row[#b]
end

--- The name most like a word, if one is near: an edit distance of at most 2 or a third of the word.
-- @param word  text
-- @param names list of texts
-- @return a name, or nil
function options.nearest(word, names)
  local best, best_distance
  local most = math.max(2, #word // 3)
  for _, name in ipairs(names) do
    local distance = math.abs(#word - #name) <= most and edit_distance(word, name) or math.huge
    if distance < #name and distance <= most and distance < (best_distance or math.huge) then
      best, best_distance = name, distance
    end
  end
  return best
end

-- The run of letters in a name around position i, and whether i lies inside it.
local function letters_around(name, i)
  local first = name:sub(1, i):find "%a*$"
  local _, last = name:find("^%a*", i)
  return last - first + 1, first < i and i < last
end

--- Whether a word is a name with a slip of the fingers: two letters exchanged, one doubled, one left out inside. What
-- scripts may well call another thing (w_hi beside w_ih, layer2, modules beside module) is none.
-- @param word text
-- @param name text
-- @return boolean
function options.is_slip(word, name)
  local i = 1
  while i <= #word and word:byte(i) == name:byte(i) do i = i + 1 end
  local run, inside = letters_around(name, math.min(i, #name))
  if #word == #name then
    return i < #name and run >= 4 and word:sub(i, i + 1):reverse() == name:sub(i, i + 1)
           and word:sub(i, i + 1):find "^%a%a$" ~= nil and word:sub(i + 2) == name:sub(i + 2)
  elseif #word == #name + 1 then
    local before = letters_around(name, math.max(i - 1, 1))
    return i > 1 and before >= 4 and word:sub(i, i) == word:sub(i - 1, i - 1) and word:find("^%a", i) ~= nil
           and word:sub(i + 1) == name:sub(i)
  end
  return #word == #name - 1 and run >= 6 and inside and word:sub(i) == name:sub(i + 1)
end

-- ---- rows ------------------------------------------------------------------------------------------------------

-- What a row expects, in words: "number >= 0", "one of sum, mean, max".
local function expectation(row)
  if row.choices then return "one of " .. table.concat(row.choices, ", ") end
  local types = {}
  for name in row.type:gmatch("[^|]+") do types[#types + 1] = TYPE_TEXTS[name] or name end
  local text = table.concat(types, " or ")
  if not row.range then return text end
  return text .. (row.range:find("^[%[%(]") and " in " or " ") .. row.range
end

-- A function that tells whether a value has the type of the row: "integer|string" is either.
local function type_test(row)
  local tests = {}
  for name in row.type:gmatch("[^|]+") do
    tests[#tests + 1] = assert(TYPES[name], "unknown option type " .. name)
  end
  if #tests == 1 then return tests[1] end
  return function(value)
    for _, test in ipairs(tests) do
      if test(value) then return true end
    end
    return false
  end
end

-- A function that tells whether a value fits the row; of one that the core checks, whether it is no table of options
-- and no `false` for none.
local function acceptance(row)
  if row.by_core then
    return function(value) return type(value) ~= "table" and (value ~= false or row.type == "boolean") end
  end
  local has_type = type_test(row)
  if row.choices then
    local words = {}
    for _, word in ipairs(row.choices) do words[word] = true end
    return function(value) return words[value] == true end
  end
  local check = row.check or row.range and in_range(parse_range(row.range))
  if not check then return has_type end
  return function(value) return has_type(value) and check(value) == true end
end

local function copy(list)
  if type(list) ~= "table" then return list end
  return table.move(list, 1, #list, 1, {})
end

local function complete(row)
  local full = {}
  for key, value in pairs(row) do full[key] = value end
  full.type = row.type or row.choices and "string" or "any"
  local accepts = acceptance(full)
  full.is_integer = full.type:find "%f[%a]integer%f[%A]" ~= nil and not full.type:find "integers"
  full.accepts = full.is_integer and function(value) return accepts(whole(value)) end or accepts
  full.expects = row.expects or expectation(full)
  return full
end

-- ---- specs -----------------------------------------------------------------------------------------------------

-- Whether `false` stands for an option left out.
local function is_none(row, value)
  return value == false and row.default == nil and not row.required and not row.accepts(value)
end

local function check_value(spec, row, value)
  if is_none(row, value) then return nil end
  if not row.accepts(value) then
    raise("%s: option %s: expected %s, got %s", spec.owner, row.name, row.expects, options.show(value))
  end
  return row.is_integer and whole(value) or value
end

--- Refuses a name that stands for nothing.
-- @param owner what was called
-- @param key   the name given
-- @param names list of those known
-- @raise always, naming the nearest
function options.unknown(owner, key, names)
  local near = type(key) == "string" and options.nearest(key, names)
  local hint = near and (", did you mean '%s'?"):format(near) or ""
  local known = #names > 0 and "options: " .. table.concat(names, ", ") or "it has no options"
  raise("%s: unknown option '%s'%s (%s)", owner, tostring(key), hint, known)
end

local function refuse_unknown(spec, key) return options.unknown(spec.owner, key, spec.names) end

-- Checks what `given` holds into `o`.
local function read_given(spec, given, o)
  if type(given) ~= "table" or is_tensor(given) then
    raise("%s: expected a table of options, got %s", spec.owner, options.show(given))
  end
  for key, value in next, given do
    local row = spec.by_name[key] or refuse_unknown(spec, key)
    local name = row.name
    if o[name] ~= nil then raise("%s: option %s is given twice, by position and by name", spec.owner, name) end
    o[name] = check_value(spec, row, value)
  end
end

local function add_defaults(spec, o)
  for _, row in ipairs(spec.rows) do
    if o[row.name] == nil then
      if row.required then raise("%s: option %s is required (%s)", spec.owner, row.name, row.expects) end
      o[row.name] = copy(row.default)
    end
  end
  return o
end

-- Options that lead the call by position, in the order of the rows; a last table holds the others by name.
local function read_arguments(spec, ...)
  local given, n, o = {...}, select("#", ...), {}
  for i = 1, n do
    local row, value = spec.rows[i], given[i]
    if value ~= nil then
      if i == n and type(value) == "table" and not (row and row.accepts(value)) then
        read_given(spec, value, o)
      elseif not row then
        raise("%s: %d arguments given, at most %d expected", spec.owner, n, #spec.rows)
      else
        o[row.name] = check_value(spec, row, value)
      end
    end
  end
  return add_defaults(spec, o)
end

-- Rows, one line each, for help.
local function describe(spec)
  local lines = {}
  for i, row in ipairs(spec.rows) do
    local text = ("  %-20s %s"):format(row.name, row.expects)
    if row.required then text = text .. ", required" end
    if row.default ~= nil then text = text .. ", default " .. options.show(row.default) end
    lines[i] = row.doc and text .. ": " .. row.doc or text
  end
  return table.concat(lines, "\n")
end

--- Describes the options of one owner.
-- @param owner name that leads the messages: "SGD", "Embedding"
-- @param rows  list of rows (see the head of this file), in positional order
-- @return a spec: `owner`, `rows`, `names`, `by_name` to list, and
--   read(tbl)       a fresh table with defaults; `tbl` (nil is fine) is checked and not written to
--   arguments(...)  the same, from values by position and then, perhaps, a table
--   describe()      text, one line an option
function options.spec(owner, rows)
  local spec = {owner = owner, rows = {}, names = {}, by_name = {}}
  for i, row in ipairs(rows) do
    local full = complete(row)
    spec.rows[i], spec.names[i], spec.by_name[row.name] = full, row.name, full
    if row.also then spec.by_name[row.also] = full end
  end
  function spec.read(tbl)
    local o = {}
    if tbl ~= nil then read_given(spec, tbl, o) end
    return add_defaults(spec, o)
  end
  function spec.arguments(...) return read_arguments(spec, ...) end
  function spec.describe() return describe(spec) end
  return spec
end

--- A spec with some rows of another first: what several owners share is written once.
-- @param owner name that leads the messages
-- @param base  spec whose rows come first
-- @param rows  further rows; one of the same name replaces the base's
-- @return a spec
function options.extend(owner, base, rows)
  local all, place = {}, {}
  for i, row in ipairs(base.rows) do all[i], place[row.name] = row, i end
  for _, row in ipairs(rows) do
    local at = place[row.name] or #all + 1
    all[at], place[row.name] = row, at
  end
  return options.spec(owner, all)
end

-- ---- options of the core's operations --------------------------------------------------------------------------

local KIND_TYPES = {bool = "boolean", int = "integer", number = "number", enum = "string", dtype = "dtype",
                    ints = "integer|integers", text = "string", texts = "strings"}

local function list_of_integers(text)
  local list = {}
  for word in text:gmatch("%-?%d+") do list[#list + 1] = math.tointeger(word) end
  return list
end

local KIND_VALUES = {
  bool = function(text) return text == "true" or text == "1" end,
  int = function(text) return math.tointeger(tonumber(text)) end,
  number = function(text) return tonumber(text) or (text == "-inf" and -math.huge) or math.huge end,
  ints = list_of_integers,
}

--- Rows of a spec, from how the core describes options.
-- @param described list of {name, kind, initial, choices, range, doc}: kind is bool, int, number, enum, dtype, ints,
--                  text or texts; initial is the default as text, "" for none, "!" if it must be given
-- @return list of rows
function options.rows(described)
  local list = {}
  for i, row in ipairs(described) do
    local value = KIND_VALUES[row.kind]
    local initial = row.initial
    if initial == "" or initial == "!" then
      initial = nil
    elseif value then
      initial = value(initial)
    end
    list[i] = {name = row.name, type = KIND_TYPES[row.kind], default = initial, required = row.initial == "!",
               choices = row.choices, doc = row.doc, range = row.range, expects = row.expects}
  end
  return list
end

--- The spec of an operation of the core, from its description there.
-- @param name the operation's
-- @param rows as of options.rows
-- @return a spec
function options.from_op(name, rows) return options.spec(name, options.rows(rows)) end

local values = {}       -- taken out again before anything else can run

-- The fields of `o` in the order of the spec.
local function unpack_fields(spec, o)
  local names = spec.names
  for i = 1, #names do values[i] = o[names[i]] end
  return table.unpack(values, 1, #names)
end

-- The table with the names of its spec in place of other names for them.
local function renamed(spec, given)
  local copy_ = {}
  for key, value in next, given do
    local name = spec.by_name[key] and key or spec.also[key] or key
    if copy_[name] ~= nil then raise("%s: option %s is given twice", spec.owner, name) end
    copy_[name] = value
  end
  return copy_
end

-- The table without the options that are `false` for none.
local function without_none(spec, given)
  local some = {}
  for name, value in next, given do
    if not is_none(spec.by_name[name], value) then some[name] = value end
  end
  return some
end

--- Options by position, for a call into the core, which has their defaults and checks them: the way of every call with
-- named options.
-- @param spec  a spec; `also`, if it has that, are other names for its rows
-- @param given table of options
-- @return as many values as the spec has rows, nil for what is not given
function options.given(spec, given)
  local by_name, also, none = spec.by_name, spec.also, false
  for key, value in next, given do
    local row = by_name[key]
    if not row then
      if also and also[key] then return options.given(spec, renamed(spec, given)) end
      refuse_unknown(spec, key)
    end
    none = none or value == false
  end
  return unpack_fields(spec, none and without_none(spec, given) or given)
end

return options
