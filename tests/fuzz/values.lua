-- What the fuzzer hands to functions: a pool of live values, plain ones, and hostile ones.

local embla = require "embla"
local core = require "embla.core"
local nn = embla.nn

local values = {}

local random = math.random
local POOL = 96

local pool = {}
values.pool = pool

local function one_of(list) return list[random(#list)] end
values.one_of = one_of

--- True in one of n cases.
function values.once_in(n) return random(n) == 1 end
local once_in = values.once_in

-- A view of one element can be said to have 2^40: to sum those is slow by right.
local function is_huge(value)
  if not embla.is_tensor(value) then return false end
  local ok, count = pcall(core.methods.numel, value)
  return ok and count > 1 << 20
end

--- Puts a value into the pool, in the place of another.
function values.keep(value)
  if value ~= nil and not is_huge(value) then pool[random(POOL)] = value end
  return value
end

--- Any live value: perhaps nil.
function values.pooled() return pool[random(POOL)] end

-- A live value of a kind, or nil.
local function pooled_of(test)
  local at = random(POOL)
  for i = at, at + POOL - 1 do
    local value = pool[i % POOL + 1]
    if value ~= nil and test(value) then return value end
  end
end

-- ---- plain values ----------------------------------------------------------------------------------------------

local SIZES = {0, 1, 1, 2, 2, 3, 3, 4, 5, 8, 17}
local DTYPES = {"float32", "float32", "float32", "float64", "int64", "int32", "uint8", "bool", "float16", "bfloat16"}
local INTEGERS = {-3, -2, -1, 0, 0, 1, 1, 2, 2, 3, 4, 5, 7, 16}
local EDGES = {1 << 31, 1 << 32, (1 << 53) + 1, 1 << 62, math.maxinteger, math.mininteger, -(1 << 31) - 1, 1000003}
local NUMBERS = {0.0, -0.0, 0.5, 1.0, -1.5, 2.0, 1e-3, 1e20, -1e20, 1e-40, 1e308, 1 / 0, -1 / 0, 0 / 0}
local WORDS = {"", "sum", "mean", "max", "none", "float32", "int64", "bool", "dim", "weight", "a", "two words", "\0",
               "\xff", "nearest", "tanh", "reflect", "linear", "no/such/file", ("x"):rep(300)}

local function shape()
  local list = {}
  for i = 1, one_of {0, 1, 1, 2, 2, 2, 3, 3, 4} do list[i] = one_of(SIZES) end
  return list
end

local function filled(list, dtype)
  if dtype == "bool" then return embla.randint(0, 2, list):bool() end
  if dtype == "float32" or dtype == "float64" or dtype:find "float" then return embla.randn(list):to(dtype) end
  return embla.randint(0, 6, list):to(dtype)
end

-- Another view of the same elements.
local VIEWS = {
  function(t) return t:dim() > 1 and t:transpose(0, -1) or t end,
  function(t) return t:dim() > 0 and t:size(0) > 1 and t:narrow(0, 1, t:size(0) - 1) or t end,
  function(t) return t:unsqueeze(0) end,
  function(t) return t:dim() > 0 and t[{{0, nil, 2}}] or t end,
  function(t) return t:unsqueeze(-1):expand(-1, table.unpack(t.shape, 2), 3) end,
  function(t) return t:dim() > 0 and t:select(-1, 0) or t end,
  function(t) return t:reshape(-1) end,
  function(t) return t:unsqueeze(0):expand(4, table.unpack(t.shape)) end,
}

local function maybe(f, t)
  local ok, other = pcall(f, t)
  return ok and embla.is_tensor(other) and other or t
end

--- A fresh tensor of some dtype, shape, layout and history.
function values.tensor(dtype)
  dtype = dtype or one_of(DTYPES)
  local t = filled(shape(), dtype)
  if once_in(3) then t = maybe(one_of(VIEWS), t) end
  if dtype:find "float" and once_in(2) then
    t = t:detach():requires_grad_()
    if once_in(3) then t = t * 1 end
    if once_in(4) then t = maybe(one_of(VIEWS), t) end
  end
  return t
end

--- Ids, most of them fit for small tables.
function values.ids()
  local t = embla.randint(0, one_of {1, 3, 5, 6}, shape())
  if once_in(8) and t:numel() > 0 then t:view(-1)[0] = one_of(EDGES) end
  return once_in(3) and t:int() or t
end

--- A row-sparse tensor.
function values.sparse()
  local n = one_of {0, 1, 3, 4}
  local rows = one_of {4, 6}
  return embla.sparse_coo_tensor(embla.randint(0, rows, {1, n}), embla.randn(n, 3), {rows, 3})
end

local MODULES = {
  function() return nn.Linear(3, 3) end,
  function() return nn.Embedding(6, 3, {sparse = once_in(2), padding_idx = once_in(2) and 0 or nil}) end,
  function() return nn.EmbeddingBag(6, 3, {sparse = once_in(2), mode = one_of {"sum", "mean", "max"}}) end,
  function() return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3)) end,
  function() return nn.LSTM(3, 3, {bidirectional = once_in(2)}) end,
  function() return nn.BatchNorm1d(3) end,
  function() return nn.LayerNorm(3) end,
  function() return nn.MultiheadAttention(4, 2) end,
  function() return nn.Embedding(6, 3, {max_norm = 1}) end,
}

--- A layer or a small network.
function values.module() return one_of(MODULES)() end

--- A tensor from the pool, or a fresh one.
function values.some_tensor() return once_in(2) and pooled_of(embla.is_tensor) or values.tensor() end

--- An integer, mostly a small one.
function values.integer() return once_in(12) and one_of(EDGES) or one_of(INTEGERS) end

function values.number() return once_in(2) and values.integer() or one_of(NUMBERS) end

function values.word() return one_of(WORDS) end

-- ---- callbacks -------------------------------------------------------------------------------------------------

-- What a callback does before it returns.
local DEEDS = {
  function() collectgarbage() end,
  function() error "a callback's error" end,
  function() error {} end,
  function() coroutine.yield(values.pooled()) end,
  function() local t = values.some_tensor(); t:fill_(values.number()) end,
  function()
    local e = pooled_of(function(v) return type(v) == "table" and v.num_embeddings end)
    e:resize(one_of {1, 3, 9})
  end,
  function() local x = values.some_tensor(); x:sum():backward() end,
  function() local s = embla.scope(); values.keep(s); values.keep(embla.randn(4)); s:close() end,
  function() local s = pooled_of(function(v) return type(v) == "table" and rawget(v, "close") end); s:close() end,
  function() values.keep(embla.no_grad()) end,
  function() local t = values.some_tensor(); t:requires_grad_(once_in(2)) end,
  function() pool[random(POOL)] = nil end,
  function() values.clear() collectgarbage() end,
  function() local t = values.some_tensor(); t.grad = values.pooled() end,
}

--- A function that does something odd and returns something odd.
function values.callback()
  local deed = once_in(2) and one_of(DEEDS)
  local answer = one_of {"first", "first", "pooled", "fresh", "nothing", "number"}
  return function(first)
    if deed then
      if once_in(2) then deed() else pcall(deed) end
    end
    if answer == "first" then return first end
    if answer == "pooled" then return values.pooled() end
    if answer == "fresh" then return values.tensor() end
    if answer == "number" then return values.number() end
  end
end

-- ---- hostile tables --------------------------------------------------------------------------------------------

local EVENTS = {"__index", "__len", "__call", "__gc", "__close", "__tostring", "__pairs", "__newindex", "__eq", "__add",
                "__concat", "__lt", "__unm", "__name"}

-- A list that answers for every position has no end, and who walks along it would not come back.
local MOST_ANSWERS = 1000
local function finite(callback)
  local answers = 0
  return function(...)
    answers = answers + 1
    if answers <= MOST_ANSWERS then return callback(...) end
  end
end

--- A table whose metamethods run callbacks.
function values.hostile()
  local meta = {}
  for _ = 1, random(4) do
    local event = one_of(EVENTS)
    meta[event] = event == "__name" and values.word() or finite(values.callback())
  end
  local t = {}
  for i = 1, random(0, 3) do t[i] = values.any(1) end
  return setmetatable(t, meta)
end

local function list(depth)
  local t = {}
  local n = one_of {0, 1, 2, 2, 3, 4}
  local same = once_in(2) and one_of {values.integer, values.number, values.some_tensor, values.word}
  for i = 1, n do
    if same then t[i] = same() else t[i] = values.any(depth + 1) end
  end
  if once_in(10) and n > 1 then t[random(n - 1)] = nil end
  return t
end

-- Names that options have somewhere.
local KEYS = {"dim", "keepdim", "dtype", "size", "p", "reduction", "weight", "bias", "padding_idx", "max_norm", "mode",
              "sparse", "lr", "momentum", "k", "largest", "sorted", "stride", "padding", "dilation", "kernel_size",
              "batch_size", "num_workers", "requires_grad", "retain_graph", "alpha", "value", "eps", "foo", "input",
              "other", "step_size", "gamma", "total_iters", "lr_lambda", "init", "shape", "seed", "offsets"}

--- A table of options.
function values.options()
  local t = {}
  for _ = 1, random(3) do t[one_of(KEYS)] = values.any(1) end
  return t
end

-- ---- anything --------------------------------------------------------------------------------------------------

local KINDS = {
  {30, values.some_tensor}, {20, values.integer}, {8, values.number}, {6, values.word}, {14, values.pooled},
  {8, function() return values.keep(values.ids()) end}, {3, function() return values.keep(values.sparse()) end},
  {3, function() return once_in(2) end}, {4, values.callback}, {3, values.hostile}, {8, list}, {8, values.options},
  {4, function() return nil end}, {3, function() return values.keep(values.module()) end},
  {1, function() return io.stdout end}, {1, function() return coroutine.create(values.callback()) end},
  {1, function() return embla end},
}
local total = 0
for _, kind in ipairs(KINDS) do total = total + kind[1] end

--- Any value.
-- @param depth how many tables it stands in
function values.any(depth)
  depth = depth or 0
  if depth > 2 then return values.integer() end
  local at = random(total)
  for _, kind in ipairs(KINDS) do
    at = at - kind[1]
    if at <= 0 then return kind[2](depth) end
  end
end

--- Empties the pool.
function values.clear()
  for i = 1, POOL do pool[i] = nil end
end

--- Fills the pool anew.
function values.start()
  for i = 1, POOL do pool[i] = once_in(4) and values.module() or once_in(3) and values.ids() or values.tensor() end
end

return values
