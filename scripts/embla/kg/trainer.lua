-- kg.Trainer: one epoch after the other over the triples of a dataset.

local F = require "embla.nn.functional"
local Negatives = require "embla.kg.negatives"
local class = require "embla.base.class"
local core = require "embla.core"
local known = require "embla.kg.known"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local tensor = require "embla.tensor"

local spec = options.spec("Trainer", {
  {name = "loss", type = "string", default = "1vsall", choices = {"1vsall", "kvsall", "sampled", "negatives"},
   doc = "cross-entropy among all entities; binary, all answers of a question at once; cross-entropy among `num` "
         .. "entities drawn for the batch; cross-entropy among negatives of each triple"},
  {name = "batch_size", type = "integer", default = 512, range = ">= 1", doc = "triples, or questions, in a batch"},
  {name = "num", type = "integer", default = 256, range = ">= 1", doc = "entities or negatives drawn"},
  {name = "filtered", type = "boolean", default = false, doc = "negatives are not triples of the training part"},
  {name = "label_smoothing", type = "number", default = 0, range = "[0, 1]", doc = "of 1vsall and kvsall"},
  {name = "n3", type = "number", default = 0, range = ">= 0",
   doc = "times the cubes of the moduli of the vectors that a batch is about, mean over the batch"},
  {name = "l2", type = "number", default = 0, range = ">= 0", doc = "times their squares, the same"},
})

--- Trains a model of kg: `for epoch = 1, 20 do print(trainer:epoch()) end`. Every triple asks for its tail and for its
-- head. Orders and draws come from the generator behind manual_seed.
local Trainer = class "Trainer"

--- Prepares the training.
-- @param model     a model of kg
-- @param dataset   what kg.load returned
-- @param optimizer of optim, over the model's parameters
-- @param opt       the options
-- @raise if an option does not fit, the model is of another graph's size, or the training part has no triples
function Trainer:init(model, dataset, optimizer, opt)
  local o = spec.read(opt)
  known.check_dataset("Trainer", dataset)
  if #dataset.train == 0 then raise "Trainer: argument dataset: its training part has no triples" end
  local entities, relations = #dataset.entities, #dataset.relations
  if model.num_entities ~= entities or model.num_relations ~= relations then
    raise("Trainer: argument model: of %s entities and %s relations, the dataset has %d and %d",
          options.show(model.num_entities), options.show(model.num_relations), entities, relations)
  end
  if o.label_smoothing > 0 and o.loss ~= "1vsall" and o.loss ~= "kvsall" then
    raise("Trainer: label_smoothing: the loss %s has none", o.loss)
  end
  self.model, self.dataset, self.optimizer, self.o = model, dataset, optimizer, o
  if o.loss == "kvsall" then
    self.tails, self.heads = known.answers(dataset.train, relations)
    local h, r, t = known.columns(dataset.train)
    local ask_tails, ask_heads = known.key(h, r, relations):unique(), known.key(t, r, relations):unique()
    self.samples = F.stack({
      F.cat({ask_tails, ask_heads}, 0),
      F.cat({tensor.zeros_like(ask_tails), tensor.ones_like(ask_heads)}, 0),
    }, 1)
  else
    self.samples = dataset.train
  end
  if o.loss == "negatives" then
    self.negatives = {tails = Negatives(dataset, {num = o.num, corrupt = "tail", filtered = o.filtered}),
                      heads = Negatives(dataset, {num = o.num, corrupt = "head", filtered = o.filtered})}
  end
end

-- ---- losses of a batch -----------------------------------------------------------------------------------------

local losses = {}

losses["1vsall"] = function(self, h, r, t)
  local o = {label_smoothing = self.o.label_smoothing}
  return F.cross_entropy(self.model:score_tails(h, r), t, o) + F.cross_entropy(self.model:score_heads(r, t), h, o)
end

-- The true entity stands before those drawn, which all triples of the batch share; where it is drawn again it does not
-- count twice.
local function sampled(score, true_ids, drawn)
  local own = score(true_ids:unsqueeze(1))
  local others = score(drawn):masked_fill(drawn:unsqueeze(0):eq(true_ids:unsqueeze(1)), -math.huge)
  return F.cross_entropy(F.cat({own, others}, 1), tensor.zeros_like(true_ids))
end

function losses.sampled(self, h, r, t)
  local model = self.model
  local drawn = tensor.randint(0, model.num_entities, {self.o.num})
  return sampled(function(ids) return model:score_tails(h, r, ids) end, t, drawn)
         + sampled(function(ids) return model:score_heads(r, t, ids) end, h, drawn)
end

function losses.negatives(self, h, r, t)
  local triples = F.stack({h, r, t}, 1)
  local tails = self.negatives.tails:draw(triples):select(2, 2)
  local heads = self.negatives.heads:draw(triples):select(2, 0)
  local zeros = tensor.zeros_like(h)
  local tail_ids, head_ids = F.cat({t:unsqueeze(1), tails}, 1), F.cat({h:unsqueeze(1), heads}, 1)
  return F.cross_entropy(self.model:score_tails(h, r, tail_ids), zeros)
         + F.cross_entropy(self.model:score_heads(r, t, head_ids), zeros)
end

-- Binary cross-entropy, summed, of questions whose answers are known: one matrix of zeros with ones at the answers.
local function all_answers(self, scores, keys, answers)
  local values, ends = core.answers_list(answers, keys)
  local row = F.searchsorted(ends, tensor.arange(#values), {right = true})
  local labels = tensor.zeros_like(scores)
  labels:view(-1):index_fill_(0, row * labels:size(1) + values, 1)
  local s = self.o.label_smoothing
  if s > 0 then labels = labels * (1 - s) + s / labels:size(1) end
  return F.binary_cross_entropy_with_logits(scores, labels, {reduction = "sum"})
end

-- Sum of the cubes of moduli (of complex numbers where the model's are) and of squares, each by its weight.
local function penalty(self, vectors)
  local o, total = self.o, 0
  for _, x in ipairs(vectors) do
    local squares = x * x
    if o.l2 > 0 then total = total + squares:sum() * o.l2 end
    if o.n3 > 0 then
      if self.model.is_complex then squares = squares:view(#x, 2, -1):sum(1) end
      total = total + (squares * (squares + 1e-12):sqrt()):sum() * o.n3
    end
  end
  return total
end

local function is_penalized(self) return self.o.n3 > 0 or self.o.l2 > 0 end

-- Mean over questions, of tails and of heads; those have an entity and a relation to be penalized.
local function kvsall(self, batch)
  local model, count, total = self.model, #self.dataset.relations, 0
  for side = 0, 1 do
    local keys = batch:select(1, 0):masked_select(batch:select(1, 1):eq(side)):contiguous()
    if #keys > 0 then
      local e, r = keys // count, keys % count
      local scores = side == 0 and model:score_tails(e, r) or model:score_heads(r, e)
      total = total + all_answers(self, scores, keys, side == 0 and self.tails or self.heads)
      if is_penalized(self) then
        local own = side == 1 and model.reciprocal and r + count or r
        total = total + penalty(self, {model.entity(e), model.relation(own)})
      end
    end
  end
  return total / #batch
end

local function triples_penalty(self, h, r, t)
  local model = self.model
  local vectors = {model.entity(h), model.entity(t), model.relation(r)}
  if model.reciprocal then vectors[4] = model.relation(r + model.num_relations) end
  return penalty(self, vectors) / #h
end

-- ---- epochs ----------------------------------------------------------------------------------------------------

local function loss_of(self, batch)
  if self.o.loss == "kvsall" then return kvsall(self, batch) end
  local h, r, t = known.columns(batch)
  local loss = losses[self.o.loss](self, h, r, t)
  if is_penalized(self) then loss = loss + triples_penalty(self, h, r, t) end
  return loss
end

--- Goes through all triples once, in a random order.
-- @return mean loss, number
function Trainer:epoch()
  self.model:train()
  local samples, total = self.samples, 0
  local order = tensor.randperm(#samples)
  for lo = 0, #samples - 1, self.o.batch_size do
    local n = math.min(self.o.batch_size, #samples - lo)
    self.optimizer:zero_grad()
    local loss = loss_of(self, samples:index_select(0, order:narrow(0, lo, n)))
    loss:backward()
    self.optimizer:step()
    total = total + loss:item() * n
  end
  return total / #samples
end

return Trainer
