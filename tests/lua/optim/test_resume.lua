-- Trainings that go on from an embla.Checkpoint in another process, with other seeds and another number of threads:
-- every optimizer, with dense gradients, sparse ones and deferred updates, alone and with a schedule and averages.
-- Losses and parameters have the same bits as without a stop.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local process = require "support.process"
local nn, optim, F = embla.nn, embla.optim, embla.F

local ROWS, WIDTH, STEPS, STOP = 30, 5, 12, 5

-- Options that need all of the state that there is.
local OPTIONS = {
  SGD = {lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.01},
  Adagrad = {lr = 0.1, weight_decay = 0.1, lr_decay = 0.01, initial_accumulator_value = 0.5},
  SparseAdam = {lr = 0.05}, Adam = {lr = 0.05, amsgrad = true, weight_decay = 0.1}, AdamW = {lr = 0.05},
  RowWiseAdagrad = {lr = 0.1, weight_decay = 0.1},
  RMSprop = {lr = 0.05, momentum = 0.9, centered = true}, Adadelta = {weight_decay = 0.1},
  Adamax = {lr = 0.05, weight_decay = 0.1}, NAdam = {lr = 0.05}, RAdam = {lr = 0.05},
  Rprop = {lr = 0.05}, ASGD = {lr = 0.1, lambd = 0.1, t0 = 5},
  LBFGS = {lr = 0.3, max_iter = 3, history_size = 4},
}

-- ---- trainings -------------------------------------------------------------------------------------------------

local Net = nn.Module:extend "Net"

function Net:init(sparse)
  self.words = nn.Embedding(ROWS, WIDTH, {sparse = sparse, std = 0.5})
  self.norm = nn.BatchNorm1d(WIDTH)
  self.drop = nn.Dropout(0.2)
  self.out = nn.Linear(WIDTH, 1)
end

function Net:forward(ids) return self.out(self.drop(self.norm(self.words(ids)))) end

-- {net, opt, schedule, ema; parts: all of them under names}
local function new_training(case, seed)
  embla.manual_seed(seed)
  local x = {net = Net(case.kind ~= "dense")}
  local options = {}
  for key, value in pairs(OPTIONS[case.name]) do options[key] = value end
  if case.kind == "exact" then options.sparse_mode = "exact" end
  local params = x.net:parameters()
  if case.name == "SparseAdam" then
    params = {x.net.words.weight}
  elseif case.name ~= "LBFGS" then
    local others = {x.net.norm.weight, x.net.out.weight, x.net.out.bias}
    params = {{params = {x.net.words.weight}}, {params = others, lr = 0.02}}
  end
  x.opt = optim[case.name](params, options)
  x.parts = {model = x.net, optimizer = x.opt}
  if case.more then
    x.schedule = optim.lr_scheduler.CosineAnnealingLR(x.opt, {T_max = 30})
    x.ema = optim.EMA(x.net:parameters(), {decay = 0.9, warmup = true})
    x.parts.scheduler, x.parts.ema = x.schedule, x.ema
  end
  return x
end

local function hex(values)
  local parts = {}
  for i, value in ipairs(values) do parts[i] = ("%a"):format(value) end
  return table.concat(parts, " ")
end

local function train(x, from, to)
  local losses = {}
  for n = from, to do
    x.net.out.bias:requires_grad_(n <= 2 or n > 8)              -- it misses updates
    local ids = embla.randint(0, ROWS, {6})
    local function closure()
      x.opt:zero_grad()
      local loss = F.mse_loss(x.net(ids), (ids % 3):float():unsqueeze(1))
      loss:backward()
      return loss
    end
    losses[#losses + 1] = x.opt:step(closure):item()
    if x.schedule then x.schedule:step() end
    if x.ema then x.ema:update() end
  end
  return losses
end

-- All that a training has come to, as text.
local function outcome(x, losses)
  local lines = {hex(losses)}
  for name, tensor in pairs(x.net:state_dict()) do
    lines[#lines + 1] = name .. " " .. hex(tensor:double():reshape(-1):tolist())
  end
  for i, average in ipairs(x.ema and x.ema.averages or {}) do
    lines[#lines + 1] = i .. " " .. hex(average:double():reshape(-1):tolist())
  end
  for _, group in ipairs(x.opt.param_groups) do lines[#lines + 1] = hex {group.lr} end
  return table.concat(lines, "\n")
end

-- ---- cases -----------------------------------------------------------------------------------------------------

local function has_option(name, option)
  for _, row in ipairs(optim[name].spec.rows) do
    if row.name == option then return true end
  end
  return false
end

local cases = {}
local function add(name)
  for _, kind in ipairs {"dense", "sparse", "exact"} do
    local fits = not (name == "SparseAdam" and kind == "dense") and not (name == "LBFGS" and kind ~= "dense")
    if fits and (kind ~= "exact" or has_option(name, "sparse_mode")) then
      for _, more in ipairs {false, true} do
        cases[#cases + 1] = {name = name, kind = kind, more = more,
                             title = ("%s-%s%s"):format(name, kind, more and "-more" or "")}
      end
    end
  end
end
for _, rule in ipairs(require("embla.core").rules()) do add(rule.name) end
add "LBFGS"

-- ---- the other process: restores each, trains on, and tells ----------------------------------------------------

local function go_on(folder)
  for _, case in ipairs(cases) do
    local x = new_training(case, 77)
    local step, losses = embla.Checkpoint(folder .. "/" .. case.title):restore(x.parts)
    for _, loss in ipairs(train(x, step + 1, STEPS)) do losses[#losses + 1] = loss end
    print(case.title .. ":\n" .. outcome(x, losses) .. "\n")
  end
end

if arg[1] == "go on" then
  embla.set_num_threads(math.tointeger(arg[3]))
  go_on(arg[2])
  os.exit(0)
end

-- ---- tests -----------------------------------------------------------------------------------------------------

local folder, want = os.tmpname(), {}
os.remove(folder)

t.test("every optimizer has a case", function()
  for _, rule in ipairs(require("embla.core").rules()) do
    if not OPTIONS[rule.name] then t.fail(rule.name .. " has no options here") end
  end
end)

for _, case in ipairs(cases) do
  t.test(case.title .. " trains, and saves on the way", function()
    local x = new_training(case, 3)
    want[case.title] = outcome(x, train(x, 1, STEPS))
    x = new_training(case, 3)
    local losses = train(x, 1, STOP)
    local ck = embla.Checkpoint(folder .. "/" .. case.title)
    x.parts.extra = losses
    ck:save(STOP, x.parts)
    -- Saving has changed nothing, nor does what comes after it change what was saved.
    for _, loss in ipairs(train(x, STOP + 1, STEPS)) do losses[#losses + 1] = loss end
    t.equal(outcome(x, losses), want[case.title])
  end)
end

for _, threads in ipairs {1, 3} do
  local out, err, status = process.run(("%s %s 'go on' %s %d"):format(process.quote(arg[-1]), process.quote(arg[0]),
                                                                     folder, threads))
  t.test("the other process comes to its end", function() t.equal({err, status}, {"", 0}) end)
  local got = {}
  for title, text in out:gmatch "([%w-]+):\n(.-)\n\n" do got[title] = text end
  for _, case in ipairs(cases) do
    t.test(("%s goes on with %d threads"):format(case.title, threads), function()
      t.equal(got[case.title], want[case.title])
    end)
  end
end
os.execute("rm -r " .. process.quote(folder))

t.finish()
