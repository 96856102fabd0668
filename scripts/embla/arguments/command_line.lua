-- embla.args: the arguments of a script, by rows like those of options.spec; --help is made of the same rows.
--
--   local o = embla.args("Trains a model on a text.", {
--     {name = "path", positional = true, doc = "a text"},
--     {name = "steps", type = "integer", default = 2000, range = ">= 0", doc = "batches to learn from"},
--     {name = "min_count", type = "integer", default = 5, doc = "rarer words are skipped"},      -- --min-count 5
--     {name = "fused", type = "boolean", default = false, doc = "all in one loop of C"},         -- --fused, --no-fused
--   })
--   o.steps, o.path …
--
-- Beside what options.spec knows, a row may have positional = true (an argument without a name; `many` takes a list of
-- all that follow) and metavar, what help calls the value.
-- Debian's lua-argparse would be one more package, and has its own messages, and no ranges and lists.

local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local WIDTH, MOST_LEFT = 80, 26                         -- of help, and of its first column

-- ---- what there is ---------------------------------------------------------------------------------------------

local METAVARS = {integer = "N", number = "X", integers = "N,N,…", numbers = "X,X,…", string = "TEXT"}

local function metavar_of(row)
  if row.metavar then return row.metavar end
  if row.positional then return row.name:upper() end
  return row.choices and table.concat(row.choices, "|") or METAVARS[row.type:match "^[^|]*"] or "VALUE"
end

-- The rows, completed: in order, those with a name, by what is written for them, and those without.
local function describe(rows)
  local all = {rows = options.spec("args", rows).rows, by_option = {}, named = {}, positional = {}}
  for _, row in ipairs(all.rows) do
    row.option = "--" .. row.name:gsub("_", "-")
    row.title = row.positional and "argument " .. metavar_of(row) or "option " .. row.option
    if row.positional then
      all.positional[#all.positional + 1] = row
    else
      all.named[#all.named + 1] = row.option
      all.by_option[row.option] = row
    end
  end
  return all
end

-- ---- reading ---------------------------------------------------------------------------------------------------

local function script() return (rawget(_G, "arg") or {})[0] or "script.lua" end

local function complain(format, ...)
  error(script():match "[^/]*$" .. ": " .. format:format(...) .. " (--help shows what there is)", 0)
end

local function numbers(text, convert)
  local members = {}
  for word in (text .. ","):gmatch "([^,]*)," do
    local member = convert(word)
    if not member then return nil end
    members[#members + 1] = member
  end
  return members
end

local function integer(text) return math.tointeger(tonumber(text)) end

local READERS = {
  integer = integer, number = tonumber,
  integers = function(text) return numbers(text, integer) end,
  numbers = function(text) return numbers(text, tonumber) end,
  boolean = function(text)
    if text == "true" or text == "false" then return text == "true" end
  end,
}

-- The value that a word stands for, of the first of the row's types that it fits.
local function value_of(row, word)
  local value
  for name in row.type:gmatch "[^|]+" do
    if value == nil then value = (READERS[name] or tostring)(word) end
  end
  if value == nil or not row.accepts(value) then
    complain("%s: expected %s, got %s", row.title, row.expects, options.show(tonumber(word) or word))
  end
  return value
end

-- The row of a word like "--steps", and whether it says no to it.
local function row_of(all, option)
  local row = all.by_option[option:gsub("_", "-")]
  local other = option:match "^%-%-no[-_](.+)$"
  local denied = other and all.by_option["--" .. other:gsub("_", "-")]
  if not row and denied and denied.type == "boolean" then return denied, true end
  if row then return row, false end
  local near = options.nearest(option, all.named)
  complain("unknown option %s%s", option, near and (", did you mean %s?"):format(near) or "")
end

-- Reads the option at words[i] into `o`; returns the place of the last word that belongs to it.
local function read_option(all, words, i, o)
  local option, value = words[i]:match "^(%-%-[^=]+)=(.*)$"
  option = option or words[i]
  local row, denied = row_of(all, option)
  if row.type == "boolean" and not value then
    o[row.name] = not denied
    return i
  end
  if denied then complain("option %s takes no value, got %s", option, options.show(value)) end
  if not value then
    i = i + 1
    value = words[i]
    if value == nil or value:find "^%-%-" then complain("%s: expected %s, got nothing", row.title, row.expects) end
  end
  o[row.name] = value_of(row, value)
  return i
end

local function read_positional(all, values, o)
  local at = 1
  for _, row in ipairs(all.positional) do
    if row.many then
      o[row.name] = {}
      for k = at, #values do table.insert(o[row.name], value_of(row, values[k])) end
      at = #values + 1
    elseif values[at] then
      o[row.name] = value_of(row, values[at])
      at = at + 1
    end
  end
  if values[at] then complain("one argument too many: %s", options.show(values[at])) end
end

local function is_option(word) return word:find "^%-." ~= nil and not tonumber(word) end

local function check_list(name, list, what, is_member)
  local good = type(list) == "table"
  for i = 1, good and #list or 0 do good = good and is_member(list[i]) end
  if not good then raise("args: argument %s: expected a list of %s, got %s", name, what, options.show(list)) end
  return list
end

-- Everything that the words say, or true where they ask for help.
local function read(all, words)
  local o, values, i, named = {}, {}, 1, true
  while words[i] do
    local word = words[i]
    if named and word == "--" then
      named = false
    elseif named and (word == "--help" or word == "-h") then
      return nil, true
    elseif named and is_option(word) then
      i = read_option(all, words, i, o)
    else
      values[#values + 1] = word
    end
    i = i + 1
  end
  read_positional(all, values, o)
  for _, row in ipairs(all.rows) do
    if o[row.name] == nil then o[row.name] = row.default end
    local missing = row.many and row.required and #o[row.name] == 0 or row.required and o[row.name] == nil
    if missing then complain("%s is missing: expected %s", row.title, row.expects) end
  end
  return o
end

-- ---- help ------------------------------------------------------------------------------------------------------

-- Text in lines of at most `width`, all after the first behind `indent` blanks; its paragraphs stay apart.
local function wrap(text, width, indent)
  local lines, line = {}, ""
  for word, gap in text:gmatch "(%S+)(%s*)" do
    if line ~= "" and utf8.len(line) + 1 + utf8.len(word) > width - indent then
      lines[#lines + 1], line = line, ""
    end
    line = line == "" and word or line .. " " .. word
    if gap:find "\n%s*\n" then
      lines[#lines + 1], lines[#lines + 2], line = line, "", ""
    end
  end
  lines[#lines + 1] = line
  return (table.concat(lines, "\n" .. (" "):rep(indent)):gsub("\n +\n", "\n\n"))
end

-- "--steps N", "--no-shuffle", "FILE...".
local function left_of(row)
  if row.positional then return metavar_of(row) .. (row.many and "..." or "") end
  if row.type == "boolean" then return row.default and (row.option:gsub("^%-%-", "--no-")) or row.option end
  return row.option .. " " .. metavar_of(row)
end

local function right_of(row)
  local default = row.default
  if default == nil or row.type == "boolean" then return row.doc or "" end
  local text = type(default) == "table" and table.concat(default, ",") or tostring(default)
  return ("%s (default %s)"):format(row.doc or "", text)
end

local function help_of(all, description)
  local usage, entries, column = {"usage: embla", script()}, {}, 0
  for _, row in ipairs(all.positional) do
    local left = left_of(row)
    usage[#usage + 1] = row.required and left or "[" .. left .. "]"
    entries[#entries + 1] = {left, right_of(row)}
  end
  for _, option in ipairs(all.named) do
    local row = all.by_option[option]
    entries[#entries + 1] = {left_of(row), right_of(row)}
  end
  entries[#entries + 1] = {"-h, --help", "shows this"}
  for _, entry in ipairs(entries) do
    local width = utf8.len(entry[1])
    if width <= MOST_LEFT then column = math.max(column, width) end
  end
  local lines = {wrap(table.concat(usage, " ") .. " [options]", WIDTH, 2), "", wrap(description, WIDTH, 0), ""}
  for _, entry in ipairs(entries) do
    local gap = column - utf8.len(entry[1])
    local between = gap >= 0 and (" "):rep(gap + 2) or "\n" .. (" "):rep(column + 4)
    lines[#lines + 1] = "  " .. entry[1] .. between .. wrap(entry[2], WIDTH, column + 4)
  end
  return (table.concat(lines, "\n"):gsub(" +\n", "\n")) .. "\n"
end

--- Reads the arguments of a script: --name value, --name=value, --name and --no-name for booleans, arguments without a
-- name, -- before those that begin with a dash. -h and --help print what the rows say, and end the program.
-- @param description what the script does, for help
-- @param rows        list of rows: {name, type, default, range, choices, required, doc} as options have them, and
--                    positional, many, metavar
-- @param words       list of arguments; left out: those of the script, `arg`
-- @return table name -> value; a name's dashes are underscores in it
-- @raise naming what is unknown, missing or does not fit
local function args(description, rows, words)
  if type(description) ~= "string" then
    raise("args: argument description: expected a string, got %s", options.show(description))
  end
  check_list("rows", rows, "rows, each with a name", function(row)
    return type(row) == "table" and type(row.name) == "string"
  end)
  words = check_list("words", words or rawget(_G, "arg") or {}, "strings", function(word)
    return type(word) == "string"
  end)
  local all = describe(rows)
  local o, asks_for_help = read(all, words)
  if not asks_for_help then return o end
  io.stdout:write(help_of(all, description))
  os.exit(0, true)
end

return args
