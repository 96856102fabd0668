-- No argument makes the library stumble: every function, class and method, called with odd values, works or refuses in
-- its own words, at the script's line. EMBLA_ROUNDS sets how often (default 30).
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local arguments = require "embla.arguments.by_name"
local core = require "embla.core"
local embla = require "embla"
local help = require "embla.help"
local nn = embla.nn

local ROUNDS = tonumber(os.getenv "EMBLA_ROUNDS" or 30)
local HERE = "^[^\n]*test_arguments%.lua:%d+: "

-- ---- odd values ------------------------------------------------------------------------------------------------

local VALUES = {
  function() return nil end, function() return true end, function() return false end, function() return 0 end,
  function() return 1 end, function() return -1 end, function() return 3 end, function() return 2.5 end,
  function() return 0 / 0 end, function() return math.huge end, function() return 2 ^ 53 end,
  function() return "no/such/folder" end, function() return "" end, function() return {} end,
  function() return {1, 2} end,
  function() return {{1, 2}, {3}} end, function() return {a = 1} end, function() return {dim = 1} end,
  function() return {reduction = "sum"} end, function() return print end, function() return io.stdout end,
  function() return coroutine.create(print) end, function() return embla.zeros(0) end,
  function() return embla.rand(3) end, function() return embla.rand(2, 3) end,
  function() return embla.rand(2, 3, 4):requires_grad_() end, function() return embla.LongTensor {0, 1, 2} end,
  function() return embla.tensor(1.5) end, function() return embla.BoolTensor {true, false, true} end,
  function() return nn.Parameter(embla.rand(3, 3)) end, function() return nn.Linear(3, 3) end,
  function() return embla.zeros(2, 0, 3) end, function() return embla.rand(2, 3, {dtype = "float64"}) end,
  function() return embla.sparse_coo_tensor({0, 1}, {{1.0}, {2.0}}, {3, 1}) end,
}

local TENSORS = {}
for _, make in ipairs(VALUES) do
  if embla.is_tensor(make()) then TENSORS[#TENSORS + 1] = make end
end

local function odd_arguments()
  local list = {n = math.random(0, 4)}
  for i = 1, list.n do list[i] = VALUES[math.random(#VALUES)]() end
  return list
end

-- ---- what is called --------------------------------------------------------------------------------------------

-- These print, make folders, change the machine's use, or hand their argument to print.
local LEFT_OUT = {help = true, set_num_threads = true, no_grad = true, enable_grad = true, progress = true,
                  requires_grad_ = true, Optimizer = true, LRScheduler = true, set_detect_anomaly = true,
                  Checkpoint = true}

local function is_class(value) return type(value) == "table" and rawget(value, "__index") == value end

-- Functions and classes of a table, as {name, function} in order.
local function callables(prefix, home)
  local list = {}
  for name, value in pairs(home) do
    if type(name) == "string" and not name:match "^_" and not LEFT_OUT[name] and
       (type(value) == "function" or is_class(value)) then
      list[#list + 1] = {prefix .. name, value}
    end
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

-- The names of all functions and classes.
local known_names = {}
for _, home in ipairs {embla, embla.autograd, embla.utils, nn.functional, nn.init, nn.utils, nn.utils.rnn, embla.data,
                       embla.text, embla.io, nn, embla.optim, embla.optim.lr_scheduler, core.methods, core.ops} do
  for name, value in pairs(home) do
    local cls = type(value) == "table" and rawget(value, "__name") and value
    if type(name) == "string" and (cls or type(value) == "function") then known_names[name] = true end
    while cls do
      for method in pairs(cls) do known_names[method] = true end
      cls = rawget(cls, "super")
    end
  end
end

-- ---- which argument --------------------------------------------------------------------------------------------

-- Parameters and options of a function or a class, as its text and its specs tell them, into a set.
local function add_arguments(set, f)
  if type(f) == "table" and not is_class(f) then return end
  if type(f) == "table" then
    for _, name in ipairs {"init", "forward"} do
      if type(f[name]) == "function" then add_arguments(set, f[name]) end
    end
    for _, key in ipairs {"spec", "call_spec"} do
      for _, name in ipairs((rawget(f, key) or {names = {}}).names) do set[name] = true end
    end
    return
  end
  local behind = arguments.origin(f)
  for i = 1, debug.getinfo(behind, "u").nparams do set[debug.getlocal(behind, i)] = true end
  local text = help.text(f) or ""
  for name in text:gmatch "@param%s+([%w_]+)" do set[name] = true end
  for name in text:gmatch "\n  ([%w_]+) +[^\n]" do set[name] = true end
  for name in text:gmatch "[{,]%s*([%w_]+) =" do set[name] = true end
  for name in (text:match "@param +%.%.%. ([^\n]*)" or ""):gmatch "([%w_]+) ?[%[(,=]" do set[name] = true end
  for name in (text:match "^[^\n]-%((.-)%)" or ""):gmatch "[%w_]+" do set[name] = true end
end

-- What concerns several arguments at once, the object itself, its state, or a position among equal arguments.
local NOT_ABOUT_ONE = {
  "too many arguments", "arguments given, at most", "unknown option '", "tables? of options", "operand %d",
  "argument %d+ has %d+ rows",
  "not? broadcast", "cannot be multiplied", "of at least 1 dim", "takes dense tensors", "of bool are not supported",
  "integers or bools", "have no product", "not for bools", "no element to choose", "no position to",
  "which cannot be kept in",
  "does not fit into", "requires? grad", "has no gradient, so", "row%-sparse", "sparse: values", "this one ",
  "has no length", "defines no forward", "nothing was stored", "not coalesced", "not enough memory",
  "empty parameter list", "No such file", "expected %[start,%] stop", "too many elements",
  "a? gradient", "finite range", "sizes: ", "position ", "shape %(",
  "size %-?%d", "element %d", "parameter %d", "input %d", "id %-?%d", "index %-?%d", "dim %-?%d", "sentence %-?%d",
  "path %d", "field ", "values for", "range ", "from %-?%S+ to", "sparse: ids",
}

-- Operations that say the name of the layer.
local KEYS = {Embedding = "embedding", EmbeddingBag = "embedding_bag", RNN = "rnn_layer", LSTM = "lstm_layer",
              GRU = "gru_layer"}

local layers = {}
for name, layer in pairs(nn) do layers[name] = layer end

-- Whether a message says which argument is meant: by name, or by its place.
local function names_the_argument(f, message)
  local set, text, at = {}, message:gsub(HERE, ""), 1
  add_arguments(set, f)
  if set.self then set.tensor = true end
  local called = true
  while true do
    local word, after = text:match("^([%w_#]+)[.:] ?()", at)
    if not word then break end
    if set[word] and not called then return true end
    for _, home in ipairs {core.ops, core.methods, nn.functional, nn.Module, layers} do
      for _, key in ipairs {word, KEYS[word]} do
        if rawget(home, key) then add_arguments(set, home[key]) end
      end
    end
    called, at = false, after
  end
  for word in text:sub(at):gmatch "[%a_][%w_]*" do
    if set[word] then return true end
  end
  for _, words in ipairs(NOT_ABOUT_ONE) do
    if text:find(words) then return true end
  end
  return false
end

-- Out of memory, or missing on the disk: whoever asked for it.
local OF_NO_FUNCTION = {"not enough memory", "has too many elements", "No such file"}

-- Whether the name of a function or a class leads the message, abs_ being abs in place, and none but an argument's
-- follows it, or a method's that of its class.
local function names_a_function(f, message)
  local text = message:gsub(HERE, "")
  local first, rest = text:gsub("^%w+%.", ""):match "^([%w_#]+): (.*)$"
  local second, own = rest and rest:match "^([%w_]+): ", {}
  if second and known_names[second] and (core.ops[second] or not first:find "^%u") then
    for _, home in ipairs {core.ops, core.methods, nn.functional, layers, embla} do
      local known = rawget(home, first) or rawget(home, (first:gsub("_$", "")))
      if known then add_arguments(own, known) end
    end
    add_arguments(own, f)
    if not own[second] then return false end
  end
  if first and (known_names[first] or known_names[first .. "_"] or first == "#") then return true end
  for _, words in ipairs(OF_NO_FUNCTION) do
    if text:find(words, 1, true) then return true end
  end
  return false
end

-- Calls f with odd arguments; an error must be the library's own, begin with the name of the function
-- and name the argument.
local function try(name, f, ...)
  local given = odd_arguments()
  local first = table.pack(...)
  local all = table.move(given, 1, given.n, first.n + 1, first)
  local ok, result = pcall(function()
    local value = f(table.unpack(all, 1, first.n + given.n))
    return value
  end)
  if ok then return result end
  if type(result) ~= "string" or result:find("attempt to ", 1, true) or result:find("bad argument", 1, true)
     or not result:find(HERE) or not names_a_function(f, result) or not names_the_argument(f, result) then
    t.fail(("%s given %s: %s"):format(name, t.show(given), tostring(result)))
  end
end

-- Runs every callable of a home, a test each; `more` sees what it returned.
local function try_all(prefix, home, more)
  for _, entry in ipairs(callables(prefix, home)) do
    local name, f = entry[1], entry[2]
    t.test(name .. " works or refuses", function()
      for _ = 1, ROUNDS do
        local made = try(name, f)
        if made ~= nil and more and is_class(f) then more(name, made) end
      end
    end)
  end
end

-- A layer that could be made is called, shown, listed, loaded.
local function try_module(name, module)
  try(name .. "()", module.__call and module or module.forward)
  try(name .. ":load_state_dict", module.load_state_dict, module)
  try(name .. ":to", module.to, module)
  t.equal(type(tostring(module)), "string")
  t.equal(type(module:parameters()), "table")
end

-- Methods of a home, each on a fresh object.
local function try_methods(prefix, methods, make)
  for _, entry in ipairs(callables(prefix, methods)) do
    t.test(entry[1] .. " works or refuses", function()
      for _ = 1, ROUNDS do try(entry[1], entry[2], make()) end
    end)
  end
end

-- The public methods of a class, inherited ones included.
local INTERNAL = {extra_repr = true, setup = true, rate = true, restart = true, note_rates = true, adopt = true,
                  is_instance = true, init = true, extend = true, allocate = true, apply = true, define = true,
                  describe_options = true, from_rule = true, get_state = true, set_state = true, start = true,
                  groups_of = true, options_repr = true, spec_of = true, pretrained_spec_of = true, of_table = true,
                  prepare = true}
local function all_of(cls)
  local methods = {}
  while cls do
    for name, f in pairs(cls) do
      if type(f) == "function" and not INTERNAL[name] and methods[name] == nil then methods[name] = f end
    end
    cls = cls.super
  end
  return methods
end

local function optimizer(cls)
  local p = embla.rand(3, 2, {requires_grad = true})
  p.grad = embla.rand(3, 2)
  if cls.__name == "EMA" then return cls {p} end
  if cls.__name == "SparseAdam" then p.grad = embla.sparse_coo_tensor({0, 1}, {{1.0, 1.0}, {2.0, 2.0}}, {3, 2}) end
  return cls({p}, {lr = 0.1})
end

-- A schedule with odd options.
local function try_all_on(name, cls)
  t.test(name .. " of an optimizer works or refuses", function()
    for _ = 1, ROUNDS do try(name, cls, optimizer(embla.optim.SGD)) end
  end)
end

math.randomseed(1)
embla.manual_seed(1)
try_all("embla.", embla)
try_all("F.", nn.functional)
try_all("nn.init.", nn.init)
try_all("nn.utils.", nn.utils)
try_all("nn.", nn, try_module)
try_all("data.", embla.data)
try_all("autograd.", embla.autograd)
try_all("utils.", embla.utils)
try_all("nn.utils.rnn.", nn.utils.rnn)
try_all("optim.", embla.optim)
try_all("lr_scheduler.", embla.optim.lr_scheduler)
try_all("text.", embla.text)
try_all("io.", embla.io)
try_methods("t:", core.methods, function() return TENSORS[math.random(#TENSORS)]() end)
try_methods("Module:", nn.Module, function() return nn.Linear(3, 3) end)
-- Objects of data and text. The corpus is this file.
local corpus = embla.text.Corpus(arg[0])
local OBJECTS = {
  TensorDataset = function() return embla.data.TensorDataset(embla.rand(4, 2), embla.arange(4)) end,
  DataLoader = function()
    return embla.data.DataLoader(embla.data.TensorDataset(embla.rand(4, 2)), {batch_size = 2})
  end,
  Subset = function() return embla.data.Subset(embla.data.TensorDataset(embla.rand(4, 2)), embla.arange(2)) end,
  ConcatDataset = function() return embla.data.ConcatDataset {embla.data.TensorDataset(embla.rand(4, 2))} end,
  IterableDataset = function() return embla.data.IterableDataset(function() return ipairs {1, 2} end) end,
  ShuffleBuffer = function()
    return embla.data.ShuffleBuffer(embla.data.IterableDataset(function() return ipairs {1, 2} end), {buffer_size = 2})
  end,
  SequentialSampler = function() return embla.data.SequentialSampler(4) end,
  RandomSampler = function() return embla.data.RandomSampler(4) end,
  WeightedRandomSampler = function() return embla.data.WeightedRandomSampler({1, 2}, 3) end,
  DistributedSampler = function() return embla.data.DistributedSampler(5, 2, 1) end,
  BatchSampler = function() return embla.data.BatchSampler(embla.data.SequentialSampler(5), 2) end,
  Vocab = function() return embla.text.Vocab {"a", "b", "a"} end,
  Corpus = function() return corpus end,
  SkipGram = function() return embla.text.SkipGram(corpus, {batch_size = 4}) end,
  Embedding = function() return nn.Embedding(4, 2) end,
  EmbeddingBag = function() return nn.EmbeddingBag(4, 2) end,
  Sequential = function() return nn.Sequential(nn.Linear(2, 2), nn.ReLU()) end,
  ModuleList = function() return nn.ModuleList {nn.Linear(2, 2)} end,
  ModuleDict = function() return nn.ModuleDict {a = nn.Linear(2, 2)} end,
  StepLR = function() return embla.optim.lr_scheduler.StepLR(optimizer(embla.optim.SGD), {step_size = 1}) end,
  ReduceLROnPlateau = function() return embla.optim.lr_scheduler.ReduceLROnPlateau(optimizer(embla.optim.SGD)) end,
}

-- In one order, so that a seed gives the same calls every time.
local function sorted(home)
  local names = {}
  for name in pairs(home) do names[#names + 1] = name end
  table.sort(names)
  local i = 0
  return function()
    i = i + 1
    return names[i], home[names[i]]
  end
end
for name, cls in sorted(embla.optim) do
  if is_class(cls) and name ~= "Optimizer" then
    try_methods(name .. ":", all_of(cls), function() return optimizer(cls) end)
  end
end
for name, cls in sorted(embla.optim.lr_scheduler) do
  if is_class(cls) and name ~= "LRScheduler" then try_all_on(name, cls) end
end
for name, make in sorted(OBJECTS) do try_methods(name .. ":", all_of(getmetatable(make())), make) end
t.finish()
