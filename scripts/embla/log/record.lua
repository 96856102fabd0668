-- What a run records at a time, {step = 3, loss = 0.5, …}: checked, as a row of a table, as a line on a terminal.

local core = require "embla.core"
local json = require "embla.io.json"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local record = {}

-- ---- checks ----------------------------------------------------------------------------------------------------

local function check_name(caller, name)
  if type(name) ~= "string" or name == "" or not utf8.len(name) or name:find("\0", 1, true) then
    raise("%s: expected names for what is recorded, got %s", caller, options.show(name))
  end
end

local function check_value(caller, name, value)
  if core.is_tensor(value) then
    if #value.shape > 0 then
      raise("%s: %s: expected one value, got a tensor (%s)", caller, name, table.concat(value.shape, ", "))
    end
    return value:item()
  end
  local kind = type(value)
  if kind == "number" or kind == "boolean" or kind == "string" and utf8.len(value) then return value end
  raise("%s: %s: expected a number, boolean, string of UTF-8 or tensor (), got %s", caller, name, options.show(value))
end

--- What is recorded, with plain values: those of 0-d tensors are read.
-- @param caller function that was given it
-- @param given  table name -> number, boolean, string or 0-d tensor
-- @return a new table
-- @raise for another value, or a name that is none
function record.check(caller, given)
  if type(given) ~= "table" or getmetatable(given) ~= nil then
    raise("%s: expected a table of names and values, got %s", caller, options.show(given))
  end
  local row = {}
  for name, value in next, given do
    check_name(caller, name)
    row[name] = check_value(caller, name, value)
  end
  if next(row) == nil then raise("%s: there is nothing to record", caller) end
  for _, name in ipairs {"step", "epoch"} do
    if row[name] ~= nil and not options.is_integer(row[name]) then
      raise("%s: %s: expected an integer, got %s", caller, name, options.show(row[name]))
    end
    row[name] = math.tointeger(row[name])
  end
  return row
end

local FIRST = {step = 1, epoch = 2}

--- The names of a row that a list lacks, added to it: step and epoch first, the others in the order of their letters.
-- @param columns list of names
-- @param row     table name -> value
-- @return boolean, whether there were any
function record.add_columns(columns, row)
  local known, new = {}, {}
  for _, name in ipairs(columns) do known[name] = true end
  for name in pairs(row) do
    if not known[name] then new[#new + 1] = name end
  end
  table.sort(new, function(a, b)
    local first, second = FIRST[a] or 3, FIRST[b] or 3
    if first ~= second then return first < second end
    return a < b
  end)
  table.move(new, 1, #new, #columns + 1, columns)
  return #new > 0
end

-- ---- text ------------------------------------------------------------------------------------------------------

local function is_finite(x) return x == x and x ~= math.huge and x ~= -math.huge end

-- "nan", "inf" and "-inf" of what JSON has no numbers for.
local function number_text(x, finite_text)
  if is_finite(x) then return finite_text(x) end
  return x ~= x and "nan" or x > 0 and "inf" or "-inf"
end

local function cell(value)
  if value == nil then return "" end
  if type(value) == "number" then return number_text(value, json.number) end
  local text = tostring(value)
  if text ~= "" and not text:find '[",\r\n]' and not text:find "^%s" and not text:find "%s$" then return text end
  return '"' .. text:gsub('"', '""') .. '"'
end

--- A line of CSV, RFC 4180 but for its end; what a row lacks is empty.
-- @param columns list of names
-- @param row     table name -> value; nil for the line of the names
-- @return text
function record.csv(columns, row)
  local cells = {}
  for i, name in ipairs(columns) do
    if row then cells[i] = cell(row[name]) else cells[i] = cell(name) end
  end
  return table.concat(cells, ",") .. "\n"
end

local function short(value)
  if type(value) ~= "number" then return tostring(value) end
  return number_text(value, function(x) return (math.type(x) == "integer" and "%d" or "%.4g"):format(x) end)
end

-- What a line shows: an epoch's its number instead of its step, then the others in order.
local function shown(columns, row)
  local names = {row.epoch and "epoch" or "step"}
  for _, name in ipairs(columns) do
    if row[name] ~= nil and not FIRST[name] then names[#names + 1] = name end
  end
  return names
end

--- A line for people: "epoch  3  loss 0.1234  2.1 s". Values are aligned with those of the lines before.
-- @param columns list of names
-- @param row     table name -> value, with its step
-- @param widths  table name -> width of the values so far, which grows
-- @param seconds how long it took, or nil
-- @return text
function record.line(columns, row, widths, seconds)
  local parts = {}
  for i, name in ipairs(shown(columns, row)) do
    local text = short(row[name])
    local least = math.type(row[name]) == "float" and 6 or 1
    widths[name] = math.max(widths[name] or least, #text)
    parts[i] = ("%s %s%s"):format(name, (" "):rep(widths[name] - #text), text)
  end
  if seconds then parts[#parts + 1] = ("%.1f s"):format(seconds) end
  return table.concat(parts, "  ")
end

return record
