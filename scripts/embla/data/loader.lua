-- data.DataLoader: a dataset in batches.

local class = require "embla.class"
local creation = require "embla.tensor.creation"
local options = require "embla.options"
local raise = require "embla.raise"
local repr = require "embla.repr"
local size_of = require("embla.data.dataset").size_of

local spec = options.spec("DataLoader", {
  {name = "batch_size", type = "integer", default = 1, range = ">= 1", doc = "samples in a batch"},
  {name = "shuffle", type = "boolean", default = false, doc = "a new random order each time"},
  {name = "drop_last", type = "boolean", default = false, doc = "leave out a last batch that is not full"},
})

--- Goes through a dataset in batches: `for x, y in loader do`. # is the number of batches.
local DataLoader = class "DataLoader"

-- ipairs would find nothing and say nothing.
local base = getmetatable(DataLoader).__index
getmetatable(DataLoader).__index = function(_, key)
  if type(key) == "number" then
    raise("DataLoader: batches have no numbers: write `for x, y in loader do`")
  end
  return base[key]
end

--- Makes the loader.
-- @param dataset Dataset: an object with # and batch(ids)
-- @param ...     {batch_size = 1, shuffle = false, drop_last = false}, or these in order by position
-- @raise if it is no dataset or an option does not fit
function DataLoader:init(dataset, ...)
  if type(dataset) ~= "table" or type(dataset.batch) ~= "function" then
    raise("DataLoader: argument dataset: expected a dataset, got %s", options.show(dataset))
  end
  local o = spec.arguments(...)
  self.dataset = dataset
  self.batch_size, self.shuffle, self.drop_last = o.batch_size, o.shuffle, o.drop_last
  self._loops = setmetatable({}, {__mode = "k"})        -- of loops under way, by the first field of their last batch
end

function DataLoader.__len(self)
  local n = size_of(self.dataset)
  return self.drop_last and n // self.batch_size or (n + self.batch_size - 1) // self.batch_size
end

--- Iterates over the batches, in a new random order if `shuffle`.
-- @return iterator giving the fields of a batch: Tensors (B, ...)
function DataLoader:iter()
  local n, batches, at = size_of(self.dataset), #self, 0
  local order = self.shuffle and creation.randperm(n) or creation.arange(n)
  return function()
    if at == batches then return nil end
    local first = at * self.batch_size
    at = at + 1
    return self.dataset:batch(order:narrow(0, first, math.min(self.batch_size, n - first)))
  end
end

-- Notes by which value the loop is found again, and passes the batch on.
local function hand_over(loops, step, first, ...)
  if first ~= nil then loops[first] = step end
  return first, ...
end

-- A loop calls its iterator with two arguments, of which the second is what it got first the last time.
function DataLoader.__call(self, ...)
  local _, last = ...
  local step
  if last ~= nil then
    step, self._loops[last] = self._loops[last], nil
  elseif select("#", ...) == 2 then
    step = self:iter()
  end
  if not step then raise("DataLoader: it is not called: write `for x, y in loader do`, or use loader:iter()") end
  return hand_over(self._loops, step, step())
end

--- The dataset and the options.
-- @return text
function DataLoader.__tostring(self)
  return ("DataLoader(%s, batch_size=%d, shuffle=%s, drop_last=%s)"):format(tostring(self.dataset), self.batch_size,
                                                                           repr(self.shuffle), repr(self.drop_last))
end

return DataLoader
