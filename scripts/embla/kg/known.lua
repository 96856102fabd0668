-- What a dataset's triples answer: tails by (head, relation), heads by (tail, relation).

local core = require "embla.core"

local known = {}

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
