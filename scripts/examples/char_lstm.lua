-- An LSTM that learns to write a text character by character (Karpathy, "The unreasonable effectiveness of recurrent
-- neural networks", 2015).
--
--   embla scripts/examples/char_lstm.lua [FILE] [--steps 2000] [--layers 2] [--width 128] [--context 50] …

package.path = (arg[0]:match "^(.*/)" or "./") .. "?.lua;" .. package.path
local char_text = require "char_text"
local checkpoints = require "checkpoints"
local embla = require "embla"
local nn, F, optim = embla.nn, embla.F, embla.optim

local o = char_text.options("An LSTM learns to write a text character by character.", {
  {name = "steps", type = "integer", default = 2000, range = ">= 0", doc = "batches to learn from"},
  {name = "layers", type = "integer", default = 2, range = ">= 1", doc = "LSTMs, one above the other"},
  {name = "width", type = "integer", default = 128, range = ">= 1", doc = "numbers in a state"},
  {name = "context", type = "integer", default = 50, range = ">= 1", doc = "characters of a piece of text"},
  {name = "batch", type = "integer", default = 50, range = ">= 1", doc = "pieces of text in a batch"},
  {name = "dropout", type = "number", default = 0, range = "[0, 1)", doc = "share of numbers left out between layers"},
  {name = "lr", type = "number", default = 5e-3, range = ">= 0", doc = "learning rate, falling to 0"},
})
local text = char_text.load(o.path)

-- ---- the model -------------------------------------------------------------------------------------------------

local Writer = nn.Module:extend "Writer"

function Writer:init(V, H)
  self.chars = nn.Embedding(V, H)
  self.lstm = nn.LSTM(H, H, {num_layers = o.layers, batch_first = true, dropout = o.dropout})
  self.head = nn.Linear(H, V)
end

function Writer:forward(ids, state)                              -- (B, T) -> (B, T, V), the state after
  local y, after = self.lstm(self.chars(ids), state)
  return self.head(y), after
end

local model = Writer(text.size, o.width)
local function loss_of(x, y)
  local scores = model(x)
  return F.cross_entropy(scores:view(-1, text.size), y:view(-1))
end

-- ---- learning --------------------------------------------------------------------------------------------------

local opt = optim.Adam(model:parameters(), {lr = o.lr})
local schedule = optim.lr_scheduler.CosineAnnealingLR(opt, {T_max = o.steps})
local bar = embla.progress.bar(o.steps, {desc = "training", unit = "steps"})
local done, _, keep = checkpoints.open(o, {model = model, optimizer = opt, scheduler = schedule})
for step = done + 1, o.steps do
  local loss = loss_of(char_text.batch(text.train, o.batch, o.context))
  opt:zero_grad()
  loss:backward()
  nn.utils.clip_grad_norm_(model:parameters(), 1)
  opt:step()
  schedule:step()
  keep(step, step == o.steps)
  bar:update(step, step % 10 == 0 and ("loss %.3f"):format(loss:item()) or nil)
end
bar:finish()
model:eval()
print(("validation loss %.4f"):format(char_text.mean_loss(text.valid, 40, o.batch, o.context, loss_of)))

-- ---- writing ---------------------------------------------------------------------------------------------------

local ids, scores, state = text.train[{{0, 1}}]:tolist(), nil, nil
embla.no_grad(function()
  for _ = 1, o.sample do
    scores, state = model(embla.LongTensor {{ids[#ids]}}, state)
    ids[#ids + 1] = embla.text.sample(scores[{0, 0}], {temperature = 0.8}):item()
  end
end)
print(text.decode(ids))
