-- Stories that need several calls to go wrong: each plays one, with choices of its own. A kind of fault that once was
-- found has its scene here, and must be found again if it is put back.

local core = require "embla.core"
local embla = require "embla"
local values = require "fuzz.values"

local F, nn, optim = embla.F, embla.nn, embla.optim
local random = math.random
local one_of, once_in, keep = values.one_of, values.once_in, values.keep

local scenes = {}

-- What a scene knows to be right: the run ends where it is not.
local function claim(holds, text) scenes.wrong = scenes.wrong or not holds and text or nil end

-- Functions that run in any order, some never.
local function shuffled(list)
  for i = #list, 2, -1 do
    local j = random(i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

local function leaf(...) return embla.randn(..., {requires_grad = true}) end

-- A coroutine that opens something in a block of its own and yields in it.
local function inside(open)
  return coroutine.create(function()
    local _ <close> = open()
    keep(embla.randn(3) * 2)
    coroutine.yield()
    keep(leaf(3) * 2)
    if once_in(3) then error "left by an error" end
    coroutine.yield()
  end)
end

local OPENINGS = {embla.scope, embla.scope, embla.scope, embla.no_grad, embla.enable_grad}

--- Scopes and recording modes that end in any order, in coroutines, by finalizers, or never.
function scenes.blocks()
  local ends = {}
  for _ = 1, random(4) do
    local open = one_of(OPENINGS)
    if once_in(2) then
      local co = inside(open)
      coroutine.resume(co)
      ends[#ends + 1] = function() coroutine.resume(co) end
      ends[#ends + 1] = once_in(2) and function() coroutine.close(co) end or function() co = nil collectgarbage() end
    elseif open == embla.scope then
      local s = open()
      keep(s)
      for _ = 1, random(3) do keep(leaf(4) * 2) end
      if once_in(3) then s:keep(values.some_tensor()) end
      if once_in(2) then ends[#ends + 1] = function() s:close() end
      else setmetatable({}, {__gc = function() s:close() end}) end
    else
      open(function() keep(values.tensor("float32") * 2) end)
    end
  end
  for _, finish in ipairs(shuffled(ends)) do
    pcall(finish)
    if once_in(2) then keep(values.some_tensor() + 1) end
  end
  collectgarbage()
end

local MODES = {embla.no_grad, embla.enable_grad, embla.autograd.detect_anomaly}

--- Modes opened with what is no function, or with one that fails, in the middle of a backward as well.
function scenes.openings()
  local open = one_of(MODES)
  pcall(open, values.any())
  pcall(open, values.callback(), values.any())
  local function opens(g)
    pcall(open, g)
    return open(values.callback(), g)
  end
  local x = leaf(2)
  x:register_hook(opens)
  pcall(function() (x * 2):sum():backward() end)
  opens(x)
end

local STEPS = {
  function(x) return x * 2 end, function(x) return x:exp() end, function(x) return x + values.some_tensor() end,
  function(x) return x:mul_(2) end, function(x) return x:reshape(-1) end,
  function(x) return x:narrow(0, 0, 1):mul_(3) end,
  function(x) return x:sum() end, function(x) return F.softmax(x, 0) end, function(x) return x[0] end,
  function(x) return x:to(one_of {"float64", "float32", "bfloat16"}) end, function(x) return x:unsqueeze(0) end,
}

--- A graph with hooks that hand back odd gradients, and a backward through it.
function scenes.hooks()
  local x = leaf(one_of {1, 4, 40})
  local at, all = x, {x}
  for _ = 1, random(5) do
    local ok, y = pcall(one_of(STEPS), at)
    if ok and embla.is_tensor(y) then
      at = y
      all[#all + 1] = y
    end
    if once_in(2) then pcall(at.register_hook, one_of(all), values.callback()) end
    if once_in(3) then pcall(at.retain_grad, one_of(all)) end
  end
  local out = at:sum()
  for _ = 1, random(2) do
    if once_in(2) then out:backward {retain_graph = true}
    else keep(embla.grad(out, {one_of(all)}, {retain_graph = true})[1]) end
  end
  for _, t in ipairs(all) do
    if t.grad then keep(t.grad) keep(t.grad * 2) end
  end
end

--- Functions written in Lua whose forward and backward return odd things.
function scenes.functions()
  local Odd = embla.autograd.Function:extend "Odd"
  local forward, backward = values.callback(), values.callback()
  function Odd.forward(ctx, x, y)
    ctx:save_for_backward(x, once_in(2) and values.some_tensor() or y)
    if once_in(3) then return x:clone(), forward(y) end
    return once_in(2) and forward(x) or x * 2
  end
  function Odd.backward(ctx, dy, ...)
    keep(ctx.saved_tensors[1])
    if once_in(3) then return dy, backward(dy) end
    if once_in(3) then return dy:to(one_of {"int64", "bool", "float64", "bfloat16"}), backward(dy) end
    return backward(dy), backward(...)
  end
  local x = leaf(3)
  local y = Odd.apply(once_in(2) and x * 2 or x, values.some_tensor())
  keep(y)
  pcall(function() y:sum():backward() end)
  local g = x.grad
  claim(not g or g.dtype == "float32" and #g.shape == 1 and g:size(0) == 3, "a Function's gradient does not fit")
  keep(g)
end

-- What a tensor can hang a function on that reaches it.
local CYCLES = {
  function(x) x:register_hook(function() return x end) return x end,
  function(x)
    local y = x * 2
    x:register_hook(function(g) return g + y:detach() end)
    return y
  end,
  function(x) return embla.utils.checkpoint(function(v) return v * x end, x) end,
  function(x)
    local Own = embla.autograd.Function:extend "Own"
    local y
    function Own.forward(_, v) return v * 2 end
    function Own.backward(_, g) return g + y:detach() end
    y = Own.apply(x)
    return y
  end,
}

--- Functions that reach what they hang on: nobody else has it, so it goes.
function scenes.cycles()
  for _ = 1, 20 do
    local y = one_of(CYCLES)(leaf(3))
    if once_in(3) then y:sum():backward() end
  end
end

--- Runs of a function again for backward.
function scenes.checkpoints()
  local x = leaf(3)
  local odd = values.callback()
  local function body(v)
    if once_in(2) then return F.relu(v * 2) end
    return embla.utils.checkpoint(function(w) odd(w) return w * 3 end, v * 2)
  end
  local y = embla.utils.checkpoint(body, x)
  if once_in(2) then y:register_hook(function() return y end) end
  y:sum():backward()
end

-- Looks rows of `w` up in one of the ways.
local LOOKUPS = {
  function(w, ids) return F.embedding(ids, w, {sparse = once_in(3) == false, scale_grad_by_freq = once_in(3)}) end,
  function(w, ids) return F.embedding_bag(ids:view(1, -1), w, nil, {mode = one_of {"sum", "mean"}, sparse = true}) end,
  function(w, ids) return F.embedding_bag(ids:view(1, -1), w, nil, {mode = "max"}) end,
  function(w, ids) return F.embedding_dot(leaf(1, w:size(1)), ids:view(-1), w, {sparse = true}) end,
  function(w, ids)
    return F.embedding_distance(leaf(2, w:size(1)), ids:view(-1), w, {sparse = true, p = one_of {1, 2}})
  end,
  function(w, ids) return F.embedding(ids, w * 1, {sparse = true}) end,
}
local CHANGES = {
  function(t) t:fill_(one_of {0, 7, -1, 1 << 40}) end, function(t) t:random_(0, 9) end,
  function(t) t:copy_(values.ids()) end, function(t) t:view(-1)[0] = 1 << 33 end, function(t) t:add_(1000) end,
}
local OPTIMIZERS = {"SGD", "Adagrad", "SparseAdam", "RowWiseAdagrad", "Adam"}

--- Ids, tables and gradients that change between a lookup, its backward and a step.
function scenes.lookups()
  local dtype = one_of {"float32", "float32", "float64", "bfloat16", "int64", "uint8"}
  local w = embla.randn(10, 3):to(dtype)
  if dtype:find "float" then w = once_in(2) and nn.Parameter(w) or w:requires_grad_() end
  local ids = embla.randint(0, 10, {4})
  local y = one_of(LOOKUPS)(w, ids)
  if once_in(3) then y:retain_grad() end
  if once_in(4) then one_of(CHANGES)(ids) end
  y:sum():backward()
  if once_in(2) then one_of(CHANGES)(ids) end
  if y.grad and once_in(2) then y.grad:fill_(2) end
  keep(w.grad)
  local opt = optim[one_of(OPTIMIZERS)]({w}, {lr = 0.1})
  for _ = 1, random(2) do opt:step() end
  if once_in(3) then keep(w.grad:to_dense()) end
  if once_in(3) then
    local g = embla.sparse_coo_tensor(ids:unsqueeze(0), embla.randn(4, 3), {10, 3})
    one_of(CHANGES)(ids)
    keep(g:to_dense())
    keep(g:coalesce())
    w.grad = g
    opt:step()
  end
end

--- Tables that are resized while others hold them.
function scenes.resized()
  local e = nn.Embedding(8, 4, {sparse = true})
  local opt = optim[one_of(OPTIMIZERS)](e:parameters(), {lr = 0.1})
  e(embla.tensor {1, 7}):sum():backward()
  if once_in(2) then opt:step() end
  local view = e.weight[0]
  e:resize(one_of {1, 3, 20})
  keep(view)
  opt:step()
  if once_in(2) then e(embla.tensor {0}):sum():backward() end
  opt:step()
  keep(opt)
  keep(e)
end

local corpus_path
local function corpus()
  if not corpus_path then
    corpus_path = os.tmpname()
    local file <close> = assert(io.open(corpus_path, "w"))
    for i = 1, 200 do file:write(("one two three w%d four five six\n"):format(i % 30)) end
  end
  return embla.text.Corpus(corpus_path)
end

--- A corpus that is written to, word vectors whose tables shrink.
function scenes.words()
  local c = corpus()
  local model = embla.text.Word2Vec(c, {dim = 8, epochs = 1})
  local grams = embla.text.SkipGram(c, {batch_size = 64})
  local n = 0
  for word in grams:iter() do
    n = n + 1
    if once_in(2) then pcall(one_of(CHANGES), one_of {c.ids, c.starts, word}) end
    if n > 3 then break end
  end
  if once_in(2) then model:train(100) end
  local e = nn.Embedding(#c.vocab, 8)
  e.weight = model.vectors
  if once_in(2) then e:resize(one_of {1, 200}) end
  if once_in(2) then pcall(one_of(CHANGES), one_of {c.ids, c.starts}) end
  model:train(200)
  keep(model.vectors)
end

-- Changes in place whose operands share memory.
local OVERLAPS = {
  function(t) t[t] = values.number() end, function(t) t[t] = t end, function(t) t[t] = t:flip(0) end,
  function(t) t:index_add_(0, t, t) end, function(t) t:scatter_(0, t, t) end, function(t) t:index_copy_(0, t, t) end,
  function(t) t:scatter_add_(0, t, t) end, function(t) t:masked_fill_(t:bool(), 9) end,
  function(t) t:narrow(0, 1, t:size(0) - 1):add_(t:narrow(0, 0, t:size(0) - 1)) end,
  function(t) t:narrow(0, 1, t:size(0) - 1):copy_(t:narrow(0, 0, t:size(0) - 1)) end,
  function(t) t:narrow(0, 0, 1):expand(t:size(0)):add_(t) end,
  function(t) t:narrow(0, 0, 1):expand(t:size(0)):copy_(t) end,
  function(t) t:view(2, -1):transpose(0, 1):copy_(t:view(-1, 2)) end,
  function(t) t:index_fill_(0, t, 1 << 40) end, function(t) t:index_put_({t}, t) end,
}

--- An index that is written to while it is used, views that overlap.
function scenes.overlaps()
  local t = embla.randperm(one_of {2, 8, 64, 5000}):to(one_of {"int64", "int64", "int32"})
  local all = t:clone()
  all[all] = 1 << 30
  claim(all:eq(1 << 30):all():item(), "t[t] = v for a permutation t does not set all of t")
  for _ = 1, 3 do pcall(one_of(OVERLAPS), t) end
  keep(t)
end

local function small() return once_in(20) and -1 or one_of {0, 1, 1, 2, 2, 3, 4} end

local HUGE = {0, 0, 1, 2, 1 << 31, 1 << 32, 1 << 62, math.maxinteger}
local function huge() return one_of(HUGE) end

-- Shapes and numbers whose products or sums do not fit.
local SIZED = {
  function(t) return t:reshape(huge(), huge(), huge()) end, function(t) return t:view(huge(), huge(), huge()) end,
  function(t) return t:expand(huge(), huge(), huge()) end, function(t) return t["repeat"](t, huge(), huge()) end,
  function() return embla.zeros(huge(), huge(), huge()) end, function() return embla.arange(0, huge(), huge()) end,
  function(t) return F.conv1d(t:view(1, 1, -1), embla.ones(1, 1, 3), nil, {dilation = huge()}) end,
  function(t) return t:roll(one_of {huge(), math.mininteger}) end, function(t) return F.pad(t, {huge(), huge()}) end,
}

--- Sizes that overflow.
function scenes.sizes()
  local t = embla.zeros(one_of {0, 1, 4})
  local ok, y = pcall(one_of(SIZED), t)
  if ok then keep(y) end
  local times, sum = {}, 0.0
  for i = 1, t:size(0) do
    times[i] = huge()
    sum = sum + times[i]
  end
  ok, y = pcall(t.repeat_interleave, t, embla.tensor(times, "int64"))
  claim(not ok or y:size(0) == sum, "repeat_interleave gives another number of elements than was asked for")
end

-- Largest of each window of a list by a plain loop.
local function largest(x, kernel, o)
  local y, last = {}, #x + 2 * o.padding - o.dilation * (kernel - 1) - 1
  for from = -o.padding, last - o.padding, o.stride do
    local best = -math.huge
    for k = 0, kernel - 1 do best = math.max(best, x[from + k * o.dilation + 1] or best) end
    y[#y + 1] = best
  end
  return y
end

local function fitting_windows()
  local x, kernel = embla.randn(1, 1, random(5)), random(4)
  local o = {stride = random(2), padding = random(0, kernel // 2), dilation = random(3)}
  local ok, y = pcall(F.max_pool1d, x, kernel, o)
  if not ok then return end
  for i, best in ipairs(largest(x:view(-1):tolist(), kernel, o)) do
    claim(y[{0, 0, i - 1}] == best, "max_pool1d gives what is not the largest of its window")
  end
end

--- Windows of any geometry, over any dtype.
function scenes.windows()
  fitting_windows()
  local x = values.keep(embla.randn(one_of {1, 2}, one_of {1, 3}, one_of {0, 1, 2, 5}))
  if once_in(4) then x = x:to(one_of {"int64", "uint8", "bfloat16"}) end
  if x.dtype == "float32" then x:requires_grad_() end
  local o = {stride = small(), padding = small(), dilation = small()}
  local y = once_in(3) and F.conv1d(x, embla.randn(2, x:size(1), one_of {1, 2, 3}), nil, o) or
    once_in(2) and F.max_pool1d(x, small(), o) or F.avg_pool1d(x, small(), {stride = small(), padding = small()})
  keep(y)
  if y.requires_grad then y:sum():backward() end
end

--- Things made long or deep, used, and let go.
function scenes.deep()
  local n = once_in(20) and 20000 or one_of {10, 300, 3000}
  local kind = random(6)
  if kind == 1 then
    local a = leaf(1)
    for _ = 1, n do
      local b = leaf(1)
      b.grad = a
      a = b
    end
  elseif kind == 2 then
    local y = leaf(1)
    for _ = 1, n do y = y + 1 end
    y:backward()
  elseif kind == 3 then
    local v = leaf(2) * 1
    for _ = 1, math.min(n, 3000) do v = v:view(-1) end
    if once_in(2) then v:mul_(2):sum():backward() end
  elseif kind == 4 then
    local t = {1}
    for _ = 1, n do t = {t} end
    embla.tensor(t)
  elseif kind == 5 then
    local m = nn.Linear(1, 1)
    for _ = 1, math.min(n, 300) do m = nn.Sequential(m) end
    keep(#m:parameters())
    m(embla.ones(1, 1)):sum():backward()
    keep(tostring(m))
  else
    local f = embla.ones(1)
    local list = {}
    for i = 1, n do list[i] = f end
    keep(embla.cat(list))
  end
end

-- Replaces one value somewhere in a nest of tables.
local function spoil(t, depth)
  local keys = {}
  for key in next, t do keys[#keys + 1] = key end
  if #keys == 0 then return end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  local key = one_of(keys)
  if key == "step" and once_in(2) then
    t[key] = one_of {math.maxinteger, math.mininteger, 1 << 53}
    return
  end
  if embla.is_tensor(t[key]) and once_in(2) then
    t[key] = once_in(2) and values.tensor "float32" or t[key]:to(one_of {"float64", "bfloat16"})
    return
  end
  if type(t[key]) == "table" and depth < 4 and not once_in(4) then return spoil(t[key], depth + 1) end
  t[key] = once_in(2) and values.integer() or values.any()
end

--- States that were written to before they are loaded.
function scenes.states()
  local net = values.module()
  local rule = one_of {"SGD", "Adam", "Adagrad", "RMSprop", "NAdam", "ASGD", "Adadelta"}
  local opt = optim[rule](net:parameters(), {lr = 0.1})
  local schedule = optim.lr_scheduler[one_of {"StepLR", "LinearLR", "ExponentialLR", "LambdaLR", "ReduceLROnPlateau"}]
  local ok, s = pcall(schedule, opt, {step_size = 2, gamma = 0.5, lr_lambda = values.callback()})
  for _, p in ipairs(net:parameters()) do p.grad = embla.ones_like(p) end
  opt:step()
  local object = one_of {opt, net, ok and s or opt}
  local state = object:state_dict()
  for _ = 1, random(2) do spoil(state, 0) end
  pcall(object.load_state_dict, object, state)
  opt:step(once_in(3) and values.callback() or nil)
  if ok then pcall(s.step, s, once_in(2) and values.number() or nil) end
  keep(net)
end

-- Options of a loader over about n samples.
local function loader_options(n)
  local data = embla.data
  local sampler = one_of {false, data.RandomSampler, data.SequentialSampler, data.DistributedSampler,
                          {iter = function() return coroutine.wrap(function() coroutine.yield(values.any()) end) end}}
  if type(sampler) == "table" and sampler.__name then
    local ok, made = pcall(sampler, n, sampler == data.DistributedSampler and {num_replicas = 2, rank = 1} or nil)
    sampler = ok and made
  end
  return {batch_size = one_of {1, 2, 7}, shuffle = not sampler and once_in(2), sampler = sampler or nil,
          collate = once_in(3) and one_of {data.pad, data.default_collate, values.callback()} or nil}
end

--- Streams that hand out odd things, through a buffer and in batches; states of theirs that were written to.
function scenes.streams()
  local set = embla.data.IterableDataset(once_in(4) and values.callback() or function()
    local i, get = 0, values.callback()
    return function()
      i = i + 1
      if i < 9 then return once_in(2) and i or get(i), once_in(2) and embla.ones(i) or nil end
    end
  end)
  if once_in(2) then set = embla.data.ShuffleBuffer(set, random(4)) end
  local collate = once_in(2) and embla.data.pad or nil
  local loader = embla.data.DataLoader(set, {batch_size = one_of {1, 2, 7}, collate = collate})
  for _ = 1, 2 do
    pcall(function()
      for a in loader do
        keep(a)
        if once_in(4) then break end
      end
    end)
    local state = loader:state_dict()
    if once_in(2) then spoil(state, 0) end
    state.position = math.min(math.tointeger(state.position) or 0, 20)          -- those are read again
    if type(state.dataset) == "table" then state.dataset.given = random(0, 9) end
    pcall(loader.load_state_dict, loader, state)
  end
end

--- Data sets and loaders that hand out odd things.
function scenes.loaders()
  local Odd = embla.data.Dataset:extend "Odd"
  local get, length = values.callback(), one_of {0, 3, 5}
  function Odd.__len() return once_in(4) and values.any() or length end
  function Odd.get(_, i) return once_in(2) and embla.ones(2) * i or get(i) end
  local set = once_in(3) and embla.data.TensorDataset(values.some_tensor(), values.some_tensor()) or Odd()
  if once_in(3) then set = embla.data.ConcatDataset {set, set} end
  local loader = embla.data.DataLoader(set, loader_options(random(0, 9)))
  for a, b in loader:iter() do
    keep(a)
    keep(b)
    if once_in(10) then break end
  end
  local state = loader:state_dict()
  if once_in(2) then spoil(state, 0) end
  state.position = math.min(math.tointeger(state.position) or 0, 20)            -- a sampler may be endless
  loader:load_state_dict(state)
  for a in loader do
    keep(a)
    if once_in(10) then break end
  end
end

--- A row-sparse gradient in arithmetic and in files of words.
function scenes.files()
  local path = os.tmpname()
  local vocab = embla.text.Vocab {"a", "b", "c", "a"}
  embla.io.word2vec.save(path, vocab, embla.randn(#vocab, 3), {binary = once_in(2)})
  local file = assert(io.open(path, "r+b"))
  local size = file:seek "end"
  for _ = 1, random(0, 3) do
    file:seek("set", random(0, size))
    file:write(string.char(random(0, 255)))
  end
  file:close()
  pcall(function() keep(embla.io.word2vec.load(path, {binary = once_in(2)}).matrix) end)
  pcall(function() keep(embla.io[one_of {"word2vec", "glove", "fasttext"}].load(path).matrix) end)
  pcall(function() keep(embla.text.Vocab.load(path)) end)
  pcall(function() keep(embla.text.Corpus(path)) end)
  os.remove(path)
end

--- Values kept in files, some of them damaged.
function scenes.kept()
  local path = os.tmpname()
  local x = values.some_tensor()
  local value = {x, {x = x:detach(), y = values.some_tensor()}, values.any(), [random(9)] = "\0text"}
  if not pcall(embla.save, path, value) then
    embla.save(path, {x = embla.ones(3)})
  end
  local file = assert(io.open(path, "r+b"))
  local size = file:seek "end"
  for _ = 1, random(0, 2) do
    file:seek("set", random(0, size))
    file:write(string.char(random(0, 255)))
  end
  file:close()
  pcall(function() keep(embla.load(path, {map = once_in(2)})[1]) end)
  pcall(function() embla.io.safetensors.info(path) end)
  os.remove(path)
end

local names = {}
for name in pairs(scenes) do names[#names + 1] = name end
table.sort(names)
scenes.names = names

--- Removes what scenes have left on the disk.
function scenes.finish()
  if corpus_path then os.remove(corpus_path) end
  core.fail_after(-1)
end

return scenes
