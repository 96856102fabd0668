-- search.topk: against a naive loop over numbers of Lua, ties, threads, what is left out, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local topk = embla.search.topk

local SCORES = {}
function SCORES.dot(q, x)
  local sum = 0
  for d = 1, #q do sum = sum + q[d] * x[d] end
  return sum
end
function SCORES.cosine(q, x)
  local lengths = math.sqrt(SCORES.dot(q, q) * SCORES.dot(x, x))
  return lengths == 0 and 0.0 or SCORES.dot(q, x) / lengths
end
function SCORES.l2(q, x)
  local sum = 0
  for d = 1, #q do sum = sum + (q[d] - x[d]) ^ 2 end
  return -sum
end

-- Scores and ids of the k best for each query, by sorting all; `takes(query, id)` says which count.
local function naive(queries, rows, k, metric, takes)
  local all_scores, all_ids = {}, {}
  for i, q in ipairs(queries:tolist()) do
    local hits = {}
    for j, x in ipairs(rows:tolist()) do
      local score = SCORES[metric](q, x)
      if score == score and (not takes or takes(i - 1, j - 1)) then hits[#hits + 1] = {score, j - 1} end
    end
    table.sort(hits, function(a, b) return a[1] > b[1] or a[1] == b[1] and a[2] < b[2] end)
    all_scores[i], all_ids[i] = {}, {}
    for j = 1, k do
      local hit = hits[j] or {-math.huge, -1}
      all_scores[i][j], all_ids[i][j] = metric == "l2" and math.sqrt(-hit[1]) or hit[1], hit[2]
    end
  end
  return embla.tensor(all_scores, {dtype = "float64"}), embla.LongTensor(all_ids)
end

-- Small whole numbers: every product and sum is exact in each dtype, and many scores are equal.
local function whole_numbers(n, width, dtype)
  return embla.randint(-4, 5, {n, width}):to(dtype or "float32")
end

embla.manual_seed(1)

t.test("by hand", function()
  local rows = embla.tensor {{1.0, 0}, {0, 2}, {3, 4}, {1, 0}}
  local scores, ids = topk(embla.tensor {1.0, 0}, rows, 3)
  t.equal(scores, embla.tensor {3.0, 1, 1})
  t.equal(ids, embla.LongTensor {2, 0, 3})
  scores, ids = topk(embla.tensor {{1.0, 0}, {0, 2}}, rows, 2, {metric = "l2"})
  t.equal(scores, embla.tensor {{0.0, 0}, {0, math.sqrt(5)}})
  t.equal(ids, embla.LongTensor {{0, 3}, {1, 0}})
  scores, ids = topk {queries = embla.tensor {2.0, 0}, table = rows, k = 3, metric = "cosine"}
  t.close(scores, embla.tensor {1, 1, 0.6}, 1e-6)
  t.equal(ids, embla.LongTensor {0, 3, 2})
end)

t.test("each metric and dtype as a naive loop, ties by the lower id, on 1, 2 and 4 threads", function()
  local threads = embla.get_num_threads()
  for _, width in ipairs {1, 3, 7, 16, 37, 100} do
    local queries, rows = whole_numbers(7, width, "float64"), whole_numbers(203, width, "float64")
    for _, metric in ipairs {"dot", "l2"} do
      local want, want_ids = naive(queries, rows, 9, metric)
      for _, dtype in ipairs {"float64", "float32", "float16", "bfloat16"} do
        for _, n in ipairs {1, 2, 4} do
          embla.set_num_threads(n)
          local scores, ids = topk(queries, rows:to(dtype), 9, {metric = metric})
          t.equal(scores.dtype, dtype == "float64" and dtype or "float32")
          t.equal(ids, want_ids)
          t.close(scores:double(), want, 1e-6)
        end
      end
    end
  end
  embla.set_num_threads(threads)
end)

t.test("cosine: a vector of zeros has 0 with all, and given norms say the same", function()
  local queries, rows = embla.randn(6, 33, {dtype = "float64"}), embla.randn(150, 33, {dtype = "float64"})
  queries[2]:zero_()
  rows[140]:zero_()
  local want, want_ids = naive(queries, rows, 150, "cosine")
  for _, norms in ipairs {false, rows:norm(2, 1)} do
    local scores, ids = topk(queries, rows, 150, {metric = "cosine", norms = norms})
    t.equal(ids, want_ids)
    t.close(scores, want, 1e-12, 1e-12)
  end
end)

t.test("a query alone has the bits that it has among others, on any number of threads", function()
  local threads = embla.get_num_threads()
  for _, metric in ipairs {"dot", "cosine", "l2"} do
    local queries, rows = embla.randn(131, 50), embla.randn(5000, 50)
    embla.set_num_threads(1)
    local scores, ids = topk(queries, rows, 5, {metric = metric})
    for _, n in ipairs {2, 4} do
      embla.set_num_threads(n)
      local again, same_ids = topk(queries, rows, 5, {metric = metric})
      t.same_bits(again, scores)
      t.equal(same_ids, ids)
      for _, i in ipairs {0, 63, 64, 130} do
        local alone, its_ids = topk(queries[i], rows, 5, {metric = metric})
        t.same_bits(alone, scores[i]:clone())
        t.equal(its_ids, ids[i])
      end
    end
  end
  embla.set_num_threads(threads)
end)

t.test("ids to exclude: for all, by rows with -1 for none, lists of different lengths", function()
  local queries, rows = whole_numbers(3, 8), whole_numbers(40, 8)
  local lists = {{0, 5, 39}, {}, {7}}
  local function takes(query, id)
    for _, one in ipairs(lists[query + 1]) do
      if one == id then return false end
    end
    return true
  end
  local _, want = naive(queries, rows, 40, "dot", takes)
  local scores, ids = topk(queries, rows, 40, {exclude = lists})
  t.equal(ids, want)
  t.equal(scores[0]:tolist()[40], -math.huge)
  t.equal(select(2, topk(queries, rows, 40, {exclude = embla.LongTensor {{0, 5, 39}, {-1, -1, -1}, {7, -1, 7}}})), want)
  _, want = naive(queries, rows, 40, "dot", function(_, id) return id ~= 3 and id ~= 4 end)
  t.equal(select(2, topk(queries, rows, 40, {exclude = {4, 3}})), want)
  t.equal(select(2, topk(queries, rows, 40, {exclude = embla.tensor {4, 3, 3}})), want)
  t.equal(topk(rows[0], rows:narrow(0, 0, 1), 1, {metric = "l2", exclude = {0}}), embla.tensor {math.huge})
end)

t.test("restrict: the first rows, or these", function()
  local queries, rows = whole_numbers(4, 5), whole_numbers(60, 5)
  local _, want = naive(queries, rows, 10, "dot", function(_, id) return id < 10 end)
  t.equal(select(2, topk(queries, rows, 99, {restrict = 10})), want)
  local some = {50, 3, 20, 3, 59}
  local _, few = naive(queries, rows, 4, "l2", function(_, id) return id == 3 or id == 20 or id == 50 or id == 59 end)
  t.equal(select(2, topk(queries, rows, 9, {restrict = some, metric = "l2"})), few)
  t.equal(select(2, topk(queries, rows:half(), 9, {restrict = embla.tensor(some), metric = "l2"})), few)
  t.equal(topk(queries, rows, 3, {restrict = 0}).shape, {4, 0})
  local all, norms = {metric = "cosine", restrict = some}, rows:norm(2, 1)
  local without = topk(queries, rows, 3, all)
  all.norms = norms
  t.close(topk(queries, rows, 3, all), without, 1e-6)
end)

t.test("a row of NaN is never among the best, a query of NaN has none", function()
  local rows = embla.tensor {{1.0}, {0 / 0}, {-2}}
  for _, metric in ipairs {"dot", "cosine", "l2"} do
    local scores, ids = topk(embla.tensor {{1.0}, {0 / 0}}, rows, 3, {metric = metric})
    local nothing = metric == "l2" and math.huge or -math.huge
    t.equal(ids, embla.LongTensor {{0, 2, -1}, {-1, -1, -1}})
    t.equal(scores:tolist()[2], {nothing, nothing, nothing})
  end
end)

t.test("scores of infinity are scores", function()
  local scores, ids = topk(embla.tensor {1.0}, embla.tensor {{-math.huge}, {math.huge}, {0}}, 3)
  t.equal(scores, embla.tensor {math.huge, 0, -math.huge})
  t.equal(ids, embla.LongTensor {1, 2, 0})
end)

t.test("no rows, no numbers, none wanted, more wanted than there are", function()
  t.equal(topk(embla.zeros(2, 3), embla.zeros(0, 3), 4).shape, {2, 0})
  t.equal(topk(embla.zeros(0, 3), embla.zeros(5, 3), 4).shape, {0, 4})
  t.equal(topk(embla.zeros(3), embla.zeros(5, 3), 0).shape, {0})
  local scores, ids = topk(embla.zeros(2, 0), embla.zeros(3, 0), 9, {metric = "cosine"})
  t.equal(scores, embla.zeros(2, 3))
  t.equal(ids, embla.LongTensor {{0, 1, 2}, {0, 1, 2}})
end)

t.test("views are read as they are, and nothing is recorded", function()
  local queries, rows = whole_numbers(3, 6), whole_numbers(6, 20):requires_grad_()
  local scores, ids = topk(queries, rows:t(), 4)
  t.equal(scores.requires_grad, false)
  t.equal(ids, select(2, topk(queries, rows:t():clone(), 4)))
end)

t.test("what does not fit is refused", function()
  local q, rows = embla.zeros(2, 3), embla.zeros(5, 3)
  t.raises(function() topk(q, embla.zeros(5, 4), 1) end,
           "search.topk: argument queries: expected shape (Q, 4) or (4), got (2, 3)")
  t.raises(function() topk(q, embla.zeros(5), 1) end, "search.topk: argument table: expected shape (V, D), got (5)")
  t.raises(function() topk(q, rows:long(), 1) end, "search.topk: argument table: expected floats, got int64")
  t.raises(function() topk(q, rows, -1) end, "search.topk: argument k: expected an integer >= 0, got -1")
  t.raises(function() topk({}, rows, 1) end, "search.topk: argument queries: expected a tensor")
  t.raises(function() topk(q, rows, 1, {metric = "l1"}) end,
           "search.topk: option metric: expected one of dot, cosine, l2")
  t.raises(function() topk(q, rows, 1, {exclud = {}}) end, "did you mean 'exclude'?")
  t.raises(function() topk(q, rows, 1, {exclude = {5}}) end,
           "search.topk: exclude: id 5 at position 0 is out of range for a table of 5 rows")
  t.raises(function() topk(q, rows, 1, {exclude = {{1}}}) end, "search.topk: option exclude: 1 lists for 2 queries")
  t.raises(function() topk(q, rows, 1, {exclude = {{1}, {"a"}}}) end,
           "search.topk: option exclude: list 2: expected ids")
  t.raises(function() topk(q, rows, 1, {exclude = embla.zeros(2)}) end, "expected ids, got a tensor of float32")
  t.raises(function() topk(q, rows, 1, {restrict = {-1}}) end, "search.topk: restrict: id -1 at position 0")
  t.raises(function() topk(q, rows, 1, {restrict = -3}) end, "search.topk: option restrict")
  t.raises(function() topk(q, rows, 1, {norms = embla.zeros(4)}) end,
           "search.topk: norms of shape (4) for a table of 5 rows")
end)

t.finish()
