-- Datasets: numbered samples. Samples are counted from 0, as the rows of a tensor are.

local class = require "embla.class"
local core = require "embla.core"
local options = require "embla.options"
local raise = require "embla.raise"

local dataset = {}

local is_tensor = core.is_tensor

-- ---- the base --------------------------------------------------------------------------------------------------

--- What a DataLoader reads. A class of one's own defines `__len(self)` and `get(self, i)`, which returns the fields of
-- sample i (tensors or numbers) as several values.
local Dataset = class "Dataset"
dataset.Dataset = Dataset

-- The number of samples that a dataset says it has.
local function size_of(whole)
  local n = #whole
  if math.type(n) ~= "integer" or n < 0 then
    raise("%s: # of the dataset: expected an integer >= 0, got %s", whole.__name or "Dataset", options.show(n))
  end
  return n
end
dataset.size_of = size_of

--- Number of samples.
-- @return integer
function Dataset:size() return #self end

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

-- One field of several samples as a tensor with a new first dim.
local function stack(values)
  if not is_tensor(values[1]) then return core.tensor(values) end
  return core.ops.stack(values, 0)
end

-- What get returned for sample i: as many fields as for the first sample of the batch, each a tensor or a number.
local function check_sample(self, i, sample, first)
  if sample.n ~= first.n then
    raise("%s: get(%d) returned %d fields, get of the batch's first sample %d", self.__name, i, sample.n, first.n)
  end
  for f = 1, sample.n do
    local value, kind = sample[f], is_tensor(first[f]) and "tensor" or type(first[f])
    if kind ~= "tensor" and kind ~= "number" and kind ~= "boolean" then
      raise("%s: get(%d): field %d: expected a tensor or a number, got %s", self.__name, i, f, options.show(value))
    elseif (is_tensor(value) and "tensor" or type(value)) ~= kind then
      raise("%s: get(%d): field %d: expected a %s as in the batch's first sample, got %s", self.__name, i, f, kind,
            options.show(value))
    end
  end
end

--- The fields of several samples, stacked.
-- @param ids Tensor (B) int64
-- @return for each field a Tensor (B, ...)
function Dataset:batch(ids)
  local fields, first = {}, nil
  for row, i in ipairs(ids:tolist()) do
    local sample = table.pack(self:get(i))
    first = first or sample
    check_sample(self, i, sample, first)
    for f, value in ipairs(sample) do
      fields[f] = fields[f] or {}
      fields[f][row] = value
    end
  end
  for f, values in ipairs(fields) do fields[f] = stack(values) end
  return table.unpack(fields)
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

local function check_dataset(owner, value)
  if type(value) ~= "table" or type(value.batch) ~= "function" then
    raise("%s: argument whole: expected a dataset, got %s", owner, options.show(value))
  end
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
  check_dataset("Subset", whole)
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

-- Sizes of the parts: given ones, or fractions that sum to 1, the remainder going to the first parts.
local function part_sizes(lengths, n)
  local sizes, sum, total = {}, 0, 0
  for i, length in ipairs(lengths) do
    if type(length) ~= "number" or length < 0 then
      raise("random_split: argument lengths: expected sizes or fractions >= 0, got %s", options.show(length))
    end
    total = total + length
    sizes[i] = length
  end
  if math.abs(total - 1) > 1e-9 or n == 1 then return sizes, total end
  for i, fraction in ipairs(lengths) do
    sizes[i] = math.floor(n * fraction + 1e-9)
    sum = sum + sizes[i]
  end
  for i = 1, n - sum do sizes[(i - 1) % #sizes + 1] = sizes[(i - 1) % #sizes + 1] + 1 end
  return sizes, n
end

--- Cuts a dataset into parts at random.
-- @param whole   Dataset
-- @param lengths sequence of sizes that sum to its size, or of fractions that sum to 1
-- @return as many Subsets as there are lengths
-- @raise if the lengths do not sum to the size
function dataset.random_split(whole, lengths)
  check_dataset("random_split", whole)
  if type(lengths) ~= "table" then
    raise("random_split: argument lengths: expected a list, got %s", options.show(lengths))
  end
  local n = size_of(whole)
  local sizes, total = part_sizes(lengths, n)
  if total ~= n then
    raise("random_split: the lengths sum to %s, the dataset has %d samples", options.show(total), n)
  end
  local order, first, parts = core.randperm(n), 0, {}
  for i, size in ipairs(sizes) do
    local count = math.tointeger(size) or raise("random_split: argument lengths: expected integer sizes, got %s",
                                                options.show(size))
    parts[i] = Subset(whole, order:narrow(0, first, count))
    first = first + count
  end
  return table.unpack(parts)
end

return dataset
