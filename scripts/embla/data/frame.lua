-- data.Frame: a table of data as read from a file, on its way to tensors.

local Vocab = require "embla.text.vocab"
local class = require "embla.base.class"
local core = require "embla.core"
local creation = require "embla.tensor.creation"
local dataset = require "embla.data.dataset"
local list = require "embla.base.list"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local show = require "embla.data.frame_show"

local op, is_tensor = core.ops, core.is_tensor

--- Columns by name, all of one length: tensors for numbers, with NaN for what is missing, and lists of strings for
-- text, with false for what is missing. # is the number of rows, which count from 0 as those of a tensor do.
-- f.age and f["body mass"] are columns; f.age = values sets one, f.age = nil takes it out. `columns` lists the names
-- in order. A column whose name is a method's, or `columns`, is reached by f:column(name) and f:with(name, values).
-- Frames made of one another share the columns that stay the same, so a tensor changed in place changes in all of them.
local Frame = class "Frame"

-- ---- columns ---------------------------------------------------------------------------------------------------

-- A column inside is {tensor =} or {text =}, a column of text of the core, with the `list` once it was asked for.

local function is_missing_list(values)
  for _, value in ipairs(values) do
    if type(value) == "string" then return false end
  end
  return true
end

-- Numbers, where false stands for a missing one.
local function numbers_of(caller, name, values)
  local whole, copy = true, {}
  for i, value in ipairs(values) do
    if value ~= false and type(value) ~= "number" then
      raise("%s: column %q: expected a list of numbers, of strings or of booleans, got %s at %d", caller, name,
            options.show(value), i)
    end
    copy[i] = value or 0 / 0
    whole = whole and math.type(value) == "integer"
  end
  return core.tensor(copy, whole and "int64" or "float64")
end

local function is_boolean_list(values)
  for _, value in ipairs(values) do
    if type(value) ~= "boolean" then return false end
  end
  return #values > 0
end

-- A column from what a script gives for it.
local function part_of(caller, name, values)
  if is_tensor(values) then
    if values.is_sparse or values:dim() ~= 1 then
      raise("%s: column %q: expected a tensor of 1 dimension, got shape (%s)", caller, name,
            table.concat(values.shape, ", "))
    end
    return {tensor = core.handle(values:detach())}
  end
  if type(values) ~= "table" then
    raise("%s: column %q: expected a tensor or a list, got %s", caller, name, options.show(values))
  end
  if is_boolean_list(values) then return {tensor = core.handle(core.tensor(values, "bool"))} end
  if not is_missing_list(values) then return {text = core.strings_new(values)} end
  return {tensor = core.handle(numbers_of(caller, name, values))}
end

local function length_of(part)
  return part.tensor and part.tensor:size(0) or (core.strings_info(part.text))
end

local function check_name(caller, name)
  if type(name) ~= "string" then
    raise("%s: expected the name of a column, got %s", caller, options.show(name))
  end
  return name
end

-- The column of a name, or an error that names the nearest.
local function find(self, caller, name)
  local part = self._parts[check_name(caller, name)]
  if part then return part end
  local near = options.nearest(name, self._names)
  near = near and (", did you mean '%s'?"):format(near) or ""
  raise("%s: there is no column '%s'%s (columns: %s)", caller, name, near, table.concat(self._names, ", "))
end

-- Names given as one or as a list; all of them, if nothing is given.
local function names_of(self, caller, names)
  if names == nil then return self._names end
  if type(names) == "string" then names = {names} end
  if type(names) ~= "table" then
    raise("%s: expected names of columns, got %s", caller, options.show(names))
  end
  for _, name in ipairs(names) do find(self, caller, name) end
  return names
end

-- Puts a column into a frame.
local function put(self, caller, name, part)
  local n = length_of(part)
  if self._rows and n ~= self._rows then
    raise("%s: column %q has %d rows, the frame has %d", caller, name, n, self._rows)
  end
  rawset(self, "_rows", n)
  if not self._parts[name] then self._names[#self._names + 1] = name end
  self._parts[name] = part
end

local function set_up(self)
  rawset(self, "_names", {})
  rawset(self, "_parts", {})
  rawset(self, "_rows", false)                          -- not known yet
  return self
end

-- A frame of the columns that f makes out of those of another.
local function made_of(self, rows, f)
  local new = set_up(Frame:allocate())
  rawset(new, "_rows", rows)
  for _, name in ipairs(self._names) do put(new, "Frame", name, f(self._parts[name], name)) end
  return new
end

-- ---- making ----------------------------------------------------------------------------------------------------

local spec = options.spec("Frame", {
  {name = "columns", type = "table", doc = "the order of the columns; left out: that of their names"},
})

--- Makes a frame.
-- @param cells table: name = Tensor (N), or list of numbers, booleans or strings, with false for what is missing
-- @param opt   {columns = order}
-- @raise if columns differ in length or hold something else
function Frame:init(cells, opt)
  local o = spec.read(opt)
  set_up(self)
  if cells ~= nil and type(cells) ~= "table" then
    raise("Frame: argument cells: expected a table of columns, got %s", options.show(cells))
  end
  local names = o.columns or {}
  for name in pairs(cells or {}) do
    check_name("Frame", name)
    if not o.columns then names[#names + 1] = name end
  end
  if not o.columns then table.sort(names) end
  for _, name in ipairs(names) do
    if (cells or {})[check_name("Frame", name)] == nil then
      raise("Frame: option columns: no column %q is given", name)
    end
    put(self, "Frame", name, part_of("Frame", name, cells[name]))
  end
end

-- A frame around what the core has read.
function Frame.adopt(names, columns)
  local self = set_up(Frame:allocate())
  for i, name in ipairs(names) do
    put(self, "Frame", name, is_tensor(columns[i]) and {tensor = core.handle(columns[i])} or {text = columns[i]})
  end
  return self
end

--- Names of the columns and what the core knows them as: for writing.
-- @return list of names, list of tensors and columns of text
function Frame:parts_for_writing()
  local columns = {}
  for i, name in ipairs(self._names) do columns[i] = self._parts[name].tensor or self._parts[name].text end
  return self._names, columns
end

-- ---- columns by name -------------------------------------------------------------------------------------------

function Frame.__len(self) return self._rows or 0 end

-- The column for a script.
local function value_of(part)
  if part.tensor then return part.tensor end
  part.list = part.list or core.strings_list(part.text)
  return part.list
end

Frame.__index = function(self, key)
  if key == "columns" then return list.of(table.move(self._names, 1, #self._names, 1, {})) end
  local member = rawget(Frame, key)
  if member ~= nil then return member end
  if key == "allocate" or key == "is_instance" or key == "super" then return Frame[key] end
  if type(key) == "number" then raise("Frame: columns have names: row %s is f:row(%s)", key, key) end
  return value_of(find(self, "Frame", key))
end

Frame.__newindex = function(self, name, values)
  check_name("Frame", name)
  if name == "columns" or rawget(Frame, name) ~= nil then
    raise("Frame: '%s' is a method; a column of this name is set by f = f:with('%s', values)", name, name)
  end
  if values ~= nil then return put(self, "Frame", name, part_of("Frame", name, values)) end
  find(self, "Frame", name)
  self._parts[name] = nil
  for i, other in ipairs(self._names) do
    if other == name then return table.remove(self._names, i) end
  end
end

--- A column by its name, whatever that is.
-- @param name text
-- @return Tensor (N), or list of strings, with false for what is missing
-- @raise if there is none, naming the nearest
function Frame:column(name) return value_of(find(self, "column", name)) end

--- Whether there is a column.
-- @param name text
-- @return boolean
function Frame:has(name) return self._parts[check_name("has", name)] ~= nil end

--- Whether a column is of text.
-- @param name text
-- @return boolean
function Frame:is_text(name) return find(self, "is_text", name).text ~= nil end

--- A frame with a column more, or another one in its place.
-- @param name   text
-- @param values Tensor (N), or list
-- @return Frame
-- @raise if the length differs
function Frame:with(name, values)
  local new = made_of(self, self._rows, function(part) return part end)
  put(new, "with", check_name("with", name), part_of("with", name, values))
  return new
end

--- Some of the columns, in the order given.
-- @param names list of names, or one
-- @return Frame
-- @raise if there is none of a name
function Frame:select(names)
  local new = set_up(Frame:allocate())
  rawset(new, "_rows", self._rows)
  for _, name in ipairs(names_of(self, "select", names)) do put(new, "select", name, self._parts[name]) end
  return new
end

--- All columns but some.
-- @param names list of names, or one
-- @return Frame
-- @raise if there is none of a name
function Frame:drop(names)
  local gone, left = {}, {}
  for _, name in ipairs(names_of(self, "drop", names)) do gone[name] = true end
  for _, name in ipairs(self._names) do
    if not gone[name] then left[#left + 1] = name end
  end
  return self:select(left)
end

-- ---- rows ------------------------------------------------------------------------------------------------------

local function ids_of(caller, ids)
  if type(ids) == "table" then
    for i, id in ipairs(ids) do
      if not options.is_integer(id) then
        raise("%s: argument ids: expected integers, got %s at %d", caller, options.show(id), i)
      end
    end
    return core.tensor(ids, "int64")
  end
  if not is_tensor(ids) or ids:dim() ~= 1 or (ids.dtype ~= "int64" and ids.dtype ~= "int32") then
    raise("%s: argument ids: expected a tensor (n) of int64 or a list of integers, got %s", caller,
          is_tensor(ids) and ("(%s) %s"):format(table.concat(ids.shape, ", "), ids.dtype) or options.show(ids))
  end
  return ids.dtype == "int64" and ids or ids:to "int64"
end

local function take(self, caller, ids)
  local n = ids:size(0)
  if n > 0 then
    local low, high = ids:min():item(), ids:max():item()
    if low < 0 or high >= #self then
      raise("%s: row %d is out of range for %d rows (rows count from 0)", caller, low < 0 and low or high, #self)
    end
  end
  return made_of(self, n, function(part)
    if part.text then return {text = core.strings_select(part.text, ids)} end
    return {tensor = core.handle(op.index_select(part.tensor, 0, ids))}
  end)
end

--- Some of the rows, in the order given.
-- @param ids Tensor (n) int64, or list of integers, from 0
-- @return Frame
-- @raise if one is out of range
function Frame:rows(ids) return take(self, "rows", ids_of("rows", ids)) end

local function check_count(caller, n)
  if not options.is_integer(n) or n < 0 then
    raise("%s: argument n: expected an integer >= 0, got %s", caller, options.show(n))
  end
  return math.tointeger(n)
end

--- The first rows.
-- @param n how many, 5 if left out
-- @return Frame
function Frame:head(n) return take(self, "head", creation.arange(math.min(check_count("head", n or 5), #self))) end

--- The last rows.
-- @param n how many, 5 if left out
-- @return Frame
function Frame:tail(n)
  return take(self, "tail", creation.arange(math.max(0, #self - check_count("tail", n or 5)), #self))
end

-- What a script sees of a row: fields are looked up when asked for; lists of the columns are made once.
local function row_reader(self)
  local columns, at = {}, 0
  local row = setmetatable({}, {__index = function(_, name)
    local values = columns[name]
    if not values then
      local value = value_of(find(self, "row", name))
      values = is_tensor(value) and value:tolist() or value
      columns[name] = values
    end
    return values[at + 1]
  end})
  return row, function(i) at = i end
end

--- One row.
-- @param i from 0
-- @return table name = number, boolean or string; false for a missing text
-- @raise if there is none
function Frame:row(i)
  if not options.is_integer(i) or i < 0 or i >= #self then
    raise("row: row %s is out of range for %d rows (rows count from 0)", options.show(i), #self)
  end
  local row = {}
  for _, name in ipairs(self._names) do
    local part = self._parts[name]
    if part.text then
      row[name] = core.strings_get(part.text, math.tointeger(i))
    else
      row[name] = part.tensor:select(0, math.tointeger(i)):item()
    end
  end
  return list.of(row)
end

-- Numbers of the rows at which a tensor (N) bool is true.
local function where(mask) return op.reshape(op.nonzero(mask), {-1}) end

--- The rows for which a function says true, or at which a tensor is.
-- @param fn function(row) -> boolean, where row.age is the value of this row, valid during the call; or Tensor (N) bool
-- @return Frame
-- @raise if the tensor has another length
function Frame:filter(fn)
  if is_tensor(fn) then
    if fn.dtype ~= "bool" or fn:dim() ~= 1 or fn:size(0) ~= #self then
      raise("filter: argument fn: expected a tensor of shape (%d) and bool, got (%s) %s", #self,
            table.concat(fn.shape, ", "), fn.dtype)
    end
    return take(self, "filter", where(fn))
  end
  if type(fn) ~= "function" then raise("filter: argument fn: expected a function, got %s", options.show(fn)) end
  local ids = {}
  local row, move = row_reader(self)
  for i = 0, #self - 1 do
    move(i)
    if fn(row) then ids[#ids + 1] = i end
  end
  return take(self, "filter", core.tensor(ids, "int64"))
end

-- Which rows have a column's value, as a tensor (N) bool; nil: all have.
local function present(part)
  if part.text then
    local _, missing = core.strings_info(part.text)
    return missing > 0 and core.strings_present(part.text) or nil
  end
  if not part.tensor.dtype:find "float" then return nil end
  return op.logical_not(op.isnan(part.tensor))
end

--- The rows in which nothing is missing.
-- @param names the columns that count, all if left out
-- @return Frame
function Frame:drop_missing(names)
  local all
  for _, name in ipairs(names_of(self, "drop_missing", names)) do
    local there = present(self._parts[name])
    all = there and (all and op.logical_and(all, there) or there) or all
  end
  return all and take(self, "drop_missing", where(all)) or self:select(self._names)
end

-- ---- splitting -------------------------------------------------------------------------------------------------

local split_spec = options.spec("split", {
  {name = "shuffle", type = "boolean", default = true, doc = "rows at random; else the first ones"},
  {name = "seed", type = "integer", doc = "of the order; left out: the generator of manual_seed"},
  {name = "stratify", type = "string", doc = "a column whose values both parts have in equal proportion"},
})

-- A random order, from a seed without touching the generator.
local function order_of(n, o)
  if not o.shuffle then return creation.arange(n):tolist() end
  if not o.seed then return creation.randperm(n):tolist() end
  local before = {core.get_rng_state()}
  core.manual_seed(o.seed)
  local order = creation.randperm(n):tolist()
  core.set_rng_state(before[1], before[2])
  return order
end

-- How many rows of each group of sizes go first, `count` in all: the whole part of its share, and one more for those
-- whose share has the largest fraction.
local function shares(sizes, fraction, count)
  local share, rest = {}, {}
  for g, size in ipairs(sizes) do
    share[g] = math.floor(size * fraction)
    count = count - share[g]
    rest[g] = g
  end
  table.sort(rest, function(a, b)
    local x, y = sizes[a] * fraction % 1, sizes[b] * fraction % 1
    if x ~= y then return x > y end
    return a < b
  end)
  for i = 1, count do share[rest[i]] = share[rest[i]] + 1 end
  return share
end

-- Rows in order cut in two, each group by its share.
local function cut(order, group_of, fraction, count)
  local groups, sizes = {}, {}
  for _, id in ipairs(order) do
    local key = group_of(id)
    if not groups[key] then
      sizes[#sizes + 1] = 0
      groups[key] = #sizes
    end
    sizes[groups[key]] = sizes[groups[key]] + 1
  end
  local left, first, second = shares(sizes, fraction, count), {}, {}
  for _, id in ipairs(order) do
    local g = groups[group_of(id)]
    local to = left[g] > 0 and first or second
    left[g] = left[g] - 1
    to[#to + 1] = id
  end
  return first, second
end

--- Cuts the rows in two, for training and testing.
-- @param fraction of the rows in the first part, rounded: 0.8
-- @param opt      {shuffle = true, seed =, stratify = column}
-- @return Frame, Frame
-- @raise if the fraction is not between 0 and 1
function Frame:split(fraction, opt)
  local o = split_spec.read(opt)
  if type(fraction) ~= "number" or not (fraction >= 0 and fraction <= 1) then
    raise("split: argument fraction: expected a number in [0, 1], got %s", options.show(fraction))
  end
  local n = #self
  local group_of = function() return 1 end
  if o.stratify then
    local value = value_of(find(self, "split", o.stratify))
    local keys = is_tensor(value) and value:tolist() or value
    group_of = function(id)
      local key = keys[id + 1]
      return key == key and key or "nan"
    end
  end
  local first, second = cut(order_of(n, o), group_of, fraction, math.floor(n * fraction + 0.5))
  return take(self, "split", core.tensor(first, "int64")), take(self, "split", core.tensor(second, "int64"))
end

-- ---- tensors ---------------------------------------------------------------------------------------------------

local tensor_spec = options.spec("tensor", {
  {name = "dtype", type = "dtype", default = "float32", doc = "of the result"},
})

-- A column that has to be of numbers.
local function numbers(self, caller, name)
  local part = find(self, caller, name)
  if not part.tensor then
    raise("%s: column '%s' is text: f:ids('%s') makes numbers of it, f:one_hot('%s') columns", caller, name, name, name)
  end
  return part.tensor
end

-- Names of the columns of numbers, or those given, which have to be such.
local function number_names(self, caller, names)
  if names ~= nil then
    names = names_of(self, caller, names)
    for _, name in ipairs(names) do numbers(self, caller, name) end
    return names
  end
  local found = {}
  for _, name in ipairs(self._names) do
    if self._parts[name].tensor then found[#found + 1] = name end
  end
  return found
end

--- Columns of numbers side by side.
-- @param names list of k names; left out: all columns of numbers
-- @param opt   {dtype = "float32"}
-- @return Tensor (N, k)
-- @raise if a column is text or there is none
function Frame:tensor(names, opt)
  local o, parts = tensor_spec.read(opt), {}
  for i, name in ipairs(number_names(self, "tensor", names)) do parts[i] = self._parts[name].tensor:to(o.dtype) end
  if #parts == 0 then raise("tensor: there are no columns of numbers") end
  return op.stack(parts, 1)
end

local ids_spec = options.spec("ids", {
  {name = "vocab", type = "table", doc = "Vocab to look the words up in: that of the training data"},
})

--- A column of text as the ids of its words.
-- @param name of the column
-- @param opt  {vocab =}
-- @return Tensor (N) int64, Vocab: the most frequent word first
-- @raise if a text is missing, or the vocabulary given has neither it nor an unknown word
function Frame:ids(name, opt)
  local o, part = ids_spec.read(opt), find(self, "ids", name)
  if not part.text then raise("ids: column '%s' is of numbers: f:column('%s')", name, name) end
  if o.vocab and getmetatable(o.vocab) ~= Vocab then
    raise("ids: option vocab: expected a Vocab, got %s", options.show(o.vocab))
  end
  local _, missing = core.strings_info(part.text)
  if missing > 0 then
    raise("ids: column '%s' lacks %d texts: see f:fill_missing and f:drop_missing", name, missing)
  end
  local ids, words = core.strings_ids(part.text, o.vocab and o.vocab.handle)
  return ids, o.vocab or Vocab:allocate():adopt(words)
end

--- The rows as samples for a DataLoader: {"a", "b", target = "y"}, with the columns a and b as one tensor (N, 2) of
-- float32. A target of text becomes ids, whole numbers int64, others float32.
-- @param fields list of columns, and the name of one as `target`, if there is to be one; `vocab` for its words
-- @return TensorDataset, and the target's Vocab if it is text
-- @raise if a column is missing or text
function Frame:dataset(fields)
  if type(fields) ~= "table" then
    raise("dataset: argument fields: expected {columns, target = name}, got %s", options.show(fields))
  end
  local names = {}
  for key, name in pairs(fields) do
    if math.type(key) == "integer" then
      names[key] = name
    elseif key ~= "target" and key ~= "vocab" then
      options.unknown("dataset", key, {"target", "vocab"})
    end
  end
  local x = self:tensor(names)
  if not fields.target then return dataset.TensorDataset(x) end
  if self:is_text(fields.target) then
    local ids, words = self:ids(fields.target, {vocab = fields.vocab})
    return dataset.TensorDataset(x, ids), words
  end
  local y = numbers(self, "dataset", fields.target)
  return dataset.TensorDataset(x, y:to(y.dtype:find "float" and "float32" or "int64"))
end

-- ---- showing ---------------------------------------------------------------------------------------------------

--- The frame as a table that fits the terminal.
-- @return text
function Frame.__tostring(self)
  return show(self._names, self._parts, self._rows or 0, tonumber(os.getenv "COLUMNS") or 80,
              rawget(self, "_wraps"))
end

require "embla.data.frame_prepare"(Frame, {
  find = find, names_of = names_of, numbers = numbers, number_names = number_names, made_of = made_of, put = put,
  present = present, where = where,
})

return Frame
