-- IterableDataset and ShuffleBuffer: samples in a row, in batches, shuffled nearby, and where they go on.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local data = embla.data

-- 0 .. n-1, each with its square.
local function squares(n)
  return data.IterableDataset(function()
    local i = -1
    return function()
      i = i + 1
      if i < n then return i, i * i end
    end
  end)
end

local function collect(iterator, most)
  local list = {}
  for value in iterator do
    list[#list + 1] = value
    if #list == most then break end
  end
  return list
end

local function text(list) return table.concat(list, " ") end

-- ---- IterableDataset -------------------------------------------------------------------------------------------

t.test("a loader makes batches of what an iterator gives, again each epoch", function()
  local loader = data.DataLoader(squares(5), {batch_size = 2})
  for _ = 1, 2 do
    local seen = {}
    for x, y in loader do seen[#seen + 1] = {x:tolist(), y:tolist()} end
    t.equal(seen, {{{0, 1}, {0, 1}}, {{2, 3}, {4, 9}}, {{4}, {16}}})
  end
  t.equal(#loader, nil)
  local full = {}
  for x in data.DataLoader(squares(5), {batch_size = 2, drop_last = true}) do full[#full + 1] = x:tolist() end
  t.equal(full, {{0, 1}, {2, 3}})
  for _ in data.DataLoader(squares(0), {batch_size = 2}) do t.fail "a batch" end
end)

t.test("it may be endless", function()
  local loader = data.DataLoader(squares(math.huge), {batch_size = 3})
  t.equal({collect(loader, 4)[4]:tolist(), collect(loader, 1)[1]:tolist()}, {{9, 10, 11}, {0, 1, 2}})
end)

t.test("lines of a file, by io.lines; and iterators that want to be called with what they gave", function()
  local path = os.tmpname()
  do
    local f <close> = assert(io.open(path, "w"))
    f:write "one\ntwo\nthree\n"
  end
  local lines = data.IterableDataset(function() return io.lines(path) end)
  local seen = {}
  for _ = 1, 2 do
    for words in data.DataLoader(lines, {batch_size = 2}) do seen[#seen + 1] = words end
  end
  os.remove(path)
  t.equal(seen, {{"one", "two"}, {"three"}, {"one", "two"}, {"three"}})
  for i, x in data.DataLoader(data.IterableDataset(function() return ipairs {5, 6} end), {batch_size = 2}) do
    t.equal({i:tolist(), x:tolist()}, {{1, 2}, {5, 6}})
  end
end)

t.test("a class of one's own; with # the loader knows its number of batches", function()
  local Count = data.IterableDataset:extend "Count"
  function Count.iter() return ipairs {7, 8, 9} end
  t.equal(#collect(data.DataLoader(Count(), {batch_size = 2})), 2)
  t.equal(tostring(Count()), "Count")
  function Count.__len() return 3 end
  local Counted = Count:extend "Counted"
  t.equal(#data.DataLoader(Counted(), {batch_size = 2}), 2)
  t.equal(#data.DataLoader(Counted(), {batch_size = 2, drop_last = true}), 1)
  local plain = {iter = function() return ipairs {7, 8, 9} end}
  t.equal(#collect(data.DataLoader(plain, {batch_size = 2})), 2)
end)

t.test("collate has a list of samples: of sequences, of fields", function()
  local words = data.IterableDataset(function() return coroutine.wrap(function()
    for _, ids in ipairs {{5}, {6, 7}, {}} do coroutine.yield(ids) end
  end) end)
  for _, set in ipairs {words, data.ShuffleBuffer(words, {buffer_size = 1})} do
    for ids, lengths in data.DataLoader(set, {batch_size = 3, collate = data.pad}) do
      t.equal({ids:tolist(), lengths:tolist()}, {{{5, 0}, {6, 7}, {0, 0}}, {1, 2, 0}})
    end
  end
  local loader = data.DataLoader(squares(3), {batch_size = 3, collate = function(samples)
    return #samples, samples[3]
  end})
  for n, last in loader do t.equal({n, last}, {3, {2, 4}}) end
end)

t.test("what does not fit is refused", function()
  t.raises(function() data.IterableDataset() end, "IterableDataset: argument start: expected a function", "got nil")
  t.raises(function() data.IterableDataset {} end, "IterableDataset", "a function")
  local function loop(start, ...)
    local loader = data.DataLoader(data.IterableDataset(start), ...)
    return function() for _ in loader do t.equal(1, 1) end end
  end
  t.raises(loop(function() return 3 end), "IterableDataset: iter: expected an iterator, got 3")
  t.raises(loop(function() end), "IterableDataset: iter: expected an iterator, got nil")
  local i = 0
  t.raises(loop(function() return function()
    i = i + 1
    return i, i < 3 and 1 or nil
  end end, {batch_size = 4}), "IterableDataset: sample 2: field 2: expected a tensor", "got nil")
  t.raises(loop(function() return function() return print end end), "field 1: expected a tensor", "a function")
  t.raises(function() data.DataLoader(squares(3), {shuffle = true}) end, "DataLoader: option shuffle",
           "data.ShuffleBuffer(dataset, {buffer_size = 1000})")
  t.raises(function() data.DataLoader(squares(3), {sampler = data.SequentialSampler(3)}) end,
           "DataLoader: option sampler: samples of an iterable dataset have no numbers")
  t.raises(function() data.DataLoader(squares(3), {batch_size = 0}) end, "DataLoader: option batch_size", ">= 1")
  t.raises(function() data.Subset(squares(3), embla.arange(2)) end, "Subset: argument whole: expected a dataset")
  t.raises(function() data.RandomSampler(squares(3)) end, "RandomSampler: argument dataset")
  t.raises(function() data.k_fold(squares(3), 2) end, "k_fold: argument whole")
end)

-- ---- ShuffleBuffer ---------------------------------------------------------------------------------------------

t.test("a buffer gives each sample once, none too early", function()
  for _, case in ipairs {{10, 1}, {10, 3}, {100, 10}, {5, 5}, {5, 50}, {0, 3}, {3000, 64}} do
    local n, size = table.unpack(case)
    local buffer = data.ShuffleBuffer(squares(n), {buffer_size = size, seed = 1})
    local first, second = collect(buffer:iter()), collect(buffer:iter())
    for at, value in ipairs(first) do t.equal(at - 1 >= value - size + 1, true) end
    if n >= 10 and size > 1 then t.equal(text(first) ~= text(second), true) end
    for _, list in ipairs {first, second} do
      if size > 1 then table.sort(list) end             -- of 1, they are in order
      t.equal(#list, n)
      for i, value in ipairs(list) do t.equal(value, i - 1) end
    end
  end
end)

t.test("a buffer that holds all makes every order equally likely", function()
  local counts = {}
  local buffer = data.ShuffleBuffer(squares(3), {buffer_size = 3, seed = 4})
  for _ = 1, 3000 do
    local order = text(collect(buffer:iter()))
    counts[order] = (counts[order] or 0) + 1
  end
  local orders = 0
  for _, count in pairs(counts) do
    orders = orders + 1
    t.equal(math.abs(count - 500) < 90, true)           -- over 4 standard deviations of 20.4
  end
  t.equal(orders, 6)
end)

t.test("the numbers drawn do not come again", function()
  local at, last, delays = 0, "", {}
  for value in data.ShuffleBuffer(squares(math.huge), {buffer_size = 16, seed = 1}):iter() do
    delays[#delays + 1] = at - value                    -- the same again if the same positions were drawn again
    at = at + 1
    if at % 1024 == 0 then
      t.equal(text(delays) ~= last, true)
      last, delays = text(delays), {}
    end
    if at == 5 * 1024 then break end
  end
end)

t.test("two loops over a buffer do not disturb each other; the state is that of the one begun last", function()
  local buffer = data.ShuffleBuffer(squares(9), {buffer_size = 4, seed = 6})
  local first = collect(data.ShuffleBuffer(squares(9), {buffer_size = 4, seed = 6}):iter())
  local one, seen = buffer:iter(), {}
  seen[1] = one()
  local two = buffer:iter()
  two()
  for i = 2, 9 do seen[i] = one() end
  t.equal({seen, one()}, {first})
  t.equal({buffer:state_dict().epoch, buffer:state_dict().given}, {1, 1})
  collect(two)
  t.equal({buffer:state_dict().epoch, buffer:state_dict().given}, {2, 0})
end)

t.test("several values of a sample stay together", function()
  for x, y in data.ShuffleBuffer(squares(20), {buffer_size = 7}):iter() do t.equal(y, x * x) end
end)

t.test("orders depend on seed and epoch alone", function()
  local threads, wanted = embla.get_num_threads(), nil
  for n = 1, 3 do
    embla.set_num_threads(n)
    local buffer, epochs = data.ShuffleBuffer(squares(2000), {buffer_size = 100, seed = 5}), {}
    for epoch = 1, 2 do
      local list = {}
      for x in buffer:iter() do
        list[#list + 1] = x
        if #list % 500 == 0 then embla.rand(n) end
      end
      epochs[epoch] = text(list)
    end
    wanted = wanted or epochs
    t.equal(epochs, wanted)
  end
  embla.set_num_threads(threads)
  embla.manual_seed(2)
  local drawn = embla.rand(2):tolist()
  embla.manual_seed(2)
  collect(data.ShuffleBuffer(squares(10), {buffer_size = 3, seed = 5}):iter())
  t.equal(embla.rand(2):tolist(), drawn)
  embla.manual_seed(3)
  local own = collect(data.ShuffleBuffer(squares(50), {buffer_size = 20}):iter())
  embla.manual_seed(3)
  t.equal(collect(data.ShuffleBuffer(squares(50), {buffer_size = 20}):iter()), own)
end)

t.test("a state goes on behind any sample", function()
  local function make(seed) return data.ShuffleBuffer(squares(9), {buffer_size = 4, seed = seed}) end
  local whole = make(6)
  local epochs = {collect(whole:iter()), collect(whole:iter()), collect(whole:iter())}
  for stop = 0, 9 do
    local one, seen = make(6), 0
    collect(one:iter())
    local state = one:state_dict()
    local iterator = one:iter()
    while seen < stop do
      iterator()
      seen = seen + 1
      state = one:state_dict()
    end
    local other = make()
    embla.rand(3)
    other:load_state_dict(state)
    t.equal(other:state_dict(), state)
    t.equal(collect(other:iter()), {table.unpack(epochs[2], stop + 1)})
    t.equal(collect(other:iter()), epochs[3])
    t.equal(collect(iterator), {table.unpack(epochs[2], stop + 1)})             -- the first is not disturbed
    t.equal(collect(one:iter()), epochs[3])
  end
end)

t.test("an epoch that was left is not gone on with", function()
  local buffer = data.ShuffleBuffer(squares(9), {buffer_size = 4, seed = 6})
  collect(buffer:iter())
  local second = collect(buffer:iter())
  buffer = data.ShuffleBuffer(squares(9), {buffer_size = 4, seed = 6})
  collect(buffer:iter(), 3)
  t.equal(collect(buffer:iter()), second)
end)

t.test("a buffer refuses what does not fit", function()
  t.raises(function() data.ShuffleBuffer(3, 2) end, "ShuffleBuffer: argument dataset: expected an iterable", "got 3")
  t.raises(function() data.ShuffleBuffer(data.TensorDataset(embla.ones(2)), 2) end, "ShuffleBuffer: argument dataset",
           "TensorDataset")
  t.raises(function() data.ShuffleBuffer(squares(3)) end, "ShuffleBuffer: option buffer_size is required")
  t.raises(function() data.ShuffleBuffer(squares(3), 0) end, "ShuffleBuffer: option buffer_size", ">= 1")
  local buffer = data.ShuffleBuffer(squares(3), 2, 1)
  for name, bad in pairs {buffer_size = 3, epoch = -1, seed = 1.5, given = -1} do
    local state = buffer:state_dict()
    state[name] = bad
    t.raises(function() buffer:load_state_dict(state) end, "ShuffleBuffer: load_state_dict: ", name)
    t.equal({buffer.epoch, buffer.seed, buffer.given}, {0, 1, 0})
  end
  t.raises(function() buffer:load_state_dict("x") end, "ShuffleBuffer: load_state_dict: argument state", '"x"')
end)

t.finish()
