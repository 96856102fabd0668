-- Samplers: which samples, how often, in orders that seed and epoch decide; states; what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local data = embla.data

local function collect(sampler)
  local list = {}
  for i in sampler:iter() do list[#list + 1] = i end
  return list
end

local function sorted(list)
  list = {table.unpack(list)}
  table.sort(list)
  return list
end

local function range(n)
  local list = {}
  for i = 0, n - 1 do list[i + 1] = i end
  return list
end

local function text(list) return table.concat(list, " ") end

-- ---- each ------------------------------------------------------------------------------------------------------

t.test("SequentialSampler counts", function()
  local sampler = data.SequentialSampler(4)
  t.equal({collect(sampler), collect(sampler), #sampler}, {{0, 1, 2, 3}, {0, 1, 2, 3}, 4})
  t.equal(collect(data.SequentialSampler(data.TensorDataset(embla.ones(2)))), {0, 1})
  t.equal(collect(data.SequentialSampler(0)), {})
end)

t.test("RandomSampler gives each sample once, in another order each epoch", function()
  local sampler = data.RandomSampler(20, {seed = 3})
  local first, second = collect(sampler), collect(sampler)
  t.equal({sorted(first), sorted(second), #sampler}, {range(20), range(20), 20})
  t.equal({text(first) ~= text(second), text(first) ~= text(range(20))}, {true, true})
  t.equal(collect(data.RandomSampler(0)), {})
end)

t.test("RandomSampler draws as many as it is told: each once before one comes again", function()
  local ids = collect(data.RandomSampler(4, {num_samples = 10, seed = 1}))
  t.equal(#ids, 10)
  t.equal(sorted {table.unpack(ids, 1, 4)}, range(4))
  t.equal(sorted {table.unpack(ids, 5, 8)}, range(4))
  t.equal(ids[9] ~= ids[10], true)
  local few = collect(data.RandomSampler(100, {num_samples = 10, seed = 1}))
  local seen = {}
  for _, i in ipairs(few) do
    t.equal(seen[i], nil)
    seen[i] = true
  end
  t.equal(#few, 10)
end)

t.test("RandomSampler with replacement draws evenly from all", function()
  local counts = {[0] = 0, 0, 0, 0}
  for _, i in ipairs(collect(data.RandomSampler(4, true, {num_samples = 4000, seed = 1}))) do
    counts[i] = counts[i] + 1
  end
  for i = 0, 3 do t.equal(math.abs(counts[i] - 1000) < 120, true) end           -- over 4 standard deviations of 27
  t.equal(#collect(data.RandomSampler(7, {replacement = true})), 7)
end)

t.test("WeightedRandomSampler draws by weight, never at weight 0", function()
  local counts = {[0] = 0, 0, 0}
  for _, i in ipairs(collect(data.WeightedRandomSampler({1, 0, 3}, 4000, {seed = 2}))) do counts[i] = counts[i] + 1 end
  t.equal({math.abs(counts[0] - 1000) < 120, counts[1], counts[0] + counts[2]}, {true, 0, 4000})
  local sampler = data.WeightedRandomSampler(embla.tensor {5.0, 0.0, 1.0, 2.0}, 3, false)
  t.equal({sorted(collect(sampler)), #sampler}, {{0, 2, 3}, 3})
  local weights = embla.tensor {1.0, 0.0}
  sampler = data.WeightedRandomSampler(weights, 5)
  weights[0], weights[1] = 0, 1
  t.equal(collect(sampler), {0, 0, 0, 0, 0})            -- a copy
end)

-- PyTorch 1.13's DistributedSampler without shuffle: samples, replicas, drop_last, the samples of each rank.
local SHARES = {
  {0, 3, false, {{}, {}, {}}}, {1, 3, false, {{0}, {0}, {0}}}, {1, 4, true, {{}, {}, {}, {}}},
  {2, 4, false, {{0}, {1}, {0}, {1}}}, {2, 3, true, {{}, {}, {}}}, {5, 1, false, {{0, 1, 2, 3, 4}}},
  {5, 2, false, {{0, 2, 4}, {1, 3, 0}}}, {5, 2, true, {{0, 2}, {1, 3}}}, {5, 3, false, {{0, 3}, {1, 4}, {2, 0}}},
  {5, 4, false, {{0, 4}, {1, 0}, {2, 1}, {3, 2}}}, {5, 4, true, {{0}, {1}, {2}, {3}}},
  {6, 3, true, {{0, 3}, {1, 4}, {2, 5}}}, {7, 3, false, {{0, 3, 6}, {1, 4, 0}, {2, 5, 1}}},
  {7, 3, true, {{0, 3}, {1, 4}, {2, 5}}}, {10, 4, false, {{0, 4, 8}, {1, 5, 9}, {2, 6, 0}, {3, 7, 1}}},
}

t.test("DistributedSampler shares samples out as PyTorch does", function()
  for _, case in ipairs(SHARES) do
    local n, replicas, drop_last, shares = table.unpack(case)
    for rank = 0, replicas - 1 do
      local sampler = data.DistributedSampler(n, replicas, rank, {shuffle = false, drop_last = drop_last})
      t.equal({collect(sampler), #sampler}, {shares[rank + 1], #shares[rank + 1]})
    end
  end
end)

t.test("the ranks of a DistributedSampler share one random order", function()
  for _, n in ipairs {12, 13} do
    local order
    for epoch = 0, 2 do
      local together = {}
      for rank = 0, 3 do
        local sampler = data.DistributedSampler(n, {num_replicas = 4, rank = rank})
        sampler:set_epoch(epoch)
        for k, i in ipairs(collect(sampler)) do together[(k - 1) * 4 + rank + 1] = i end
      end
      t.equal(sorted {table.unpack(together, 1, n)}, range(n))
      t.equal({table.unpack(together, n + 1)}, {table.unpack(together, 1, -n % 4)})     -- filled up from the start
      t.equal(text(together) ~= order, true)
      order = text(together)
    end
  end
end)

t.test("BatchSampler cuts the order of another into batches", function()
  local function batches(sampler)
    local list = {}
    for ids in sampler:iter() do list[#list + 1] = ids:tolist() end
    return list
  end
  local sampler = data.BatchSampler(data.SequentialSampler(7), 3)
  t.equal({batches(sampler), batches(sampler), #sampler}, {{{0, 1, 2}, {3, 4, 5}, {6}}, {{0, 1, 2}, {3, 4, 5}, {6}}, 3})
  sampler = data.BatchSampler(data.SequentialSampler(7), 3, true)
  t.equal({batches(sampler), #sampler}, {{{0, 1, 2}, {3, 4, 5}}, 2})
  local own = {iter = function()
    local i = 10
    return function()
      i = i - 3
      return i > 0 and i or nil
    end
  end}
  t.equal(batches(data.BatchSampler(own, 2)), {{7, 4}, {1}})
  t.equal(batches(data.BatchSampler(own, 2, true)), {{7, 4}})
  t.equal(#data.BatchSampler(own, 2), nil)
  local rest = {}
  for ids in data.BatchSampler(data.SequentialSampler(7), 3):iter(2) do rest[#rest + 1] = ids:tolist() end
  t.equal(rest, {{6}})
end)

t.test("samplers of one's own", function()
  local Even = data.Sampler:extend "Even"
  function Even.ids(_, epoch) return {epoch, 2, 4} end
  local even = Even()
  t.equal({#even, collect(even), collect(even), even.epoch}, {3, {0, 2, 4}, {1, 2, 4}, 2})
  local Tensors = data.Sampler:extend "Tensors"
  function Tensors.ids() return embla.LongTensor {3, 1} end
  t.equal(collect(Tensors()), {3, 1})
  local Steps = data.Sampler:extend "Steps"
  function Steps.iter() return ipairs {5, 6} end
  t.equal(#Steps(), nil)
  local Bad = data.Sampler:extend "Bad"
  t.raises(function() Bad():iter() end, "Bad: the class defines no ids")
  function Bad:ids() return self.value end
  local bad = Bad()
  for _, value in ipairs {3, "x", embla.ones(2), embla.ones(2, 2), {1.5}, {"a"}, {{1}, {2}}} do
    bad.value = value
    t.raises(function() bad:iter() end, "Bad: ids")
  end
end)

-- ---- seeds and epochs ------------------------------------------------------------------------------------------

local KINDS = {
  Sequential = function() return data.SequentialSampler(10) end,
  Random = function(seed) return data.RandomSampler(10, {seed = seed}) end,
  ["Random, fewer"] = function(seed) return data.RandomSampler(10, {num_samples = 4, seed = seed}) end,
  ["Random, more"] = function(seed) return data.RandomSampler(10, {num_samples = 25, seed = seed}) end,
  ["Random, replacement"] = function(seed) return data.RandomSampler(10, {replacement = true, seed = seed}) end,
  Weighted = function(seed) return data.WeightedRandomSampler({1, 2, 3, 4}, 12, {seed = seed}) end,
  ["Weighted, without replacement"] = function(seed)
    return data.WeightedRandomSampler({1, 2, 3, 4, 5, 6}, 5, {replacement = false, seed = seed})
  end,
  Distributed = function(seed) return data.DistributedSampler(11, 2, 1, {seed = seed or 0}) end,
}

for name, make in pairs(KINDS) do
  t.test(name .. ": orders depend on seed and epoch alone", function()
    local threads, wanted = embla.get_num_threads(), nil
    for n = 1, 3 do
      embla.set_num_threads(n)
      local sampler, epochs = make(42), {}
      for epoch = 1, 3 do
        embla.randn(n)
        epochs[epoch] = text(collect(sampler))
      end
      wanted = wanted or epochs
      t.equal(epochs, wanted)
    end
    embla.set_num_threads(threads)
    local sampler = make(42)
    sampler:set_epoch(2)
    t.equal(text(collect(sampler)), wanted[3])
    if name ~= "Sequential" then
      t.equal({wanted[1] ~= wanted[2], wanted[2] ~= wanted[3]}, {true, true})
      t.equal(text(collect(make(43))) ~= wanted[1], true)
    end
  end)

  t.test(name .. ": what others draw stays the same", function()
    embla.manual_seed(8)
    local drawn = embla.rand(3):tolist()
    embla.manual_seed(8)
    local sampler = make(42)
    collect(sampler)
    t.equal(embla.rand(3):tolist(), drawn)
  end)

  t.test(name .. ": a state goes on with the same epochs", function()
    local sampler = make()
    collect(sampler)
    local state = sampler:state_dict()
    local wanted = {collect(sampler), collect(sampler)}
    local other = make(5)
    other:load_state_dict(state)
    t.equal({collect(other), collect(other)}, wanted)
    sampler:load_state_dict(state)
    t.equal({collect(sampler), collect(sampler)}, wanted)
    t.equal(type(state.epoch), "number")
  end)
end

t.test("without a seed, manual_seed decides", function()
  local function orders()
    embla.manual_seed(1)
    local sampler = data.RandomSampler(30)
    return {collect(sampler), collect(sampler), embla.rand(1):item()}
  end
  t.equal(orders(), orders())
end)

-- ---- what is refused -------------------------------------------------------------------------------------------

t.test("options that do not fit are refused", function()
  for _, bad in ipairs {-1, 2.5, "x", {}, true} do
    for _, name in ipairs {"SequentialSampler", "RandomSampler"} do
      t.raises(function() data[name](bad) end, name .. ": argument dataset: expected a dataset, or an integer >= 0")
    end
    t.raises(function() data.DistributedSampler(bad, 2, 1) end, "DistributedSampler: argument dataset")
  end
  t.raises(function() data.RandomSampler(3, {num_samples = 0}) end, "RandomSampler: option num_samples", ">= 1", "0")
  t.raises(function() data.RandomSampler(0, {num_samples = 2}) end, "RandomSampler: option num_samples", "no sample")
  t.raises(function() data.RandomSampler(3, {replace = true}) end, "unknown option 'replace'")
  t.raises(function() data.RandomSampler(3, {seed = 1.5}) end, "RandomSampler: option seed", "1.5")
  t.raises(function() data.DistributedSampler(3) end, "DistributedSampler: option num_replicas is required")
  t.raises(function() data.DistributedSampler(3, 2) end, "DistributedSampler: option rank is required")
  t.raises(function() data.DistributedSampler(3, 2, 2) end, "DistributedSampler: option rank", "from 0 to 1", "got 2")
  t.raises(function() data.DistributedSampler(3, 2, -1) end, "DistributedSampler: option rank", "-1")
  t.raises(function() data.DistributedSampler(3, 0, 0) end, "DistributedSampler: option num_replicas", ">= 1")
  t.raises(function() data.BatchSampler(3, 2) end, "BatchSampler: argument sampler: expected a sampler, got 3")
  t.raises(function() data.BatchSampler(data.SequentialSampler(3)) end, "BatchSampler: option batch_size is required")
  t.raises(function() data.BatchSampler(data.SequentialSampler(3), 0) end, "BatchSampler: option batch_size", ">= 1")
  t.raises(function() data.BatchSampler({iter = function() return 3 end}, 2):iter() end, "expected an iterator, got 3")
  t.raises(function()
    data.BatchSampler({iter = function() return function() return 1.5 end end}, 2):iter()()
  end, "BatchSampler: positions")
end)

t.test("weights that are none are refused", function()
  local Weighted = data.WeightedRandomSampler
  for _, bad in ipairs {{-1, 2}, {0 / 0, 1}, {math.huge, 1}, embla.tensor {1.0, -1e-30}} do
    t.raises(function() Weighted(bad, 1) end, "WeightedRandomSampler: argument weights: expected weights >= 0")
  end
  t.raises(function() Weighted({0, 0}, 1) end, "WeightedRandomSampler: argument weights: expected a weight above 0")
  t.raises(function() Weighted({}, 1) end, "WeightedRandomSampler: argument weights: expected at least one weight")
  t.raises(function() Weighted({{1, 2}}, 1) end, "WeightedRandomSampler: argument weights", "shape (1, 2)")
  t.raises(function() Weighted(3, 1) end, "WeightedRandomSampler: argument weights", "got 3")
  t.raises(function() Weighted({"a"}, 1) end, "WeightedRandomSampler: weights")
  for _, bad in ipairs {0, -1, 1.5, "x"} do
    t.raises(function() Weighted({1}, bad) end, "WeightedRandomSampler: argument num_samples: expected an integer >= 1")
  end
  t.raises(function() Weighted({1, 0, 2}, 3, false) end, "3 without replacement, but only 2 weights are above 0")
end)

t.test("epochs and states that do not fit are refused and change nothing", function()
  local sampler = data.RandomSampler(10, {seed = 1})
  for _, bad in ipairs {-1, 1.5, "x", 1 << 40, 0 / 0} do
    t.raises(function() sampler:set_epoch(bad) end, "set_epoch: argument epoch: expected an integer from 0", "got")
    t.raises(function() sampler:ids(bad) end, "ids: argument epoch: expected an integer from 0")
  end
  local function refused(change, ...)
    local state = sampler:state_dict()
    for name, value in pairs(change) do state[name] = value ~= "none" and value or nil end
    t.raises(function() sampler:load_state_dict(state) end, "RandomSampler: load_state_dict: ", ...)
    t.equal({sampler.epoch, sampler.seed}, {0, 1})
  end
  refused({sampler = "SequentialSampler"}, 'sampler "SequentialSampler"', '"RandomSampler"')
  refused({size = 9}, "size 9", "10")
  refused({size = "none"}, "size nil")
  refused({length = 5}, "length 5", "10")
  refused({replacement = true}, "replacement true", "false")
  refused({epoch = -1, seed = 7}, "epoch", "-1")
  refused({epoch = "none", seed = 7}, "epoch", "nil")
  refused({seed = "none", epoch = 3}, "seed: expected an integer, got nil")
  refused({seed = 1.5, epoch = 3}, "seed", "1.5")
  t.raises(function() sampler:load_state_dict(5) end, "RandomSampler: load_state_dict: argument state", "got 5")
  t.raises(function() sampler:load_state_dict() end, "RandomSampler: load_state_dict: argument state", "got nil")
  local batches = data.BatchSampler(sampler, 4)
  for name, value in pairs {batch_size = 5, drop_last = true} do
    local state = batches:state_dict()
    state[name] = value
    t.raises(function() batches:load_state_dict(state) end, "BatchSampler: load_state_dict: the state has " .. name)
  end
  local weighted = data.WeightedRandomSampler({1, 2}, 4):state_dict()
  t.raises(function() data.WeightedRandomSampler({1, 2, 3}, 4):load_state_dict(weighted) end, "size 2", "3")
  local ranks = data.DistributedSampler(8, 2, 0):state_dict()
  t.raises(function() data.DistributedSampler(8, 4, 0):load_state_dict(ranks) end, "DistributedSampler", "4")
  data.DistributedSampler(8, 2, 1):load_state_dict(ranks)                       -- the other rank's
end)

t.test("samplers print what they are", function()
  t.equal(tostring(data.SequentialSampler(4)), "SequentialSampler(4 samples)")
  t.equal(tostring(data.RandomSampler(4)), "RandomSampler(4 samples, replacement=False)")
  t.equal(tostring(data.DistributedSampler(5, 2, 1)),
          "DistributedSampler(3 samples, num_replicas=2, shuffle=True, drop_last=False)")
  t.equal(tostring(data.BatchSampler(data.SequentialSampler(4), 2)),
          "BatchSampler(SequentialSampler(4 samples), batch_size=2, drop_last=False)")
end)

t.finish()
