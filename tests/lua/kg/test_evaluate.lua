-- kg.evaluate against a naive loop: ties, filter, sides, relations, NaN, an empty split.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local kg = embla.kg

local GRAPH = kg.load {
  train = {{"a", "r", "b"}, {"a", "r", "c"}, {"b", "s", "c"}, {"d", "r", "b"}, {"e", "s", "a"}},
  test = {{"a", "r", "d"}, {"c", "s", "e"}, {"b", "r", "b"}},
}
local V, R = 5, 2

-- Scores out of a small set, so that many are equal.
local TABLE = embla.randint(0, 3, {V, R, V}):float()
local fixed = {}
function fixed.score_tails(_, h, r)
  local rows = {}
  for i = 0, #h - 1 do rows[i + 1] = TABLE[h[i]][r[i]] end
  return embla.stack(rows, 0)
end

function fixed.score_heads(_, r, tails)
  local rows = {}
  for i = 0, #r - 1 do rows[i + 1] = TABLE:select(2, tails[i]):select(1, r[i]) end
  return embla.stack(rows, 0)
end

local function is_true(h, r, tail)
  for _, split in ipairs {"train", "valid", "test"} do
    for _, x in ipairs(GRAPH[split]:tolist()) do
      if x[1] == h and x[2] == r and x[3] == tail then return true end
    end
  end
  return false
end

local function naive(h, r, tail, side, filtered)
  local own, better, equal = TABLE[h][r][tail], 0, 0
  for e = 0, V - 1 do
    local a, b = side == "heads" and e or h, side == "tails" and e or tail
    if not (a == h and b == tail) and not (filtered and is_true(a, r, b)) then
      local score = TABLE[a][r][b]
      better, equal = better + (score > own and 1 or 0), equal + (score == own and 1 or 0)
    end
  end
  return {optimistic = better + 1, realistic = better + 1 + equal / 2, pessimistic = better + 1 + equal}
end

t.test("ranks are those of a naive loop", function()
  for _, filtered in ipairs {true, false} do
    for _, ties in ipairs {"realistic", "optimistic", "pessimistic"} do
      local got = kg.evaluate(fixed, GRAPH, {filtered = filtered, ties = ties, batch_size = 2})
      local sum, mrr, hits = 0, 0, 0
      for i, x in ipairs(GRAPH.test:tolist()) do
        for _, side in ipairs {"tails", "heads"} do
          local want = naive(x[1], x[2], x[3], side, filtered)[ties]
          t.equal(got.ranks[side][i - 1], want)
          sum, mrr, hits = sum + want, mrr + 1 / want, hits + (want <= 3 and 1 or 0)
        end
      end
      t.close(got.MR, sum / 6, 1e-12)
      t.close(got.MRR, mrr / 6, 1e-12)
      t.close(got.hits[3], hits / 6, 1e-12)
      t.equal({got.n, got.tails.n, got.by_relation.r.n, got.by_relation.s.n}, {6, 3, 4, 2})
    end
  end
end)

t.test("NaN ranks worst, all equal scores in the middle, an empty split gives no numbers", function()
  local function constant(value)
    local model = {}
    function model.score_tails(_, h) return embla.full({#h, V}, value) end
    model.score_heads = model.score_tails
    return model
  end
  t.equal(kg.evaluate(constant(0 / 0), GRAPH, {filtered = false}).MR, 5)
  t.equal(kg.evaluate(constant(1.0), GRAPH, {filtered = false}).MR, 3)
  local empty = kg.evaluate(constant(1.0), GRAPH, {split = "valid"})
  t.equal({empty.n, empty.MRR ~= empty.MRR, next(empty.by_relation)}, {0, true})
  t.raises(function() kg.evaluate(fixed, GRAPH, {ties = "random"}) end, "ties")
  t.raises(function() kg.evaluate(fixed, 3) end, "kg.evaluate: argument dataset: expected what kg.load returns, got 3")
  t.raises(function() kg.evaluate({}, GRAPH) end, "kg.evaluate: argument model: expected one with score_tails")
end)

t.finish()
