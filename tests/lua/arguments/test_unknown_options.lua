-- No option is ignored in silence: every public function, method and class is called with a table of options that holds
-- a name it cannot know, and must raise an error with that name. Without its first argument it may miss that first.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"
local nn = embla.nn

local NAME = "no_such_option"
local function unknown() return {[NAME] = 1} end

-- Their arguments are another's (f and what it is called with), any value, or a table that is what they work on.
local DATA = {
  ["embla.no_grad"] = true, ["embla.enable_grad"] = true, ["embla.help"] = true, ["embla.is_tensor"] = true,
  ["autograd.no_grad"] = true, ["autograd.enable_grad"] = true, ["autograd.detect_anomaly"] = true,
  ["utils.checkpoint"] = true, ["nn.Identity"] = true, ["nn.Sequential"] = true, ["nn.Module"] = true,
  ["nn.ModuleDict"] = true, ["nn.ModuleList"] = true, ["autograd.Function"] = true, ["data.Dataset"] = true,
  ["data.Sampler"] = true,
  ["optim.Optimizer"] = true,
}

local function is_class(value) return type(value) == "table" and rawget(value, "__index") == value end

-- `alone`: its first argument is missing.
local function must_refuse(name, alone, f, ...)
  local ok, message = pcall(f, ...)
  if ok then t.fail(name .. " takes it") end
  if type(message) == "string" and not message:find("attempt to", 1, true)
     and (message:find(NAME, 1, true) or alone and (message:find "argument" or message:find "missing")) then
    return
  end
  t.fail(("%s says: %s"):format(name, tostring(message)))
end

local function walk(prefix, home, first)
  local names = {}
  for name, f in pairs(home) do
    if type(name) == "string" and name:sub(1, 1) ~= "_" and not DATA[prefix .. name]
       and (type(f) == "function" or is_class(f)) then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    t.test(("%s%s refuses an option that it does not know"):format(prefix, name), function()
      must_refuse(prefix .. name, true, home[name], unknown())
      if first then must_refuse(prefix .. name, false, home[name], first(name), unknown()) end
    end)
  end
end

local LISTS = {cat = true, concat = true, concatenate = true, stack = true}

local function x(name) return LISTS[name] and {embla.rand(2, 3)} or embla.rand(2, 3) end

walk("embla.", embla)
walk("F.", nn.functional, x)
walk("t:", core.methods, x)
walk("nn.", nn)
walk("nn.init.", nn.init, x)
walk("nn.utils.", nn.utils)
walk("nn.utils.rnn.", nn.utils.rnn)
walk("data.", embla.data)
walk("text.", embla.text)
walk("io.", embla.io)
walk("autograd.", embla.autograd)
walk("utils.", embla.utils)
walk("optim.", embla.optim)
walk("lr_scheduler.", embla.optim.lr_scheduler)

-- ---- methods of objects ------------------------------------------------------------------------------------------

local function optimizer(name)
  local p = embla.rand(3, 2, {requires_grad = true})
  return name == "EMA" and embla.optim.EMA {p} or embla.optim[name or "SGD"]({p}, {lr = 0.1})
end

local OBJECTS = {
  TensorDataset = function() return embla.data.TensorDataset(embla.rand(4, 2)) end,
  DataLoader = function() return embla.data.DataLoader(embla.data.TensorDataset(embla.rand(4, 2))) end,
  ConcatDataset = function() return embla.data.ConcatDataset {embla.data.TensorDataset(embla.rand(4, 2))} end,
  ShuffleBuffer = function()
    return embla.data.ShuffleBuffer(embla.data.IterableDataset(function() return ipairs {1, 2} end), {buffer_size = 2})
  end,
  RandomSampler = function() return embla.data.RandomSampler(4) end,
  WeightedRandomSampler = function() return embla.data.WeightedRandomSampler({1, 2}, 3) end,
  DistributedSampler = function() return embla.data.DistributedSampler(5, 2, 1) end,
  BatchSampler = function() return embla.data.BatchSampler(embla.data.SequentialSampler(5), 2) end,
  Vocab = function() return embla.text.Vocab {"a", "b"} end,
  Corpus = function() return embla.text.Corpus(arg[0]) end,
  SkipGram = function() return embla.text.SkipGram(embla.text.Corpus(arg[0]), {batch_size = 4}) end,
  Word2Vec = function() return embla.text.Word2Vec(embla.text.Corpus(arg[0]), {dim = 4}) end,
  Linear = function() return nn.Linear(2, 2) end, Embedding = function() return nn.Embedding(4, 2) end,
  LSTM = function() return nn.LSTM(2, 2) end,
  StepLR = function() return embla.optim.lr_scheduler.StepLR(optimizer(), {step_size = 1}) end,
  ReduceLROnPlateau = function() return embla.optim.lr_scheduler.ReduceLROnPlateau(optimizer()) end,
}
for name, cls in pairs(embla.optim) do
  if is_class(cls) and name ~= "Optimizer" and name ~= "SparseAdam" then
    OBJECTS[name] = function() return optimizer(name) end
  end
end

-- Their table is what they work on, or they are the library's own.
local WORKS_ON = {
  init = true, extend = true, allocate = true, load_state_dict = true, add_param_group = true, apply = true,
  is_instance = true, prepare = true, of_table = true, from_rule = true, describe_options = true, rate = true,
  spec_of = true, pretrained_spec_of = true, groups_of = true, setup = true, start = true, adopt = true,
  set_state = true, get_state = true, note_rates = true, options_repr = true, extra_repr = true, define = true,
  forward = true, ids = true, words = true,
}

local made = {}
for name in pairs(OBJECTS) do made[#made + 1] = name end
table.sort(made)
for _, name in ipairs(made) do
  t.test("methods of " .. name .. " refuse an option that they do not know", function()
    local object, seen = OBJECTS[name](), {}
    local cls = getmetatable(object)
    while cls do
      for key, f in pairs(cls) do
        if type(f) == "function" and key:sub(1, 1) ~= "_" and not WORKS_ON[key] and not seen[key] then
          seen[key] = true
          must_refuse(name .. ":" .. key, true, f, object, unknown())
        end
      end
      cls = rawget(cls, "super")
    end
  end)
end
t.finish()
