-- One training script gives the same bits with 1, 2, 3 and 8 threads.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F, optim = embla.nn, embla.nn.functional, embla.optim

-- Large enough that every kernel splits its work: 20 000 ids a step, many of them the same few hundred rows.
local ROWS, DIM, CLASSES, BATCH, LENGTH, STEPS = 3000, 64, 16, 2000, 10, 3

-- Half of the ids come from the first 50 rows.
local function new_ids()
  local often = embla.randint(0, 50, {BATCH, LENGTH // 2})
  local rarely = embla.randint(0, ROWS, {BATCH, LENGTH - LENGTH // 2})
  return embla.cat({often, rarely}, 1)
end

local function new_batches()
  local batches = {}
  for i = 1, STEPS do batches[i] = {ids = new_ids(), classes = embla.randint(0, CLASSES, {BATCH})} end
  return batches
end

-- Words through a table (mean over the sequence) and through a bag, side by side.
local function new_model(options)
  local dtype = options.dtype
  return {
    emb = nn.Embedding(ROWS, DIM, {sparse = true, padding_idx = 0, max_norm = options.max_norm,
      scale_grad_by_freq = options.scale_grad_by_freq, dtype = dtype}),
    bag = nn.EmbeddingBag(ROWS, DIM, {mode = options.mode, sparse = true, dtype = dtype}),
    linear = nn.Linear(2 * DIM, CLASSES, {dtype = dtype}),
  }
end

-- Besides the loss proper, sums over all elements and over all lines, which have to be made in parts.
local function loss_of(model, batch)
  local h = embla.cat({model.emb(batch.ids):mean(1), model.bag(batch.ids)}, 1)
  local loss = F.cross_entropy(model.linear(h), batch.classes)
  return loss + 0.01 * (h * h):sum() / BATCH + h:mean(0):norm() + h:logsumexp(0):mean()
end

local function new_optimizers(model, options)
  return {
    options.optimizer({model.emb.weight, model.bag.weight}, options.settings),
    optim.SGD(model.linear:parameters(), {lr = 0.1, momentum = 0.9}),
  }
end

local function train(options)
  embla.manual_seed(17)
  local model, batches = new_model(options), new_batches()
  local optimizers, losses = new_optimizers(model, options), {}
  for i, batch in ipairs(batches) do
    local loss = loss_of(model, batch)
    for _, opt in ipairs(optimizers) do opt:zero_grad() end
    loss:backward()
    for _, opt in ipairs(optimizers) do opt:step() end
    losses[i] = loss:item()
  end
  return losses, {model.emb.weight:detach(), model.bag.weight:detach(), model.linear.weight:detach()}
end

local CASES = {
  {name = "SGD", optimizer = optim.SGD, settings = {lr = 0.5}, mode = "sum", max_norm = 2.0},
  {name = "SGD with momentum", optimizer = optim.SGD, settings = {lr = 0.5, momentum = 0.9}, mode = "mean"},
  {name = "Adagrad", optimizer = optim.Adagrad, settings = {lr = 0.1}, mode = "max", scale_grad_by_freq = true},
  {name = "SparseAdam", optimizer = optim.SparseAdam, settings = {lr = 0.01}, mode = "mean"},
  {name = "Adagrad in double", optimizer = optim.Adagrad, settings = {lr = 0.1}, mode = "sum", dtype = "float64"},
}

local threads = embla.get_num_threads()
for _, case in ipairs(CASES) do
  t.test(case.name .. " trains to the same bits with any number of threads", function()
    embla.set_num_threads(1)
    local losses, weights = train(case)
    if losses[1] ~= losses[1] or losses[STEPS] == losses[1] then t.fail("nothing was trained: " .. t.show(losses)) end
    for _, n in ipairs {2, 3, 8} do
      embla.set_num_threads(n)
      t.equal(embla.get_num_threads(), n)
      local again, others = train(case)
      t.same_bits(again, losses)
      for i, weight in ipairs(weights) do t.same_bits(others[i], weight) end
    end
  end)
end
embla.set_num_threads(threads)

t.test("random numbers do not depend on the number of threads", function()
  local function draw(n)
    embla.set_num_threads(n)
    embla.manual_seed(3)
    return {embla.randn(30000), embla.rand(30000), embla.randint(0, 1000, {30000}), embla.randperm(30000)}
  end
  local one = draw(1)
  for _, n in ipairs {2, 3, 8} do t.same_bits(draw(n), one) end
  embla.set_num_threads(threads)
end)

t.finish()
