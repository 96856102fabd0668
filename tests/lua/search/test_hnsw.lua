-- search.HNSW: recall against search.topk, its conventions, threads, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local HNSW, topk = embla.search.HNSW, embla.search.topk

embla.manual_seed(2)

local function recall(found, truth)
  return found:unsqueeze(2):eq(truth:unsqueeze(1)):sum():item() / truth:numel()
end

local function uniform(n) return embla.rand(n, 32) end
local centres = embla.randn(50, 32) * 4
local function clustered(n) return centres:index_select(0, embla.randint(0, 50, {n})) + embla.randn(n, 32) end

t.test("recall@10 of 10,000 rows is at least 0.95, with the scores of topk", function()
  for _, case in ipairs {{uniform, "l2"}, {uniform, "dot"}, {clustered, "cosine"}} do
    local make, metric = case[1], case[2]
    local rows, queries = make(10000), make(100)
    local scores, ids = HNSW(rows, {metric = metric}):search(queries, 10)
    local want, truth = topk(queries, rows, 10, {metric = metric})
    local part = recall(ids, truth)
    if part < 0.95 then t.fail(("%s: recall %.3f"):format(metric, part)) end
    t.close(scores:select(1, 0):mean(), want:select(1, 0):mean(), 1e-2)
  end
end)

t.test("all of a small table are found, as topk finds them", function()
  local rows = embla.randint(-4, 5, {60, 5}):float()
  for _, metric in ipairs {"dot", "l2"} do
    local scores, ids = HNSW(rows, {metric = metric}):search(rows, 8, {ef = 60})
    local want, truth = topk(rows, rows, 8, {metric = metric})
    t.equal(ids, truth)
    t.equal(scores, want)
  end
end)

t.test("rows that are no numbers, zeros, k larger than V, and none", function()
  local rows = embla.tensor {{1.0, 0}, {0 / 0, 1}, {0, 0}}
  local scores, ids = HNSW(rows, {metric = "cosine"}):search(embla.tensor {2.0, 0}, 9)
  t.equal(ids, embla.LongTensor {0, 2, -1})
  t.equal(scores, embla.tensor {1.0, 0, -math.huge})
  t.equal(#HNSW(embla.zeros(0, 3)), 0)
  local none = select(2, HNSW(embla.zeros(0, 3)):search(embla.zeros(2, 3), 4))
  t.equal(none:size(1), 0)
end)

t.test("the same on any number of threads", function()
  local rows, threads, before = uniform(1000), embla.get_num_threads(), nil
  for _, n in ipairs {1, 3} do
    embla.set_num_threads(n)
    local scores, ids = HNSW(rows, {metric = "l2"}):search(rows, 5)
    if before then
      t.equal(scores, before[1])
      t.equal(ids, before[2])
    end
    before = {scores, ids}
  end
  embla.set_num_threads(threads)
end)

t.test("refused", function()
  t.raises(function() HNSW(embla.zeros(3), {}) end, "expected shape (V, D)")
  t.raises(function() HNSW(embla.zeros(3, 2), {M = 1}) end, "2 .. 512")
  t.raises(function() HNSW(embla.zeros(3, 2), {metric = "near"}) end, "metric")
  t.raises(function() HNSW(embla.zeros(3, 2)):search(embla.zeros(3), 1) end, "HNSW.search: argument queries")
  t.raises(function() HNSW(embla.zeros(3, 2)):search(embla.zeros(2), -1) end, "k")
  t.equal(tostring(HNSW(embla.zeros(3, 2))), "HNSW(3 rows of 2, dot, M = 16)")
end)

t.finish()
