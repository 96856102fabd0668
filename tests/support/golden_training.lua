-- Golden training runs: every loss on the way and the weights at the end.

local embla = require "embla"
local check = require "support.check"
local golden = require "support.golden"
local nn, F, optim = embla.nn, embla.nn.functional, embla.optim

-- One update by several optimizers; returns the loss before it.
local function update(loss, optimizers)
  for _, opt in ipairs(optimizers) do opt:zero_grad() end
  loss:backward()
  for _, opt in ipairs(optimizers) do opt:step() end
  return loss:item()
end

-- The table of a classifier and how ids become the vector of a sequence.
local tables = {}

function tables.Embedding(rows, columns, options)
  local emb = nn.Embedding(rows, columns, options)
  return emb, function(ids) return emb(ids):mean(1) end
end

function tables.EmbeddingBag(rows, columns, options, mode)
  options.mode = mode
  local bag = nn.EmbeddingBag(rows, columns, options)
  return bag, bag
end

local function new_table(case)
  local make = tables[case.table]
  if not make then check.fail("unknown table " .. check.show(case.table)) end
  local weight = golden.tensor(case.embedding_weight)
  local options = golden.options(case.embedding_options, {sparse = case.sparse, _weight = weight})
  local rows, columns = table.unpack(case.embedding_weight.shape)
  return make(rows, columns, options, case.mode)
end

local function new_linear(case)
  local outputs, inputs = table.unpack(case.linear_weight.shape)
  local linear = nn.Linear(inputs, outputs)
  linear:load_state_dict({weight = golden.tensor(case.linear_weight), bias = golden.tensor(case.linear_bias)})
  return linear
end

local function batches(case)
  local list = {}
  for i, ids in ipairs(case.inputs) do
    list[i] = {input = golden.tensor(ids), target = golden.tensor(case.targets[i])}
  end
  return list
end

local task = {}

function task.classify(case)
  local emb, vector = new_table(case)
  local linear, data = new_linear(case), batches(case)
  local optimizers = {
    optim[case.optimizer](emb:parameters(), golden.options(case.optimizer_options)),
    optim[case.linear_optimizer](linear:parameters(), golden.options(case.optimizer_options)),
  }
  local losses = {}
  for i = 1, case.steps do
    local batch = data[(i - 1) % #data + 1]
    losses[i] = update(F.cross_entropy(linear(vector(batch.input)), batch.target), optimizers)
  end
  golden.match_numbers("losses", losses, case.losses, golden.LOOSE)
  golden.match("embedding weight", emb.weight, case.embedding_weight_after, golden.LOOSE)
  golden.match("linear weight", linear.weight, case.linear_weight_after, golden.LOOSE)
  golden.match("linear bias", linear.bias, case.linear_bias_after, golden.LOOSE)
end

local function sparse_table(spec)
  return nn.Embedding(spec.shape[1], spec.shape[2], {sparse = true, _weight = golden.tensor(spec)})
end

-- -(logsigmoid(h . o) + sum over negatives of logsigmoid(-h . n)), averaged over the batch
local function skipgram_loss(h, o, n)
  local positive = F.logsigmoid((h * o):sum(1))
  local negative = F.logsigmoid(-(n * h:unsqueeze(1)):sum(2)):sum(1)
  return -(positive + negative):mean()
end

function task.skipgram(case)
  local input, output = sparse_table(case.input_weight), sparse_table(case.output_weight)
  local opt = optim[case.optimizer]({input.weight, output.weight}, golden.options(case.optimizer_options))
  local center, positive = golden.tensor(case.center), golden.tensor(case.positive)
  local negative = golden.tensor(case.negative)
  local losses = {}
  for i = 1, case.steps do
    losses[i] = update(skipgram_loss(input(center), output(positive), output(negative)), {opt})
  end
  golden.match_numbers("losses", losses, case.losses, golden.LOOSE)
  golden.match("input weight", input.weight, case.input_weight_after, golden.LOOSE)
  golden.match("output weight", output.weight, case.output_weight_after, golden.LOOSE)
end

local function run(case)
  local train = task[case.task]
  if not train then check.fail("unknown task " .. check.show(case.task)) end
  train(case)
end

return {
  training = {
    routes = {run},
    subjects = function(case)
      return {{"optimizers", case.optimizer}, {"optimizers", case.linear_optimizer}}
    end,
    exists = {optimizers = function(name) return optim[name] ~= nil end},
  },
}
