-- Classes drawn at random to stand for all, and how often each was to be expected among them.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local candidates = {}

-- ---- distributions ---------------------------------------------------------------------------------------------
-- Each gives `draw(n)`, Tensor (n) int64 of classes, and `probability(ids)`, Tensor float64 of ids' shape.

local function uniform_numbers(n) return core.empty({n}, "float64"):uniform_() end

local function uniform(n_classes)
  return {
    draw = function(n) return (uniform_numbers(n) * n_classes):floor():long() end,
    probability = function(ids) return ids:double() * 0 + 1 / n_classes end,
  }
end

-- P(k) = log((k + 2) / (k + 1)) / log(n_classes + 1): near Zipf's law where ids go by falling frequency.
local function log_uniform(n_classes)
  local range = math.log(n_classes + 1)
  return {
    draw = function(n) return (uniform_numbers(n) * range):expm1():floor():clamp(0, n_classes - 1):long() end,
    probability = function(ids)
      local k = ids:double()
      return ((k + 2):log() - (k + 1):log()) / range
    end,
  }
end

local function check_counts(owner, counts, n_classes)
  if counts == nil then raise("%s: option counts is required by distribution = \"unigram\"", owner) end
  if counts:dim() ~= 1 or counts:size(0) ~= n_classes then
    raise("%s: option counts: expected shape (%d), got (%s)", owner, n_classes, table.concat(counts.shape, ", "))
  end
  local weights = counts:detach():double()
  if not (weights:min():item() >= 0 and weights:sum():item() > 0 and weights:sum():item() < math.huge) then
    raise("%s: option counts: expected numbers >= 0 with a sum above 0", owner)
  end
  return weights
end

-- P(k) = counts[k] / sum of counts.
local function unigram(n_classes, counts, owner)
  local weights = check_counts(owner, counts, n_classes)
  local upper = weights:cumsum(0)
  local share, edges = core.handle(weights / upper[-1]), core.handle(upper / upper[-1])       -- outlast a scope
  return {
    draw = function(n) return core.ops.searchsorted(edges, uniform_numbers(n), {right = true}) end,
    probability = function(ids) return share:index_select(0, ids) end,
  }
end

local DISTRIBUTIONS = {uniform = uniform, log_uniform = log_uniform, unigram = unigram}

--- The rows of a spec that say what is drawn.
candidates.rows = {
  {name = "num_sampled", type = "integer", range = ">= 1",
   doc = "draws; classes drawn more than once stand once, so that there are at most so many candidates"},
  {name = "distribution", choices = {"log_uniform", "uniform", "unigram"}, default = "log_uniform",
   doc = "log_uniform: P(k) = log((k + 2) / (k + 1)) / log(V + 1), for ids in order of falling frequency; "
         .. "unigram: in proportion to counts"},
  {name = "counts", type = "tensor", doc = "(V) weights of the classes for distribution = \"unigram\""},
}

-- ---- the sampler -----------------------------------------------------------------------------------------------

--- A sampler of candidates.
-- @param owner     name that leads the messages
-- @param n_classes V > 0
-- @param o         options read by a spec with the rows above
-- @return function(n, target) giving the different classes among n draws in ascending order, Tensor (K) int64; the
--   expected count of each, Tensor (K) float64: 1 - (1 - p)^n, the probability that it is among them; and, with a
--   target, Tensor of class ids, the same of the targets
-- @raise if counts are asked for and do not fit
function candidates.sampler(owner, n_classes, o)
  if n_classes < 1 then raise("%s: there are no classes to draw from", owner) end
  local distribution = DISTRIBUTIONS[o.distribution](n_classes, o.counts, owner)
  local function expected(ids, n) return -(distribution.probability(ids):neg():log1p() * n):expm1() end
  return function(n, target)
    local ids = distribution.draw(n):unique()
    return ids, expected(ids, n), target and expected(target, n)
  end
end

local spec = options.spec("sample_candidates", {
  candidates.rows[2], candidates.rows[3],
  {name = "target", type = "tensor", doc = "class ids, (N), whose expected counts are wanted too"},
})

local function check_positive(name, value)
  if type(value) ~= "number" or not math.tointeger(value) or value < 1 then
    raise("sample_candidates: argument %s: expected integer >= 1, got %s", name, options.show(value))
  end
  return math.tointeger(value)
end

--- Classes drawn at random, each standing once, and how often each was to be expected among them.
-- @param n_classes   V > 0
-- @param num_sampled draws >= 1
-- @param opt         the options
-- @return Tensor (K) int64, the different classes drawn, in ascending order; Tensor (K) float64, their expected counts
--   1 - (1 - p)^num_sampled; with a target those of the targets, Tensor (N) float64
-- @raise for numbers or options that do not fit
function candidates.sample_candidates(n_classes, num_sampled, opt)
  local o = spec.read(opt)
  n_classes, num_sampled = check_positive("n_classes", n_classes), check_positive("num_sampled", num_sampled)
  local ids, expected, expected_target = candidates.sampler("sample_candidates", n_classes, o)(num_sampled, o.target)
  return ids, expected, expected_target
end

return candidates
