-- What a dataset's triples answer: tails by (head, relation), heads by (tail, relation).

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local known = {}

--- Refuses what kg.load has not made.
-- @param owner   whose argument it is
-- @param dataset anything
-- @raise naming the owner and what was given
function known.check_dataset(owner, dataset)
  if type(dataset) ~= "table" or not (dataset.entities and dataset.relations and dataset.train) then
    raise("%s: argument dataset: expected what kg.load returns, got %s", owner, options.show(dataset))
  end
end

--- The number that stands for a pair.
-- @param entities  Tensor (B) int64
-- @param relations Tensor (B) int64
-- @param count     of all relations
-- @return Tensor (B) int64
function known.key(entities, relations, count) return (entities * count + relations):contiguous() end

--- Head, relation and tail of triples.
-- @param triples Tensor (N, 3)
-- @return three Tensors (N)
function known.columns(triples)
  return triples:select(1, 0):contiguous(), triples:select(1, 1):contiguous(), triples:select(1, 2):contiguous()
end

--- Answers of some triples.
-- @param triples   Tensor (N, 3) int64
-- @param relations their number
-- @return tails, heads: handles of the core
function known.answers(triples, relations)
  local h, r, t = known.columns(triples)
  return core.answers_new(known.key(h, r, relations), t), core.answers_new(known.key(t, r, relations), h)
end

return known
