-- Trainings that are killed (SIGKILL) at any moment and started again until they are done end with the same bits as one
-- that nobody disturbs; a full disk leaves the checkpoints that there are.
package.path = (arg[0]:match("^(.-)tests/program/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local EMBLA = process.quote(assert(arg[1], "usage: test_resume.lua PROGRAM"))

-- Word vectors by sparse gradients and deferred updates, saved after every step; the losses, and then all parameters.
-- Each run of it has as many threads as it is told, and may be told to kill itself behind a step.
local TRAINING = [[
local embla = require "embla"
local nn, F, optim, text = embla.nn, embla.F, embla.optim, embla.text
embla.set_num_threads(math.tointeger(arg[3]))
embla.manual_seed(os.time())
local corpus = text.Corpus(arg[2])
local batches = text.SkipGram(corpus, {window = 2, negative = 2, sample = 0, batch_size = 700, epochs = 2})
local net = nn.ModuleList {nn.Embedding(#corpus.vocab, 6, {sparse = true}), nn.Linear(6, 6), nn.Dropout(0.1)}
local opt = optim.Adam(net:parameters(), {lr = 0.01, sparse_mode = "exact"})
local schedule = optim.lr_scheduler.ExponentialLR(opt, 0.99)
local ema = optim.EMA(net:parameters(), {decay = 0.9})
local parts = {model = net, optimizer = opt, scheduler = schedule, ema = ema, batches = batches, extra = {}}
local ck = embla.Checkpoint(arg[1], {keep = 2})
local step, losses = ck:restore(parts)
if not step then
  embla.manual_seed(4)
  for _, p in ipairs(net:parameters()) do nn.init.normal_(p, 0, 0.1) end
  batches = text.SkipGram(corpus, {window = 2, negative = 2, sample = 0, batch_size = 700, epochs = 2, seed = 4})
  parts.batches, ema = batches, optim.EMA(net:parameters(), {decay = 0.9})
  parts.ema, step, losses = ema, 0, {}
end
parts.extra = losses
for centre, targets in batches do
  local query = net[3](net[2](net[1](centre)))
  local loss = F.embedding_dot(query, targets, net[1].weight, {sparse = true}):sigmoid():mean()
  opt:zero_grad()
  loss:backward()
  opt:step()
  schedule:step()
  ema:update()
  step, losses[#losses + 1] = step + 1, loss:item()
  ck:save(step, parts)
  if step == math.tointeger(arg[4]) then os.execute "kill -KILL $PPID" end
end
for _, loss in ipairs(losses) do print(("%a"):format(loss)) end
for _, list in ipairs {net:parameters(), ema.averages} do
  for _, p in ipairs(list) do
    for _, x in ipairs(p:detach():reshape(-1):tolist()) do print(("%a"):format(x)) end
  end
end
]]

-- Calls use(run, folder): run(threads, before, last) starts the training, with shell code before it.
local function with_training(use)
  local base = os.tmpname()
  local lines = {}
  for i = 1, 1200 do lines[i] = ("w%d w%d w%d w%d"):format(i % 3, i % 7, i % 31, i % 101) end
  for name, content in pairs {lua = TRAINING, txt = table.concat(lines, "\n")} do
    local file <close> = assert(io.open(base .. "." .. name, "wb"))
    file:write(content)
  end
  local function run(threads, before, last)
    return process.run(("%s %s %s.lua %s.run %s.txt %d %s"):format(before or "", EMBLA, base, base, base, threads,
                                                                  last or 0))
  end
  local ok, message = pcall(use, run, base .. ".run")
  os.execute(("rm -r %s %s.*"):format(base, base))
  if not ok then error(message, 0) end
end

local function files_in(folder)
  local out = process.run("ls " .. folder)
  return out
end

-- The undisturbed run, whose time tells when to kill.
local want, seconds
with_training(function(run)
  local err, status
  local function now() return tonumber((process.run "date +%s%N")) / 1e9 end
  local start = now()
  want, err, status = run(2)
  seconds = now() - start
  t.test("undisturbed", function()
    t.equal({err, status}, {"", 0})
    t.equal(select(2, want:gsub("\n", "")) > 1000, true)
  end)
end)

-- Moments of all sizes, the same each time that the test runs.
local moments, at = {}, 12345
for i = 1, 40 do
  at = (at * 1103515245 + 12345) % (1 << 31)
  moments[i] = seconds * (0.1 + 0.01 * i + 0.2 * at / (1 << 31))
end

t.test("killed at any moment and started again, the same bits", function()
  with_training(function(run, folder)
    local kills = 0
    for _, moment in ipairs(moments) do
      local out, err, status = run(1 + kills % 3, ("timeout -s KILL %.3f"):format(moment))
      if status == 0 then
        t.equal({out == want, err}, {true, ""})
        t.equal(kills > 0, true)
        t.equal(select(2, files_in(folder):gsub("step%-%d+%.safetensors\n", "")), 2)
        t.equal(files_in(folder):find ".tmp" == nil, true)
        return
      end
      t.equal({status, err}, {137, ""})
      kills = kills + 1
    end
    local out = run(2)
    t.equal({out == want, kills}, {true, #moments})
  end)
end)

-- A limit on the size of a file is a disk on which a larger one does not fit.
t.test("where there is no room the error says so, and the checkpoints stay", function()
  with_training(function(run, folder)
    t.equal(select(3, run(1, nil, 5)), 137)
    local before = files_in(folder)
    local _, err, status = run(1, "trap '' XFSZ; ulimit -f 1;")
    t.equal(status, 1)
    if not err:find("step%-%d+%.safetensors: File too large") then t.fail(err) end
    t.equal(files_in(folder):gsub("[^\n]*%.tmp\n", ""), (before:gsub("[^\n]*%.tmp\n", "")))
    t.equal(run(1) == want, true)
  end)
end)

t.finish()
