-- search.HNSW: an approximate index of the rows of a table.

local class = require "embla.base.class"
local core = require "embla.core"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"

local build_spec = options.spec("search.HNSW", {
  {name = "M", type = "integer", default = 16, check = function(value) return value >= 2 and value <= 512 end,
   range = "(2 .. 512)", doc = "links of a row on each level, twice as many on the lowest"},
  {name = "ef_construction", type = "integer", default = 200, check = function(value) return value >= 1 end,
   range = "(positive)", doc = "rows kept in sight while a row's neighbours are looked for"},
  {name = "metric", choices = {"dot", "cosine", "l2"}, default = "dot", doc = "what is near"},
  {name = "seed", type = "integer", default = 0, doc = "of the rows' levels"},
})

local search_spec = options.spec("HNSW.search", {
  {name = "ef", type = "integer", default = 64, check = function(value) return value >= 1 end, range = "(positive)",
   doc = "rows kept in sight, at least k: more find more of the nearest, and take longer"},
})

--- An index by which the rows nearest to a query are found without looking at all: a hierarchical navigable small world
-- graph (Malkov and Yashunin, 2016). Recall@10 of 10,000 rows of 32 numbers with the default options is at least 0.95
-- (measured: of uniform rows 0.97 by l2 and cosine, 0.99 by dot; 1.00 of rows in 50 clusters). The rows are copied: the
-- index does not follow changes of the table. It is the same on any number of threads. A row with a NaN or an infinity
-- is left out. # is V.
local HNSW = class "HNSW"

--- Builds an index.
-- @param table Tensor (V, D) of a float dtype
-- @param opt   the options
-- @raise if it is no such table
function HNSW:init(table, opt)
  expect.dense("search.HNSW", "table", table)
  local o = build_spec.read(opt)
  self.metric, self.M = o.metric, o.M
  self.vectors, self.links, self.upper, self.first, self.entry =
    core.search_hnsw_build(table, o.metric, o.M, o.ef_construction, o.seed)
end

--- The k best rows for each query that a walk through the index finds: scores and their order are those of search.topk
-- (cosines to a rounding), and where fewer than K are found the rest has the id -1 and the score -inf (of l2: inf).
-- @param queries Tensor (Q, D) or (D)
-- @param k       how many, >= 0
-- @param opt     the options
-- @return scores Tensor (Q, K) or (K), of the table's dtype, of float32 for halves; K is the least of k and V
-- @return ids Tensor int64 of the same shape
-- @raise if shapes do not fit
function HNSW:search(queries, k, opt)
  expect.dense("HNSW.search", "queries", queries)
  k = expect.integer("HNSW.search", "k", k, 0)
  local o = search_spec.read(opt)
  return core.search_hnsw_search(queries, k, o.ef, self.metric, self.vectors, self.links, self.upper,
                                 self.first, self.entry)
end

function HNSW.__len(self) return self.vectors:size(0) end

function HNSW.__tostring(self)
  return ("HNSW(%d rows of %d, %s, M = %d)"):format(#self, self.vectors:size(1), self.metric, self.M)
end

return HNSW
