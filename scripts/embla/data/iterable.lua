-- Datasets that are read from front to back: files larger than memory, streams without end.

local as_sample = require("embla.data.dataset").as_sample
local class = require "embla.base.class"
local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local seeded = require "embla.data.seeded"
local check_state = require("embla.data.sampler").check_state

local iterable = {}

local show = options.show

-- ---- the base --------------------------------------------------------------------------------------------------

--- Samples one after another, of a number that need not be known. A class of one's own defines `iter(self)`, which
-- begins anew and returns an iterator giving the fields of a sample as several values; for a single one, a function
-- that returns an iterator does:
--
--   local lines = data.IterableDataset(function() return io.lines(path) end)
--
-- A DataLoader that is to go on in the middle of an epoch calls `state_dict(self)` and `load_state_dict(self, state)`
-- if the class defines them: the state tells which sample comes next, behind the end the first of the next epoch, and
-- after loading it the next iter begins there. Of other classes the samples given so far are read again and left out.
local IterableDataset = class "IterableDataset"
iterable.IterableDataset = IterableDataset

--- Makes the dataset.
-- @param start function, called at the begin of each epoch, that returns an iterator; left out by classes with an iter
-- @raise if it is no function
function IterableDataset:init(start)
  if start == nil and self.iter ~= IterableDataset.iter then return end
  local meta = getmetatable(start)
  if type(start) ~= "function" and not (type(meta) == "table" and meta.__call) then
    raise("IterableDataset: argument start: expected a function that returns an iterator, got %s", show(start))
  end
  self.start = start
end

--- Begins anew.
-- @return iterator giving the fields of a sample
-- @raise if the class defines no iter and was given no function
function IterableDataset:iter()
  if not self.start then raise("%s: the class defines no iter", self.__name) end
  return self.start()
end

--- Its class.
-- @return text
function IterableDataset.__tostring(self) return self.__name end

--- Whether an object is such a dataset.
-- @param object anything
-- @return boolean
function iterable.is_iterable(object)
  return type(object) == "table" and type(object.batch) ~= "function" and type(object.iter) == "function"
end

-- The first value that an iterator gave, which it is called with next, and what pack makes of them all.
local function take(pack, owner, i, first, ...)
  if first == nil then return nil end
  return first, pack("%s: sample %d", owner, i, first, ...)
end

-- Begins a dataset anew. Returns a function that gives the next sample, as pack makes it of the values; nil at the end,
-- however often it is called.
local function begin(whole, pack)
  local owner = whole.__name or "IterableDataset"
  local step, invariant, control = whole:iter()
  local meta = getmetatable(step)
  if type(step) ~= "function" and not (type(meta) == "table" and meta.__call) then
    raise("%s: iter: expected an iterator, got %s", owner, show(step))
  end
  local i, over = -1, false
  return function()
    if over then return nil end
    i = i + 1
    local sample
    control, sample = take(pack, owner, i, step(invariant, control))
    over = control == nil
    return sample
  end
end

--- Begins a dataset anew.
-- @param whole iterable dataset
-- @return function that gives the next sample, its one value or a list of its fields; nil at the end
-- @raise if its iter returns no iterator
function iterable.samples(whole) return begin(whole, as_sample) end

-- ---- shuffled --------------------------------------------------------------------------------------------------

local buffer_spec = options.spec("ShuffleBuffer", {
  {name = "buffer_size", type = "integer", required = true, range = ">= 1", doc = "samples to choose from"},
  {name = "seed", type = "integer",
   doc = "what orders depend on; left out: drawn once from the generator behind manual_seed"},
})

--- The samples of an iterable dataset in an order that is random nearby: each is drawn from a buffer into which the
-- next one goes. Each epoch has another order, which depends on seed and epoch alone. After a stop in the middle of an
-- epoch the samples given so far are read again.
local ShuffleBuffer = IterableDataset:extend "ShuffleBuffer"
iterable.ShuffleBuffer = ShuffleBuffer

--- Makes the dataset.
-- @param dataset iterable dataset
-- @param ...     the options, by position or by name
-- @raise if it is none, or an option does not fit
function ShuffleBuffer:init(dataset, ...)
  if not iterable.is_iterable(dataset) then
    raise("ShuffleBuffer: argument dataset: expected an iterable dataset, got %s", show(dataset))
  end
  local o = buffer_spec.arguments(...)
  self.dataset, self.buffer_size, self.seed = dataset, o.buffer_size, o.seed
  self.epoch, self.given = 0, 0
end

local function seed_of(self)
  self.seed = self.seed or seeded.draw()
  return self.seed
end

local DRAWS = 1024                                      -- numbers drawn at once

-- Numbers 0 .. n-1, n at most the size of the buffer; the k-th depends on seed, epoch and k.
local function positions(seed, epoch)
  local drawn, used, chunks = nil, DRAWS, 0
  return function(n)
    if used == DRAWS then
      local _ <close> = seeded.epoch(seed, epoch, chunks * DRAWS)
      drawn, used, chunks = core.empty({DRAWS}, "float64"):uniform_():tolist(), 0, chunks + 1
    end
    used = used + 1
    return math.floor(drawn[used] * n)
  end
end

local function packed(_, _, _, ...) return table.pack(...) end

-- The samples of the source through the buffer.
local function shuffled(self, epoch)
  local next_sample, position = begin(self.dataset, packed), positions(seed_of(self), epoch)
  local buffer, n = {}, 0
  return function()
    local sample = next_sample()
    while sample ~= nil and n < self.buffer_size do
      n = n + 1
      buffer[n], sample = sample, next_sample()
    end
    if n == 0 then return nil end
    local at = position(n) + 1
    local chosen = buffer[at]
    if sample == nil then
      buffer[at], buffer[n] = buffer[n], nil
      n = n - 1
    else
      buffer[at] = sample
    end
    return chosen
  end
end

local function state_of(dataset)
  return type(dataset.state_dict) == "function" and dataset:state_dict() or nil
end

--- Begins the next epoch.
-- @return iterator giving the fields of a sample
function ShuffleBuffer:iter()
  if self.run then self.epoch, self.given = self.epoch + 1, 0 end               -- it was left in the middle
  local run = {source = state_of(self.dataset)}
  local next_sample, skip = shuffled(self, self.epoch), self.given
  self.run = run
  return function()
    for _ = 1, skip do
      if next_sample() == nil then break end
    end
    skip = 0
    local sample = next_sample()
    if self.run == run then
      self.given = self.given + 1
      if sample == nil then self.run, self.epoch, self.given = nil, self.epoch + 1, 0 end
    end
    if sample ~= nil then return table.unpack(sample, 1, sample.n) end
  end
end

--- What is needed to go on behind the samples given so far.
-- @return {epoch =, seed =, given =, buffer_size =, dataset =}, the last what its dataset's was when the epoch began
function ShuffleBuffer:state_dict()
  local source
  if self.run then source = self.run.source else source = state_of(self.dataset) end
  return {epoch = self.epoch, seed = seed_of(self), given = self.given, buffer_size = self.buffer_size,
          dataset = source}
end

--- Goes on from what state_dict returned.
-- @param state table
-- @raise if it is that of another buffer; nothing is loaded then
function ShuffleBuffer:load_state_dict(state)
  check_state("ShuffleBuffer", state, {buffer_size = self.buffer_size})
  if not seeded.is_epoch(state.epoch) then
    raise("ShuffleBuffer: load_state_dict: epoch: expected an integer from 0 to 2^26 - 1, got %s", show(state.epoch))
  end
  for _, name in ipairs {"seed", "given"} do
    if not options.is_integer(state[name]) or name == "given" and state.given < 0 then
      raise("ShuffleBuffer: load_state_dict: %s: expected an integer%s, got %s", name,
            name == "given" and " >= 0" or "", show(state[name]))
    end
  end
  if type(self.dataset.load_state_dict) == "function" then self.dataset:load_state_dict(state.dataset) end
  self.epoch, self.seed, self.given = math.tointeger(state.epoch), math.tointeger(state.seed),
                                      math.tointeger(state.given)
  self.run = nil
end

return iterable
