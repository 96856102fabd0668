-- What a Frame's columns go through before training: described, filled, encoded, standardized.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local op = core.ops

-- ---- statistics ------------------------------------------------------------------------------------------------

-- The values that there are, as float64 in ascending order.
local function sorted_values(inside, part)
  local x = part.tensor:to "float64"
  local there = inside.present({tensor = x})
  return (op.sort(op.index_select(x, 0, inside.where(there)), 0))
end

-- Between the two nearest of n sorted values, as their distances say.
local function quantile(sorted, q)
  local n = sorted:size(0)
  if n == 0 then return 0 / 0 end
  local at = q * (n - 1)
  local low = math.floor(at)
  local a = sorted:select(0, low):item()
  if low == at then return a end
  return a + (sorted:select(0, low + 1):item() - a) * (at - low)
end

-- Mean and sum of squares about it.
local function moments(values)
  local n = values:size(0)
  if n == 0 then return 0 / 0, 0 / 0 end
  local mean = values:mean():item()
  local off = values - mean
  return mean, (off * off):sum():item()
end

-- The most frequent text, of equal ones the first; and the numbers' counterpart, the smallest.
local function mode_of(inside, part)
  if part.text then
    local _, missing = core.strings_info(part.text)
    local text = missing == 0 and part.text or core.strings_select(part.text, inside.where(inside.present(part)))
    if core.strings_info(text) == 0 then return nil, 0, 0, 0 end
    local _, words = core.strings_ids(text)
    local top, freq = core.vocab_word(words, 0)
    return top, freq, (core.vocab_info(words)), (core.strings_info(text))
  end
  local sorted = sorted_values(inside, part)
  local best, best_count, last, count
  for _, x in ipairs(sorted:tolist()) do
    count = x == last and count + 1 or 1
    last = x
    if count > (best_count or 0) then best, best_count = x, count end
  end
  return best, best_count
end

local QUANTILES = {{"min", 0}, {"25%", 0.25}, {"50%", 0.5}, {"75%", 0.75}, {"max", 1}}

local function describe_numbers(inside, self, names, Frame)
  local cells = {name = names, count = {}, mean = {}, std = {}}
  for i, name in ipairs(names) do
    local sorted = sorted_values(inside, self._parts[name])
    local n, mean, squares = sorted:size(0), moments(sorted)
    cells.count[i], cells.mean[i], cells.std[i] = n, mean, n > 1 and math.sqrt(squares / (n - 1)) or 0 / 0
    for _, row in ipairs(QUANTILES) do
      cells[row[1]] = cells[row[1]] or {}
      cells[row[1]][i] = quantile(sorted, row[2]) + 0.0
    end
  end
  return Frame(cells, {columns = {"name", "count", "mean", "std", "min", "25%", "50%", "75%", "max"}})
end

local function describe_text(inside, self, names, Frame)
  local cells = {name = names, count = {}, unique = {}, top = {}, freq = {}}
  for i, name in ipairs(names) do
    local top, freq, unique, count = mode_of(inside, self._parts[name])
    cells.count[i], cells.unique[i], cells.top[i], cells.freq[i] = count, unique, top or "", freq
  end
  return Frame(cells, {columns = {"name", "count", "unique", "top", "freq"}})
end

-- ---- filling ---------------------------------------------------------------------------------------------------

local STATISTICS = {
  mean = function(_, sorted) return (moments(sorted)) end,
  median = function(_, sorted) return quantile(sorted, 0.5) end,
}

-- What stands in for the missing values of a column.
local function filler(inside, name, part, fill)
  if fill == "mode" then return (mode_of(inside, part)) end
  if part.text then
    if type(fill) == "string" then return fill end
  elseif STATISTICS[fill] then
    return STATISTICS[fill](part, sorted_values(inside, part))
  elseif type(fill) == "number" then
    return fill
  end
  raise("fill_missing: column '%s': expected %s, got %s", name,
        part.text and "a string or 'mode'" or "a number, 'mean', 'median' or 'mode'", options.show(fill))
end

local function filled(inside, name, part, fill)
  local value = filler(inside, name, part, fill)
  local there = inside.present(part)
  if not there or value == nil then return part end
  if part.tensor then return {tensor = core.handle(op.masked_fill(part.tensor, op.logical_not(there), value))} end
  local texts = core.strings_list(part.text)
  for i, text in ipairs(texts) do texts[i] = text or value end
  return {text = core.strings_new(texts)}
end

-- ---- the methods -----------------------------------------------------------------------------------------------

local describe_spec = options.spec("describe", {
  {name = "text", type = "boolean", doc = "the columns of text; left out: those of numbers, or of text if all are"},
})
local encode_spec = options.spec("encode", {
  {name = "vocabs", type = "table", default = {}, doc = "name = Vocab, to look the words up in: those of training"},
})
local standardize_spec = options.spec("standardize", {
  {name = "statistics", type = "table", doc = "what it returned for the training data"},
})

--- Adds the methods to the class.
-- @param Frame  the class
-- @param inside what they need of its inside
return function(Frame, inside)
  --- What the columns hold, a row for each. Of numbers: count of those there, mean, std (of a sample), min, quantiles
  -- (between two values as their distances say) and max. Of text: count, unique ones, the most frequent and how often.
  -- @param opt {text = false}
  -- @return Frame
  function Frame:describe(opt)
    local text, numbers, texts = describe_spec.read(opt).text, {}, {}
    for _, name in ipairs(self._names) do
      local names = self._parts[name].text and texts or numbers
      names[#names + 1] = name
    end
    if text == nil then text = #numbers == 0 end
    local described = (text and describe_text or describe_numbers)(inside, self, text and texts or numbers, Frame)
    rawset(described, "_wraps", true)                   -- each of its columns tells something: all are printed
    return described
  end

  --- The frame with values in place of missing ones.
  -- @param fills name = a value, or "mean", "median" (of numbers), or "mode": the most frequent, of equal numbers the
  --              smallest, of equal texts the first
  -- @return Frame
  -- @raise if there is no such column, or a value does not fit it
  function Frame:fill_missing(fills)
    if type(fills) ~= "table" then
      raise("fill_missing: argument fills: expected name = value, got %s", options.show(fills))
    end
    for name in pairs(fills) do inside.find(self, "fill_missing", name) end
    return inside.made_of(self, self._rows, function(part, name)
      return fills[name] ~= nil and filled(inside, name, part, fills[name]) or part
    end)
  end

  --- The frame with columns of text as the ids of their words, int64.
  -- @param names columns, all of text if left out
  -- @param opt   {vocabs = name = Vocab}
  -- @return Frame, table name = Vocab: for the test data
  -- @raise if a text is missing or not known
  function Frame:encode(names, opt)
    local given, vocabs, ids = encode_spec.read(opt).vocabs, {}, {}
    for _, name in ipairs(inside.names_of(self, "encode", names)) do
      if self._parts[name].text then
        ids[name], vocabs[name] = self:ids(name, {vocab = given[name]})
      elseif names ~= nil then
        raise("encode: column '%s' is of numbers", name)
      end
    end
    return inside.made_of(self, self._rows, function(part, name)
      return ids[name] and {tensor = core.handle(ids[name])} or part
    end), vocabs
  end

  --- The frame with each column of text replaced by one for each of its words, "species_Adelie", of 1 and 0 (float32).
  -- @param names columns, all of text if left out
  -- @param opt   {vocabs = name = Vocab}
  -- @return Frame, table name = Vocab: for the test data
  -- @raise if a text is missing or not known
  function Frame:one_hot(names, opt)
    local encoded, vocabs = self:encode(names, opt)
    local new = Frame {}
    for _, name in ipairs(self._names) do
      local part = encoded._parts[name]
      for id, word in ipairs(vocabs[name] and vocabs[name]:words() or {}) do
        inside.put(new, "one_hot", name .. "_" .. word,
                   {tensor = core.handle(op.eq(part.tensor, id - 1):to "float32")})
      end
      if not vocabs[name] then inside.put(new, "one_hot", name, part) end
    end
    return new, vocabs
  end

  --- The frame with columns of numbers less their mean, divided by their standard deviation (of all values that there
  -- are; where that is 0, by 1), as float64.
  -- @param names columns, all of numbers if left out
  -- @param opt   {statistics =}: those of the training data, for the test data
  -- @return Frame, table name = {mean =, std =}
  -- @raise if a column is text
  function Frame:standardize(names, opt)
    local given, used = standardize_spec.read(opt).statistics, {}
    for _, name in ipairs(inside.number_names(self, "standardize", names)) do
      local row = given and given[name]
      if given and not row then raise("standardize: option statistics: there are none of column '%s'", name) end
      if not row then
        local sorted = sorted_values(inside, self._parts[name])
        local mean, squares = moments(sorted)
        row = {mean = mean, std = math.sqrt(squares / math.max(sorted:size(0), 1))}
        if row.std == 0 then row.std = 1.0 end
      end
      used[name] = row
    end
    return inside.made_of(self, self._rows, function(part, name)
      if not used[name] then return part end
      return {tensor = core.handle((part.tensor:to "float64" - used[name].mean) / used[name].std)}
    end), used
  end
end
