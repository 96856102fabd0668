-- embla.Checkpoint: which files there are, which is taken, and that what does not fit changes nothing. That trainings
-- go on with the same bits is tests/lua/optim/test_resume.lua's.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local points = require "support.points"
local process = require "support.process"
local nn, optim = embla.nn, embla.optim

local function with_folder(use)
  local folder = os.tmpname()
  os.remove(folder)
  local ok, message = pcall(use, folder)
  os.execute("rm -r " .. process.quote(folder))
  if not ok then error(message, 0) end
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
end

-- What f writes to standard error.
local function notes_of(f)
  local parts, stderr = {}, io.stderr
  local function keep(_, ...) parts[#parts + 1] = table.concat {...} end
  rawset(io, "stderr", {write = keep})
  local ok, message = pcall(f)
  rawset(io, "stderr", stderr)
  if not ok then error(message, 0) end
  return table.concat(parts)
end

local function path_of(folder, step) return ("%s/step-%09d.safetensors"):format(folder, step) end

-- An object that is what a number says, and checks while it loads.
local function counter(n)
  local object = {n = n, loads = 0}
  function object:state_dict() return {n = self.n} end
  function object:load_state_dict(dict)
    if math.type(dict.n) ~= "integer" then error("counter: no integer", 0) end
    self.n, self.loads = dict.n, self.loads + 1
  end
  return object
end

-- ---- files -----------------------------------------------------------------------------------------------------

t.test("the folder is made, and empty it has nothing", function()
  with_folder(function(folder)
    local ck = embla.Checkpoint(folder .. "/a/b/")
    t.equal({ck:steps(), ck:latest(), ck:restore {c = counter(1)}}, {{}, nil, nil})
    ck:save(0, {c = counter(4)})
    t.equal(read(path_of(folder .. "/a/b", 0)):find("embla.value", 1, true) ~= nil, true)
    t.equal(ck:steps(), {0})
  end)
end)

t.test("the newest stay, in the order of numbers", function()
  with_folder(function(folder)
    local ck, seen = embla.Checkpoint(folder, {keep = 2}), {}
    for _, step in ipairs {1, 9, 10, 999999999, 1000000000, 12345678901} do
      ck:save(step, {c = counter(step)})
      seen[#seen + 1] = table.concat(ck:steps(), " ")
    end
    t.equal(seen, {"1", "1 9", "9 10", "10 999999999", "999999999 1000000000", "1000000000 12345678901"})
    t.equal(ck:latest(), 12345678901)
    ck:save(12345678901, {c = counter(5)})              -- the same step again
    local c = counter(0)
    t.equal({(ck:restore {c = c}), c.n}, {12345678901, 5})
    ck = embla.Checkpoint(folder)                       -- 3
    for step = 1, 5 do ck:save(20000000000 + step, {c = c}) end
    t.equal(#ck:steps(), 3)
  end)
end)

t.test("files of another kind are left alone, and what a killed save has left goes", function()
  with_folder(function(folder)
    local ck = embla.Checkpoint(folder, {keep = 1})
    local others = {"step-1.safetensors", "step-0000000001.safetensors", "model.safetensors", "notes.tmp",
                    "step-000000001.safetensors.bak", "step-000000009.safetensors.77-0.tmp",
                    "step-000000001.safetensors.77-0.tmp.txt"}
    for _, name in ipairs(others) do write(folder .. "/" .. name, "mine") end
    os.execute(("mkdir %s/deep %s/step-000000003.safetensors"):format(folder, folder))
    write(folder .. "/deep/step-000000100.safetensors", "mine")
    write(folder .. "/step-000000001.safetensors.123-4.tmp", "left over")
    for step = 1, 2 do ck:save(step, {c = counter(step)}) end
    t.equal(ck:steps(), {2})
    for _, name in ipairs(others) do t.equal({name, read(folder .. "/" .. name)}, {name, "mine"}) end
    t.equal(io.open(folder .. "/step-000000001.safetensors.123-4.tmp"), nil)
    t.equal((ck:restore {c = counter(0)}), 2)
  end)
end)

t.test("an old file that cannot be removed is noted; the new one is there", function()
  with_folder(function(folder)
    local core = require "embla.core"
    local ck, remove_file = embla.Checkpoint(folder, {keep = 1}), core.remove_file
    ck:save(1, {c = counter(1)})
    local function try_with(message)
      rawset(core, "remove_file", function() error("here:1: " .. message, 0) end)
      local notes, ok, got
      notes = notes_of(function() ok, got = pcall(ck.save, ck, ck:latest() + 1, {c = counter(1)}) end)
      rawset(core, "remove_file", remove_file)
      return {ok, got, notes}
    end
    t.equal(try_with "x: no permission", {true, nil, "Checkpoint: old files stay: x: no permission\n"})
    t.equal(ck:steps(), {1, 2})
    t.equal(try_with "interrupted!", {false, "here:1: interrupted!", ""})
    ck:save(4, {c = counter(4)})
    t.equal(ck:steps(), {4})
  end)
end)

t.test("a step before the newest one is refused", function()
  with_folder(function(folder)
    embla.Checkpoint(folder):save(10, {c = counter(10)})
    t.raises(function() embla.Checkpoint(folder):save(9, {c = counter(9)}) end,
             "save: step 9: " .. folder .. " has one of step 10, from which a restore would go on")
    t.equal(embla.Checkpoint(folder):steps(), {10})
  end)
end)

t.test("other readers find the tensors under the names of objects", function()
  with_folder(function(folder)
    local net = nn.Sequential(nn.Linear(3, 2))
    embla.Checkpoint(folder):save(7, {model = net, extra = {best = 0.5}})
    local tensors = embla.io.safetensors.load(path_of(folder, 7))
    t.same_bits(tensors["model.0.weight"], net[1].weight:detach())
    t.same_bits(tensors["model.0.bias"], net[1].bias:detach())
  end)
end)

-- ---- damage ----------------------------------------------------------------------------------------------------

t.test("a file that was cut or in which a bit was flipped is noted, and the one before it taken", function()
  with_folder(function(folder)
    local ck = embla.Checkpoint(folder)
    local net = nn.Linear(4, 3)
    for step = 1, 2 do
      net.bias:detach():fill_(step)
      ck:save(step, {net = net})
    end
    local path = path_of(folder, 2)
    local whole = read(path)
    local function taken(bytes)
      write(path, bytes)
      local step
      local notes = notes_of(function() step = embla.Checkpoint(folder):restore {net = net} end)
      return step, notes
    end
    t.equal({taken(whole)}, {2, ""})
    for cut = 0, #whole - 1, 7 do
      local step, notes = taken(whole:sub(1, cut))
      t.equal({cut, step, net.bias[0], notes:find(path, 1, true) ~= nil}, {cut, 1, 1.0, true})
      t.equal(notes:find("the one of step 1 is taken\n", 1, true) ~= nil, true)
    end
    for at = 1, #whole, 5 do
      local byte = string.char(whole:byte(at) ~ 1 << at % 8)
      local step, notes = taken(whole:sub(1, at - 1) .. byte .. whole:sub(at + 1))
      t.equal({at, step, notes ~= ""}, {at, 1, true})
    end
    for _, bytes in ipairs {"", "{}", whole .. "\0"} do t.equal((taken(bytes)), 1) end
  end)
end)

t.test("a damaged file counts for nothing: the last whole ones stay, and training goes on before it", function()
  with_folder(function(folder)
    local ck = embla.Checkpoint(folder, {keep = 2})
    ck:save(20, {c = counter(20)})
    write(path_of(folder, 30), read(path_of(folder, 20)):sub(1, -2))
    write(path_of(folder, 25), "x")
    local c = counter(0)
    local notes = notes_of(function() t.equal((ck:restore {c = c}), 20) end)
    t.equal({c.n, select(2, notes:gsub("\n", ""))}, {20, 2})
    local seen = {}
    for _, step in ipairs {22, 26, 27, 30} do
      ck:save(step, {c = counter(step)})
      seen[#seen + 1] = table.concat(ck:steps(), " ")
      local more = notes_of(function() t.equal((ck:restore {c = c}), step) end)
      t.equal({c.n, more == ""}, {step, step == 30})
    end
    t.equal(seen, {"20 22 25 30", "22 25 26 30", "26 27 30", "27 30"})
  end)
end)

t.test("where none is whole restore raises: a training does not begin anew by itself", function()
  with_folder(function(folder)
    local ck, c = embla.Checkpoint(folder), counter(1)
    write(path_of(folder, 1), "x")
    embla.save(path_of(folder, 2), {c = {n = 2}})
    local message
    local notes = notes_of(function()
      message = t.raises(function() ck:restore {c = c} end, "restore: none of the 2 checkpoints can be read: ",
                         path_of(folder, 1))
    end)
    t.equal({c.n, notes:find("step-000000002.safetensors: it is no checkpoint", 1, true) ~= nil}, {1, true})
    t.equal(message:find "stack" == nil, true)
  end)
end)

-- ---- what does not fit -----------------------------------------------------------------------------------------

-- A training of all kinds of objects, some steps old, and all that is known of it.
local function new_training(width, steps, dtype)
  embla.manual_seed(steps)
  local x = {model = nn.Sequential(nn.Embedding(9, 4, {sparse = true}), nn.Linear(4, width)):to(dtype or "float32")}
  x.optimizer = optim.SGD(x.model:parameters(), {lr = 0.1, momentum = 0.9})
  x.scheduler = optim.lr_scheduler.ExponentialLR(x.optimizer, 0.9)
  x.ema = optim.EMA(x.model:parameters())
  x.counter = counter(steps)
  for n = 1, steps do
    x.optimizer:zero_grad()
    x.model(embla.LongTensor {n % 9, 1}):pow(2):sum():backward()
    x.optimizer:step()
    x.scheduler:step()
    x.ema:update()
  end
  return x
end

local function all_of(x)
  local states = {rng = embla.get_rng_state(), lr = x.optimizer.param_groups[1].lr, loads = x.counter.loads}
  for name, object in pairs(x) do
    states[name] = {}
    for key, value in pairs(object:state_dict()) do
      states[name][key] = t.is_tensor(value) and value:clone() or value
    end
  end
  return states
end

t.test("all come back, and the generator", function()
  with_folder(function(folder)
    local x = new_training(3, 5)
    embla.rand(3)
    embla.Checkpoint(folder):save(5, x)
    local want, next_numbers = all_of(x), embla.rand(4)
    local y = new_training(3, 2)
    t.equal((embla.Checkpoint(folder):restore(y)), 5)
    want.loads = 1
    t.same_bits(all_of(y), want)
    t.same_bits(embla.rand(4), next_numbers)
    t.equal(embla.initial_seed(), 5)
  end)
end)

t.test("what does not fit one object changes none", function()
  with_folder(function(folder)
    local ck = embla.Checkpoint(folder)
    ck:save(5, new_training(3, 5))
    local function refuses(y, change, ...)
      local given = {}
      for name, object in pairs(y) do given[name] = object end
      change(given)
      local before = all_of(y)
      t.raises(function() ck:restore(given) end, "restore: " .. path_of(folder, 5), ...)
      t.same_bits(all_of(y), before)
    end
    local function nothing() end
    refuses(new_training(2, 2), nothing, "ema: EMA: load_state_dict: tensor 2 has shape (3, 4), its average (2, 4)")
    refuses(new_training(3, 2), function(y) y.model = new_training(2, 1).model end,
            "model: Sequential: load_state_dict: argument state: 1.weight: shape (3, 4) given, (2, 4) expected")
    refuses(new_training(3, 2, "float64"), nothing, "ema: averages.1 is float32, here float64")
    refuses(new_training(3, 2), function(y) y.model = new_training(3, 1, "float64").model end,
            "model: 0.weight is float32, here float64")
    refuses(new_training(3, 2), function(y) y.model = nn.Sequential(nn.Embedding(9, 4)) end, "model: ",
            "unexpected: 1.bias, 1.weight")
    refuses(new_training(3, 2), function(y) y.optimizer = optim.SGD({y.model[1].weight}, {lr = 1}) end,
            "optimizer: SGD: loaded state dict contains a parameter group that doesn't match the size")
    refuses(new_training(3, 2), function(y) y.optimizer = optim.Adam(y.model:parameters()) end, "optimizer: Adam: ")
    refuses(new_training(3, 2), function(y) y.scheduler = optim.lr_scheduler.ReduceLROnPlateau(y.optimizer) end,
            "scheduler: ReduceLROnPlateau: load_state_dict: argument dict: unknown key")
    refuses(new_training(3, 2), function(y) y.ema = nil end, "its ema is not among the objects given")
    refuses(new_training(3, 2), function(y) y.loader = counter(1) end,
            "it has no loader, but counter, ema, model, optimizer, scheduler")
    refuses(new_training(3, 2), function(y)
      y.counter = counter(1)
      function y.counter.load_state_dict() error("no room", 0) end
    end, "counter: no room")
    local y = new_training(2, 2)                        -- the others all right, and some of them left out
    t.raises(function() ck:restore({model = y.model}, {strict = false}) end, "model: ")
    local z = new_training(3, 2)
    local before = all_of(z)
    t.equal((ck:restore({model = z.model, loader = counter(1)}, {strict = false})), 5)
    t.same_bits(z.optimizer:state_dict(), before.optimizer)
    t.equal(pcall(t.same_bits, z.model:state_dict(), before.model), false)
  end)
end)

t.test("without memory at any point of it, a restore changes all objects or none", function()
  with_folder(function(folder)
    local ck = embla.Checkpoint(folder)
    local x = new_training(3, 5)
    ck:save(5, x)
    local after = all_of(x)
    after.loads = 1
    local y = new_training(3, 2)
    local before = all_of(y)
    local ran = false
    local failures = points.allocations(function()
      ck:restore(y)
      ran = true
    end, function() t.same_bits(all_of(y), ran and after or before) end)
    t.equal({ran, failures > 5}, {true, true})
    after = all_of(x)
    failures = points.allocations(function() ck:save(6, x) end, function() t.same_bits(all_of(x), after) end)
    t.equal({ck:steps(), failures > 1}, {{5, 6}, true})
  end)
end)

t.test("of several objects that check while they load, all or none", function()
  with_folder(function(folder)
    local ck = embla.Checkpoint(folder)
    ck:save(1, {a = counter(1), b = counter(2), c = counter(3)})
    local a, b, c = counter(7), counter(8), counter(9)
    function c.load_state_dict() error("no", 0) end
    t.raises(function() ck:restore {a = a, b = b, c = c} end, "c: no")
    t.equal({a.n, b.n, c.n}, {7, 8, 9})
    c = counter(9)
    t.equal({(ck:restore {a = a, b = b, c = c}), a.n, b.n, c.n}, {1, 1, 2, 3})
  end)
end)

t.test("a load_state_dict of one's own is called", function()
  with_folder(function(folder)
    local Net = nn.Module:extend "Net"
    function Net:init() self.fc = nn.Linear(2, 1) end
    function Net:load_state_dict(state)
      self.called = true
      return nn.Module.load_state_dict(self, state)
    end
    local net, other = Net(), Net()
    embla.Checkpoint(folder):save(1, {net = net})
    embla.Checkpoint(folder):restore {net = other}
    t.equal(other.called, true)
    t.same_bits(other:state_dict(), net:state_dict())
  end)
end)

-- ---- objects ---------------------------------------------------------------------------------------------------

t.test("tied weights are kept once, and an optimizer may have some of the parameters", function()
  local function new(seed)
    embla.manual_seed(seed)
    local x = {encoder = nn.Embedding(500, 8), decoder = nn.Linear(8, 500, {bias = false})}
    x.decoder.weight = x.encoder.weight
    x.optimizer = optim.Adam({x.decoder.weight}, {lr = 0.1})
    return x
  end
  with_folder(function(folder)
    local x, y = new(1), new(2)
    local function step(z)
      z.optimizer:zero_grad()
      z.decoder(z.encoder(embla.LongTensor {1, 2})):pow(2):sum():backward()
      z.optimizer:step()
    end
    step(x)
    embla.Checkpoint(folder):save(1, x)
    t.equal(#read(path_of(folder, 1)) < 3.5 * 500 * 8 * 4, true)           -- one table, two of the optimizer's
    embla.Checkpoint(folder):restore(y)
    step(x)
    step(y)
    t.same_bits(y.encoder.weight:detach(), x.encoder.weight:detach())
    t.same_bits(y.decoder.weight:detach(), x.encoder.weight:detach())
  end)
end)

t.test("a loader goes on in the middle of an epoch", function()
  local data = embla.data.TensorDataset(embla.arange(23))
  local function new(seed) return embla.data.DataLoader(data, {batch_size = 4, shuffle = true, seed = seed}) end
  local function epochs(loader, n, list)
    for _ = 1, n do
      for x in loader do list[#list + 1] = table.concat(x:tolist(), " ") end
    end
    return list
  end
  local want = epochs(new(5), 3, {})
  with_folder(function(folder)
    local ck = embla.Checkpoint(folder)
    for stop = 0, 17 do
      local loader, seen = new(5), {}
      repeat
        for x in loader do
          if #seen == stop then break end
          seen[#seen + 1] = table.concat(x:tolist(), " ")
          if #seen == stop then ck:save(stop, {loader = loader}) end
        end
      until #seen == stop
      if stop == 0 then ck:save(0, {loader = new(5)}) end
      local other = new(99)
      t.equal((ck:restore {loader = other}), stop)
      t.equal(epochs(other, 3 - other.epoch, seen), want)
    end
  end)
end)

t.test("deferred updates are in what is saved of the model alone", function()
  with_folder(function(folder)
    local tables = {}
    for k, sparse in ipairs {true, false} do
      embla.manual_seed(1)
      local words = nn.Embedding(20, 3, {sparse = sparse})
      local opt = optim.SGD({words.weight}, {lr = 0.1, momentum = 0.9, sparse_mode = sparse and "exact" or nil})
      for n = 1, 6 do
        opt:zero_grad()
        words(embla.LongTensor {n}):pow(2):sum():backward()
        opt:step()
      end
      embla.Checkpoint(folder .. "/" .. k):save(1, {words = words})
      local other = nn.Embedding(20, 3)
      embla.Checkpoint(folder .. "/" .. k):restore {words = other}
      tables[k] = other.weight:detach()
    end
    t.close(tables[1], tables[2]:tolist(), 1e-6, 1e-7)
  end)
end)

t.test("plain values come back beside the step", function()
  with_folder(function(folder)
    local ck, c = embla.Checkpoint(folder), counter(3)
    local extra = {best = 1 / 3, history = {1, 2.5, -1 / 0}, name = "a\0b", seed = math.mininteger, at = embla.ones(2)}
    ck:save(4, {c = c, extra = extra})
    local step, back = ck:restore {c = c, extra = {"not looked at"}}
    t.equal(step, 4)
    t.same_bits(back, extra)
    ck:save(5, {c = c})
    t.equal({ck:restore {c = c}}, {5})
  end)
end)

t.test("a generator of any seed and place", function()
  with_folder(function(folder)
    for i, state in ipairs {{math.mininteger, math.maxinteger}, {-1, -1}, {0, 1 << 53 | 1}} do
      embla.set_rng_state(state)
      embla.Checkpoint(folder):save(i, {})
      embla.manual_seed(1)
      embla.Checkpoint(folder):restore {}
      t.equal(embla.get_rng_state(), state)
    end
  end)
end)

t.test("what is no object, step or folder is refused", function()
  t.raises(function() embla.Checkpoint() end, "Checkpoint: argument folder: expected a path, got nil")
  t.raises(function() embla.Checkpoint "" end, 'Checkpoint: argument folder: expected a path, got ""')
  t.raises(function() embla.Checkpoint("x", {keep = 0}) end, "Checkpoint: option keep: expected integer >= 1, got 0")
  t.raises(function() embla.Checkpoint("x", {keeps = 2}) end, "unknown option 'keeps', did you mean 'keep'")
  t.raises(function() embla.Checkpoint "/dev/null/x" end, "/dev/null")
  with_folder(function(folder)
    local ck, net = embla.Checkpoint(folder, {keep = 2}), nn.Linear(1, 1)
    t.equal(tostring(ck), ("Checkpoint(%q, keep=2)"):format(folder))
    for _, step in ipairs {-1, 1.5, "1", {}} do
      t.raises(function() ck:save(step, {net = net}) end, "save: argument step: expected an integer >= 0, got ")
    end
    t.raises(function() ck:save(1, net) end, "save: argument objects: expected a table {model = net")
    t.raises(function() ck:save(1) end, "save: argument objects: expected a table")
    t.raises(function() ck:save(1, {net}) end, "save: argument objects: expected names of objects, got 1")
    t.raises(function() ck:save(1, {checkpoint = net}) end, 'expected names of objects, got "checkpoint"')
    t.raises(function() ck:save(1, {best = 3}) end, "save: best: expected an object with state_dict() and",
             "got 3 (plain values go in extra)")
    t.raises(function() ck:save(1, {net = net, extra = {f = print}}) end,
             "save: value.extra.f: a function cannot be saved")
    t.raises(function() ck:restore() end, "restore: argument objects: expected a table")
    t.raises(function() ck:restore({net = net}, {stric = true}) end, "unknown option 'stric', did you mean 'strict'")
    t.equal(ck:steps(), {})
    ck:save {step = 3, objects = {net = net}}
    t.equal((ck:restore({net = net}, {strict = true})), 3)
  end)
end)

t.test("a folder that cannot be written to: an error, and the old ones stay", function()
  with_folder(function(folder)
    local ck, c = embla.Checkpoint(folder, {keep = 1}), counter(1)
    ck:save(1, {c = c})
    os.execute(("mkdir -p %s/step-000000002.safetensors/x"):format(folder))
    t.raises(function() ck:save(2, {c = c}) end, path_of(folder, 2), "directory")
    t.equal({ck:steps(), (ck:restore {c = c})}, {{1}, 1})
  end)
end)

t.finish()
