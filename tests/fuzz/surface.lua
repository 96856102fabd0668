-- What the fuzzer calls: every function of the library, every method of its objects, every operator and metamethod.

local core = require "embla.core"
local embla = require "embla"
local ops = require "embla.tensor.operations"
local values = require "fuzz.values"

local surface = {}

local random = math.random
local one_of, once_in = values.one_of, values.once_in

-- Switches of the whole process, what prints, what makes folders, and what may end it.
local LEFT_OUT = {
  help = true, set_num_threads = true, set_default_dtype = true, set_printoptions = true, set_detect_anomaly = true,
  summary = true, progress = true, show = true, args = true, Checkpoint = true,
}
-- The core's own switches, which only the library's files may turn, and what leaves files behind or takes them away.
local CORE_LEFT_OUT = {
  set_reader = true, set_names = true, set_missing = true, set_network = true, set_sparse = true, fail_after = true,
  set_grad_enabled = true, set_anomaly = true,
  with_grad = true, set_num_threads = true, set_default_dtype = true, open_scope = true, close_scope = true,
  write_file = true, append_open = true, make_folder = true, remove_file = true,
}

-- Names of fields in one order; pairs() loads those that are loaded when first asked for.
local function sorted_names(home)
  local names = {}
  for name in pairs(home) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function is_callable(value)
  return type(value) == "function" or type(value) == "table" and rawget(value, "__index") == value
end

-- ---- functions -------------------------------------------------------------------------------------------------

local entries = {}      -- {name, function or class, home}

local function add_home(prefix, home, left_out)
  for _, name in ipairs(sorted_names(home)) do
    local value = home[name]
    if is_callable(value) and not left_out[name] then entries[#entries + 1] = {prefix .. name, value} end
  end
end

local nn = embla.nn
add_home("embla.", embla, LEFT_OUT)
add_home("F.", nn.functional, LEFT_OUT)
add_home("nn.", nn, LEFT_OUT)
add_home("init.", nn.init, LEFT_OUT)
add_home("utils.", nn.utils, LEFT_OUT)
add_home("rnn.", nn.utils.rnn, LEFT_OUT)
add_home("optim.", embla.optim, LEFT_OUT)
add_home("lr_scheduler.", embla.optim.lr_scheduler, LEFT_OUT)
add_home("data.", embla.data, LEFT_OUT)
add_home("text.", embla.text, LEFT_OUT)
add_home("io.", embla.io, LEFT_OUT)
add_home("word2vec.", embla.io.word2vec, LEFT_OUT)
add_home("json.", embla.io.json, LEFT_OUT)
add_home("autograd.", embla.autograd, LEFT_OUT)
add_home("core.", core, CORE_LEFT_OUT)
surface.entries = entries

local methods = sorted_names(core.methods)
local getters = sorted_names(core.getters)

-- ---- arguments -------------------------------------------------------------------------------------------------

local BY_TYPE = {
  boolean = function() return once_in(2) end,
  integer = values.integer,
  number = values.number,
  integers = function() return {values.integer(), values.integer()} end,
  numbers = function() return {values.number(), values.number()} end,
  dtype = function() return one_of {"float32", "float64", "int64", "int32", "uint8", "bool", "float16", "bfloat16"} end,
  tensor = values.some_tensor,
  string = values.word,
  ["function"] = values.callback,
  table = values.options,
}

local function option_value(row)
  if once_in(8) then return values.any(1) end
  if row.choices and #row.choices > 0 then return one_of(row.choices) end
  local make = BY_TYPE[(row.type or "any"):match "^[^|]+"]
  if make then return make() end
  return values.any(1)
end

-- Options by name, of a spec's rows.
local function named(spec)
  local t = {}
  for _ = 1, random(0, 3) do
    if #spec.rows == 0 then break end
    local row = one_of(spec.rows)
    t[row.name] = option_value(row)
  end
  return t
end

-- Arguments that an operation of the core takes, or nearly.
local function for_operation(op, list, n)
  for i, name in ipairs(op.inputs) do
    if i > n then
      list[i] = once_in(12) and values.any() or name:find "i[nd][dx]" and values.ids() or values.some_tensor()
    end
  end
  n = math.max(n, #op.inputs)
  for _, row in ipairs(op.spec.rows) do
    if once_in(3) then break end
    n = n + 1
    list[n] = option_value(row)
  end
  if once_in(4) then
    n = n + 1
    list[n] = named(op.spec)
  end
  return n
end

-- By the names of parameters: what each probably wants.
local BY_NAME = {
  {"dim", values.integer}, {"^n$", values.integer}, {"^k$", values.integer}, {"size", values.integer},
  {"ids", values.ids}, {"index", values.ids}, {"indices", values.ids}, {"^f$", values.callback},
  {"hook", values.callback}, {"closure", values.callback}, {"path", function() return surface.path() end},
  {"opt", values.options},
  {"input", values.some_tensor}, {"^x$", values.some_tensor}, {"^t$", values.some_tensor},
  {"tensor", values.some_tensor},
  {"weight", values.some_tensor}, {"target", values.some_tensor}, {"name", values.word}, {"word", values.word},
  {"dtype", BY_TYPE.dtype},
  {"params", function() return {values.some_tensor(), values.some_tensor()} end},
}

local function for_function(f, list, n)
  local info = debug.getinfo(f, "u")
  for i = n + 1, info.nparams do
    local name = debug.getlocal(f, i)
    local make = values.any
    for _, row in ipairs(BY_NAME) do
      if name:find(row[1]) then make = row[2] break end
    end
    if once_in(4) then make = values.any end
    list[i] = make()
  end
  n = math.max(n, info.nparams)
  if info.isvararg then
    for _ = 1, random(0, 3) do
      n = n + 1
      list[n] = values.any()
    end
  end
  if once_in(6) then
    n = n + 1
    list[n] = values.options()
  end
  if once_in(6) then n = random(0, n) end
  return n
end

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir " .. folder))

--- A path in the fuzzer's own folder.
function surface.path() return folder .. "/" .. one_of {"a", "b", "c.bin", "none/d", "", "words.txt"} end

--- Removes that folder.
function surface.finish() os.execute("rm -r " .. folder) end

--- Arguments for a function: a list and their number. The first `n` stand in `list` already.
function surface.arguments(name, f, list, n)
  if once_in(10) then                                   -- anything
    for i = n + 1, n + random(0, 4) do
      list[i] = values.any()
      n = i
    end
    return n
  end
  local op = ops.describe((name:match "[%w_]+$" or ""):gsub("_$", ""))
  if op and once_in(4) == false then return for_operation(op, list, n) end
  if type(f) == "table" then
    local spec = rawget(f, "spec")
    if type(spec) == "table" and spec.rows and once_in(2) then
      for i, row in ipairs(spec.rows) do
        if once_in(4) then break end
        list[n + i] = option_value(row)
      end
      n = math.max(n, random(0, #spec.rows))
      if once_in(2) then
        n = n + 1
        list[n] = named(spec)
      end
      return n
    end
    f = f.init or f
  end
  if type(f) == "function" then return for_function(f, list, n) end
  for i = n + 1, n + random(0, 4) do list[i] = values.any() end
  return n + random(0, 4)
end

-- ---- objects ---------------------------------------------------------------------------------------------------

local OPERATORS = {
  function(a, b) return a + b end, function(a, b) return a - b end, function(a, b) return a * b end,
  function(a, b) return a / b end, function(a, b) return a // b end, function(a, b) return a % b end,
  function(a, b) return a ^ b end, function(a) return -a end, function(a) return #a end,
  function(a, b) return a .. b end, function(a, b) return a == b end, function(a, b) return a < b end,
  function(a, b) return a <= b end, function(a, b) return a[b] end, function(a) return tostring(a) end,
  function(a, b) return a & b end, function(a, b) return a | b end, function(a) return ~a end,
  function(a, b) a[b] = values.any() end, function(a, b) return a(b) end, function(a) return pairs(a)(a) end,
  function(a, b) a[{b, values.any()}] = values.any() end, function(a, b) return a[{b, values.any()}] end,
  function(a) return a[{{values.integer(), values.integer()}}] end,
}

-- All names of methods of an object's class, those inherited too.
local function names_of(object)
  local names, cls = {}, getmetatable(object)
  while type(cls) == "table" do
    for _, name in ipairs(sorted_names(cls)) do
      if type(rawget(cls, name)) == "function" then names[#names + 1] = name end
    end
    cls = rawget(cls, "super")
  end
  return names
end

--- A call to make: name, function, arguments, their number.
function surface.pick()
  local dice = random(100)
  if dice <= 35 then                                    -- a method of a tensor
    local name = one_of(methods)
    local list = {once_in(30) and values.any() or values.some_tensor()}
    local f = core.methods[name]
    return "t:" .. name, f, list, surface.arguments(name, f, list, 1)
  elseif dice <= 47 then
    local object = once_in(3) and values.any() or values.some_tensor()
    if object == embla then object = nil end            -- to write into the library is the script's own affair
    return "operator", one_of(OPERATORS), {object, values.any()}, 2
  elseif dice <= 50 then
    local name = one_of(getters)
    return "getter " .. name, function(t) return t[name] end, {values.any()}, 1
  elseif dice <= 62 then                                -- a method of an object
    local object = values.pooled()
    local names = type(object) == "table" and names_of(object) or {}
    if #names > 0 then
      local name = one_of(names)
      local f = object[name]
      if type(f) == "function" then
        local list = {once_in(40) and values.any() or object}
        return ":" .. name, f, list, surface.arguments(name, f, list, 1)
      end
    end
  end
  local entry = one_of(entries)
  local list = {}
  return entry[1], entry[2], list, surface.arguments(entry[1], entry[2], list, 0)
end

return surface
