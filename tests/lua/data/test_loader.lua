-- DataLoader: batches in order and shuffled, the last one, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local data = embla.data

local function batches(options)
  local list = {}
  for x in data.DataLoader(data.TensorDataset(embla.arange(7)), options):iter() do list[#list + 1] = x:tolist() end
  return list
end

local function number_of(options)
  return #data.DataLoader(data.TensorDataset(embla.arange(7)), options)
end

t.test("batches come in order, the last one short or left out", function()
  t.equal(batches {batch_size = 3}, {{0, 1, 2}, {3, 4, 5}, {6}})
  t.equal(batches {batch_size = 3, drop_last = true}, {{0, 1, 2}, {3, 4, 5}})
  t.equal(batches {batch_size = 10}, {{0, 1, 2, 3, 4, 5, 6}})
  t.equal(#batches(), 7)
  t.equal({number_of {batch_size = 3}, number_of {batch_size = 3, drop_last = true}}, {3, 2})
end)

t.test("shuffled batches hold each sample once, in another order each time", function()
  embla.manual_seed(5)
  local orders = {}
  for round = 1, 3 do
    local all = {}
    for _, batch in ipairs(batches {batch_size = 2, shuffle = true}) do table.move(batch, 1, #batch, #all + 1, all) end
    orders[round] = table.concat(all, " ")
    table.sort(all)
    t.equal(all, {0, 1, 2, 3, 4, 5, 6})
  end
  t.equal(orders[1] ~= orders[2] or orders[2] ~= orders[3], true)
  embla.manual_seed(5)
  local all = {}
  for _, batch in ipairs(batches {batch_size = 2, shuffle = true}) do table.move(batch, 1, #batch, #all + 1, all) end
  t.equal(table.concat(all, " "), orders[1])
end)

t.test("several fields come side by side", function()
  local set = data.TensorDataset(embla.arange(4), embla.arange(4) * 10)
  for x, y in data.DataLoader(set, {batch_size = 2}):iter() do t.equal((x * 10):tolist(), y:tolist()) end
end)

t.test("a loop may go over the loader itself, also within itself, left and begun anew", function()
  local set = data.TensorDataset(embla.arange(4), embla.arange(4) * 10)
  local loader, seen = data.DataLoader(set, {batch_size = 2}), {}
  for x, y in loader do
    t.equal((x * 10):tolist(), y:tolist())
    for inner in loader do
      seen[#seen + 1] = {x:tolist()[1], inner:tolist()[1]}
    end
  end
  t.equal(seen, {{0, 0}, {0, 2}, {2, 0}, {2, 2}})
  for _ = 1, 3 do
    for x, y in loader do
      t.equal({x:tolist(), y:tolist()}, {{0, 1}, {0, 10}})
      if #seen > 0 then break end
    end
  end
  local Own = data.Dataset:extend "Own"                 -- batches that are numbers
  function Own.__len() return 3 end
  function Own.batch(_, ids) return ids:sum():item(), "x" end
  local sums = {}
  for sum, text in data.DataLoader(Own(), {batch_size = 1}) do sums[#sums + 1] = {sum, text} end
  t.equal(sums, {{0, "x"}, {1, "x"}, {2, "x"}})
  for _ in data.DataLoader(data.TensorDataset(embla.zeros(0, 2))) do t.fail "a batch" end
end)

t.test("what is no loop is refused", function()
  local loader = data.DataLoader(data.TensorDataset(embla.arange(4)))
  t.raises(function() loader() end, "DataLoader: it is not called: write `for x, y in loader do`")
  t.raises(function() loader(nil, 3) end, "DataLoader: it is not called")
  t.raises(function() for _ in ipairs(loader) do t.fail "a round" end end,
           "DataLoader: batches have no numbers: write `for x, y in loader do`")
  t.raises(function() return loader[0] end, "DataLoader: batches have no numbers")
  t.raises(function() return ipairs(loader.dataset)(loader.dataset, 0) end, "TensorDataset: samples are read by get(i)")
  t.equal({loader.nothing, loader.dataset.nothing}, {})
end)

t.test("loaders and datasets print what they are", function()
  local set = data.TensorDataset(embla.zeros(6, 2), embla.arange(6))
  t.equal(tostring(set), "TensorDataset(6 samples, (6, 2) float32, (6) int64)")
  t.equal(tostring(data.DataLoader(set, {batch_size = 4, shuffle = true})),
          "DataLoader(" .. tostring(set) .. ", batch_size=4, shuffle=True, drop_last=False)")
  t.equal(tostring(data.Subset(set, embla.arange(2))),
          "Subset(2 samples of TensorDataset(6 samples, (6, 2) float32, (6) int64))")
  local Own = data.Dataset:extend "Own"
  t.equal(tostring(Own()), "Own")
  function Own.__len() return 9 end
  t.equal(tostring(Own()), "Own(9 samples)")
end)

t.test("an empty dataset has no batches", function()
  local loader = data.DataLoader(data.TensorDataset(embla.zeros(0, 2)), {shuffle = true})
  t.equal(#loader, 0)
  t.equal(loader:iter()(), nil)
end)

t.test("options that do not fit are refused", function()
  local set = data.TensorDataset(embla.arange(4))
  t.raises(function() data.DataLoader(set, {batchsize = 2}) end, "batchsize", "did you mean 'batch_size'")
  t.raises(function() data.DataLoader(set, {batch_size = 0}) end, "batch_size", ">= 1", "0")
  t.raises(function() data.DataLoader(set, {shuffle = 1}) end, "shuffle", "boolean")
  t.raises(function() data.DataLoader(embla.ones(3)) end, "DataLoader", "dataset", "tensor")
end)

-- ---- collate ---------------------------------------------------------------------------------------------------

t.test("collate has the samples of a batch as a list", function()
  local set = data.TensorDataset(embla.arange(5), embla.arange(5) * 10)
  local seen = {}
  for sum, n in data.DataLoader(set, {batch_size = 2, collate = function(samples)
    local total = 0
    for _, sample in ipairs(samples) do total = total + sample[1]:item() * sample[2]:item() end
    return total, #samples
  end}) do seen[#seen + 1] = {sum, n} end
  t.equal(seen, {{10, 2}, {130, 2}, {160, 1}})
  for x in data.DataLoader(data.TensorDataset(embla.arange(2)), {batch_size = 2, collate_fn = function(samples)
    return samples[2]
  end}) do t.equal(x:item(), 1) end
  for x, y in data.DataLoader(set, {batch_size = 5, collate = data.default_collate}) do
    t.equal({x:tolist(), y:tolist()}, {{0, 1, 2, 3, 4}, {0, 10, 20, 30, 40}})
  end
end)

-- Sentences of 0, 1, 2 and 3 words, with labels.
local Sentences = data.Dataset:extend "Sentences"
function Sentences.__len() return 4 end
function Sentences.get(_, i) return embla.ones(i, {dtype = "int64"}) * i, i * i end

t.test("collate = data.pad", function()
  local seen = {}
  for ids, label, lengths in data.DataLoader(Sentences(), {batch_size = 2, collate = data.pad {value = -1}}) do
    seen[#seen + 1] = {ids:tolist(), label:tolist(), lengths:tolist()}
  end
  t.equal(seen, {{{{-1}, {1}}, {0, 1}, {0, 1}}, {{{2, 2, -1}, {3, 3, 3}}, {4, 9}, {2, 3}}})
  t.raises(function() for _ in data.DataLoader(Sentences(), {batch_size = 2}) do t.fail "a batch" end end, "stack")
end)

t.test("a batch that is nothing is an error, not the end", function()
  local set = data.TensorDataset(embla.arange(4))
  local function loop(...)
    local loader = data.DataLoader(...)
    return function() for _ in loader do t.fail "a batch" end end
  end
  t.raises(loop(set, {collate = function() end}), "DataLoader: collate returned nothing")
  t.raises(loop(set, {collate = function() return nil, 3 end}), "DataLoader: collate returned nothing")
  local Own = data.Dataset:extend "Own"
  function Own.__len() return 2 end
  function Own.batch() end
  t.raises(loop(Own()), "DataLoader: batch of the dataset returned nothing")
  t.raises(loop(Own(), {collate = function() return 1 end}), "Own: the class defines no get")
  t.raises(loop(set, {collate = function() error "mine" end}), "mine")
end)

-- ---- samplers --------------------------------------------------------------------------------------------------

local function texts(loader)
  local list = {}
  for x in loader do list[#list + 1] = table.concat(type(x) == "table" and x or x:flatten():tolist(), " ") end
  return list
end

local function ten() return data.TensorDataset(embla.arange(10)) end

t.test("a sampler decides which samples come", function()
  local Reverse = data.Sampler:extend "Reverse"
  function Reverse.ids() return {4, 3, 2, 1, 0} end
  local loader = data.DataLoader(ten(), {batch_size = 2, sampler = Reverse()})
  t.equal({texts(loader), #loader}, {{"4 3", "2 1", "0"}, 3})
  loader = data.DataLoader(ten(), {batch_size = 2, drop_last = true, sampler = Reverse()})
  t.equal({texts(loader), #loader}, {{"4 3", "2 1"}, 2})
  t.equal(tostring(loader), "DataLoader(TensorDataset(10 samples, (10) int64), batch_size=2, shuffle=False, "
                            .. "drop_last=True, sampler=Reverse())")
  loader = data.DataLoader(ten(), {batch_size = 3, sampler = data.DistributedSampler(10, 2, 1, {shuffle = false})})
  t.equal(texts(loader), {"1 3 5", "7 9"})
  local plain = {iter = function() return coroutine.wrap(function() for i = 7, 9 do coroutine.yield(i) end end) end}
  loader = data.DataLoader(ten(), {batch_size = 2, sampler = plain})
  t.equal({texts(loader), texts(loader), #loader}, {{"7 8", "9"}, {"7 8", "9"}, nil})
end)

t.test("a batch_sampler decides which samples come together", function()
  local lists = {iter = function()
    local list, i = {{0, 1, 2}, embla.LongTensor {5}, {7, 7}}, 0
    return function()
      i = i + 1
      return list[i]
    end
  end}
  local loader = data.DataLoader(ten(), {batch_sampler = lists})
  t.equal({texts(loader), #loader, loader.batch_size}, {{"0 1 2", "5", "7 7"}, nil, nil})
  loader = data.DataLoader(ten(), {batch_sampler = data.BatchSampler(data.SequentialSampler(5), 2)})
  t.equal({texts(loader), #loader}, {{"0 1", "2 3", "4"}, 3})
end)

t.test("options that exclude each other are refused", function()
  local sampler = data.SequentialSampler(10)
  local pairs_ = data.BatchSampler(sampler, 2)
  local function refused(opt, ...)
    t.raises(function() data.DataLoader(ten(), opt) end, "DataLoader: option", ...)
  end
  refused({sampler = sampler, shuffle = true}, "sampler and shuffle: expected one of them, got both")
  refused({sampler = sampler, seed = 1}, "sampler and seed")
  for name, value in pairs {batch_size = 2, shuffle = true, drop_last = true, sampler = sampler, seed = 3} do
    refused({batch_sampler = pairs_, [name] = value}, "batch_sampler and " .. name .. ": expected one of them")
  end
  refused({batch_sampler = {}}, "batch_sampler: expected an object with iter()")
  refused({sampler = 3}, "sampler: expected a table, got 3")
  refused({collate = 3}, "collate: expected a function, got 3")
  refused({seed = "x"}, "seed: expected integer", '"x"')
  t.raises(function() data.DataLoader(ten(), {sampler = {}}) end, "BatchSampler: argument sampler: expected a sampler")
  local function loop(iter)
    local loader = data.DataLoader(ten(), {batch_sampler = {iter = iter}})
    return function() for _ in loader do t.fail "a batch" end end
  end
  t.raises(loop(function() return 3 end), "DataLoader: iter of the batch_sampler: expected an iterator, got 3")
  for _, bad in ipairs {3, "x", {1.5}, {{1}}, {"a"}, embla.ones(2)} do
    t.raises(loop(function() return function() return bad end end), "DataLoader: positions of the batch_sampler")
  end
  t.raises(loop(function() return function() return {10} end end), "10")
end)

-- ---- seeds -----------------------------------------------------------------------------------------------------

t.test("the order of an epoch depends on seed and epoch alone", function()
  local threads, wanted = embla.get_num_threads(), nil
  for n = 1, 3 do
    embla.set_num_threads(n)
    local loader, epochs = data.DataLoader(ten(), {batch_size = 3, shuffle = true, seed = 12}), {}
    for epoch = 1, 3 do
      epochs[epoch] = texts(loader)
      embla.rand(n)
    end
    wanted = wanted or epochs
    t.equal(epochs, wanted)
  end
  embla.set_num_threads(threads)
  t.equal(table.concat(wanted[1], " ") ~= table.concat(wanted[2], " "), true)
  t.equal(texts(data.DataLoader(ten(), {batch_size = 3, shuffle = true, seed = 13})) [1] ~= wanted[1][1], true)
  embla.manual_seed(3)
  local drawn = embla.rand(1):item()
  embla.manual_seed(3)
  texts(data.DataLoader(ten(), {shuffle = true, seed = 12}))
  texts(data.DataLoader(ten(), {batch_size = 2}))       -- nothing to draw
  t.equal(embla.rand(1):item(), drawn)
end)

t.test("without a seed one is drawn once, and manual_seed decides", function()
  local function run(between)
    embla.manual_seed(3)
    local loader = data.DataLoader(ten(), {batch_size = 4, shuffle = true})
    local first = texts(loader)
    embla.rand(between)
    return {first, texts(loader)}
  end
  t.equal(run(1), run(50))
end)

-- ---- states ----------------------------------------------------------------------------------------------------

local function only_plain(value, path)
  if type(value) == "table" then
    for key, member in pairs(value) do only_plain(member, path .. "." .. tostring(key)) end
  elseif type(value) ~= "number" and type(value) ~= "string" and type(value) ~= "boolean" then
    t.fail(path .. " is a " .. type(value))
  end
end

local Odd = data.Sampler:extend "Odd"
function Odd.ids(_, epoch) return {1, 3, 5, (epoch * 2 + 1) % 10} end

local function count(n)
  return data.IterableDataset(function()
    local i = -1
    return function()
      i = i + 1
      return i < n and i or nil
    end
  end)
end

-- Goes on where it is told; each epoch has other numbers. Tells how often it was asked for a sample.
local asked = 0
local Place = data.IterableDataset:extend "Place"
function Place:init() self.round, self.at = 0, 0 end
function Place:iter()
  return function()
    asked = asked + 1
    if self.at == 8 then
      self.round, self.at = self.round + 1, 0
      return nil
    end
    self.at = self.at + 1
    return self.round * 100 + self.at
  end
end
function Place:state_dict() return {round = self.round, at = self.at} end
function Place:load_state_dict(state) self.round, self.at = state.round, state.at end

local LOADERS = {
  ["in order"] = function() return data.DataLoader(ten(), {batch_size = 3}) end,
  ["shuffled"] = function(seed) return data.DataLoader(ten(), {batch_size = 3, shuffle = true, seed = seed}) end,
  ["shuffled, full batches"] = function(seed)
    return data.DataLoader(ten(), {batch_size = 3, shuffle = true, drop_last = true, seed = seed})
  end,
  ["one batch"] = function(seed) return data.DataLoader(ten(), {batch_size = 20, shuffle = true, seed = seed}) end,
  ["padded"] = function(seed)
    return data.DataLoader(Sentences(), {shuffle = true, seed = seed, collate = data.pad})
  end,
  ["with replacement"] = function(seed)
    local sampler = data.RandomSampler(10, {replacement = true, num_samples = 8, seed = seed})
    return data.DataLoader(ten(), {batch_size = 2, sampler = sampler})
  end,
  ["weighted"] = function(seed)
    local weights = {1, 2, 3, 4, 5, 4, 3, 2, 1, 0}
    return data.DataLoader(ten(), {batch_size = 2, sampler = data.WeightedRandomSampler(weights, 7, {seed = seed})})
  end,
  ["distributed"] = function()
    return data.DataLoader(ten(), {batch_size = 2, sampler = data.DistributedSampler(10, 3, 1)})
  end,
  ["a batch_sampler"] = function(seed)
    local sampler = data.BatchSampler(data.RandomSampler(10, {seed = seed}), 4, true)
    return data.DataLoader(ten(), {batch_sampler = sampler})
  end,
  ["an own sampler"] = function() return data.DataLoader(ten(), {sampler = Odd()}) end,
  ["an own iterator"] = function()
    return data.DataLoader(ten(), {batch_size = 2, sampler = {iter = function()
      return coroutine.wrap(function() for i = 3, 7 do coroutine.yield(i) end end)
    end}})
  end,
  ["own lists"] = function()
    return data.DataLoader(ten(), {batch_sampler = {iter = function()
      return coroutine.wrap(function() for i = 3, 7 do coroutine.yield {i, 0} end end)
    end}})
  end,
  ["a stream"] = function() return data.DataLoader(count(7), {batch_size = 2}) end,
  ["a stream, full batches"] = function() return data.DataLoader(count(7), {batch_size = 2, drop_last = true}) end,
  ["a stream that goes on"] = function() return data.DataLoader(Place(), {batch_size = 3}) end,
  ["a stream that goes on, even"] = function() return data.DataLoader(Place(), {batch_size = 4}) end,
  ["a buffer"] = function(seed)
    return data.DataLoader(data.ShuffleBuffer(count(7), {buffer_size = 3, seed = seed}), {batch_size = 2})
  end,
  ["a buffer over a stream that goes on"] = function(seed)
    return data.DataLoader(data.ShuffleBuffer(Place(), {buffer_size = 3, seed = seed}), {batch_size = 2})
  end,
}

-- Goes through whole epochs and some batches of another, or to its end if it has fewer, and returns the state there.
local function state_at(loader, epochs, stop)
  for _ = 1, epochs do texts(loader) end
  if stop == 0 then return loader:state_dict() end
  local step = loader:iter()
  for _ = 1, stop do step() end
  return loader:state_dict()
end

for name, make in pairs(LOADERS) do
  t.test(name .. ": a loader goes on behind any batch", function()
    local whole, epochs = make(77), {}
    for epoch = 1, 4 do epochs[epoch] = texts(whole) end
    for epoch = 1, 2 do
      local n = #epochs[epoch]
      for stop = 0, n + 1 do                            -- n: in the round of the last batch; n + 1: behind it
        local state = state_at(make(77), epoch - 1, stop)
        only_plain(state, "state")
        t.equal({state.epoch, state.position}, {stop > n and epoch or epoch - 1, stop > n and 0 or stop})
        local other = make()
        embla.rand(stop + 1)
        if stop % 2 == 1 then texts(other) end          -- also one that has been used
        other:load_state_dict(state)
        t.equal(other:state_dict(), state)
        if stop <= n then t.equal(texts(other), {table.unpack(epochs[epoch], stop + 1)}) end
        t.equal({texts(other), texts(other)}, {epochs[epoch + 1], epochs[epoch + 2]})
      end
    end
  end)
end

t.test("a stream that goes on itself is not read from the start", function()
  local state = state_at(LOADERS["a stream that goes on"](), 0, 2)
  local other = LOADERS["a stream that goes on"]()
  other:load_state_dict(state)
  asked = 0
  t.equal(texts(other), {"7 8"})
  t.equal(asked, 3)                                     -- two samples, and the end
end)

t.test("taking a state disturbs nothing, and is a snapshot", function()
  local loader, states, seen = LOADERS["shuffled"](5), {}, {}
  for x in loader do
    seen[#seen + 1] = table.concat(x:tolist(), " ")
    states[#states + 1] = loader:state_dict()
    t.equal(states[#states].sampler.sampler.epoch, 0)
    states[#states].sampler.sampler.epoch = 99
  end
  t.equal(seen, texts(LOADERS["shuffled"](5)))
  t.equal({states[1].position, states[2].position, loader:state_dict().sampler.sampler.epoch}, {1, 2, 1})
end)

t.test("a loop that is left and begun anew has the next epoch; states tell of the loop begun last", function()
  local whole = LOADERS["shuffled"](5)
  local epochs = {texts(whole), texts(whole), texts(whole)}
  local loader = LOADERS["shuffled"](5)
  loader:iter()()
  t.equal({loader.epoch, loader.position}, {0, 1})
  t.equal({texts(loader), loader.epoch, loader.position}, {epochs[2], 1 + 1, 0})
  loader = LOADERS["shuffled"](5)
  local outer = loader:iter()
  outer()
  local inner = loader:iter()
  inner()
  outer()
  t.equal({loader.epoch, loader.position}, {1, 1})
  while inner() do t.equal(loader.epoch, 1) end
  t.equal({loader.epoch, loader.position}, {2, 0})
  while outer() do t.equal(loader.epoch, 2) end
  t.equal({loader.epoch, loader.position}, {2, 0})
end)

t.test("a DistributedSampler may be told the epoch before each loop", function()
  local function make()
    local sampler = data.DistributedSampler(10, 2, 0)
    return data.DataLoader(ten(), {batch_size = 2, sampler = sampler}), sampler
  end
  local told, sampler = make()
  local untold = make()
  for epoch = 0, 2 do
    sampler:set_epoch(epoch)
    t.equal(texts(told), texts(untold))
  end
  sampler:set_epoch(0)
  t.equal(texts(told), texts((make())))
end)

t.test("progress goes over a loader that was restored, and over a stream", function()
  local out = {write = function() end, flush = function() end}
  local loader = LOADERS["in order"]()
  loader:load_state_dict(state_at(LOADERS["in order"](), 0, 2))
  local seen = {}
  for x in embla.progress(loader, {out = out}) do seen[#seen + 1] = x:tolist() end
  for x in embla.progress(LOADERS["a stream"](), {out = out}) do seen[#seen + 1] = x:tolist() end
  t.equal(seen, {{6, 7, 8}, {9}, {0, 1}, {2, 3}, {4, 5}, {6}})
end)

t.test("a state that does not fit is refused and changes nothing", function()
  local function refused(name, change, ...)
    local loader = LOADERS[name](5)
    local before = state_at(loader, 1, 2)
    local state = loader:state_dict()
    change(state)
    t.raises(function() loader:load_state_dict(state) end, "load_state_dict: ", ...)
    t.equal(loader:state_dict(), before)
    local other = LOADERS[name](5)
    state_at(other, 1, 2)
    t.equal(texts(loader), texts(other))
  end
  for name in pairs(LOADERS) do
    refused(name, function(state) state.epoch = nil end, "epoch", "nil")
    refused(name, function(state) state.epoch = -1 end, "epoch", "-1")
    refused(name, function(state) state.position = 1.5 end, "position", "1.5")
    refused(name, function(state) state.position = "1" end, "position", '"1"')
    refused(name, function(state) state.position = 1 << 60 end, "position")
  end
  refused("shuffled", function(state) state.position = 5 end, "position: 5 batches of an epoch that has 4")
  refused("shuffled", function(state) state.size = 9 end, "DataLoader", "size 9", "10")
  refused("shuffled", function(state) state.size = nil end, "DataLoader", "size nil", "10")
  refused("shuffled", function(state) state.sampler.batch_size = 4 end, "BatchSampler", "batch_size 4", "3")
  refused("shuffled", function(state) state.sampler.drop_last = true end, "BatchSampler", "drop_last true", "false")
  refused("shuffled", function(state) state.sampler = nil end, "BatchSampler", "nil")
  refused("shuffled", function(state) state.sampler.sampler.seed = "x" end, "RandomSampler", "seed", '"x"')
  refused("shuffled", function(state) state.sampler.sampler.sampler = "SequentialSampler" end, "RandomSampler")
  refused("a stream", function(state) state.batch_size = 5 end, "DataLoader", "batch_size 5", "2")
  refused("a buffer", function(state) state.dataset.buffer_size = 5 end, "ShuffleBuffer", "buffer_size 5", "3")
  local loader = LOADERS["shuffled"](5)
  for _, bad in ipairs {3, "x", true} do
    t.raises(function() loader:load_state_dict(bad) end, "DataLoader: load_state_dict: argument state", "a table, got")
  end
  t.raises(function() loader:load_state_dict() end, "DataLoader: load_state_dict: argument state", "nil")
  t.raises(function() loader:load_state_dict(LOADERS["in order"]():state_dict()) end, "RandomSampler")
end)

t.test("orders and seeds outlast the scope that they were drawn in", function()
  local set, weights = ten(), embla.ones(10)
  local loader, step
  do
    local _ <close> = embla.scope()
    loader = data.DataLoader(set, {batch_size = 5, sampler = data.WeightedRandomSampler(weights, 10)})
    step = loader:iter()
    step()
  end
  t.equal(step().shape, {5})
  t.equal(#texts(loader), 2)
end)

t.finish()
