-- The models of fast_models.lua score as their formulas say, and it runs.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"
local embla = require "embla"

local EXAMPLES = (arg[0]:match("^(.-)tests/lua/") or "") .. "scripts/examples/"
local EXAMPLE = EXAMPLES .. "fast_models.lua"
package.path = EXAMPLES .. "?.lua;" .. package.path
local parts = require "fast_models"

local B, K, D = 3, 4, 64
embla.manual_seed(1)
local h, r, tails = embla.randint(0, 5000, {B}), embla.randint(0, 20, {B}), embla.randint(0, 5000, {B, K})

-- Number i of row `id` of a module's table.
local function at(module, id, i) return module.weight[{id, i}] end

-- Checks scores (B, K) against f(b, id), for head, relation and tail.
local function check(scores, f)
  t.equal(scores:size(0), B)
  t.equal(scores:size(1), K)
  for b = 0, B - 1 do
    for k = 0, K - 1 do
      t.close(scores[{b, k}], f(h[b], r[b], tails[{b, k}]), 1e-3)
    end
  end
end

local function sum(n, f)
  local total = 0
  for i = 0, n - 1 do total = total + f(i) end
  return total
end

t.test("DistMult: sum of h r t", function()
  local e, rel = parts.entity, parts.relation
  check(parts.distmult(h, r, tails), function(a, b, c)
    return sum(D, function(i) return at(e, a, i) * at(rel, b, i) * at(e, c, i) end)
  end)
end)

t.test("ComplEx: real part of the sum of h r conj(t)", function()
  local e, rel, half = parts.entity, parts.relation, D // 2
  check(parts.complex(h, r, tails), function(a, b, c)
    return sum(half, function(i)
      local hr, hi, rr, ri = at(e, a, i), at(e, a, i + half), at(rel, b, i), at(rel, b, i + half)
      return (hr * rr - hi * ri) * at(e, c, i) + (hr * ri + hi * rr) * at(e, c, i + half)
    end)
  end)
end)

t.test("TransE: minus the sum of |h + r - t|", function()
  local e, rel = parts.entity, parts.relation
  check(parts.transe(h, r, tails), function(a, b, c)
    return -sum(D, function(i) return math.abs(at(e, a, i) + at(rel, b, i) - at(e, c, i)) end)
  end)
end)

t.test("RotatE: minus the distance of the turned head from the tail", function()
  local e, half = parts.entity, D // 2
  check(parts.rotate(h, r, tails), function(a, b, c)
    return -math.sqrt(sum(half, function(i)
      local cos, sin = math.cos(at(parts.phase, b, i)), math.sin(at(parts.phase, b, i))
      local x, y = at(e, a, i), at(e, a, i + half)
      return (x * cos - y * sin - at(e, c, i)) ^ 2 + (x * sin + y * cos - at(e, c, i + half)) ^ 2
    end))
  end)
end)

t.test("ratings and ranking: products of users and items", function()
  local u, i, j = embla.randint(0, 3000, {B}), embla.randint(0, 4000, {B}), embla.randint(0, 4000, {B})
  local function score(b, id)
    return sum(D, function(d) return at(parts.user, u[b], d) * at(parts.item, id[b], d) end)
  end
  local ratings, loss = parts.rating(u, i), 0
  for b = 0, B - 1 do
    t.close(ratings[b], score(b, i) + at(parts.bias, i[b], 0), 1e-3)
    loss = loss + math.log(1 + math.exp(score(b, j) - score(b, i))) / B
  end
  t.close(parts.bpr(u, i, j):item(), loss, 1e-3)
end)

t.test("word vectors: the logistic loss of a neighbour and drawn words", function()
  local words, others = embla.randint(0, 10000, {B}), embla.randint(0, 10000, {B, K})
  local label, loss = embla.zeros(B, K), 0
  label[{{}, 0}] = 1
  for b = 0, B - 1 do
    for k = 0, K - 1 do
      local s = sum(D, function(d) return at(parts.input, words[b], d) * at(parts.output, others[{b, k}], d) end)
      loss = loss + math.log(1 + math.exp(k == 0 and -s or s)) / (B * K)
    end
  end
  t.close(parts.skipgram(words, others, label):item(), loss, 1e-3)
end)

t.test("the gradients of their tables are row-sparse", function()
  parts.entity:zero_grad()
  parts.transe(h, r, tails):sum():backward()
  t.equal(parts.entity.weight.grad.is_sparse, true)
  parts.output:zero_grad()
  parts.softmax(embla.randn(B, D), embla.randint(0, 10000, {B})):backward()
  t.equal(parts.output.weight.grad.is_sparse, true)
end)

-- The program that runs this test, whatever options it was given.
local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end

t.test("run, it tells time and loss of each model, and each learns", function()
  local out, err, status = process.run(("%s %s --steps 3"):format(process.quote(program), process.quote(EXAMPLE)))
  if status ~= 0 then t.fail(err) end
  local models = 0
  for first, last in out:gmatch "%d%.%d%d +(%d+%.%d+) +(%d+%.%d+)\n" do
    models = models + 1
    t.equal(tonumber(last) < tonumber(first), true)
  end
  t.equal(models, 8)
end)

t.finish()
