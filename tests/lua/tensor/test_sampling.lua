-- Draws: moments and frequencies of many, the same bits from the same seed, refusals.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local N = 100000

-- The mean of n draws lies within 5 deviations of the mean.
local function mean_is(draws, mean, deviation)
  local n = draws:numel()
  t.close(draws:double():mean():item(), mean, 0, 5 * deviation / math.sqrt(n))
end

local function same_again(draw)
  embla.manual_seed(5)
  local a = draw()
  embla.set_num_threads(1)
  embla.manual_seed(5)
  local b = draw()
  embla.set_num_threads(2)
  t.same_bits(a, b)
  t.equal(embla.equal(a, draw()), false)
end

t.test("distributions have their moments", function()
  embla.manual_seed(1)
  mean_is(embla.zeros(N):exponential_(2), 0.5, 0.5)
  mean_is(embla.zeros(N):exponential_(2):gt(0.5), math.exp(-1), 0.5)
  mean_is(embla.zeros(N):geometric_(0.25), 4, math.sqrt(12))
  t.equal(embla.zeros(N):geometric_(0.25):min():item(), 1.0)
  mean_is(embla.zeros(N):log_normal_(1, 0.5):log(), 1, 0.5)
  mean_is(embla.zeros(N):cauchy_(3, 2):gt(5), 0.25, 0.45)           -- a quarter lies beyond median + sigma
  mean_is(embla.zeros(N, {dtype = "uint8"}):bernoulli_(0.3), 0.3, 0.46)
  mean_is(embla.bernoulli(embla.full({N}, 0.7)), 0.7, 0.46)
  mean_is(embla.normal(3, 2, {N}), 3, 2)
  mean_is((embla.normal(embla.full({N}, 3.0), embla.full({N}, 2.0)) - 3):square(), 4, 4 * math.sqrt(2))
  mean_is(embla.randint_like(embla.zeros(N), 2, 6), 3.5, 1.2)
end)

t.test("the same seed gives the same draws", function()
  same_again(function() return embla.zeros(5000):exponential_() end)
  same_again(function() return embla.bernoulli(embla.full({5000}, 0.5)) end)
  same_again(function() return embla.multinomial(embla.rand(3, 500), 20) end)
  same_again(function() return embla.multinomial(embla.rand(500), 2000, true) end)
  same_again(function() return embla.normal(embla.zeros(500), 1) end)
end)

t.test("bernoulli: chances of each element", function()
  t.equal(embla.bernoulli(embla.tensor {0.0, 1.0, 0.0}), {0.0, 1.0, 0.0})
  t.equal(embla.zeros(2):bernoulli_(embla.tensor {1.0, 0.0}), {1.0, 0.0})
  t.equal(embla.rand(2, 3):bernoulli(1.0), embla.ones(2, 3))
  t.raises(function() embla.bernoulli(embla.tensor {1.5}) end, "bernoulli", "chances in [0, 1]")
  t.raises(function() embla.bernoulli(embla.tensor {1}) end, "float dtype, got int64")
  t.raises(function() embla.zeros(2):bernoulli_(2) end, "bernoulli_: argument p", "[0, 1]")
end)

-- Chi-square of counts: with 3 degrees of freedom it exceeds 16.27 once in a thousand.
local function chi_square(ids, chances)
  local counts, sum = ids:reshape(-1):bincount({minlength = #chances}), 0
  for i, p in ipairs(chances) do
    local expected = ids:numel() * p
    if p > 0 then sum = sum + (counts[i - 1] - expected) ^ 2 / expected else t.equal(counts[i - 1], 0) end
  end
  return sum
end

t.test("multinomial with replacement draws by weights", function()
  embla.manual_seed(2)
  local ids = embla.multinomial(embla.tensor {1.0, 0.0, 2.0, 3.0, 4.0}, N, true)
  t.equal(ids.dtype, "int64")
  t.equal(ids.shape, {N})
  t.equal(chi_square(ids, {0.1, 0.0, 0.2, 0.3, 0.4}) < 16.27, true)
  local rows = embla.multinomial(embla.tensor {{0.0, 1.0}, {1.0, 0.0}}, 3, {replacement = true})
  t.equal(rows, {{1, 1, 1}, {0, 0, 0}})
end)

t.test("multinomial without replacement draws each once", function()
  embla.manual_seed(3)
  local ids = embla.multinomial(embla.rand(200, 7) + 0.1, 7)
  t.equal((ids:sort(1)), embla.arange(7):expand(200, 7))
  -- the first drawn follow the weights; the second those of what is left
  local many = embla.multinomial(embla.tensor({0.5, 0.3, 0.2, 0.0}):expand(N, 4), 2)
  t.equal(chi_square(many:select(1, 0), {0.5, 0.3, 0.2, 0.0}) < 16.27, true)
  local second = {0.3 * 0.5 / 0.7 + 0.2 * 0.5 / 0.8, 0.5 * 0.3 / 0.5 + 0.2 * 0.3 / 0.8,
                  0.5 * 0.2 / 0.5 + 0.3 * 0.2 / 0.7, 0.0}
  t.equal(chi_square(many:select(1, 1), second) < 16.27, true)
end)

t.test("multinomial refuses what cannot be drawn from", function()
  local function refused(text, ...)
    local given = {...}
    t.raises(function() embla.multinomial(table.unpack(given)) end, "multinomial", text)
  end
  refused("num_samples: 3 without replacement, but a row has only 2", embla.tensor {1.0, 0.0, 1.0}, 3)
  refused("negative, infinite or NaN", embla.tensor {1.0, -1.0}, 1)
  refused("negative, infinite or NaN", embla.tensor {1.0, 0 / 0}, 1)
  refused("a weight above 0", embla.tensor {0.0, 0.0}, 1)
  refused("float dtype", embla.tensor {1, 2}, 1)
  refused("(C) or (N, C)", embla.ones(2, 2, 2), 1)
  refused("num_samples", embla.ones(2), 0)
  refused("unknown option", embla.ones(2), 1, {replace = true})
end)

t.test("wrong parameters are refused", function()
  t.raises(function() embla.zeros(1):exponential_(0) end, "exponential_: argument lambd", "> 0")
  t.raises(function() embla.zeros(1):geometric_(1) end, "geometric_: argument p", "(0, 1)")
  t.raises(function() embla.zeros(1):log_normal_(0, 0) end, "log_normal_: argument std")
  t.raises(function() embla.zeros(1):cauchy_(0, -1) end, "cauchy_: argument sigma")
  t.raises(function() embla.normal(0, -1, {2}) end, "normal: argument std")
  t.raises(function() embla.normal(0, 1) end, "normal: argument size")
  t.raises(function() embla.normal(embla.zeros(2), 1, {2}) end, "normal: argument size")
  t.raises(function() embla.randint_like(embla.zeros(2), 3, 3) end, "low < high")
end)

t.finish()
