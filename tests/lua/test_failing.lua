-- Every allocation of a training step fails, once or from there on: a call raises "not enough memory" and has changed
-- nothing, so that made again it leads to the same bits as in a run that nothing happened to.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"
local nn, optim, F = embla.nn, embla.optim, embla.nn.functional

local IDS = embla.tensor {{3, 1, 3}, {0, 5, 1}}
local TARGET = embla.tensor {1, 0}

local RULES = {
  SGD = {{"SGD", {lr = 0.1, momentum = 0.9}}, {"SGD", {lr = 0.1}}},
  Adagrad = {{"Adagrad", {lr = 0.1}}, {"Adagrad", {lr = 0.1}}},
  Adam = {{"Adam", {lr = 0.1}}, {"SparseAdam", {lr = 0.1}}},
}

-- A lookup, a bag and a linear layer under two optimizers. A step is a list of calls, each of which may fail and be
-- made again: forward and backward together, since a backward uses up the graph.
local function model(rule)
  embla.manual_seed(5)
  local emb, bag = nn.Embedding(6, 4, {sparse = true}), nn.EmbeddingBag(6, 4, {mode = "sum", sparse = true})
  local linear = nn.Linear(8, 2)
  local dense = optim[rule[1][1]](linear:parameters(), rule[1][2])
  local sparse = optim[rule[2][1]]({emb.weight, bag.weight}, rule[2][2])
  local function gradients()
    sparse:zero_grad()
    dense:zero_grad()
    local x = embla.cat({emb(IDS):mean(1), bag(IDS)}, 1)
    F.cross_entropy(linear(F.dropout(x, 0.25):tanh()), TARGET):backward()
  end
  local function bits()
    local parts = {emb.weight:tobytes(), bag.weight:tobytes()}
    for _, p in ipairs(linear:parameters()) do parts[#parts + 1] = p:tobytes() end
    return table.concat(parts)
  end
  return {gradients, function() sparse:step() end, function() dense:step() end, bits = bits}
end

-- The weights after `before` steps and one in which allocation k fails; and whether it did.
local function run(rule, before, k, sticky)
  local m = model(rule)
  for _ = 1, before do
    for _, call in ipairs(m) do call() end
  end
  local failed = false
  if k then core.fail_after(k, sticky) end
  for _, call in ipairs(m) do
    local drawn = embla.get_rng_state()
    local ok, message = pcall(call)
    if not ok then
      core.fail_after(-1)
      t.equal({failed, message:find("not enough memory", 1, true) ~= nil}, {false, true})
      failed = true
      embla.set_rng_state(drawn)
      call()
    end
  end
  core.fail_after(-1)
  return m.bits(), failed
end

for name, rule in pairs(RULES) do
  t.test(name .. ": a step after a failed one gives the same bits", function()
    for before = 0, 1 do
      local right = run(rule, before)
      for _, sticky in ipairs {false, true} do
        local failures = 0
        for k = 0, 1000 do
          local bits, failed = run(rule, before, k, sticky)
          t.equal(bits == right, true, ("allocation %d of step %d"):format(k, before + 1))
          if not failed then break end
          failures = failures + 1
        end
        if failures < 40 or failures > 900 then t.fail(failures .. " allocations failed") end
      end
    end
  end)
end

t.test("a failure that garbage can mend is none", function()
  local rule = RULES.Adagrad
  local right = run(rule, 1)
  for k = 0, 100, 7 do
    local m = model(rule)
    for _, call in ipairs(m) do call() end
    core.fail_after(k, false, true)
    for _, call in ipairs(m) do call() end
    core.fail_after(-1)
    t.equal(m.bits() == right, true)
  end
end)

t.finish()
