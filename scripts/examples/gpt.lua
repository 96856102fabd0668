-- A small GPT that learns to write a text character by character (Radford et al. 2019, in the size of nanoGPT's example
-- for processors).
--
--   embla scripts/examples/gpt.lua [FILE] [--steps 2000] [--layers 4] [--heads 4] [--width 128] [--context 64] …

package.path = (arg[0]:match "^(.*/)" or "./") .. "?.lua;" .. package.path
local char_text = require "char_text"
local checkpoints = require "checkpoints"
local embla = require "embla"
local nn, F, optim = embla.nn, embla.F, embla.optim

local o = char_text.options("A small GPT learns to write a text character by character.", {
  {name = "steps", type = "integer", default = 2000, range = ">= 0", doc = "batches to learn from"},
  {name = "layers", type = "integer", default = 4, range = ">= 1", doc = "blocks, one above the other"},
  {name = "heads", type = "integer", default = 4, range = ">= 1", doc = "attentions in a block"},
  {name = "width", type = "integer", default = 128, range = ">= 1", doc = "numbers that stand for a character"},
  {name = "context", type = "integer", default = 64, range = ">= 1", doc = "characters that it sees"},
  {name = "batch", type = "integer", default = 12, range = ">= 1", doc = "pieces of text in a batch"},
  {name = "lr", type = "number", default = 4e-3, range = ">= 0", doc = "learning rate after the warmup, falling to 0"},
  {name = "warmup", type = "integer", default = 100, range = ">= 0", doc = "steps until the learning rate is reached"},
  {name = "decay", type = "number", default = 0.1, range = ">= 0", doc = "weight decay of the matrices"},
})
local text = char_text.load(o.path)

-- ---- the model -------------------------------------------------------------------------------------------------

local Block = nn.Module:extend "Block"

function Block:init(C)
  self.norm1 = nn.LayerNorm(C)
  self.attention = nn.MultiheadAttention(C, o.heads, {batch_first = true})
  self.norm2 = nn.LayerNorm(C)
  self.mlp = nn.Sequential(nn.Linear(C, 4 * C), nn.GELU(), nn.Linear(4 * C, C))
end

function Block:forward(x)                                        -- (B, T, C) -> (B, T, C)
  local z = self.norm1(x)
  x = x + self.attention(z, z, z, {is_causal = true, need_weights = false})
  return x + self.mlp(self.norm2(x))
end

local GPT = nn.Module:extend "GPT"

function GPT:init(V, C)
  self.chars = nn.Embedding(V, C)
  self.places = nn.Embedding(o.context, C)
  self.blocks = nn.Sequential()
  for _ = 1, o.layers do self.blocks:append(Block(C)) end
  self.norm = nn.LayerNorm(C)
  self.head = nn.Linear(C, V, {bias = false})
  self.head.weight = self.chars.weight                           -- one table says what a character is, in and out
  for name, p in self:named_parameters() do
    if name:match "bias$" then nn.init.zeros_(p) end
    if p:dim() == 2 then nn.init.normal_(p, 0, 0.02) end
    -- What is added to the stream begins small, so that the sum over layers does not grow.
    if name:match "out_proj.weight" or name:match "mlp.2.weight" then p.data:mul_((2 * o.layers) ^ -0.5) end
  end
end

function GPT:forward(ids)                                        -- (B, T) -> (B, T, V)
  local x = self.chars(ids) + self.places(embla.arange(ids:size(1)))
  return self.head(self.norm(self.blocks(x)))
end

local model = GPT(text.size, o.width)
local function loss_of(x, y) return F.cross_entropy(model(x):view(-1, text.size), y:view(-1)) end

-- ---- learning --------------------------------------------------------------------------------------------------

local matrices, others = {}, {}
for _, p in ipairs(model:parameters()) do table.insert(p:dim() == 2 and matrices or others, p) end
local opt = optim.AdamW({{params = matrices, weight_decay = o.decay}, {params = others, weight_decay = 0}},
                        {lr = o.lr, betas = {0.9, 0.99}})
local schedule = optim.lr_scheduler.LambdaLR(opt, {lr_lambda = function(step)
  if step < o.warmup then return (step + 1) / o.warmup end
  return 0.5 * (1 + math.cos(math.pi * (step - o.warmup) / math.max(1, o.steps - o.warmup)))
end})

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
print(("validation loss %.4f"):format(char_text.mean_loss(text.valid, 100, o.batch, o.context, loss_of)))

-- ---- writing ---------------------------------------------------------------------------------------------------

local ids = text.train[{{0, 1}}]:tolist()
embla.no_grad(function()
  for _ = 1, o.sample do
    local seen = embla.LongTensor {table.move(ids, math.max(1, #ids - o.context + 1), #ids, 1, {})}
    ids[#ids + 1] = embla.text.sample(model(seen)[{0, -1}], {temperature = 0.8}):item()
  end
end)
print(text.decode(ids))
