-- search: the rows of a table that are nearest to a vector.

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local expect = require "embla.arguments.expect"
local lazy = require "embla.base.lazy"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local spec = options.spec("search.topk", {
  {name = "metric", choices = {"dot", "cosine", "l2"}, default = "dot", doc = "what is near"},
  {name = "exclude", type = "tensor|table",
   doc = "ids to leave out: (n) for every query, (Q, n) or a list of lists for each its own; -1 stands for none"},
  {name = "restrict", type = "integer|tensor|integers",
   check = function(value) return type(value) ~= "number" or value >= 0 end, range = "(not negative)",
   doc = "look only at the first so many rows, or at those with these ids"},
  {name = "norms", type = "tensor", doc = "(V), the lengths of the rows, for cosine: else they are worked out"},
})

local function ids_of(name, value)
  if not core.is_tensor(value) then
    if not options.is_integers(value) then
      raise("search.topk: option %s: expected ids, a tensor of them or lists, got %s", name, options.show(value))
    end
    return core.tensor(value, "int64")
  end
  if value.is_sparse or not dtypes.IS_INTEGER[value.dtype] then
    raise("search.topk: option %s: expected ids, got a tensor of %s", name, value.dtype)
  end
  return value:long()
end

-- The lists one after the other, and where each ends.
local function flatten(lists, count)
  if #lists ~= count then
    raise("search.topk: option exclude: %d lists for %d queries", #lists, count)
  end
  local ids, ends = {}, {}
  for i, list in ipairs(lists) do
    if core.is_tensor(list) then list = ids_of("exclude", list):reshape({-1}):tolist() end
    if not options.is_integers(list) then
      raise("search.topk: option exclude: list %d: expected ids, got %s", i, options.show(list))
    end
    table.move(list, 1, #list, #ids + 1, ids)
    ends[i] = #ids
  end
  return core.tensor(ids, "int64"), core.tensor(ends, "int64")
end

local function is_nested(value)
  return not core.is_tensor(value) and (type(value[1]) == "table" or core.is_tensor(value[1]))
end

-- Ids to leave out, and where each query's end: nil if they are for all queries.
local function excluded(value, queries)
  local count = queries:dim() == 2 and queries:size(0) or 1
  if value == nil then return nil end
  if is_nested(value) then return flatten(value, count) end
  local ids = ids_of("exclude", value)
  if ids:dim() < 2 then return ids end
  if ids:dim() > 2 or ids:size(0) ~= count then
    raise("search.topk: option exclude: expected (n) or (%d, n), got a tensor of %d dims and %d rows", count,
          ids:dim(), ids:size(0))
  end
  local n, ends = ids:size(1), {}
  for i = 1, count do ends[i] = i * n end
  return ids:reshape({-1}), core.tensor(ends, "int64")
end

local search = {}

--- The k best rows of a table for each query, exactly. A row's score is q . x (metric "dot", the greatest first), q . x
-- / (|q| |x|) ("cosine", the greatest first; 0 if a vector is zeros), or the distance |q - x| ("l2", the least first);
-- of equal ones the lower id comes first (for l2 the squares are compared). A score has the same bits whatever other
-- queries there are and on any number of threads. No gradients are recorded.
--
-- A row whose score is NaN is never among the best. Where such and excluded rows leave fewer than K, the rest has the
-- id -1 and the score -inf (of l2: inf).
-- @param queries Tensor (Q, D) or (D)
-- @param table   Tensor (V, D) of a float dtype
-- @param k       how many, >= 0
-- @param opt     the options
-- @return scores Tensor (Q, K) or (K), of the table's dtype, of float32 for halves; K is the least of k and the rows
--   looked at
-- @return ids Tensor int64 of the same shape
-- @raise if shapes do not fit, or an id is out of range
function search.topk(queries, table, k, opt)
  expect.dense("search.topk", "queries", queries)
  expect.dense("search.topk", "table", table)
  k = expect.integer("search.topk", "k", k, 0)
  local o = spec.read(opt)
  local first, only = -1, nil
  if type(o.restrict) == "number" then
    first = math.tointeger(o.restrict)
  elseif o.restrict ~= nil then
    only = ids_of("restrict", o.restrict)
  end
  local exclude, ends = excluded(o.exclude, queries)
  return core.search_topk(queries, table, k, o.metric, first, only, exclude, ends, o.norms)
end

return lazy(search, "embla.search.", {hnsw = "HNSW"})
