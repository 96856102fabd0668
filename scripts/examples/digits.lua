-- Which digit is it? Images of 8x8 points and a small network that looks at them through windows.
--
--     embla scripts/examples/digits.lua [FOLDER] [--epochs 20] [--seed 1] [--log FOLDER] [--save FILE] [--load FILE]
--
-- FOLDER has train.csv and test.csv of the UCI set "Optical Recognition of Handwritten Digits": 64 counts from 0 to 16
-- and the digit a line, of 43 writers, those of the test others than those of the training. By default it is optdigits
-- in the folder EMBLA_DATA (or ../shared/data); without that the digits are drawn below, with noise.

local embla = require "embla"
local nn, F, optim, data = embla.nn, embla.F, embla.optim, embla.data

local o = embla.args("Learns to read digits, and shows one that it did not recognize.", {
  {name = "folder", type = "string", positional = true, doc = "where train.csv and test.csv are"},
  {name = "epochs", type = "integer", default = 20, range = ">= 1", doc = "times that all digits are gone through"},
  {name = "windows", type = "integer", default = 32, range = ">= 1", doc = "features looked for in a window"},
  {name = "batch", type = "integer", default = 64, range = ">= 1", doc = "digits in a batch"},
  {name = "lr", type = "number", default = 3e-3, range = ">= 0", doc = "learning rate at first, falling to 0"},
  {name = "dropout", type = "number", default = 0.3, range = "[0, 1]", doc = "share of numbers left out"},
  {name = "drawn", type = "boolean", default = false, doc = "digits drawn by this script, even if there are others"},
  {name = "seed", type = "integer", default = 1, doc = "of all random draws"},
  {name = "log", type = "string", metavar = "FOLDER", doc = "where to record the epochs"},
  {name = "save", type = "string", metavar = "FILE", doc = "where to keep the network"},
  {name = "load", type = "string", metavar = "FILE", doc = "a network kept by --save, to test without training"},
})
embla.manual_seed(o.seed)

-- ---- images (N, 64) from 0 to 1, digits (N) --------------------------------------------------------------------

local function read(path)
  local counts = embla.io.csv.read(path, {header = false})
  if #counts.columns ~= 65 then
    error(("%s: expected 65 columns, 64 counts and a digit, got %d"):format(path, #counts.columns), 0)
  end
  counts = counts:tensor(counts.columns)
  return counts[{{}, {0, 64}}] / 16, counts[{{}, 64}]:long()
end

local GLYPHS = {
  ".##.  ..#.  .##.  ###.  #..#  ####  .##.  ####  .##.  .##.",
  "#..#  .##.  #..#  ...#  #..#  #...  #...  ...#  #..#  #..#",
  "#..#  ..#.  ...#  .##.  #..#  ###.  ###.  ..#.  .##.  #..#",
  "#..#  ..#.  ..#.  ...#  ####  ...#  #..#  ..#.  #..#  .###",
  "#..#  ..#.  .#..  ...#  ...#  ...#  #..#  .#..  #..#  ...#",
  ".##.  .###  ####  ###.  ...#  ###.  .##.  .#..  .##.  .##.",
}

-- n random glyphs, each moved by at most a point up or down and to the side, more or less dark, with noise.
local function draw(n)
  local points, moved = {}, {}
  for digit = 0, 9 do
    for row = 1, 6 do
      for column = 1, 4 do
        points[#points + 1] = GLYPHS[row]:sub(6 * digit + column, 6 * digit + column) == "#" and 1.0 or 0.0
      end
    end
  end
  local glyphs = F.pad(embla.tensor(points):view(10, 6, 4), {2, 2, 1, 1})
  for down = -1, 1 do
    for right = -1, 1 do moved[#moved + 1] = glyphs:roll({down, right}, {1, 2}):view(10, 64) end
  end
  local pick = embla.randint(90, {n})
  local images = F.embedding(pick, embla.cat(moved)) * (embla.rand(n, 1) * 0.5 + 0.5) + embla.randn(n, 64) * 0.15
  return images:clamp(0, 1), pick % 10
end

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

local here = arg[0]:match "^(.*/)" or ""
local folder = o.folder or (os.getenv "EMBLA_DATA" or here .. "../../../shared/data") .. "/optdigits"
local train_x, train_y, test_x, test_y
if o.drawn or not o.folder and not exists(folder .. "/train.csv") then
  folder = "digits drawn with noise"
  train_x, train_y = draw(2000)
  test_x, test_y = draw(1000)
else
  train_x, train_y = read(folder .. "/train.csv")
  test_x, test_y = read(folder .. "/test.csv")
end
print(("%s: %d to learn from, %d for the test"):format(folder, #train_y, #test_y))

-- ---- the network -----------------------------------------------------------------------------------------------

-- The points of each window of 3x3, as places in an image: 6x6 windows, where the first point is, and from there.
local corners = (embla.arange(6):view(6, 1) * 8 + embla.arange(6)):view(36, 1)
local windows = corners + (embla.arange(3):view(3, 1) * 8 + embla.arange(3)):view(1, 9)

local Reader = nn.Module:extend "Reader"

function Reader:init(features)
  self.window = nn.Linear(9, features)                   -- the same for all windows: a convolution
  self.image = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Dropout(o.dropout), nn.Linear(36 * features, 128), nn.ReLU(),
                             nn.Dropout(o.dropout), nn.Linear(128, 10))
end

function Reader:forward(x)                               -- (B, 64) -> (B, 10)
  return self.image(self.window(x[{{}, windows}]))
end

local kept = o.load and embla.load(o.load) or {features = o.windows}
if not kept.features then error(o.load .. ": was not written by digits.lua --save", 0) end
local net = Reader(kept.features)

local function test()
  net:eval()
  local guess = embla.no_grad(function() return net(test_x):argmax(1) end)
  net:train()
  return guess, embla.metrics.accuracy(guess, test_y)
end

-- ---- learning --------------------------------------------------------------------------------------------------

local function learn()
  local run <close> = o.log and embla.log.Run(o.log, {hyperparameters = o})
  local optimizer = optim.AdamW(net:parameters(), {lr = o.lr})
  local schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, {T_max = o.epochs})
  local loader = data.DataLoader(data.TensorDataset(train_x, train_y), {batch_size = o.batch, shuffle = true})
  for epoch = 1, o.epochs do
    local total, began = 0, embla.clock()
    for x, y in loader do
      local loss = F.cross_entropy(net(x), y)
      optimizer:zero_grad()
      loss:backward()
      optimizer:step()
      total = total + loss:item() * #y
    end
    schedule:step()
    local _, accuracy = test()
    if run then
      run:epoch {loss = total / #train_y, accuracy = accuracy}              -- shows it, too
    else
      print(("epoch %2d  loss %.4f  test accuracy %.4f  %.2f s"):format(epoch, total / #train_y, accuracy,
                                                                       embla.clock() - began))
    end
  end
end

if o.load then net:load_state_dict(kept.net) else learn() end

-- ---- the test --------------------------------------------------------------------------------------------------

local guess, accuracy = test()
print(("\ntest accuracy %.4f"):format(accuracy))

local wrong = guess:ne(test_y):nonzero():view(-1)
if #wrong > 0 then
  local i = wrong[0]
  print(("number %d of the test is a %d and was taken for a %d:"):format(i, test_y[i], guess[i]))
  for _, row in ipairs(test_x[i]:view(8, 8):tolist()) do
    local line = {}
    for j, dark in ipairs(row) do
      local shade = 1 + math.floor(dark * 4 + 0.5)
      line[j] = (" .+*#"):sub(shade, shade):rep(2)
    end
    print("  |" .. table.concat(line) .. "|")
  end
end

if o.save then embla.save(o.save, {features = kept.features, net = net:state_dict()}) end
