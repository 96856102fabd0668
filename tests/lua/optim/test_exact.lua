-- sparse_mode = "exact" in trainings: lookups, schedules, groups, saving and loading on the way; each against the same
-- training by dense gradients.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, optim, F = embla.nn, embla.optim, embla.F

local ROWS, WIDTH, STEPS = 30, 5, 36

local CASES = {
  SGD = {{lr = 0.1, momentum = 0.9}, {lr = 0.1, weight_decay = 0.1},
         {lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.05}},
  Adagrad = {{lr = 0.1, weight_decay = 0.1, lr_decay = 0.01}},
  Adam = {{lr = 0.05}, {lr = 0.05, weight_decay = 0.1, amsgrad = true}}, AdamW = {{lr = 0.05, weight_decay = 0.2}},
  RowWiseAdagrad = {{lr = 0.1, weight_decay = 0.1}},
  RMSprop = {{lr = 0.05}, {lr = 0.05, momentum = 0.9, centered = true, weight_decay = 0.1}},
  Adadelta = {{weight_decay = 0.1}}, Adamax = {{lr = 0.05}, {lr = 0.05, weight_decay = 0.1}}, NAdam = {{lr = 0.05}},
  RAdam = {{lr = 0.05}, {lr = 0.05, weight_decay = 0.1}}, ASGD = {{lr = 0.1, lambd = 0.1, t0 = 5}},
  Rprop = {{lr = 0.05}},
}

-- Words and contexts, in two groups with rates of their own.
local function new_training(name, options, sparse)
  embla.manual_seed(3)
  local words = nn.Embedding(ROWS, WIDTH, {sparse = sparse, dtype = "float64", std = 0.5})
  local contexts = nn.EmbeddingBag(ROWS, WIDTH, {sparse = sparse, dtype = "float64", mode = "sum"})
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  all.sparse_mode = sparse and "exact" or "lazy"
  local opt = optim[name]({{params = {words.weight}}, {params = {contexts.weight}, lr = 0.03}}, all)
  local warm_up = optim.lr_scheduler.LinearLR(opt, {start_factor = 0.3, total_iters = 8})
  local decay = optim.lr_scheduler.ExponentialLR(opt, 0.95)
  return {words = words, contexts = contexts, opt = opt,
          schedule = optim.lr_scheduler.SequentialLR(opt, {warm_up, decay}, {8})}
end

-- Few rows a step, most of them rarely: some wait long.
local function ids(n) return embla.tensor {n * n % 7, n * 5 % ROWS, n * n % 7} end

local function loss_of(x, n)
  local a = x.words(ids(n))
  local b = x.contexts(embla.tensor {{n % 3, n * 7 % ROWS}, {1, 2}, {n % 11, 0}})
  return ((a * b):sum(1) - 0.5):pow(2):sum()
end

local function train(x, from, to, options)
  options = options or {}
  local losses = {}
  for n = from, to do
    local loss = loss_of(x, n)
    x.opt:zero_grad()
    loss:backward()
    if options.clip then nn.utils.clip_grad_norm_({x.words.weight, x.contexts.weight}, 0.5) end
    x.opt:step()
    x.schedule:step()
    losses[#losses + 1] = loss:item()
  end
  return losses
end

local function tables(x) return {x.words.weight:detach():clone(), x.contexts.weight:detach():clone()} end

for name, list in pairs(CASES) do
  for i, options in ipairs(list) do
    t.test(("%s %d: as by dense gradients"):format(name, i), function()
      local sparse, dense = new_training(name, options, true), new_training(name, options, false)
      t.close(train(sparse, 1, STEPS), train(dense, 1, STEPS), 1e-10, 1e-11)
      local got, want = tables(sparse), tables(dense)
      for k = 1, 2 do t.close(got[k], want[k]:tolist(), 1e-10, 1e-11) end
      local a, b = sparse.opt:state_dict().state, dense.opt:state_dict().state
      for k = 1, 2 do
        for key, value in pairs(b[k]) do
          if t.is_tensor(value) then t.close(a[k][key], value:tolist(), 1e-9, 1e-11) end
        end
      end
    end)
  end
end

-- Saving reads the table, and so applies deferred updates at another time: the bits may not depend on it.
for _, name in ipairs {"SGD", "Adam", "SparseAdam", "RowWiseAdagrad", "NAdam", "ASGD"} do
  t.test(name .. ": saved and loaded on the way, the same bits", function()
    local options = (CASES[name] or {{lr = 0.05}})[1]
    local straight = new_training(name, options, true)
    train(straight, 1, STEPS, {clip = true})
    local first, second = new_training(name, options, true), new_training(name, options, true)
    train(first, 1, 17, {clip = true})
    local saved = first.opt:state_dict()
    for _, key in ipairs {"words", "contexts", "schedule"} do second[key]:load_state_dict(first[key]:state_dict()) end
    train(first, 18, 20)                        -- what the optimizer saved stays as it was
    second.opt:load_state_dict(saved)
    train(second, 18, STEPS, {clip = true})
    local got, want = tables(second), tables(straight)
    for k = 1, 2 do t.same_bits(got[k], want[k]) end
  end)
end

t.test("printing, norms and views on the way change no bits", function()
  local quiet, watched = new_training("Adam", {lr = 0.1}, true), new_training("Adam", {lr = 0.1}, true)
  train(quiet, 1, STEPS)
  for n = 1, STEPS do
    train(watched, n, n)
    if n % 5 == 0 then tostring(watched.words.weight) end
    if n % 7 == 0 then watched.words.weight:detach():norm() end
    if n % 4 == 0 then watched.words.weight:detach()[n % ROWS]:tolist() end
  end
  local got, want = tables(watched), tables(quiet)
  for k = 1, 2 do t.same_bits(got[k], want[k]) end
end)

t.test("a mode changed on the way pays first", function()
  local mixed = new_training("SGD", {lr = 0.1, weight_decay = 0.3}, true)
  train(mixed, 1, 10)
  local before = tables(mixed)[1]
  mixed.opt.param_groups[1].sparse_mode = "lazy"
  train(mixed, 11, 11)
  local touched, after = {}, tables(mixed)[1]
  for _, id in ipairs(ids(11):tolist()) do touched[id] = true end
  for r = 0, ROWS - 1 do
    if not touched[r] then t.same_bits(after[r], before[r]) end
  end
  mixed = new_training("SGD", {lr = 0.1, weight_decay = 0.3}, true)
  local dense = new_training("SGD", {lr = 0.1, weight_decay = 0.3}, false)
  train(mixed, 1, 10)
  train(dense, 1, 10)
  mixed.words.sparse, mixed.contexts.sparse = false, false          -- dense gradients from now on
  train(mixed, 11, 20)
  train(dense, 11, 20)
  t.close(tables(mixed)[1], tables(dense)[1]:tolist(), 1e-11, 1e-12)
end)

t.test("max_norm and a tied output layer see rows as they should be", function()
  local losses = {}
  for k, sparse in ipairs {true, false} do
    embla.manual_seed(1)
    local words = nn.Embedding(ROWS, WIDTH, {sparse = sparse, dtype = "float64", max_norm = 1.5})
    local opt = optim.AdamW({words.weight}, {lr = 0.1, weight_decay = 0.3, sparse_mode = "exact"})
    losses[k] = {}
    for n = 1, 20 do
      local loss = words(ids(n)):pow(2):sum()
      if n % 4 == 0 then loss = loss + F.linear(embla.ones(1, WIDTH, {dtype = "float64"}), words.weight):sum() end
      opt:zero_grad()
      loss:backward()
      opt:step()
      losses[k][n] = loss:item()
    end
  end
  t.close(losses[1], losses[2], 1e-11)
end)

t.finish()
