-- io.csv: files of comma-separated values, and those of tabs, semicolons, bars and blanks.

local Frame = require "embla.data.frame"
local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local csv = {}

-- As pandas has them.
local MISSING = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
                 "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
local TYPES = {boolean = true, integer = true, number = true, text = true}

-- One character of ASCII that no number and no line is made of.
local function is_mark(text)
  return type(text) == "string" and #text == 1 and text:find "^[^%z%w\n\r+%-.\x80-\xFF]$" ~= nil
end

-- Rows of options with the help of those that the core has under the same names.
local function documented(rows, described)
  local docs = {}
  for _, row in ipairs(described) do docs[row.name] = row.doc end
  for _, row in ipairs(rows) do row.doc = docs[row.name] end
  return rows
end

local read_spec = options.spec("csv.read", documented({
  {name = "sep", type = "string", check = is_mark, range = "of one character"},
  {name = "header", type = "boolean"},
  {name = "columns", type = "table"},
  {name = "types", type = "table"},
  {name = "missing", type = "table", default = MISSING},
  {name = "quote", type = "string|boolean", default = '"', expects = "a character or false",
   check = function(v) return v == false or is_mark(v) end},
  {name = "comment", type = "string", check = is_mark, range = "of one character"},
  {name = "skip", type = "integer", default = 0, range = ">= 0"},
  {name = "limit", type = "integer", range = ">= 0"},
  {name = "decimal", type = "string", default = ".", choices = {".", ","}},
}, core.formats.csv.reading))

local function check_path(caller, path)
  if type(path) ~= "string" then
    raise("%s: argument path: expected a path, got %s", caller, options.show(path))
  end
end

-- A column as the core takes it: "=name" or "#number".
local function column_text(option, key)
  if type(key) == "string" and not key:find "%z" then return "=" .. key end
  if options.is_integer(key) and key >= 1 then return ("#%d"):format(key) end
  raise("csv.read: option %s: expected names and numbers of columns (from 1), got %s", option, options.show(key))
end

local function columns_of(columns)
  if not columns then return nil end
  local list = {}
  for i, key in ipairs(columns) do list[i] = column_text("columns", key) end
  if #list == 0 or #list ~= #columns then raise("csv.read: option columns: expected a list of columns") end
  return list
end

-- Columns whose types are given, and these.
local function types_of(types)
  local typed, words = {}, {}
  for key, word in pairs(types or {}) do
    if not TYPES[word] then
      raise("csv.read: option types: column %s: expected one of number, integer, boolean, text, got %s",
            options.show(key), options.show(word))
    end
    typed[#typed + 1], words[#words + 1] = column_text("types", key), word
  end
  return typed, words
end

local function check_missing(missing)
  for i, text in ipairs(missing) do
    if type(text) ~= "string" or text:find "%z" then
      raise("csv.read: option missing: expected a list of strings, got %s at %d", options.show(text), i)
    end
  end
  return missing
end

local function check_marks(o)
  local seen = {}
  for _, name in ipairs {"sep", "quote", "comment", "decimal"} do
    local mark = o[name]
    if mark and seen[mark] then
      raise("csv.read: options %s and %s are both %s", seen[mark], name, options.show(mark))
    end
    if mark then seen[mark] = name end
  end
end

--- Reads a file into a Frame. Columns of whole numbers become int64, those of numbers float64 with NaN for what is
-- missing, those of true and false bool (float64 1, 0 and NaN if some are missing), all others text. A whole number is
-- one that int64 has and is written without point and exponent; -0 and larger ones are floats. Numbers are the nearest
-- doubles; inf, infinity and nan count as such. Blanks around a number do not count.
-- Cells are as RFC 4180 has them: quoted ones may hold separators, line ends and doubled quotes, and are read like
-- others.
-- Lines end with \n, \r\n or \r; those of blanks alone are skipped. Where header is left out, the first row has names
-- if it has a text above a column of numbers, or if it is of texts alone that differ, and none comes again below it.
-- Blanks around names go; a column without a name becomes column_N, and a name that there is already gets .1, .2, ….
-- A column becomes wider as a later cell asks for it, as if that had been known from the beginning.
-- @param path file of UTF-8 text
-- @param opt  the options
-- @return Frame
-- @raise if the file cannot be read or is malformed, naming path, line and column
function csv.read(path, opt)
  check_path("csv.read", path)
  local o = read_spec.read(opt)
  check_marks(o)
  o.columns, o.missing = columns_of(o.columns), check_missing(o.missing)
  o.typed, o.types = types_of(o.types)
  o.quote = o.quote or ""
  if o.header ~= nil then o.header = tostring(o.header) end
  return Frame.adopt(core.format_read("csv", path, o))
end

local write_spec = options.spec("csv.write", documented({
  {name = "sep", type = "string", default = ",", check = function(v) return is_mark(v) and v ~= '"' end,
   range = "of one character"},
  {name = "header", type = "boolean", default = true},
  {name = "missing", type = "string", default = ""},
}, core.formats.csv.writing))

--- Writes a Frame, whole or not at all. Numbers are the shortest that read back the same, floats with a point or an
-- exponent; text is quoted where it has to be.
-- @param path  file
-- @param frame Frame
-- @param opt   {sep = ",", header = true, missing = ""}
-- @raise if a text is not UTF-8 or has a zero byte in it, or the file cannot be written
function csv.write(path, frame, opt)
  check_path("csv.write", path)
  local o = write_spec.read(opt)
  if getmetatable(frame) ~= Frame then
    raise("csv.write: argument frame: expected a Frame, got %s", options.show(frame))
  end
  local names, columns = frame:parts_for_writing()
  for i, name in ipairs(names) do
    if name:find "%z" then raise("csv.write: the name of column %d: a zero byte", i) end
  end
  core.format_write("csv", path, names, columns, o)
end

return csv
