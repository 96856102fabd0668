-- kg.evaluate: at which rank the true entity comes.

local cat = require("embla.nn.functional").cat
local core = require "embla.core"
local known = require "embla.kg.known"
local modes = require "embla.autograd.modes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local spec = options.spec("kg.evaluate", {
  {name = "split", type = "string", default = "test", choices = {"train", "valid", "test"}, doc = "which triples"},
  {name = "filtered", type = "boolean", default = true,
   doc = "other true answers of all three splits do not count"},
  {name = "ties", type = "string", default = "realistic", choices = {"realistic", "optimistic", "pessimistic"},
   doc = "rank among equal scores: the mean of the first and the last, the first, the last"},
  {name = "batch_size", type = "integer", default = 256, range = ">= 1", doc = "triples scored at once"},
})

local TIES = {realistic = 0.5, optimistic = 0, pessimistic = 1}

local function summary(ranks)
  local n = #ranks
  local s = {n = n, MR = 0 / 0, MRR = 0 / 0, hits = {[1] = 0 / 0, [3] = 0 / 0, [10] = 0 / 0}}
  if n == 0 then return s end
  s.MR, s.MRR = ranks:mean():item(), ranks:reciprocal():mean():item()
  for k in pairs(s.hits) do s.hits[k] = ranks:le(k):double():mean():item() end
  return s
end

-- Ranks (N) float64 of `targets` among the scores that score(lo, n) gives.
local function ranks_of(score, targets, keys, answers, o)
  local ranks = core.zeros({#targets}, "float64")
  for lo = 0, #targets - 1, o.batch_size do
    local n = math.min(o.batch_size, #targets - lo)
    local better, equal = core.rank_counts(score(lo, n):float():contiguous(), targets:narrow(0, lo, n),
                                           keys:narrow(0, lo, n), answers)
    ranks:narrow(0, lo, n):copy_(better:double() + 1 + equal:double() * TIES[o.ties])
  end
  return ranks
end

--- Ranks the true tail of each (h, r, ?) and the true head of each (?, r, t) among all entities. A score that is NaN
-- ranks worst: above the true entity's, and a true entity's NaN comes last.
-- @param model   a model of kg, or an object with score_tails(h, r) and score_heads(r, t) -> (B, V)
-- @param dataset what kg.load returned
-- @param opt     {split = "test", filtered = true, ties = "realistic", batch_size = 256}
-- @return {n =, MR =, MRR =, hits = {[1] =, [3] =, [10] =}, tails = …, heads = …, by_relation = {name = …}}; n counts
--   ranks, and numbers of an empty split are NaN; `ranks` = {tails = Tensor (N), heads = Tensor (N)} float64
-- @raise if an argument or option does not fit
local function evaluate(model, dataset, opt)
  local o = spec.read(opt)
  known.check_dataset("kg.evaluate", dataset)
  if type(model) ~= "table" or not (model.score_tails and model.score_heads) then
    raise("kg.evaluate: argument model: expected one with score_tails and score_heads, got %s", options.show(model))
  end
  local relations = #dataset.relations
  local tails_known, heads_known
  if o.filtered then
    tails_known, heads_known = known.answers(cat({dataset.train, dataset.valid, dataset.test}, 0), relations)
  end
  local h, r, t = known.columns(dataset[o.split])
  local was_training = model.training
  if was_training then model:eval() end
  local ranks = modes.no_grad(function()
    return {
      tails = ranks_of(function(lo, n) return model:score_tails(h:narrow(0, lo, n), r:narrow(0, lo, n)) end,
                       t, known.key(h, r, relations), tails_known, o),
      heads = ranks_of(function(lo, n) return model:score_heads(r:narrow(0, lo, n), t:narrow(0, lo, n)) end,
                       h, known.key(t, r, relations), heads_known, o),
    }
  end)
  if was_training then model:train() end
  local both = cat({ranks.tails, ranks.heads}, 0)
  local result = summary(both)
  result.tails, result.heads, result.ranks = summary(ranks.tails), summary(ranks.heads), ranks
  result.by_relation = {}
  local of = cat({r, r}, 0)
  for id = 0, relations - 1 do
    local mine = both:masked_select(of:eq(id))
    if #mine > 0 then result.by_relation[dataset.relations:word(id)] = summary(mine) end
  end
  return result
end

return evaluate
