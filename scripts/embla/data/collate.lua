-- Batches out of samples: fields of one shape are stacked, sequences of different length padded.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local sequences = require "embla.nn.recurrent.sequences"

local collate = {}

local is_tensor = core.is_tensor
local KINDS = {tensor = true, number = true, boolean = true, string = true, table = true}
local DEEPEST = 32
local PAD = " (collate = data.pad takes sequences of different length)"

local function kind_of(value) return is_tensor(value) and "tensor" or type(value) end

-- "2.word": where a field is, within another.
local function join(path, key) return (path and path .. "." or "") .. tostring(key) end

local function field(path) return "field " .. (path or 1) end

local function check_kinds(values, about, path)
  local kind = kind_of(values[1])
  if not KINDS[kind] then
    raise("%s: %s: expected a tensor, a number, a boolean, a string or a table, got %s", about(1), field(path),
          options.show(values[1]))
  end
  for row = 2, #values do
    if kind_of(values[row]) ~= kind then
      raise("%s: %s: expected a %s as in the batch's first sample, got %s", about(row), field(path), kind,
            options.show(values[row]))
    end
  end
  return kind
end

-- ---- fields ----------------------------------------------------------------------------------------------------

local function refuse_missing(key, about, path)
  raise("%s: %s is missing, the batch's first sample has it%s", about, field(join(path, key)),
        type(key) == "number" and PAD or "")
end

local function refuse_left_over(first, sample, about, path)
  for key in next, sample do
    if first[key] == nil then raise("%s: %s: the batch's first sample has none", about, field(join(path, key))) end
  end
end

-- Samples that are tables, field by field: key -> what combine(values, path, key) makes of its values.
local function by_field(samples, about, path, combine)
  local first, columns, count = samples[1], {}, 0
  for key in next, first do
    local values = {}
    for row, sample in ipairs(samples) do
      local value = sample[key]
      if value == nil then refuse_missing(key, about(row), path) end
      values[row] = value
    end
    columns[key], count = values, count + 1
  end
  for row, sample in ipairs(samples) do
    local own = 0
    for _ in next, sample do own = own + 1 end
    if own ~= count then refuse_left_over(first, sample, about(row), path) end
  end
  for key, values in next, columns do columns[key] = combine(values, join(path, key), key) end
  return columns
end

local function merge(values, about, path, depth)
  local kind = check_kinds(values, about, path)
  if kind == "tensor" then return core.ops.stack(values, 0) end
  if kind == "string" then return values end
  if kind ~= "table" then return core.tensor(values) end
  if depth > DEEPEST then raise("%s: %s: more than %d tables within each other", about(1), field(path), DEEPEST) end
  return by_field(values, about, path, function(column, own) return merge(column, about, own, depth + 1) end)
end

-- Whether a sample is a list of fields, which a batch has as several values.
local function has_several(sample) return type(sample) == "table" and rawget(sample, 1) ~= nil end

local function number_of_fields(sample) return has_several(sample) and #sample or 1 end

-- Samples that are lists of fields, one field after another.
local function merge_lists(samples, n, about)
  local fields = {}
  for f = 1, n do
    local values = {}
    for row, sample in ipairs(samples) do values[row] = sample[f] end
    fields[f] = merge(values, about, f, 1)
  end
  return fields
end

--- The batch of several samples.
-- @param samples list of samples: each one value, or a list of its fields
-- @param about   function(row) that says which sample it is, for messages
-- @return for each field what default_collate makes of it
-- @raise if the samples do not have the same fields
function collate.samples(samples, about)
  local n = number_of_fields(samples[1])
  for row, sample in ipairs(samples) do
    local own = number_of_fields(sample)
    if own ~= n then
      raise("%s: the sample has %d fields, the batch's first %d%s", about(row), own, n,
            has_several(sample) and type(sample[1]) == "number" and PAD or "")
    end
  end
  check_kinds(samples, about)
  if not has_several(samples[1]) then return merge(samples, about, nil, 1) end
  return table.unpack(merge_lists(samples, n, about), 1, n)
end

local function check_samples(caller, samples)
  if type(samples) ~= "table" or #samples == 0 then
    raise("%s: argument samples: expected a list of samples, got %s", caller,
          type(samples) == "table" and "an empty one" or options.show(samples))
  end
end

-- Positions of samples count from 0, as those of a batch do.
local function namer(caller)
  return function(row) return ("%s: sample %d"):format(caller, row - 1) end
end

--- What a DataLoader makes of samples unless it is told: tensors are stacked along a new first dim, numbers and
-- booleans become a tensor, strings a list; a table becomes a table, field by field. Of samples that are lists the
-- batch has the fields as several values.
-- @param samples list of samples
-- @return the fields of the batch
-- @raise if there is none, or they do not have the same fields
function collate.default_collate(samples)
  check_samples("default_collate", samples)
  return collate.samples(samples, namer "default_collate")
end

-- ---- padding ---------------------------------------------------------------------------------------------------

local pad_spec = options.spec("pad", {
  {name = "value", type = "number", default = 0, also = "padding_value", doc = "what stands behind the shorter ones"},
  {name = "fields", type = "table", doc = "positions or names of the fields to pad; left out: all that are sequences"},
})

-- A tensor with steps, or a list of numbers; an empty table is a sequence of none.
local function is_sequence(value)
  if is_tensor(value) then return value:dim() > 0 end
  if type(value) ~= "table" then return false end
  local numbers = 0
  for _, number in next, value do
    if type(number) ~= "number" then return false end
    numbers = numbers + 1
  end
  return numbers == #value
end

local function check_sequences(values, about, path)
  for row, value in ipairs(values) do
    if not is_sequence(value) then
      raise("%s: %s: expected a sequence (a tensor of at least 1 dim, or a list of numbers), got %s", about(row),
            field(path), options.show(value))
    end
  end
end

-- All as tensors; a list without elements has the dtype of the others.
local function tensors_of(values)
  local tensors, dtype = {}, nil
  for row, value in ipairs(values) do
    if is_tensor(value) or #value > 0 then
      tensors[row] = is_tensor(value) and value or core.tensor(value)
      dtype = dtype or tensors[row].dtype
    end
  end
  for row = 1, #values do tensors[row] = tensors[row] or core.zeros({0}, dtype or "int64") end
  return tensors
end

-- Sequences (T_n, *) as a Tensor (B, T, *), and their lengths (B).
local function pad_sequences(values, value, about, path)
  check_sequences(values, about, path)
  local tensors, lengths = tensors_of(values), {}
  for row, tensor in ipairs(tensors) do lengths[row] = tensor:size(0) end
  return sequences.pad_sequence(tensors, {batch_first = true, padding_value = value}), core.tensor(lengths, "int64")
end

-- Which fields to pad: those of the option, else all that are sequences in the first sample.
local function fields_to_pad(first, fields)
  local chosen = {}
  for key, value in next, first do chosen[key] = not fields and is_sequence(value) or nil end
  for _, key in ipairs(fields or {}) do
    if first[key] == nil then raise("pad: option fields: the samples have no field %s", options.show(key)) end
    chosen[key] = true
  end
  if next(chosen) == nil then raise("pad: the samples have no field that is a sequence") end
  return chosen
end

-- Samples with fields: those padded, the others as default_collate has them; then the lengths.
local function pad_fields(samples, o, about)
  check_kinds(samples, about)
  local chosen, lengths = fields_to_pad(samples[1], o.fields), {}
  local batch = by_field(samples, about, nil, function(values, path, key)
    if not chosen[key] then return merge(values, about, path, 1) end
    local padded
    padded, lengths[key] = pad_sequences(values, o.value, about, path)
    return padded
  end)
  if not has_several(samples[1]) then
    if batch.lengths ~= nil then raise("pad: the samples have a field 'lengths', which the lengths are to go into") end
    batch.lengths = lengths
    return batch
  end
  local n = #samples[1]
  for position = 1, #samples[1] do
    if lengths[position] then
      n = n + 1
      batch[n] = lengths[position]
    end
  end
  return table.unpack(batch, 1, n)
end

local function pad(samples, o)
  check_samples("pad", samples)
  local about, first = namer "pad", samples[1]
  if is_tensor(first) or is_sequence(first) then return pad_sequences(samples, o.value, about) end
  if type(first) ~= "table" then check_sequences(samples, about) end
  return pad_fields(samples, o, about)
end

--- The batch of samples that are sequences of different length, or have such among their fields: a sequence is a tensor
-- of at least 1 dim, or a list of numbers. A DataLoader takes it as it is, `collate = data.pad`, or with options,
-- `collate = data.pad {value = -1}`.
--
--   for ids, labels, lengths in data.DataLoader(set, {batch_size = 32, collate = data.pad}) do … end
--
-- @param samples list of samples; left out: a function with these options is returned
-- @param opt     the options
-- @return for each field its Tensor (B, T, *) if it is padded, else what default_collate makes of it; then for each
--   that is padded the lengths, Tensor (B) int64. Of samples that are tables with names, one table, the lengths by the
--   same names in its field `lengths`.
-- @raise if a sample has other fields than the first, or what is to be padded is no sequence
function collate.pad(samples, opt)
  local o = pad_spec.read(opt)
  if samples == nil then
    return function(list) return pad(list, o) end
  end
  return pad(samples, o)
end

return collate
