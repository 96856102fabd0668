-- Datasets: numbered samples. Samples are counted from 0, as the rows of a tensor are.

local class = require "embla.base.class"
local collate = require "embla.data.collate"
local core = require "embla.core"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local dataset = {}

local is_tensor = core.is_tensor

-- ---- the base --------------------------------------------------------------------------------------------------

--- What a DataLoader reads. A class of one's own defines `__len(self)` and `get(self, i)`, which returns the fields of
-- sample i as several values: tensors, numbers, booleans, strings, or tables of them.
local Dataset = class "Dataset"
dataset.Dataset = Dataset

-- The number of samples that a dataset says it has.
local function size_of(whole)
  local meta = getmetatable(whole)
  if type(meta) == "table" and not meta.__len then raise("%s: the class defines no __len", whole.__name) end
  local n = #whole
  if math.type(n) ~= "integer" or n < 0 then
    raise("%s: # of the dataset: expected an integer >= 0, got %s", whole.__name or "Dataset", options.show(n))
  end
  return n
end
dataset.size_of = size_of

--- A dataset with numbered samples.
-- @param owner name that leads the message
-- @param name  of the argument
-- @param value what was given
-- @return the value
-- @raise if it is none
function dataset.check(owner, name, value)
  if type(value) ~= "table" or type(value.batch) ~= "function" then
    raise("%s: argument %s: expected a dataset, got %s", owner, name, options.show(value))
  end
  return value
end

local check_dataset = dataset.check

--- A number of samples: a dataset's, or one given as it is.
-- @param owner name that leads the message
-- @param name  of the argument
-- @param value Dataset or integer >= 0
-- @return integer
-- @raise if it is neither
function dataset.count(owner, name, value)
  if type(value) == "table" and type(value.batch) == "function" then return size_of(value) end
  if not options.is_integer(value) or value < 0 then
    raise("%s: argument %s: expected a dataset, or an integer >= 0 (a number of samples), got %s", owner, name,
          options.show(value))
  end
  return math.tointeger(value)
end

--- Number of samples.
-- @return integer
function Dataset:size() return size_of(self) end

--- What tostring shows between the brackets after the number of samples; classes define their own.
-- @return text
function Dataset.extra_repr() return "" end

--- Its class and its number of samples.
-- @return text
function Dataset.__tostring(self)
  local count = getmetatable(self).__len
  if not count then return self.__name end
  return ("%s(%d samples%s)"):format(self.__name, count(self), self:extra_repr())
end

-- Reading by number or ipairs would begin at 1 and leave out sample 0.
local function refuse_numbers(cls)
  local base = getmetatable(cls).__index
  getmetatable(cls).__index = function(_, key)
    if type(key) == "number" then
      raise("%s: samples are read by get(i), i from 0, or in batches by a DataLoader", cls.__name)
    end
    return base[key]
  end
end

--- The fields of one sample; each class defines its own.
-- @raise if the class does not
function Dataset:get() raise("%s: the class defines no get", self.__name) end

--- A sample as collate functions take it: its one value, or a list of its fields.
-- @param form  of the text that says which sample it is: "%s: get(%d)"
-- @param owner for that text
-- @param i     for that text
-- @param ...   the fields
-- @return value, or list
-- @raise if a field is nil, or there is none
function dataset.as_sample(form, owner, i, ...)
  local n, a, b = select("#", ...), ...
  if n == 1 and a ~= nil then return a end
  if n == 2 and a ~= nil and b ~= nil then return {a, b} end                    -- the same, quicker
  if n == 0 then raise(form .. " returned nothing", owner, i) end
  for f = 1, n do
    if (select(f, ...)) == nil then
      raise(form .. ": field %d: expected a tensor, a number, a boolean, a string or a table, got nil", owner, i, f)
    end
  end
  return {...}
end

local as_sample = dataset.as_sample

--- Several samples of a dataset, for a collate function.
-- @param whole Dataset
-- @param ids   Tensor (B) int64
-- @return list of samples
function dataset.samples(whole, ids)
  local list, name = {}, whole.__name or "Dataset"
  for row, i in ipairs(ids:tolist()) do list[row] = as_sample("%s: get(%d)", name, i, whole:get(i)) end
  return list
end

local function check_ids(self, ids)
  expect.tensor("batch", "ids", ids)
  if ids:dim() ~= 1 then
    raise("%s: batch: argument ids: expected a tensor of 1 dimension, got one of %d", self.__name, ids:dim())
  end
end

--- The fields of several samples, as data.default_collate puts them together.
-- @param ids Tensor (B) int64
-- @return for each field a Tensor (B, ...), of strings a list
-- @raise if the samples do not have the same fields
function Dataset:batch(ids)
  check_ids(self, ids)
  if ids:numel() == 0 then raise("%s: batch: argument ids: expected at least one position, got none", self.__name) end
  return collate.samples(dataset.samples(self, ids), function(row)
    return ("%s: get(%d)"):format(self.__name, ids:select(0, row - 1):item())
  end)
end

-- ---- tensors ---------------------------------------------------------------------------------------------------

--- Samples that are the rows of tensors.
local TensorDataset = Dataset:extend "TensorDataset"
dataset.TensorDataset = TensorDataset
refuse_numbers(TensorDataset)

--- Makes the dataset.
-- @param ... Tensors (N, ...), one a field, of one N
-- @raise if one is no tensor, or has another first size
function TensorDataset:init(...)
  self.tensors = {...}
  if #self.tensors == 0 then raise("TensorDataset: argument 1: expected at least one tensor") end
  for i, tensor in ipairs(self.tensors) do
    if not is_tensor(tensor) or tensor:dim() == 0 then
      raise("TensorDataset: argument %d: expected a tensor of at least 1 dimension, got %s", i, options.show(tensor))
    end
    if tensor:size(0) ~= self.tensors[1]:size(0) then
      raise("TensorDataset: argument %d has %d rows, argument 1 has %d", i, tensor:size(0), self.tensors[1]:size(0))
    end
  end
end

function TensorDataset.__len(self) return self.tensors[1]:size(0) end

function TensorDataset:extra_repr()
  local text = ""
  for _, tensor in ipairs(self.tensors) do
    text = ("%s, (%s) %s"):format(text, table.concat(tensor.shape, ", "), tensor.dtype)
  end
  return text
end

local function check_position(owner, i, n)
  if type(i) ~= "number" or not math.tointeger(i) or i < 0 or i >= n then
    raise("%s: position %s is out of range for %d samples (positions count from 0)", owner, options.show(i), n)
  end
end

--- Row i of each tensor.
-- @param i position from 0
-- @return Tensors (...)
-- @raise if there is no such row
function TensorDataset:get(i)
  check_position("TensorDataset", i, #self)
  local rows = {}
  for f, tensor in ipairs(self.tensors) do rows[f] = tensor:select(0, i) end
  return table.unpack(rows)
end

--- Several rows of each tensor.
-- @param ids Tensor (B) int64
-- @return Tensors (B, ...)
function TensorDataset:batch(ids)
  local parts = {}
  for f, tensor in ipairs(self.tensors) do parts[f] = tensor:index_select(0, ids) end
  return table.unpack(parts)
end

-- ---- parts -----------------------------------------------------------------------------------------------------

--- Some of the samples of a dataset.
local Subset = Dataset:extend "Subset"
dataset.Subset = Subset
refuse_numbers(Subset)

--- Makes the part.
-- @param whole Dataset
-- @param ids   Tensor (n) int64, positions in it
-- @raise if they are not
function Subset:init(whole, ids)
  check_dataset("Subset", "whole", whole)
  if not core.is_tensor(ids) or ids:dim() ~= 1 then
    raise("Subset: argument ids: expected a tensor of 1 dimension, got %s", options.show(ids))
  end
  self.whole, self.ids = whole, ids
end

function Subset.__len(self) return self.ids:size(0) end
function Subset:extra_repr() return " of " .. tostring(self.whole) end

--- Sample i of the part.
-- @param i position from 0
-- @return the fields of the sample
-- @raise if there is no such sample
function Subset:get(i)
  check_position("Subset", i, #self)
  return self.whole:get(self.ids:select(0, i):item())
end

--- Several samples of the part.
-- @param ids Tensor (B) int64
-- @return for each field a Tensor (B, ...)
function Subset:batch(ids) return self.whole:batch(self.ids:index_select(0, ids)) end

-- ---- several ---------------------------------------------------------------------------------------------------

--- Several datasets behind one another.
local ConcatDataset = Dataset:extend "ConcatDataset"
dataset.ConcatDataset = ConcatDataset
refuse_numbers(ConcatDataset)

--- Makes the whole.
-- @param datasets list of Datasets
-- @raise if it is empty, or holds anything else
function ConcatDataset:init(datasets)
  if type(datasets) ~= "table" or #datasets == 0 then
    raise("ConcatDataset: argument datasets: expected a list of datasets, got %s",
          type(datasets) == "table" and "an empty one" or options.show(datasets))
  end
  self.datasets = {}
  for i, part in ipairs(datasets) do
    check_dataset("ConcatDataset", ("datasets[%d]"):format(i), part)
    self.datasets[i] = part
  end
end

function ConcatDataset:extra_repr() return (" of %d datasets"):format(#self.datasets) end

-- The position behind the last sample of each part.
local function ends_of(self)
  local ends, n = {}, 0
  for p, part in ipairs(self.datasets) do
    n = n + size_of(part)
    ends[p] = n
  end
  return ends
end

-- The part in which sample i lies, and its position there.
local function part_of(self, ends, i)
  check_position("ConcatDataset", i, ends[#ends])
  local low, high = 1, #ends                            -- the first part that ends behind i
  while low < high do
    local middle = (low + high) // 2
    if ends[middle] > i then high = middle else low = middle + 1 end
  end
  return self.datasets[low], i - (ends[low - 1] or 0)
end

function ConcatDataset.__len(self)
  local ends = ends_of(self)
  return ends[#ends]
end

--- Sample i, counted through all datasets.
-- @param i position from 0
-- @return the fields of the sample
-- @raise if there is no such sample
function ConcatDataset:get(i)
  local part, position = part_of(self, ends_of(self), i)
  return part:get(position)
end

-- The ids of a batch by part: list of {part, the ids in it}; and at which row of those, in this order, each id stands.
local function by_part(self, ids)
  check_ids(self, ids)
  local groups, group_of, members, rows, ends = {}, {}, {}, {}, ends_of(self)
  for row, i in ipairs(ids:tolist()) do
    local part, position = part_of(self, ends, i)
    local group = group_of[part]
    if not group then
      group = {part = part, ids = {}}
      groups[#groups + 1], group_of[part] = group, group
    end
    group.ids[#group.ids + 1] = position
    members[row] = {group, #group.ids - 1}
  end
  local first = 0
  for _, group in ipairs(groups) do
    group.first, first = first, first + #group.ids
    group.ids = core.tensor(group.ids)
  end
  for row, member in ipairs(members) do rows[row] = member[1].first + member[2] end
  return groups, core.tensor(rows, "int64")
end

local function all_tensors(batch)
  for f = 1, batch.n do
    if not is_tensor(batch[f]) then return false end
  end
  return true
end

--- Several samples: those of each dataset are read together.
-- @param ids Tensor (B) int64
-- @return for each field a Tensor (B, ...), of strings a list
-- @raise if there is no such sample, or the datasets do not have the same fields
function ConcatDataset:batch(ids)
  local groups, rows = by_part(self, ids)
  if #groups == 0 then return self.datasets[1]:batch(ids) end
  if #groups == 1 then return groups[1].part:batch(groups[1].ids) end
  local batches = {}
  for g, group in ipairs(groups) do
    batches[g] = table.pack(group.part:batch(group.ids))
    if batches[g].n ~= batches[1].n or not all_tensors(batches[g]) then return Dataset.batch(self, ids) end
  end
  local fields = {}
  for f = 1, batches[1].n do
    local parts = {}
    for g, batch in ipairs(batches) do parts[g] = batch[f] end
    fields[f] = core.ops.cat(parts, 0):index_select(0, rows)
  end
  return table.unpack(fields)
end

return dataset
