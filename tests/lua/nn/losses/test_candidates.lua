-- F.sample_candidates: each distribution against its formula, worked out in plain Lua.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F = embla.F

local V = 12
local COUNTS = {5, 0, 3, 3, 1, 1, 0, 2, 4, 1, 1, 9}

local PROBABILITY = {
  uniform = function() return 1 / V end,
  log_uniform = function(k) return math.log((k + 2) / (k + 1)) / math.log(V + 1) end,
  unigram = function(k) return COUNTS[k + 1] / 30 end,
}

local function sample(distribution, n)
  local counts = distribution == "unigram" and embla.tensor(COUNTS) or nil
  return F.sample_candidates(V, n, {distribution = distribution, counts = counts})
end

for distribution, probability in pairs(PROBABILITY) do
  t.test(distribution .. ": one draw comes as often as its probability says", function()
    embla.manual_seed(5)
    local seen, rounds = {}, 20000
    for k = 0, V - 1 do seen[k] = 0 end
    for _ = 1, rounds do
      local id = sample(distribution, 1):item()
      seen[id] = seen[id] + 1
    end
    for k = 0, V - 1 do
      local p = probability(k)
      local spread = math.sqrt(p * (1 - p) / rounds)
      t.close({[k] = seen[k] / rounds}, {[k] = p}, 0, 4.5 * spread)
    end
  end)

  t.test(distribution .. ": the expected count is the share of draws that hold a class", function()
    embla.manual_seed(6)
    local seen, expected, rounds = {}, {}, 5000
    for _ = 1, rounds do
      local ids, counts = sample(distribution, 7)
      t.equal({ids.dtype, counts.dtype}, {"int64", "float64"})
      counts = counts:tolist()
      local last = -1
      for i, id in ipairs(ids:tolist()) do
        if id <= last then t.fail("not in ascending order") end
        last = id
        seen[id] = (seen[id] or 0) + 1
        expected[id] = counts[i]
      end
    end
    for id, count in pairs(seen) do
      local q = 1 - (1 - probability(id)) ^ 7
      t.close(expected[id], q, 1e-12)
      t.close(count / rounds, q, 0, 4.5 * math.sqrt(q * (1 - q) / rounds))
    end
  end)
end

t.test("expected counts of targets come on demand", function()
  local _, _, none = F.sample_candidates(V, 5)
  t.equal(none, nil)
  local _, _, counts = F.sample_candidates(V, 5, {target = embla.LongTensor {0, 11}})
  t.close(counts, {1 - (1 - PROBABILITY.log_uniform(0)) ^ 5, 1 - (1 - PROBABILITY.log_uniform(11)) ^ 5}, 1e-12)
end)

t.test("log_uniform over a large vocabulary stays in range", function()
  embla.manual_seed(1)
  local ids = F.sample_candidates(3000000, 100000)
  t.equal({ids:min():item() >= 0, ids:max():item() < 3000000, ids:max():item() > 2900000}, {true, true, true})
end)

t.test("one class alone is always there", function()
  local ids, expected = F.sample_candidates(1, 3)
  t.equal({ids, expected}, {{0}, {1}})
end)

t.test("what does not fit is refused", function()
  t.raises(function() F.sample_candidates(0, 1) end, "sample_candidates: argument n_classes: expected integer >= 1")
  t.raises(function() F.sample_candidates(3, 1.5) end, "num_sampled", "1.5")
  t.raises(function() F.sample_candidates(3) end, "num_sampled", "nil")
  t.raises(function() F.sample_candidates(3, 1, {distribution = "zipf"}) end, "option distribution", "zipf")
  t.raises(function() F.sample_candidates(3, 1, {distribution = "unigram"}) end, "option counts is required")
  local function with(counts) return {distribution = "unigram", counts = embla.tensor(counts)} end
  t.raises(function() F.sample_candidates(3, 1, with {1, 2}) end, "option counts: expected shape (3), got (2)")
  t.raises(function() F.sample_candidates(3, 1, with {1, -1, 2}) end, "numbers >= 0")
  t.raises(function() F.sample_candidates(3, 1, with {0, 0, 0}) end, "sum above 0")
  t.raises(function() F.sample_candidates(3, 1, with {0 / 0, 1.0, 1.0}) end, "numbers >= 0")
end)

t.finish()
