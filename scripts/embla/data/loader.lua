-- data.DataLoader: a dataset in batches.

local class = require "embla.base.class"
local datasets = require "embla.data.dataset"
local iterable = require "embla.data.iterable"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local repr = require "embla.base.python_repr"
local samplers = require "embla.data.sampler"
local collate = require "embla.data.collate"

local spec = options.spec("DataLoader", {
  {name = "batch_size", type = "integer", range = ">= 1", doc = "samples in a batch; left out: 1"},
  {name = "shuffle", type = "boolean", default = false, doc = "another random order each epoch"},
  {name = "drop_last", type = "boolean", default = false, doc = "leave out a last batch that is not full"},
  {name = "sampler", type = "table", doc = "a Sampler, or an object whose iter() gives positions"},
  {name = "batch_sampler", type = "table",
   doc = "a BatchSampler, or an object whose iter() gives lists or tensors of positions; instead of all above"},
  {name = "collate", type = "function", also = "collate_fn",
   doc = "makes a batch of a list of samples, each its one value or a list of its fields; left out: default_collate"},
  {name = "seed", type = "integer",
   doc = "what the orders of shuffle depend on; left out: drawn once from the generator behind manual_seed"},
})

--- Goes through a dataset in batches: `for x, y in loader do`. # is the number of batches, nil if it is not known. With
-- shuffle each epoch has an order of its own, which depends on seed and epoch alone.
--
-- `epoch` is the number of the epoch under way, or else of the next, from 0; `position` the batches it has given. With
-- state_dict and load_state_dict a loader goes on where another one was, in the middle of an epoch too; of an iterable
-- dataset without a state_dict of its own the samples given so far are read again and left out.
local DataLoader = class "DataLoader"

-- ipairs would find nothing and say nothing.
local base = getmetatable(DataLoader).__index
getmetatable(DataLoader).__index = function(_, key)
  if type(key) == "number" then
    raise("DataLoader: batches have no numbers: write `for x, y in loader do`")
  end
  return base[key]
end

-- ---- making ----------------------------------------------------------------------------------------------------

-- Refuses options beside one that decides what they would.
local function refuse_beside(o, option, others)
  for name in others:gmatch "%S+" do
    if o[name] then raise("DataLoader: options %s and %s: expected one of them, got both", option, name) end
  end
end

local function check_options(o, is_stream)
  if is_stream and o.shuffle then
    raise("DataLoader: option shuffle: samples of an iterable dataset come in its own order; wrap it in "
          .. "data.ShuffleBuffer(dataset, {buffer_size = 1000})")
  end
  if is_stream and (o.sampler or o.batch_sampler) then
    raise("DataLoader: option %s: samples of an iterable dataset have no numbers", o.sampler and "sampler" or
          "batch_sampler")
  end
  if o.batch_sampler then refuse_beside(o, "batch_sampler", "batch_size shuffle drop_last sampler seed") end
  if o.sampler then refuse_beside(o, "sampler", "shuffle seed") end
  if o.batch_sampler and type(o.batch_sampler.iter) ~= "function" then
    raise("DataLoader: option batch_sampler: expected an object with iter(), got %s", options.show(o.batch_sampler))
  end
end

--- Makes the loader.
-- @param dataset Dataset: an object with # and batch(ids); or IterableDataset: an object with iter()
-- @param ...     the options, by position or by name
-- @raise if it is no dataset or an option does not fit
function DataLoader:init(dataset, ...)
  local is_stream = iterable.is_iterable(dataset)
  if not is_stream then datasets.check("DataLoader", "dataset", dataset) end
  local o = spec.arguments(...)
  check_options(o, is_stream)
  self.dataset, self.collate = dataset, o.collate
  self.shuffle, self.drop_last, self.batch_size = o.shuffle, o.drop_last, o.batch_size or 1
  if o.batch_sampler then
    self.batch_sampler, self.batch_size = o.batch_sampler, nil
  elseif not is_stream then
    self.sampler = o.sampler or o.shuffle and samplers.RandomSampler(dataset, {seed = o.seed})
                   or samplers.SequentialSampler(dataset)
    self.batch_sampler = samplers.BatchSampler(self.sampler, self.batch_size, self.drop_last)
  end
  self.epoch, self.position = 0, 0
  self._given = o.batch_sampler or o.sampler            -- shown
  self._loops = setmetatable({}, {__mode = "k"})        -- of loops under way, by the first field of their last batch
end

function DataLoader.__len(self)
  if self.batch_sampler then return samplers.length(self.batch_sampler) end
  return samplers.batches(samplers.length(self.dataset), self.batch_size, self.drop_last)
end

-- ---- batches ---------------------------------------------------------------------------------------------------

-- What batch or collate returned, and that the loop under way has given it.
local function give(self, run, first, ...)
  if first == nil then
    raise("DataLoader: %s returned nothing", self.collate and "collate" or "batch of the dataset")
  end
  if self._run == run then self.position = self.position + 1 end
  return first, ...
end

-- Ends the epoch, unless another was begun meanwhile.
local function finish(self, run)
  if self._run ~= run then return end
  self._run, self.epoch, self.position = nil, self.epoch + 1, 0
end

-- Batches of numbered samples, without the first ones.
local function by_ids(self, run, first)
  local sampler = self.batch_sampler
  local is_ours = sampler.iter == samplers.BatchSampler.iter
  local next_ids = sampler:iter(is_ours and first or nil)
  if type(next_ids) ~= "function" then
    raise("DataLoader: iter of the batch_sampler: expected an iterator, got %s", options.show(next_ids))
  end
  for _ = 1, is_ours and 0 or first do
    if next_ids() == nil then break end
  end
  return function()
    local ids = next_ids()
    if ids == nil then return finish(self, run) end
    if not is_ours then ids = samplers.positions("DataLoader: positions of the batch_sampler", ids) end
    if not self.collate then return give(self, run, self.dataset:batch(ids)) end
    return give(self, run, self.collate(datasets.samples(self.dataset, ids)))
  end
end

-- Batches of samples that come one by one, without the first ones unless the dataset goes on behind them itself.
local function one_by_one(self, run, first)
  local next_sample, put_together = iterable.samples(self.dataset), self.collate or collate.default_collate
  for _ = 1, run.goes_on and 0 or first * self.batch_size do
    if next_sample() == nil then break end
  end
  return function()
    local samples = {}
    while not run.over and #samples < self.batch_size do
      local sample = next_sample()
      run.over = sample == nil
      samples[#samples + 1] = sample
    end
    if #samples == 0 or self.drop_last and #samples < self.batch_size then return finish(self, run) end
    return give(self, run, put_together(samples))
  end
end

local function state_of(object)
  return type(object.state_dict) == "function" and object:state_dict() or nil
end

--- Begins the next epoch, or goes on with the one of load_state_dict.
-- @return iterator giving the fields of a batch: Tensors (B, ...)
function DataLoader:iter()
  if self._run then self.epoch, self.position = self.epoch + 1, 0 end           -- it was left in the middle
  local restored = self._restored or {}
  local run, first = {goes_on = restored.goes_on}, self.position
  self._run, self._restored = run, nil
  if restored.over then
    run.over = true
    return function() return finish(self, run) end
  end
  if not self.batch_sampler then return one_by_one(self, run, first) end
  run.sampler = state_of(self.batch_sampler)
  return by_ids(self, run, first)
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

-- ---- states ----------------------------------------------------------------------------------------------------

-- A state that nobody else changes.
local function copy(state)
  if type(state) ~= "table" then return state end
  local own = {}
  for key, value in next, state do own[key] = copy(value) end
  return own
end

-- The fields that a state must agree with.
local function kept_fields(self)
  if self.batch_sampler then return {size = datasets.size_of(self.dataset)} end
  return {batch_size = self.batch_size, drop_last = self.drop_last}
end

--- What is needed to go on behind the batch given last: that of the loop begun last, if there are several.
-- @return {epoch =, position =, …}: a small table of numbers, texts and booleans, and of what a sampler or dataset of
--   one's own puts there
function DataLoader:state_dict()
  local state, run = kept_fields(self), self._run or self._restored
  state.epoch, state.position, state.over = self.epoch, self.position, run and run.over or false
  if self.batch_sampler then
    state.sampler = copy(self._run and self._run.sampler or state_of(self.batch_sampler))
  else
    state.dataset = copy(state_of(self.dataset))
  end
  return state
end

--- Goes on from what state_dict returned: the next loop has the rest of that epoch.
-- @param state table
-- @raise if it is that of another dataset or of other batches; nothing is loaded then
function DataLoader:load_state_dict(state)
  samplers.check_state("DataLoader", state, kept_fields(self))
  for _, name in ipairs {"epoch", "position"} do
    if not options.is_integer(state[name]) or state[name] < 0 or state[name] >= 1 << 53 then
      raise("DataLoader: load_state_dict: %s: expected an integer from 0 to 2^53 - 1, got %s", name,
            options.show(state[name]))
    end
  end
  local most = not self._given and #self or nil
  if most and state.position > most then
    raise("DataLoader: load_state_dict: position: %d batches of an epoch that has %d", state.position, most)
  end
  local source, own = self.batch_sampler or self.dataset, self.batch_sampler and state.sampler or state.dataset
  local loads = type(source.load_state_dict) == "function" and (self.batch_sampler ~= nil or own ~= nil)
  if loads then source:load_state_dict(copy(own)) end
  self.epoch, self.position = math.tointeger(state.epoch), math.tointeger(state.position)
  self._run, self._restored = nil, {over = state.over == true, goes_on = loads}
end

--- The dataset and the options.
-- @return text
function DataLoader.__tostring(self)
  local sampler = self._given and ", sampler=" .. tostring(self._given) or ""
  return ("DataLoader(%s, batch_size=%s, shuffle=%s, drop_last=%s%s)"):format(tostring(self.dataset),
         repr(self.batch_size), repr(self.shuffle), repr(self.drop_last), sampler)
end

return DataLoader
