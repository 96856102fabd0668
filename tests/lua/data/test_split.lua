-- random_split and k_fold: every sample in one part, sizes by hand, folds as a naive loop deals them out.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local data = embla.data

local function numbers(n)
  return data.TensorDataset(embla.arange(n), (embla.arange(n) * 10):reshape(n, 1))
end

local function sorted(list)
  table.sort(list)
  return list
end

local function range(first, last)
  local list = {}
  for i = first, last do list[#list + 1] = i end
  return list
end

-- ---- random_split ----------------------------------------------------------------------------------------------

t.test("random_split gives every sample to one part", function()
  embla.manual_seed(1)
  local a, b = data.random_split(numbers(10), {7, 3})
  t.equal({#a, #b}, {7, 3})
  local seen = {}
  for _, part in ipairs {a, b} do
    for i = 0, #part - 1 do seen[#seen + 1] = part:get(i):item() end
  end
  t.equal(sorted(seen), range(0, 9))
  t.equal(b:batch(embla.LongTensor {0}), {b:get(0):item()})
  t.raises(function() b:get(3) end, "position 3", "3 samples")
end)

t.test("random_split takes fractions", function()
  local a, b, c = data.random_split(numbers(10), {0.5, 0.25, 0.25})
  t.equal({#a, #b, #c}, {6, 2, 2})
end)

t.test("a seed alone decides the parts", function()
  local function first(opt)
    local part = data.random_split(numbers(50), {20, 30}, opt)
    return part.ids:tolist()
  end
  embla.manual_seed(3)
  local wanted = first {seed = 5}
  local drawn = first()
  t.equal({first {seed = 5}, first {seed = 6}[1] ~= wanted[1] or first {seed = 6}[2] ~= wanted[2]}, {wanted, true})
  embla.manual_seed(3)                                  -- a seed that is given draws nothing
  t.equal(first(), drawn)
end)

t.test("random_split refuses sizes that do not sum up", function()
  t.raises(function() data.random_split(numbers(10), {7, 2}) end, "random_split", "9", "10")
  t.raises(function() data.random_split(numbers(10), {-1, 11}) end, "random_split", "-1")
  t.raises(function() data.random_split(numbers(10), {0 / 0, 10}) end, "random_split", "nan")
  t.raises(function() data.random_split(numbers(10), {4.5, 5.5}) end, "random_split", "integer sizes", "4.5")
  t.raises(function() data.random_split(numbers(10), 5) end, "random_split", "list", "5")
  t.raises(function() data.random_split(numbers(10), {5, 5}, {sed = 1}) end, "unknown option 'sed'", "'seed'")
  t.raises(function() data.random_split(5, {5}) end, "random_split: argument whole: expected a dataset, got 5")
end)

-- ---- k_fold ----------------------------------------------------------------------------------------------------

t.test("folds are runs, the first n % k of them longer by one", function()
  local folds = data.k_fold(7, 3)
  t.equal(#folds, 3)
  t.equal(folds[1].test, embla.LongTensor {0, 1, 2})
  t.equal(folds[1].train, embla.LongTensor {3, 4, 5, 6})
  t.equal(folds[2].test, {3, 4})
  t.equal(folds[2].train, {0, 1, 2, 5, 6})
  t.equal(folds[3].test, {5, 6})
  t.equal(folds[3].train, {0, 1, 2, 3, 4})
end)

t.test("a loop goes over train and test", function()
  local folds, seen = data.k_fold(4, 2), {}
  for train, test in folds do seen[#seen + 1] = {train:tolist(), test:tolist()} end
  t.equal(seen, {{{2, 3}, {0, 1}}, {{0, 1}, {2, 3}}})
  for train in folds do
    for inner in folds do seen[#seen + 1] = {train:tolist()[1], inner:tolist()[1]} end
  end
  t.equal({table.unpack(seen, 3)}, {{2, 2}, {2, 0}, {0, 2}, {0, 0}})
end)

t.test("of a dataset the folds are Subsets", function()
  for train, test in data.k_fold(numbers(5), 5) do
    t.equal({#train, #test, train.__name}, {4, 1, "Subset"})
    local x, y = test:get(0)
    t.equal(y:tolist()[1], x:item() * 10)
  end
end)

local function check_folds(folds, n, k)
  local seen = {}
  for i, fold in ipairs(folds) do
    local test, all = fold.test:tolist(), fold.train:tolist()
    t.equal(#test, n // k + (i <= n % k and 1 or 0))
    t.equal(sorted {table.unpack(test)}, test)
    t.equal(sorted {table.unpack(all)}, all)
    table.move(test, 1, #test, #seen + 1, seen)
    table.move(test, 1, #test, #all + 1, all)
    t.equal(sorted(all), range(0, n - 1))
  end
  t.equal(sorted(seen), range(0, n - 1))
end

t.test("every sample is tested once, trained with otherwise", function()
  for _, case in ipairs {{2, 2}, {10, 3}, {10, 10}, {101, 7}} do
    local n, k = table.unpack(case)
    local labels = {}
    for i = 1, n do labels[i] = i % 2 end
    check_folds(data.k_fold(n, k), n, k)
    check_folds(data.k_fold(n, k, {shuffle = true}), n, k)
    if k <= n // 2 then
      check_folds(data.k_fold(n, k, {labels = labels}), n, k)
      check_folds(data.k_fold(n, k, {labels = labels, shuffle = true, seed = 2}), n, k)
    end
  end
end)

t.test("shuffled folds depend on the seed alone", function()
  local function tests(opt)
    local list = {}
    for i, fold in ipairs(data.k_fold(40, 4, opt)) do list[i] = fold.test:tolist() end
    return list
  end
  for _, labels in ipairs {false, embla.arange(40) % 3} do
    local wanted = tests {shuffle = true, seed = 9, labels = labels or nil}
    embla.randn(5)
    t.equal(tests {shuffle = true, seed = 9, labels = labels or nil}, wanted)
    local other = tests {shuffle = true, seed = 10, labels = labels or nil}
    t.equal(table.concat(other[1], " ") ~= table.concat(wanted[1], " "), true)
    t.equal(table.concat(wanted[1], " ") ~= table.concat(tests({labels = labels or nil})[1], " "), true)
  end
  embla.manual_seed(4)
  local wanted = tests {shuffle = true}
  embla.manual_seed(4)
  t.equal(tests {shuffle = true}, wanted)
end)

t.test("with labels each fold has its share of every class", function()
  -- Sorted by class in the order of their first occurrence: b b b b b | a a a. Dealt out to 2 folds in turn:
  -- b to fold 1 three times, to fold 2 twice; a to fold 2 twice, to fold 1 once. In each class the first go to fold 1.
  local labels = {"b", "a", "b", "b", "a", "b", "a", "b"}
  local folds = data.k_fold(8, 2, {labels = labels})
  t.equal({folds[1].test:tolist(), folds[2].test:tolist()}, {{0, 1, 2, 3}, {4, 5, 6, 7}})
  local n, k, classes = 103, 5, {}
  for i = 1, n do classes[i] = (i * i) % 7 end
  for _, shuffle in ipairs {false, true} do
    for _, fold in ipairs(data.k_fold(n, k, {labels = embla.tensor(classes), shuffle = shuffle, seed = 1})) do
      for class = 0, 6 do
        local all, own = 0, 0
        for i = 1, n do all = all + (classes[i] == class and 1 or 0) end
        for _, id in ipairs(fold.test:tolist()) do own = own + (classes[id + 1] == class and 1 or 0) end
        t.equal(math.abs(own - all / k) < 1, true)
      end
    end
  end
end)

t.test("folds outlast the scope that they were made in", function()
  local set = numbers(4)
  local folds
  do
    local _ <close> = embla.scope()
    folds = data.k_fold(set, 2)
  end
  t.equal(folds[2].test:get(0):item(), 2)
end)

t.test("k_fold refuses what does not fit", function()
  t.raises(function() data.k_fold(3, 4) end, "k_fold: argument k: 4 folds, but only 3 samples")
  t.raises(function() data.k_fold(0, 2) end, "k_fold: argument k: 2 folds, but only 0 samples")
  for _, bad in ipairs {1, 0, -2, 2.5, "2", {}, 0 / 0} do
    t.raises(function() data.k_fold(10, bad) end, "k_fold: argument k: expected an integer >= 2")
  end
  t.raises(function() data.k_fold("x", 2) end, "k_fold: argument whole", '"x"')
  t.raises(function() data.k_fold(-1, 2) end, "k_fold: argument whole", "-1")
  t.raises(function() data.k_fold(4, 2, {labels = {1, 2}}) end, "k_fold: option labels", "4 samples, got 2 of them")
  t.raises(function() data.k_fold(4, 2, {labels = embla.ones(2, 2)}) end, "k_fold: option labels", "got a tensor")
  t.raises(function() data.k_fold(2, 2, {labels = {1, 0 / 0}}) end, "k_fold: option labels: label 1 is nan")
  t.raises(function() data.k_fold(4, 3, {labels = {1, 1, 2, 2}}) end, "3 folds, but the largest class has 2 samples")
  t.raises(function() data.k_fold(4, 2, {labels = 3}) end, "k_fold: option labels", "got 3")
  t.raises(function() data.k_fold(4, 2, {shufle = true}) end, "unknown option 'shufle', did you mean 'shuffle'?")
end)

t.finish()
