-- What the cases share: ids drawn evenly or as words are, tables, optimizers by name, rates.

local embla = require "embla"
local nn, optim = embla.nn, embla.optim

local data = {}

--- 100000 as "100k", 1000000 as "1M".
function data.short(n)
  if n >= 1000000 then return ("%dM"):format(n // 1000000) end
  return n >= 1000 and ("%dk"):format(n // 1000) or tostring(n)
end

local function count_of(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

local shares = {}                           -- V -> running sums of p(r) ~ 1 / (r + 1)
local function zipf_shares(V)
  if not shares[V] then
    local sums = embla.arange(1, V + 1, {dtype = "float64"}):pow(-1):cumsum(0)
    shares[V] = sums / sums[V - 1]
  end
  return shares[V]
end

--- Ids of a shape, drawn evenly or by Zipf's law: id 0 is the most frequent.
function data.draw(V, shape, dist)
  if dist == "uniform" then return embla.randint(0, V, shape) end
  local places = embla.rand(count_of(shape), {dtype = "float64"})
  return embla.searchsorted(zipf_shares(V), places):clamp(0, V - 1):view(shape)
end

--- Several batches of ids, so that calls in a row touch different rows.
function data.pool(V, shape, dist, d)
  local n = count_of(shape)
  local size = n >= 65536 and 4 or math.max(4, math.min(32, math.ceil(64e6 / (n * d * 4))))
  local list = {}
  for i = 1, size do list[i] = data.draw(V, shape, dist) end
  return list
end

local last = {}                             -- one table is kept: the next case often wants it too
local function table_of(V, d)
  if last.V ~= V or last.d ~= d then
    last = {}
    collectgarbage()
    last = {V = V, d = d, weight = embla.empty(V, d):uniform_(-0.1, 0.1)}
  end
  return last.weight
end

local function over_table(class, V, d, options)
  local o = {_weight = table_of(V, d)}
  for name, value in pairs(options or {}) do o[name] = value end
  return class(V, d, o)
end

--- An Embedding or an EmbeddingBag over a table that cases share.
function data.embedding(V, d, options) return over_table(nn.Embedding, V, d, options) end
function data.bag(V, d, options) return over_table(nn.EmbeddingBag, V, d, options) end

--- The optimizer of a kind, "adagrad_sparse" say.
function data.optimizer(kind, params)
  local name = kind:match "^%a+"
  if name == "sgd" then return optim.SGD(params, {lr = 0.01}) end
  if name == "adagrad" then return optim.Adagrad(params, {lr = 0.01}) end
  if name == "sparseadam" then return optim.SparseAdam(params, {lr = 0.001}) end
  if name == "adam" then return optim.Adam(params, {lr = 0.001}) end
  error("no optimizer is named " .. kind)
end

function data.is_sparse(kind) return not kind:find "dense$" end

--- The parameters of several modules in one list.
function data.parameters(...)
  local list = {}
  for _, module in ipairs {...} do table.move(module:parameters(), 1, #module:parameters(), #list + 1, list) end
  return list
end

--- What a call over n rows of d numbers moves.
function data.rows(n, d) return {["Mrows/s"] = n / 1e6, ["GB/s"] = n * d * 4 / 1e9} end

return data
