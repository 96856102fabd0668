-- What would each user like next? Matrix factorization that learns to order items (BPR: Rendle et al. 2009).
--
--     embla scripts/examples/recommender.lua [FILE] [--epochs 20] [--width 16] [--seed 1]
--
-- FILE is CSV with columns user and item; others, as rating and time, are passed over. Without one, ratings are made
-- below: 200 users and 120 items of 6 kinds each, a user rates 20 items, four fifths of them of the kind of the user.

local embla = require "embla"
local nn, F, metrics = embla.nn, embla.F, embla.metrics

local o = embla.args("Learns which items users would choose next, and tells how well.", {
  {name = "path", type = "string", positional = true, metavar = "FILE", doc = "CSV with columns user and item"},
  {name = "epochs", type = "integer", default = 20, range = ">= 0", doc = "times that all choices are gone through"},
  {name = "width", type = "integer", default = 16, range = ">= 1", doc = "numbers that stand for a user or an item"},
  {name = "batch", type = "integer", default = 256, range = ">= 1", doc = "choices in a batch"},
  {name = "lr", type = "number", default = 0.02, range = ">= 0", doc = "learning rate"},
  {name = "decay", type = "number", default = 1e-3, range = ">= 0", doc = "weight decay"},
  {name = "k", type = "integer", default = 10, range = ">= 1", doc = "items that are recommended"},
  {name = "seed", type = "integer", default = 1, doc = "of the ratings made and of all other random draws"},
})
embla.manual_seed(o.seed)

-- ---- who chose what: users (N), items (N), how many there are of each ------------------------------------------

local function make()
  local users, items = {}, {}
  for user = 0, 199 do
    local weights = F.where(embla.arange(120):remainder(6):eq(user % 6), 20.0, 1.0)
    for _, item in ipairs(weights:multinomial(20):tolist()) do users[#users + 1], items[#items + 1] = user, item end
  end
  return embla.LongTensor(users), embla.LongTensor(items), 200, 120
end

local function read(path)
  local frame = embla.io.csv.read(path, {columns = {"user", "item"}, types = {user = "text", item = "text"}})
  if #frame == 0 then error(path .. ": no ratings", 0) end
  local users, user_names = frame:ids "user"
  local items, item_names = frame:ids "item"
  return users, items, #user_names, #item_names
end

local users, items, U, I
if o.path then users, items, U, I = read(o.path) else users, items, U, I = make() end

-- A fifth of the choices is kept for the test.
local order = embla.randperm(#users)
local cut = #users * 4 // 5
local train, test = order[{{0, cut}}], order[{{cut}}]
if #train == 0 then error("too few ratings to learn from and to test", 0) end
local seen = (users[train] * I + items[train]):bincount {minlength = U * I}:view(U, I):gt(0)
print(("%d users, %d items, %d choices to learn from, %d for the test"):format(U, I, #train, #test))

-- ---- learning: what was chosen is to score higher than what was drawn ------------------------------------------

local user_table, item_table = nn.Embedding(U, o.width), nn.Embedding(I, o.width)
for _, embedding in ipairs {user_table, item_table} do nn.init.normal_(embedding.weight, 0, 0.1) end
local optimizer = embla.optim.AdamW({user_table.weight, item_table.weight}, {lr = o.lr, weight_decay = o.decay})
for _ = 1, o.epochs do
  for _, rows in ipairs(train[embla.randperm(#train)]:split(o.batch)) do
    local better, worse = item_table(items[rows]), item_table(embla.randint(I, {#rows}))
    local loss = F.softplus(-(user_table(users[rows]) * (better - worse)):sum(1)):mean()
    optimizer:zero_grad()
    loss:backward()
    optimizer:step()
  end
end

-- ---- the test: the best items that a user has not yet chosen ---------------------------------------------------

local k = math.min(o.k, I)
local scores = embla.no_grad(function() return user_table.weight:mm(item_table.weight:t()) end)
local _, best = scores:masked_fill(seen, -math.huge):topk(k, 1)
best = F.where(seen:gather(1, best), -1, best)                          -- who has nearly all gets fewer
local right, chosen = {}, {}
for i = 1, U do right[i], chosen[i] = {}, {} end
local test_users, test_items = users[test]:tolist(), items[test]:tolist()
for i, user in ipairs(test_users) do
  local item = test_items[i]
  if not chosen[user + 1][item] then table.insert(right[user + 1], item) end
  chosen[user + 1][item] = true
end
print(("recall@%d %.4f  ndcg@%d %.4f"):format(k, metrics.recall_at_k(best, right, k), k,
                                              metrics.ndcg_at_k(best, right, k)))
