-- Samplers: in which order, and how often, a DataLoader reads the samples of a dataset.

local class = require "embla.base.class"
local core = require "embla.core"
local count = require("embla.data.dataset").count
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local repr = require "embla.base.python_repr"
local seeded = require "embla.data.seeded"

local samplers = {}

local show = options.show

local seed_row = {name = "seed", type = "integer",
                  doc = "what orders depend on; left out: drawn once from the generator behind manual_seed"}

local function arange(n) return core.arange("int64", 0, 1, n) end

-- ---- the base --------------------------------------------------------------------------------------------------

--- What says which samples an epoch has. The order depends on seed and epoch alone. A class of one's own defines
-- `ids(self, epoch)`, which returns the positions of the samples, a Tensor (n) int64 or a list; or, if they are only
-- known one after another, `iter(self)`, which returns an iterator giving them.
--
-- `epoch` is the number of the next epoch, from 0: each iteration takes it and counts it up.
local Sampler = class "Sampler"
samplers.Sampler = Sampler
Sampler.epoch = 0

-- Fields that a state must agree with.
Sampler._kept = {}

--- The samples of an epoch, whose number, from 0, is its argument; each class defines its own.
-- @raise if the class does not
function Sampler:ids() raise("%s: the class defines no ids", self.__name) end

--- Positions of samples as a tensor.
-- @param what  they are, for messages
-- @param value Tensor (n) int64, or list of integers
-- @return Tensor (n) int64
-- @raise if it is neither
function samplers.positions(what, value)
  local ids = value
  if type(value) == "table" then ids = #value == 0 and core.zeros({0}, "int64") or core.tensor(value, nil, what) end
  if not core.is_tensor(ids) or ids:dim() ~= 1 or ids.dtype ~= "int64" then
    raise("%s: expected a tensor (n) of int64 or a list of integers, got %s", what,
          core.is_tensor(ids) and ("%s of shape (%s)"):format(ids.dtype, table.concat(ids.shape, ", ")) or show(value))
  end
  return ids
end

-- The samples of an epoch as a tensor, whatever ids returns.
local function ids_of(self, epoch) return samplers.positions(self.__name .. ": ids", self:ids(epoch)) end

-- Of a class with an iter of its own, nil.
function Sampler.__len(self)
  if self.iter == Sampler.iter then return ids_of(self, self.epoch):size(0) end
end

local function check_epoch(what, epoch)
  if not seeded.is_epoch(epoch) then
    raise("%s: expected an integer from 0 to 2^26 - 1, got %s", what, show(epoch))
  end
  return math.tointeger(epoch)
end

--- Sets which epoch the next iteration has; without, each has the next.
-- @param epoch integer, from 0
-- @raise if it is none
function Sampler:set_epoch(epoch) self.epoch = check_epoch("set_epoch: argument epoch", epoch) end

-- The samples of the next epoch.
local function next_ids(self)
  local ids = core.handle(ids_of(self, self.epoch))                             -- outlasts a scope around the loop
  self.epoch = self.epoch + 1
  return ids
end

--- Iterates over the samples of the next epoch.
-- @return iterator giving positions from 0
function Sampler:iter()
  local ids, at = next_ids(self):tolist(), 0
  return function()
    at = at + 1
    return ids[at]
  end
end

-- What the orders depend on, drawn when first asked for.
local function seed_of(self)
  self.seed = self.seed or seeded.draw()
  return self.seed
end

-- A guard: until it is closed, what is drawn is an epoch's own.
local function draw_for(self, epoch)
  if epoch == nil then epoch = self.epoch end
  return seeded.epoch(seed_of(self), check_epoch("ids: argument epoch", epoch))
end

-- The fields that a state holds for a sampler to be compared with: its kept ones, how many samples it draws from, and
-- how many it draws.
local function kept_fields(self)
  local fields = {sampler = self.__name}
  if self._source then fields.size, fields.length = count(self.__name, "dataset", self._source), #self end
  for _, name in ipairs(self._kept) do fields[name] = self[name] end
  return fields
end

--- What the next epochs depend on. How far one under way has come is the loader's to say.
-- @return {epoch =, seed =, …}
function Sampler:state_dict()
  local state = kept_fields(self)
  state.epoch, state.seed = self.epoch, self._draws and seed_of(self) or self.seed
  return state
end

-- Refuses a state that is no table or of another object.
local function check_state(owner, state, fields)
  if type(state) ~= "table" then
    raise("%s: load_state_dict: argument state: expected a table, got %s", owner, show(state))
  end
  for name, own in pairs(fields) do
    if state[name] ~= own then
      raise("%s: load_state_dict: the state has %s %s, this one %s", owner, name, show(state[name]), show(own))
    end
  end
end
samplers.check_state = check_state

--- Goes on from what state_dict returned.
-- @param state table
-- @raise if it is that of another sampler; nothing is loaded then
function Sampler:load_state_dict(state)
  check_state(self.__name, state, kept_fields(self))
  local epoch = check_epoch(self.__name .. ": load_state_dict: epoch", state.epoch)
  if (state.seed ~= nil or self._draws) and not options.is_integer(state.seed) then
    raise("%s: load_state_dict: seed: expected an integer, got %s", self.__name, show(state.seed))
  end
  self.epoch, self.seed = epoch, state.seed and math.tointeger(state.seed)
end

--- Its class and its fields.
-- @return text
function Sampler.__tostring(self)
  local parts = {self._source and ("%d samples"):format(#self)}
  for _, name in ipairs(self._kept) do parts[#parts + 1] = ("%s=%s"):format(name, repr(self[name])) end
  return ("%s(%s)"):format(self.__name, table.concat(parts, ", "))
end

-- ---- in order, at random ---------------------------------------------------------------------------------------

--- All samples in order.
local SequentialSampler = Sampler:extend "SequentialSampler"
samplers.SequentialSampler = SequentialSampler

--- Makes the sampler.
-- @param dataset Dataset, or integer: the number of samples
-- @raise if it is neither
function SequentialSampler:init(dataset)
  count("SequentialSampler", "dataset", dataset)
  self._source = dataset
end

function SequentialSampler.__len(self) return count("SequentialSampler", "dataset", self._source) end

--- 0, 1, …
-- @return Tensor (n) int64
function SequentialSampler:ids() return arange(#self) end

local random_spec = options.spec("RandomSampler", {
  {name = "replacement", type = "boolean", default = false, doc = "each drawn from all, so that some come twice"},
  {name = "num_samples", type = "integer", range = ">= 1", doc = "samples of an epoch; left out: all"},
  seed_row,
})

--- Samples in random order.
local RandomSampler = Sampler:extend "RandomSampler"
samplers.RandomSampler = RandomSampler
RandomSampler._kept, RandomSampler._draws = {"replacement"}, true

--- Makes the sampler.
-- @param dataset Dataset, or integer: the number of samples
-- @param ...     the options, by position or by name
-- @raise if it is neither, or an option does not fit
function RandomSampler:init(dataset, ...)
  local n = count("RandomSampler", "dataset", dataset)
  local o = random_spec.arguments(...)
  if n == 0 and o.num_samples then raise("RandomSampler: option num_samples: there is no sample to draw") end
  self._source, self.replacement, self.num_samples, self.seed = dataset, o.replacement, o.num_samples, o.seed
end

function RandomSampler.__len(self)
  return self.num_samples or count("RandomSampler", "dataset", self._source)
end

--- The samples of an epoch: without replacement each once before one comes again.
-- @param epoch its number, from 0; left out: the next
-- @return Tensor (n) int64
function RandomSampler:ids(epoch)
  local n = count("RandomSampler", "dataset", self._source)
  local m = self.num_samples or n
  if n == 0 then return arange(0) end
  local _ <close> = draw_for(self, epoch)
  if self.replacement then return core.empty({m}, "int64"):random_(0, n) end
  if m <= n then return core.randperm(n):narrow(0, 0, m) end
  local ids = core.empty({m}, "int64")
  for first = 0, m - 1, n do
    local own = math.min(n, m - first)
    ids:narrow(0, first, own):copy_(core.randperm(n):narrow(0, 0, own))
  end
  return ids
end

-- ---- by weight -------------------------------------------------------------------------------------------------

local weighted_spec = options.spec("WeightedRandomSampler", {
  {name = "replacement", type = "boolean", default = true, doc = "each drawn from all, so that some come twice"},
  seed_row,
})

--- Samples drawn by weights that need not add up to 1.
local WeightedRandomSampler = Sampler:extend "WeightedRandomSampler"
samplers.WeightedRandomSampler = WeightedRandomSampler
WeightedRandomSampler._kept, WeightedRandomSampler._draws = {"replacement"}, true

local function check_weights(weights, num_samples, replacement)
  if weights:dim() ~= 1 or weights:size(0) == 0 then
    raise("WeightedRandomSampler: argument weights: expected at least one weight, of shape (n), got shape (%s)",
          table.concat(weights.shape, ", "))
  elseif not (weights:isfinite():all():item() and weights:ge(0):all():item()) then
    raise("WeightedRandomSampler: argument weights: expected weights >= 0, got a negative, infinite or nan one")
  end
  local above = weights:gt(0):sum():item()
  if above == 0 then raise("WeightedRandomSampler: argument weights: expected a weight above 0, got none") end
  if not replacement and num_samples > above then
    raise("WeightedRandomSampler: argument num_samples: %d without replacement, but only %d weights are above 0",
          num_samples, above)
  end
end

--- Makes the sampler.
-- @param weights     Tensor (n) or list: a weight >= 0 for each sample
-- @param num_samples integer >= 1: samples of an epoch
-- @param ...         the options, by position or by name
-- @raise if a weight is negative or not finite, none is above 0, or there are too few to draw from
function WeightedRandomSampler:init(weights, num_samples, ...)
  local o = weighted_spec.arguments(...)
  if not core.is_tensor(weights) and type(weights) ~= "table" then
    raise("WeightedRandomSampler: argument weights: expected a tensor or a list of numbers, got %s", show(weights))
  elseif not options.is_integer(num_samples) or num_samples < 1 then
    raise("WeightedRandomSampler: argument num_samples: expected an integer >= 1, got %s", show(num_samples))
  end
  local given = core.is_tensor(weights) and weights or core.tensor(weights, "float64", "WeightedRandomSampler: weights")
  local own = core.handle(given:detach():to("float64"):clone())
  check_weights(own, num_samples, o.replacement)
  self.weights, self.num_samples, self.replacement = own, math.tointeger(num_samples), o.replacement
  self._source, self.seed = own:size(0), o.seed
end

function WeightedRandomSampler.__len(self) return self.num_samples end

--- The samples of an epoch.
-- @param epoch its number, from 0; left out: the next
-- @return Tensor (num_samples) int64
function WeightedRandomSampler:ids(epoch)
  local _ <close> = draw_for(self, epoch)
  return self.weights:multinomial(self.num_samples, self.replacement)
end

-- ---- on several processes --------------------------------------------------------------------------------------

local distributed_spec = options.spec("DistributedSampler", {
  {name = "num_replicas", type = "integer", required = true, range = ">= 1", doc = "processes that share the epoch"},
  {name = "rank", type = "integer", required = true, range = ">= 0", doc = "which of them this is, from 0"},
  {name = "shuffle", type = "boolean", default = true, doc = "in random order"},
  {name = "seed", type = "integer", default = 0, doc = "what orders depend on, the same for all processes"},
  {name = "drop_last", type = "boolean", default = false,
   doc = "leave out what does not go round; else the first samples come again, so that all have equally many"},
})

--- The samples of one process of several that share a dataset: every num_replicas-th of one order.
local DistributedSampler = Sampler:extend "DistributedSampler"
samplers.DistributedSampler = DistributedSampler
DistributedSampler._kept = {"num_replicas", "shuffle", "drop_last"}

--- Makes the sampler.
-- @param dataset Dataset, or integer: the number of samples
-- @param ...     the options, by position or by name
-- @raise if there is no such rank, or an option does not fit
function DistributedSampler:init(dataset, ...)
  count("DistributedSampler", "dataset", dataset)
  local o = distributed_spec.arguments(...)
  if o.rank >= o.num_replicas then
    raise("DistributedSampler: option rank: expected an integer from 0 to %d for num_replicas = %d, got %d",
          o.num_replicas - 1, o.num_replicas, o.rank)
  end
  self._source, self.num_replicas, self.rank = dataset, o.num_replicas, o.rank
  self.shuffle, self.seed, self.drop_last = o.shuffle, o.seed, o.drop_last
end

-- How many of n samples a process has.
local function share(self, n)
  return self.drop_last and n // self.num_replicas or (n + self.num_replicas - 1) // self.num_replicas
end

function DistributedSampler.__len(self) return share(self, count("DistributedSampler", "dataset", self._source)) end

--- The samples of this process in an epoch.
-- @param epoch its number, from 0; left out: the next
-- @return Tensor (n) int64
function DistributedSampler:ids(epoch)
  local n = count("DistributedSampler", "dataset", self._source)
  local m = share(self, n)
  if m == 0 then return arange(0) end
  local order = arange(n)
  if self.shuffle then
    local _ <close> = draw_for(self, epoch)
    order = core.randperm(n)
  end
  local places = core.arange("int64", self.rank, self.num_replicas, m)
  return order:index_select(0, places:remainder(n))     -- behind the last comes the first again
end

-- ---- batches ---------------------------------------------------------------------------------------------------

local batch_spec = options.spec("BatchSampler", {
  {name = "batch_size", type = "integer", required = true, range = ">= 1", doc = "samples in a batch"},
  {name = "drop_last", type = "boolean", default = false, doc = "leave out a last batch that is not full"},
})

--- The samples of another sampler in batches.
local BatchSampler = class "BatchSampler"
samplers.BatchSampler = BatchSampler

--- Makes the sampler.
-- @param sampler Sampler, or an object whose iter() gives positions
-- @param ...     the options, by position or by name
-- @raise if it is none, or an option does not fit
function BatchSampler:init(sampler, ...)
  if type(sampler) ~= "table" or type(sampler.iter) ~= "function" then
    raise("BatchSampler: argument sampler: expected a sampler, got %s", show(sampler))
  end
  local o = batch_spec.arguments(...)
  self.sampler, self.batch_size, self.drop_last = sampler, o.batch_size, o.drop_last
end

--- The number that # tells of an object; of one that tells none, nil.
-- @param object table
-- @return integer or nil
function samplers.length(object)
  local meta = getmetatable(object)
  return type(meta) == "table" and meta.__len and #object or nil
end

--- How many batches some samples make.
-- @param n          number of samples, or nil if it is not known
-- @param batch_size of a batch
-- @param drop_last  whether a last one that is not full is left out
-- @return integer or nil
function samplers.batches(n, batch_size, drop_last)
  return n and (drop_last and n // batch_size or (n + batch_size - 1) // batch_size)
end

function BatchSampler.__len(self)
  return samplers.batches(samplers.length(self.sampler), self.batch_size, self.drop_last)
end

-- Batches of positions that come one by one.
local function gather(self, next_id)
  if type(next_id) ~= "function" then
    raise("BatchSampler: iter of the sampler: expected an iterator, got %s", show(next_id))
  end
  local over = false
  return function()
    local ids = {}
    while not over and #ids < self.batch_size do
      local id = next_id()
      over = id == nil
      ids[#ids + 1] = id
    end
    if #ids == 0 or self.drop_last and #ids < self.batch_size then return nil end
    return samplers.positions("BatchSampler: positions", ids)
  end
end

--- Iterates over the batches of the sampler's next epoch.
-- @param first number of batches to leave out, default 0
-- @return iterator giving Tensors (B) int64
function BatchSampler:iter(first)
  local size, samples, at = self.batch_size, self.sampler, first or 0
  if samples.iter ~= Sampler.iter then
    local step = gather(self, samples:iter())
    for _ = 1, at do
      if step() == nil then break end
    end
    return step
  end
  local ids = next_ids(samples)
  local n = ids:size(0)
  local batches = samplers.batches(n, size, self.drop_last)
  return function()
    if at >= batches then return nil end
    local start = at * size
    at = at + 1
    return ids:narrow(0, start, math.min(size, n - start))
  end
end

--- What the next epochs depend on.
-- @return {batch_size =, drop_last =, sampler = its state, if it has one}
function BatchSampler:state_dict()
  local own = self.sampler
  return {batch_size = self.batch_size, drop_last = self.drop_last,
          sampler = type(own.state_dict) == "function" and own:state_dict() or nil}
end

--- Goes on from what state_dict returned.
-- @param state table
-- @raise if it is that of another sampler; nothing is loaded then
function BatchSampler:load_state_dict(state)
  check_state("BatchSampler", state, {batch_size = self.batch_size, drop_last = self.drop_last})
  if type(self.sampler.load_state_dict) == "function" then self.sampler:load_state_dict(state.sampler) end
end

--- The sampler and the options.
-- @return text
function BatchSampler.__tostring(self)
  return ("BatchSampler(%s, batch_size=%d, drop_last=%s)"):format(tostring(self.sampler), self.batch_size,
                                                                  repr(self.drop_last))
end

return samplers
