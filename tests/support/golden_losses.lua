-- Golden cases of the losses, each through F and through its module.

local embla = require "embla"
local check = require "support.check"
local golden = require "support.golden"
local nn, F = embla.nn, embla.nn.functional

-- Order of the tensors that are passed by position; other inputs (class weights) are options.
local PAIR, TRIPLE = {"input", "target"}, {"input1", "input2", "target"}

local POSITIONAL = {
  cosine_embedding_loss = TRIPLE,
  margin_ranking_loss = TRIPLE,
  triplet_margin_loss = {"anchor", "positive", "negative"},
  gaussian_nll_loss = {"input", "target", "var"},
}

local CLASS = {
  binary_cross_entropy = "BCELoss",
  binary_cross_entropy_with_logits = "BCEWithLogitsLoss",
  cosine_embedding_loss = "CosineEmbeddingLoss",
  cross_entropy = "CrossEntropyLoss",
  gaussian_nll_loss = "GaussianNLLLoss",
  hinge_embedding_loss = "HingeEmbeddingLoss",
  huber_loss = "HuberLoss",
  kl_div = "KLDivLoss",
  l1_loss = "L1Loss",
  margin_ranking_loss = "MarginRankingLoss",
  mse_loss = "MSELoss",
  multi_margin_loss = "MultiMarginLoss",
  multilabel_soft_margin_loss = "MultiLabelSoftMarginLoss",
  nll_loss = "NLLLoss",
  poisson_nll_loss = "PoissonNLLLoss",
  smooth_l1_loss = "SmoothL1Loss",
  soft_margin_loss = "SoftMarginLoss",
  triplet_margin_loss = "TripletMarginLoss",
}

-- The case's tensors: all by name, those passed by position, and the options.
local function arguments(case)
  local named, positional, options = {}, {}, golden.options(case.options)
  for name, spec in pairs(case.inputs) do
    named[name] = golden.tensor(spec)
    if case.grads and case.grads[name] then named[name]:requires_grad_() end
    options[name] = named[name]
  end
  for i, name in ipairs(POSITIONAL[case.loss] or PAIR) do
    positional[i] = named[name]
    options[name] = nil
  end
  return named, positional, options
end

local function run(case, call)
  local named, positional, options = arguments(case)
  local output = call(case.loss, positional, options)
  golden.match("output", output, case.output)
  output:backward(golden.tensor(case.grad_output))
  for name, grad in pairs(case.grads) do golden.match("grad of " .. name, named[name].grad, grad) end
end

local function by_function(loss, inputs, options)
  if not F[loss] then check.fail("there is no F." .. loss) end
  inputs[#inputs + 1] = options
  return F[loss](table.unpack(inputs))
end

local function by_module(loss, inputs, options)
  local class = CLASS[loss] and nn[CLASS[loss]]
  if not class then check.fail("there is no module for F." .. loss) end
  return class(options)(table.unpack(inputs))
end

return {
  losses = {
    routes = {
      function(case) run(case, by_function) end,
      function(case) run(case, by_module) end,
    },
    subjects = function(case) return {{"losses", case.loss}} end,
    exists = {losses = function(name) return F[name] ~= nil end},
  },
}
