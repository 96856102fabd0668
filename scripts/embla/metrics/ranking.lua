-- Rankings: ids from the best down for each query, as topk gives them, against the ids that are right. Who made the
-- ranking has settled the ties. A query to which nothing is right is left out of every mean.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local F = require("embla.tensor.operations").functional
local raise = require "embla.errors.raise"
local read = require "embla.metrics.read"

local ranking = {}

-- Ids (N, K), -1 where there is none: of a tensor, or of a list of lists, the short ones filled up.
local function rows(caller, name, value)
  if type(value) == "table" then
    local width, filled = 1, {}
    for i, row in ipairs(value) do
      if type(row) ~= "table" then raise("%s: argument %s: expected a list of lists of ids", caller, name) end
      width = math.max(width, #row)
      filled[i] = row
    end
    for i, row in ipairs(filled) do
      local full = table.move(row, 1, #row, 1, {})
      for j = #row + 1, width do full[j] = -1 end
      filled[i] = full
    end
    value = filled
  end
  local t = read.tensor(caller, name, value)
  if t:is_floating_point() or t:dim() ~= 2 then
    raise("%s: argument %s: expected ids (N, K), got %d dims of %s", caller, name, t:dim(), t.dtype)
  end
  return t:long()
end

-- Ids of different queries are made different; those below 0 stand for none.
local function keys(ids, span)
  local first = core.arange("int64", 0, 1, #ids):unsqueeze(1) * span
  return F.where(ids:lt(0), -1, ids + first)
end

local function refuse_twice(caller, name, ids)
  local sorted = ids:sort(1)
  local n = ids:size(1)
  local upper, lower = sorted:narrow(1, 1, n - 1), sorted:narrow(1, 0, n - 1)
  if upper:eq(lower):logical_and(upper:ge(0)):any():item() then
    raise("%s: argument %s: an id stands twice in a row", caller, name)
  end
end

-- Where the first k ids of each query are right, (Q, k) float64, and how many are right (Q), of the queries that count.
local function hits(caller, input, target, k)
  local ids, right = rows(caller, "input", input), rows(caller, "target", target)
  read.same_length(caller, ids, right)
  refuse_twice(caller, "input", ids)
  refuse_twice(caller, "target", right)
  if k then ids = ids:narrow(1, 0, math.min(k, ids:size(1))) end
  local span = math.max(ids:max():item(), right:max():item(), 0) + 1
  local hit = F.isin(keys(ids, span), keys(right, span)):logical_and(ids:ge(0)):double()
  local number = right:ge(0):double():sum(1)
  local counts = number:gt(0):nonzero():view(-1)
  if #counts == 0 then raise("%s: argument target: nothing is right for any query", caller) end
  return hit[counts], number[counts]
end

-- 1, 2, … n.
local function places(n) return core.arange("int64", 1, 1, n):double() end

--- Mean over queries of [right ids among the first k] / [right ids].
-- @param input  Tensor (Q, K) of ids from the best down, below 0 for none; or a list of lists
-- @param target Tensor (Q, R) of right ids, below 0 for none; or a list of lists
-- @param k      how many of the first count
-- @return number
-- @raise if there is nothing, an id stands twice in a row, or nothing is right for any query
function ranking.recall_at_k(input, target, k)
  local hit, number = hits("recall_at_k", input, target, expect.integer("recall_at_k", "k", k, 1))
  return (hit:sum(1) / number):mean():item()
end

--- Mean over queries of [right ids among the first k] / k, also where a ranking is shorter.
-- @param input  Tensor (Q, K) of ids from the best down, below 0 for none; or a list of lists
-- @param target Tensor (Q, R) of right ids, below 0 for none; or a list of lists
-- @param k      how many of the first count
-- @return number
-- @raise if there is nothing, an id stands twice in a row, or nothing is right for any query
function ranking.precision_at_k(input, target, k)
  local hit = hits("precision_at_k", input, target, expect.integer("precision_at_k", "k", k, 1))
  return hit:sum(1):mean():item() / k
end

--- Share of queries with a right id among the first k.
-- @param input  Tensor (Q, K) of ids from the best down, below 0 for none; or a list of lists
-- @param target Tensor (Q, R) of right ids, below 0 for none; or a list of lists
-- @param k      how many of the first count
-- @return number
-- @raise if there is nothing, an id stands twice in a row, or nothing is right for any query
function ranking.hits_at_k(input, target, k)
  local hit = hits("hits_at_k", input, target, expect.integer("hits_at_k", "k", k, 1))
  return hit:amax(1):mean():item()
end

--- Mean over queries of DCG / ideal DCG; DCG is the sum of 1 / log2(place + 1) of the right ids among the first k, and
-- ideal is a ranking that begins with right ones.
-- @param input  Tensor (Q, K) of ids from the best down, below 0 for none; or a list of lists
-- @param target Tensor (Q, R) of right ids, below 0 for none; or a list of lists
-- @param k      how many of the first count
-- @return number
-- @raise if there is nothing, an id stands twice in a row, or nothing is right for any query
function ranking.ndcg_at_k(input, target, k)
  local hit, number = hits("ndcg_at_k", input, target, expect.integer("ndcg_at_k", "k", k, 1))
  local ideal = (places(math.min(k, number:max():long():item())) + 1):log2():reciprocal():cumsum(0)
  local gain = (places(hit:size(1)) + 1):log2():reciprocal()
  return ((hit * gain):sum(1) / ideal[number:clamp(1, #ideal):long() - 1]):mean():item()
end

--- Mean over queries of average precision: the sum of the precision at the place of each right id among the first k,
-- over the lesser of k and the right ids.
-- @param input  Tensor (Q, K) of ids from the best down, below 0 for none; or a list of lists
-- @param target Tensor (Q, R) of right ids, below 0 for none; or a list of lists
-- @param k      how many of the first count
-- @return number
-- @raise if there is nothing, an id stands twice in a row, or nothing is right for any query
function ranking.map_at_k(input, target, k)
  local hit, number = hits("map_at_k", input, target, expect.integer("map_at_k", "k", k, 1))
  local precision = hit:cumsum(1) / places(hit:size(1))
  return ((precision * hit):sum(1) / number:clamp(1, k)):mean():item()
end

--- Mean over queries of 1 / place of the first right id; 0 where there is none.
-- @param input  Tensor (Q, K) of ids from the best down, below 0 for none; or a list of lists
-- @param target Tensor (Q, R) of right ids, below 0 for none; or a list of lists
-- @return number
-- @raise if there is nothing, an id stands twice in a row, or nothing is right for any query
function ranking.mrr(input, target)
  local hit = hits("mrr", input, target)
  return (hit / places(hit:size(1))):amax(1):mean():item()
end

return ranking
