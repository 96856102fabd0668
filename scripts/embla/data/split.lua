-- Datasets cut into parts: at random, and into folds for cross-validation.

local core = require "embla.core"
local dataset = require "embla.data.dataset"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local seeded = require "embla.data.seeded"

local split = {}

local Subset, size_of = dataset.Subset, dataset.size_of

local seed_row = {name = "seed", type = "integer",
                  doc = "what the order depends on; left out: drawn from the generator behind manual_seed"}

-- 0 .. n-1 in random order.
local function permutation(n, seed)
  if not seed then return core.randperm(n) end
  local _ <close> = seeded.epoch(seed, 0)
  return core.randperm(n)
end

-- ---- at random -------------------------------------------------------------------------------------------------

-- Sizes of the parts: given ones, or fractions that sum to 1, the remainder going to the first parts.
local function part_sizes(lengths, n)
  local sizes, sum, total = {}, 0, 0
  for i, length in ipairs(lengths) do
    if type(length) ~= "number" or length < 0 or length ~= length then
      raise("random_split: argument lengths: expected sizes or fractions >= 0, got %s", options.show(length))
    end
    total = total + length
    sizes[i] = length
  end
  if math.abs(total - 1) > 1e-9 or n == 1 then return sizes, total end
  for i, fraction in ipairs(lengths) do
    sizes[i] = math.floor(n * fraction + 1e-9)
    sum = sum + sizes[i]
  end
  for i = 1, n - sum do sizes[(i - 1) % #sizes + 1] = sizes[(i - 1) % #sizes + 1] + 1 end
  return sizes, n
end

local split_spec = options.spec("random_split", {seed_row})

--- Cuts a dataset into parts at random.
-- @param whole   Dataset
-- @param lengths sequence of sizes that sum to its size, or of fractions that sum to 1
-- @param opt     the options
-- @return as many Subsets as there are lengths
-- @raise if the lengths do not sum to the size
function split.random_split(whole, lengths, opt)
  dataset.check("random_split", "whole", whole)
  if type(lengths) ~= "table" then
    raise("random_split: argument lengths: expected a list, got %s", options.show(lengths))
  end
  local o = split_spec.read(opt)
  local n = size_of(whole)
  local sizes, total = part_sizes(lengths, n)
  if total ~= n then
    raise("random_split: the lengths sum to %s, the dataset has %d samples", options.show(total), n)
  end
  for _, size in ipairs(sizes) do
    if not math.tointeger(size) then
      raise("random_split: argument lengths: expected integer sizes, got %s", options.show(size))
    end
  end
  local order, first, parts = permutation(n, o.seed), 0, {}
  for i, size in ipairs(sizes) do
    parts[i] = Subset(whole, core.handle(order:narrow(0, first, size)))         -- outlasts a scope around the call
    first = first + size
  end
  return table.unpack(parts)
end

-- ---- folds -----------------------------------------------------------------------------------------------------

local fold_spec = options.spec("k_fold", {
  {name = "shuffle", type = "boolean", default = false, doc = "samples go to folds at random, not in runs"},
  seed_row,
  {name = "labels", type = "table|tensor",
   doc = "a class for each sample, a list or a tensor: each fold has its share of every class"},
})

-- The fold of each of n samples in runs: the first n % k folds have one more.
local function runs(n, k)
  local folds, i = {}, 0
  for fold = 1, k do
    for _ = 1, n // k + (fold <= n % k and 1 or 0) do
      i = i + 1
      folds[i] = fold
    end
  end
  return folds
end

-- The classes of samples as numbers from 1 in the order in which they first occur, and the size of each class.
local function classes_of(labels, n)
  local list = core.is_tensor(labels) and labels:dim() == 1 and labels:tolist() or labels
  if type(list) ~= "table" or #list ~= n then
    raise("k_fold: option labels: expected a label for each of %d samples, got %s", n,
          type(list) == "table" and #list .. " of them" or options.show(labels))
  end
  local classes, sizes, number = {}, {}, {}
  for i = 1, n do
    local label = list[i]
    if label ~= label then raise("k_fold: option labels: label %d is nan", i - 1) end
    if not number[label] then
      sizes[#sizes + 1] = 0
      number[label] = #sizes
    end
    classes[i] = number[label]
    sizes[classes[i]] = sizes[classes[i]] + 1
  end
  return classes, sizes
end

-- The fold of each sample, by class. Sorted by class, the samples are dealt out to the folds in turn, which says how
-- many of a class each fold gets: its share up to one, and all folds are of one size up to one. Which of a class go
-- to which fold, `order` says: list of positions in the class, from 0.
local function stratified(labels, n, k, order_of)
  local classes, sizes = classes_of(labels, n)
  local most = 0
  for _, size in ipairs(sizes) do most = math.max(most, size) end
  if k > most then raise("k_fold: argument k: %d folds, but the largest class has %d samples", k, most) end
  local dealt, fold_at = 0, {}
  for class, size in ipairs(sizes) do
    local counts, list = {}, {}
    for i = dealt, dealt + size - 1 do counts[i % k + 1] = (counts[i % k + 1] or 0) + 1 end
    dealt = dealt + size
    for fold = 1, k do
      for _ = 1, counts[fold] or 0 do list[#list + 1] = fold end
    end
    fold_at[class] = {}
    for i, position in ipairs(order_of(size)) do fold_at[class][i] = list[position + 1] end
  end
  local folds, met = {}, {}
  for i, class in ipairs(classes) do
    met[class] = (met[class] or 0) + 1
    folds[i] = fold_at[class][met[class]]
  end
  return folds
end

-- Positions 0 .. n-1: as they are, or each time in another random order.
local function orders(o)
  if not o.shuffle then return function(n) return core.arange("int64", 0, 1, n):tolist() end end
  local seed, times = o.seed or seeded.draw(), -1
  return function(n)
    times = times + 1
    local _ <close> = seeded.epoch(seed, times)
    return core.randperm(n):tolist()
  end
end

-- The fold of each sample, from 1.
local function fold_numbers(n, k, o)
  local order_of = orders(o)
  if o.labels then return stratified(o.labels, n, k, order_of) end
  local in_order, folds = runs(n, k), {}
  for i, position in ipairs(order_of(n)) do folds[position + 1] = in_order[i] end
  return folds
end

-- `for train, test in folds do`: the fold whose train was the last is found by it.
local Folds = {__name = "k_fold"}

function Folds.__call(folds, _, last)
  local at = 1
  for i, fold in ipairs(folds) do
    if rawequal(fold.train, last) then at = i + 1 end
  end
  if folds[at] then return folds[at].train, folds[at].test end
end

--- Cuts samples into k folds for cross-validation: each is the test once, while the others are for training. The first
-- n % k folds have one sample more; positions stay in ascending order.
--
--   for train, test in data.k_fold(set, 5, {shuffle = true, seed = 1}) do … end
--
-- @param whole Dataset, or integer: the number of samples
-- @param k     integer >= 2: the number of folds
-- @param opt   the options
-- @return list of folds {train =, test =}, Subsets of the dataset or Tensors of ids; a loop may go over it as above
-- @raise if there are fewer samples than folds, or the labels do not fit
function split.k_fold(whole, k, opt)
  local n = dataset.count("k_fold", "whole", whole)
  local o = fold_spec.read(opt)
  if not options.is_integer(k) or k < 2 then
    raise("k_fold: argument k: expected an integer >= 2, got %s", options.show(k))
  end
  if k > n then raise("k_fold: argument k: %d folds, but only %d samples", k, n) end
  local numbers = core.tensor(fold_numbers(n, math.tointeger(k), o), "int64")
  local ids, folds = core.arange("int64", 0, 1, n), {}
  for fold = 1, math.tointeger(k) do
    local is_test, parts = numbers:eq(fold), {}
    for name, mask in pairs {train = is_test:logical_not(), test = is_test} do
      local chosen = core.handle(ids:masked_select(mask))                       -- outlasts a scope around the call
      parts[name] = type(whole) == "table" and Subset(whole, chosen) or chosen
    end
    folds[fold] = parts
  end
  return setmetatable(folds, Folds)
end

return split
