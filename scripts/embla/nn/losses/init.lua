-- Losses as modules, a row each: PyTorch's class over the function of F. The operation's options are the
-- class's, and so are the tensors it can do without (class weights), which become buffers.

local F = require "embla.nn.functional"
local arguments = require "embla.arguments.by_name"
local Module = require "embla.nn.module"
local ops = require "embla.tensor.operations"
local options = require "embla.arguments.options"

-- class; operation; its options in the order of PyTorch's constructor
local ROWS = {
  {"L1Loss", "l1_loss", "reduction"},
  {"MSELoss", "mse_loss", "reduction"},
  {"SmoothL1Loss", "smooth_l1_loss", "reduction", "beta"},
  {"HuberLoss", "huber_loss", "reduction", "delta"},
  {"BCELoss", "binary_cross_entropy", "weight", "reduction"},
  {"BCEWithLogitsLoss", "binary_cross_entropy_with_logits", "weight", "reduction", "pos_weight"},
  {"NLLLoss", "nll_loss", "weight", "ignore_index", "reduction"},
  {"CrossEntropyLoss", "cross_entropy", "weight", "ignore_index", "reduction", "label_smoothing"},
  {"KLDivLoss", "kl_div", "reduction", "log_target"},
  {"PoissonNLLLoss", "poisson_nll_loss", "log_input", "full", "eps", "reduction"},
  {"GaussianNLLLoss", "gaussian_nll_loss", "full", "eps", "reduction"},
  {"MarginRankingLoss", "margin_ranking_loss", "margin", "reduction"},
  {"HingeEmbeddingLoss", "hinge_embedding_loss", "margin", "reduction"},
  {"CosineEmbeddingLoss", "cosine_embedding_loss", "margin", "reduction"},
  {"TripletMarginLoss", "triplet_margin_loss", "margin", "p", "eps", "swap", "reduction"},
  {"MultiMarginLoss", "multi_margin_loss", "p", "margin", "weight", "reduction"},
  {"SoftMarginLoss", "soft_margin_loss", "reduction"},
  {"MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss", "weight", "reduction"},
}

local function spec_of(row, operation)
  local rows = {}
  for i = 3, #row do
    rows[i - 2] = operation.spec.by_name[row[i]] or {name = row[i], type = "tensor", doc = "factors of the losses"}
  end
  return options.spec(row[1], rows)
end

local function define(row)
  local name, operation = row[1], ops.describe(row[2])
  local run, spec = arguments.origin(F[row[2]]), spec_of(row, operation)
  local optional, names = operation.optional, operation.spec.names
  local Loss = Module:extend(name)
  Loss.doc, Loss.spec = operation.doc, spec

  function Loss:init(...)
    local o = spec.arguments(...)
    for _, tensor in ipairs(optional) do
      if o[tensor] then self:register_buffer(tensor, o[tensor]:detach()) end
    end
    for _, option in ipairs(names) do self[option] = o[option] end
  end

  -- What the operation takes after the tensors of the call, by position.
  local function tail(self, i)
    if i <= #optional then return self[optional[i]], tail(self, i + 1) end
    local option = names[i - #optional]
    if option then return self[option], tail(self, i + 1) end
  end

  if #operation.inputs - #optional == 2 then
    function Loss:forward(input, target) return run(input, target, tail(self, 1)) end
  else
    local function forward(self, first, second, third) return run(first, second, third, tail(self, 1)) end
    Loss.forward = arguments.name(forward, {"self", table.unpack(operation.inputs)})
  end

  return Loss
end

local losses = {}
for _, row in ipairs(ROWS) do losses[row[1]] = define(row) end

return losses
