-- Which penguin is it? From a table of measurements to a classifier.
--
--     embla scripts/examples/penguins.lua [FILE] [--epochs 20] [--seed 1] [--save FILE] [--load FILE]
--
-- FILE has the columns of github.com/allisonhorst/palmerpenguins: by default penguins/penguins.csv in the folder
-- EMBLA_DATA (or ../shared/data), or else data/penguins.csv beside this script, 72 penguins that nobody ever saw.
-- What --save has kept --load applies to any such table: the network, and how the table became numbers.

local embla = require "embla"
local nn, F, optim, data = embla.nn, embla.F, embla.optim, embla.data

local o = embla.args("Learns to tell the species of penguins by their measurements.", {
  {name = "path", type = "string", positional = true, metavar = "FILE", doc = "a table of penguins, CSV"},
  {name = "epochs", type = "integer", default = 20, range = ">= 1", doc = "times that all penguins are gone through"},
  {name = "hidden", type = "integer", default = 16, range = ">= 1", doc = "numbers between input and output"},
  {name = "batch", type = "integer", default = 16, range = ">= 1", doc = "penguins in a batch"},
  {name = "lr", type = "number", default = 0.01, range = ">= 0", doc = "learning rate"},
  {name = "train", type = "number", default = 0.7, range = "(0, 1)", doc = "share of the penguins to learn from"},
  {name = "seed", type = "integer", default = 1, doc = "of all random draws"},
  {name = "save", type = "string", metavar = "FILE", doc = "where to keep what was learned"},
  {name = "load", type = "string", metavar = "FILE", doc = "what --save has kept, to test on all of the table"},
})
embla.manual_seed(o.seed)

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

local here = arg[0]:match "^(.*/)" or ""
local real = (os.getenv "EMBLA_DATA" or here .. "../../../shared/data") .. "/penguins/penguins.csv"
local path = o.path or exists(real) and real or here .. "data/penguins.csv"

-- ---- the table -------------------------------------------------------------------------------------------------

local MEASURED = {"bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"}
local WORDS = {"island", "sex"}

local columns, types = {"species", table.unpack(WORDS)}, {species = "text", island = "text", sex = "text"}
for _, name in ipairs(MEASURED) do columns[#columns + 1], types[name] = name, "number" end
local penguins = embla.io.csv.read(path, {columns = columns, types = types, comment = "#"})
print(path)
print(penguins:head())
print(penguins:describe())
print(penguins:describe {text = true})

-- Who was not measured is left out; an unknown sex counts as a third one.
local rows = #penguins
penguins = penguins:drop_missing {"species", "island", table.unpack(MEASURED)}:fill_missing {sex = "unknown"}
print(("\n%d rows, %d left out because something is missing"):format(rows, rows - #penguins))

-- Words become numbers: a column of 1 and 0 for each island and sex, ids for the species.
local kept = o.load and embla.load(o.load) or {}
if o.load and not kept.species then error(o.load .. ": was not written by penguins.lua --save", 0) end
penguins, kept.words = penguins:one_hot(WORDS, {vocabs = kept.words})
kept.species = kept.species or select(2, penguins:ids "species")
local species = kept.species

-- Each species has its share in both parts. Training may know nothing of the test part, so that mean and deviation are
-- those of the training part.
local train, test = penguins, penguins
if not o.load then train, test = penguins:split(o.train, {stratify = "species", seed = o.seed}) end
if #train == 0 or #test == 0 then error(path .. ": too few penguins to learn from and to test", 0) end
if not o.load then train, kept.statistics = train:standardize(MEASURED) end
test = test:standardize(MEASURED, {statistics = kept.statistics})

local inputs = penguins:drop("species").columns
local function tensors(frame) return frame:tensor(inputs), (frame:ids("species", {vocab = species})) end

-- ---- the network -----------------------------------------------------------------------------------------------

kept.hidden = kept.hidden or o.hidden
local net = nn.Sequential(nn.Linear(#inputs, kept.hidden), nn.ReLU(), nn.Linear(kept.hidden, #species))

if o.load then
  net:load_state_dict(kept.net)
else
  local optimizer = optim.AdamW(net:parameters(), {lr = o.lr})
  local loader = data.DataLoader(data.TensorDataset(tensors(train)), {batch_size = o.batch, shuffle = true})
  for epoch = 1, o.epochs do
    local total, right = 0, 0
    for x, y in loader do
      local scores = net(x)
      local loss = F.cross_entropy(scores, y)
      optimizer:zero_grad()
      loss:backward()
      optimizer:step()
      total, right = total + loss:item() * #y, right + scores:argmax(1):eq(y):sum():item()
    end
    print(("epoch %2d  loss %.4f  accuracy %.3f"):format(epoch, total / #train, right / #train))
  end
end

-- ---- the test --------------------------------------------------------------------------------------------------

local x, truth = tensors(test)
local guess = embla.no_grad(function() return net(x):argmax(1) end)
print(("\ntest accuracy %.4f: %d of %d penguins"):format(
  embla.metrics.accuracy(guess, truth), guess:eq(truth):sum():item(), #test))

-- Row i, column j: how many of species i were taken for species j.
local confusion = embla.metrics.confusion_matrix(guess, truth, {num_classes = #species})
local cells, order = {species = species:words()}, {"species"}
for id, word in ipairs(species:words()) do
  order[id + 1] = "taken for " .. word
  cells[order[id + 1]] = confusion[{{}, id - 1}]
end
print(data.Frame(cells, {columns = order}))

if o.save then
  kept.net = net:state_dict()
  embla.save(o.save, kept)
end
