-- Golden cases of nn.Embedding, F.embedding, nn.EmbeddingBag, F.embedding_bag.

local embla = require "embla"
local check = require "support.check"
local golden = require "support.golden"
local nn, F = embla.nn, embla.nn.functional

-- ---- embedding_forward -----------------------------------------------------------------------------------------

local forward = {}

local function match_lookup(case, output, weight)
  golden.match("output", output, case.output)
  golden.match("weight after", weight, case.weight_after or case.weight)
end

function forward.module(case)
  local input, weight = golden.tensor(case.input), golden.tensor(case.weight)
  local emb = nn.Embedding(weight:size(0), weight:size(1), golden.options(case.options, {_weight = weight}))
  match_lookup(case, emb(input), emb.weight)
end

function forward.functional(case)
  local weight = golden.tensor(case.weight)
  match_lookup(case, F.embedding(golden.tensor(case.input), weight, golden.options(case.options)), weight)
end

function forward.from_pretrained(case)
  local emb = nn.Embedding.from_pretrained(golden.tensor(case.weight), golden.options(case.options))
  check.equal(emb.weight.requires_grad, case.requires_grad)
  check.equal(emb.padding_idx, case.padding_idx_after)
  local output = emb(golden.tensor(case.input))
  check.equal(output.requires_grad, case.requires_grad)
  match_lookup(case, output, emb.weight)
end

function forward.init(case)
  local emb = nn.Embedding(case.num_embeddings, case.embedding_dim, golden.options(case.options))
  check.equal(emb.weight.shape, case.shape)
  check.equal(emb.weight.requires_grad, case.requires_grad)
  check.equal(emb.padding_idx, case.padding_idx_after)
  local zero = {}
  for _, row in ipairs(case.zero_rows) do zero[row] = true end
  for row = 0, case.num_embeddings - 1 do
    local sum = emb.weight:detach():select(0, row):abs():sum():item()
    check.equal({["row " .. row .. " is zero"] = sum == 0}, {["row " .. row .. " is zero"] = zero[row] or false})
  end
end

function forward.construct(case)
  nn.Embedding(case.num_embeddings, case.embedding_dim,
    golden.options(case.options, {_weight = golden.maybe(case.weight)}))
end

local function run_forward(case)
  local run = forward[case.api]
  if not run then check.fail("unknown api " .. check.show(case.api)) end
  run(case)
end

-- ---- embedding_backward ----------------------------------------------------------------------------------------

-- Each returns the tensor that gathers the gradient and a function of ids and `sparse` that looks up in it.
local table_of = {}

function table_of.functional(weight, options)
  return weight, function(ids, sparse)
    return F.embedding(ids, weight, golden.options(options, {sparse = sparse}))
  end
end

function table_of.module(weight, options)
  local emb = nn.Embedding(weight:size(0), weight:size(1), golden.options(options, {_weight = weight}))
  return emb.weight, function(ids, sparse)
    emb.sparse = sparse or false
    return emb(ids)
  end
end

local function flatten(data, list)
  if type(data) ~= "table" then list[#list + 1] = data return list end
  for _, part in ipairs(data) do flatten(part, list) end
  return list
end

-- The rows of all calls in order of appearance, padding left out.
local function rows_met(case)
  local rows, padding = {}, case.options.padding_idx
  if padding and padding < 0 then padding = padding + case.weight.shape[1] end
  for _, call in ipairs(case.calls) do
    for _, id in ipairs(flatten(call.input.data, {})) do
      if id ~= padding then rows[#rows + 1] = id end
    end
  end
  return rows
end

-- The entries before duplicates are summed. Several calls are joined end to end; there release 1.13, against its
-- documentation, merges entries of the two lists that happen to stand side by side, so the golden list is shorter.
local function match_entries(case, grad)
  local rows = rows_met(case)
  if #case.calls == 1 then check.equal(rows, case.uncoalesced_indices) end
  check.equal(grad:nnz(), #rows)
  check.equal(grad:_indices().shape, {1, #rows})
  check.equal(grad:_values().shape, {#rows, case.weight.shape[2]})
  if #rows > 0 then check.equal(grad:_indices():tolist()[1], rows) end
  check.equal(grad:sparse_dim(), case.sparse_dim)
  check.equal(grad:dense_dim(), case.dense_dim)
end

local function run_backward(case, route)
  local weight, lookup = route(golden.leaf(case.weight), case.options)
  for _, call in golden.each(case, "calls") do
    lookup(golden.tensor(call.input), call.sparse):backward(golden.tensor(call.grad_output))
  end
  golden.match("weight after", weight, case.weight_after or case.weight)
  if case.uncoalesced_indices then match_entries(case, weight.grad) end
  golden.match("weight grad", weight.grad, case.weight_grad)
  if case.dense_grad then golden.match("dense grad", weight.grad:to_dense(), case.dense_grad) end
end

-- ---- embedding_bag ---------------------------------------------------------------------------------------------

local pool = {}

function pool.functional(weight, case, samples)
  local options = golden.options(case.options, {mode = case.mode, per_sample_weights = samples})
  return F.embedding_bag(golden.tensor(case.input), weight, golden.maybe(case.offsets), options), weight
end

function pool.module(weight, case, samples)
  local options = golden.options(case.options, {mode = case.mode, _weight = weight})
  local bag = nn.EmbeddingBag(weight:size(0), weight:size(1), options)
  return bag(golden.tensor(case.input), golden.maybe(case.offsets), samples), bag.weight
end

local function run_bag(case, route)
  local weight = golden.leaf(case.weight)
  local samples = golden.maybe(case.per_sample_weights)
  if case.per_sample_weights_grad then samples:requires_grad_() end
  local output
  output, weight = route(weight, case, samples)
  golden.match("output", output, case.output)
  output:backward(golden.tensor(case.grad_output))
  golden.match("weight after", weight, case.weight_after or case.weight)
  golden.match("weight grad", weight.grad, case.weight_grad)
  if case.dense_grad then golden.match("dense grad", weight.grad:to_dense(), case.dense_grad) end
  golden.match("per_sample_weights grad", samples and samples.grad, case.per_sample_weights_grad)
end

return {
  embedding_forward = {routes = {run_forward}},
  embedding_backward = {routes = {
    function(case) run_backward(case, table_of.functional) end,
    function(case) run_backward(case, table_of.module) end,
  }},
  embedding_bag = {routes = {
    function(case) run_bag(case, pool.functional) end,
    function(case) run_bag(case, pool.module) end,
  }},
}
