-- nn.Module: classes users extend, fields in order of definition, walking, state, modes, and what it prints.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

-- A net with parameters of its own, a child, a shared parameter and buffers.
local Net = nn.Module:extend "Net"

function Net:init()
  self.scale = nn.Parameter(embla.ones(2))
  self.first = nn.Linear(3, 2)
  self.second = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
  self.tied = self.scale
  self:register_buffer("mean", embla.zeros(2))
  self:register_buffer("scratch", embla.zeros(1), {persistent = false})
  self.plain = embla.ones(5)
end

function Net:forward(x) return self.second(self.first(x)) * self.scale end

local function keys(named)
  local list = {}
  for name in pairs(named) do list[#list + 1] = name end
  return list
end

-- ---- classes ---------------------------------------------------------------------------------------------------

t.test("a class is called to make an object, and the object to compute", function()
  local net = Net()
  t.equal(net(embla.zeros(4, 3)).shape, {4, 2})
  t.equal(getmetatable(net).__name, "Net")
  t.equal(tostring(Net), "class Net")
end)

t.test("a class extends a class and calls what it replaces", function()
  local Twice = Net:extend "Twice"
  function Twice:init(factor)
    Net.init(self)
    self.factor = factor
  end
  function Twice:forward(x) return Net.forward(self, x) * self.factor end
  local net = Twice(2)
  local x = embla.ones(1, 3)
  t.equal(net(x):tolist(), (Net.forward(net, x) * 2):tolist())
  t.equal(rawequal(Twice.super, Net), true)
  t.equal(net.__name, "Twice")
end)

t.test("a class without a name, without forward", function()
  t.raises(function() nn.Module:extend() end, "extend", "name")
  local Empty = nn.Module:extend "Empty"
  t.raises(function() Empty()(1) end, "Empty", "forward")
end)

-- ---- fields ----------------------------------------------------------------------------------------------------

t.test("parameters come in order of definition, a shared one once", function()
  local net = Net()
  t.equal(keys(net:named_parameters()), {"scale", "first.weight", "first.bias", "second.0.weight", "second.0.bias"})
  local list = net:parameters()
  t.equal(#list, 5)
  t.equal(rawequal(list[1], net.scale), true)
  t.equal(rawequal(list[2], net.first.weight), true)
end)

t.test("named_parameters goes through a for loop, pairs, and by name", function()
  local net = Net()
  local names = {}
  for name, parameter in net:named_parameters() do
    names[#names + 1] = name
    t.equal(parameter.requires_grad, true)
  end
  t.equal(names, keys(net:named_parameters()))
  t.equal(rawequal(net:named_parameters()["first.bias"], net.first.bias), true)
end)

t.test("buffers are not parameters, and plain tensors are neither", function()
  local net = Net()
  t.equal(keys(net:named_buffers()), {"mean", "scratch"})
  t.equal(#net:buffers(), 2)
end)

t.test("modules and children", function()
  local net = Net()
  t.equal(keys(net:named_children()), {"first", "second"})
  t.equal(keys(net:named_modules()), {"", "first", "second", "second.0", "second.1"})
  t.equal(#net:children(), 2)
  t.equal(#net:modules(), 5)
  t.equal(rawequal(net:modules()[1], net), true)
end)

t.test("a field may be taken away and replaced; it keeps its place", function()
  local net = Net()
  net.first = nil
  t.equal(keys(net:named_children()), {"second"})
  net.first = nn.Identity()
  t.equal(keys(net:named_children()), {"first", "second"})
  net.first.bias = nil
  t.equal(#net:parameters(), 3)
end)

t.test("a false that becomes a module is found", function()
  local Late = nn.Module:extend "Late"
  function Late:init() self.head = false end
  local net = Late()
  net.head = nn.Linear(1, 1)
  t.equal(keys(net:named_parameters()), {"head.weight", "head.bias"})
end)

t.test("a plain tensor in a parameter's place is refused as soon as it is looked for", function()
  local net = nn.Linear(2, 2)
  net.weight = embla.ones(2, 2)
  t.raises(function() net:parameters() end, "Linear", "weight", "nn.Parameter")
end)

t.test("a module that holds itself is walked once", function()
  local net = nn.Linear(1, 1)
  net.me = net
  t.equal(#net:modules(), 1)
  t.equal(keys(net:state_dict()), {"weight", "bias"})
end)

t.test("register_buffer and register_parameter check what they are given", function()
  local net = Net()
  t.raises(function() net:register_buffer("mean", embla.zeros(1)) end, "register_buffer", "mean", "taken")
  t.raises(function() net:register_buffer("forward", embla.zeros(1)) end, "forward", "taken")
  t.raises(function() net:register_buffer("a.b", embla.zeros(1)) end, "a.b", "dot")
  t.raises(function() net:register_buffer("x", 1) end, "register_buffer", "tensor", "1")
  t.raises(function() net:register_buffer(nil, embla.zeros(1)) end, "name")
  t.raises(function() net:register_buffer("x", embla.zeros(1), {persist = true}) end, "persist", "persistent")
  t.raises(function() net:register_parameter("x", embla.zeros(1)) end, "register_parameter", "nn.Parameter")
  net:register_parameter("none", nil)
  t.equal(net.none, nil)
  net:register_parameter("extra", nn.Parameter(embla.zeros(1)))
  t.equal(rawequal(net:named_parameters().extra, net.extra), true)
  t.raises(function() net:add_module("x", 3) end, "add_module", "module", "3")
end)

-- ---- modes -----------------------------------------------------------------------------------------------------

t.test("train and eval reach every module", function()
  local net = Net()
  t.equal(rawequal(net:eval(), net), true)
  for _, module in ipairs(net:modules()) do t.equal(module.training, false) end
  net:train()
  for _, module in ipairs(net:modules()) do t.equal(module.training, true) end
  net:train(false)
  t.equal(net.second[1].training, false)
  t.raises(function() net:train("yes") end, "train", "boolean", "yes")
end)

t.test("requires_grad_ freezes and thaws", function()
  local net = Net():requires_grad_(false)
  for _, p in ipairs(net:parameters()) do t.equal(p.requires_grad, false) end
  net:requires_grad_()
  for _, p in ipairs(net:parameters()) do t.equal(p.requires_grad, true) end
  t.raises(function() net:requires_grad_(0) end, "requires_grad_", "boolean")
end)

t.test("zero_grad takes gradients away, or fills them with zeros", function()
  local net = nn.Linear(2, 1)
  net(embla.ones(1, 2)):sum():backward()
  t.equal(net.weight.grad, {{1, 1}})
  net:zero_grad {set_to_none = false}
  t.equal(net.weight.grad, {{0, 0}})
  net:zero_grad()
  t.equal(net.weight.grad, nil)
  t.raises(function() net:zero_grad {set_to_nil = true} end, "zero_grad", "set_to_nil", "set_to_none")
end)

t.test("apply visits the innermost first", function()
  local names = {}
  local net = Net()
  t.equal(rawequal(net:apply(function(module) names[#names + 1] = module.__name end), net), true)
  t.equal(names, {"Linear", "Linear", "ReLU", "Sequential", "Net"})
end)

-- ---- conversion ------------------------------------------------------------------------------------------------

t.test("to converts parameters and buffers, keeps what is shared, and gradients", function()
  local net = Net()
  net.first(embla.ones(1, 3)):sum():backward()
  net:to "float64"
  for _, p in ipairs(net:parameters()) do t.equal({p.dtype, p.requires_grad}, {"float64", true}) end
  t.equal(net.mean.dtype, "float64")
  t.equal(rawequal(net.tied, net.scale), true)
  t.equal(net.first.weight.grad.dtype, "float64")
  t.equal(net(embla.ones(1, 3, {dtype = "float64"})).dtype, "float64")
  t.equal(net:float().scale.dtype, "float32")
  t.equal(net:double().scale.dtype, "float64")
  t.raises(function() net:to "int64" end, "to", "float32", "int64")
  t.raises(function() net:to() end, "to", "nil")
end)

-- ---- state -----------------------------------------------------------------------------------------------------

local STATE = {"scale", "tied", "mean", "first.weight", "first.bias", "second.0.weight", "second.0.bias"}

t.test("state_dict holds parameters, shared ones under each name, and persistent buffers, in order", function()
  local net = Net()
  local state = net:state_dict()
  t.equal(keys(state), STATE)
  t.equal(state["first.weight"].requires_grad, false)
  state["scale"]:fill_(4)                                   -- shares storage
  t.equal(net.scale:detach():tolist(), {4, 4})
end)

t.test("a state goes there and back", function()
  local from, to = Net(), Net()
  local result = to:load_state_dict(from:state_dict())
  t.equal(result, {missing_keys = {}, unexpected_keys = {}})
  for name, p in from:named_parameters() do t.same_bits(to:named_parameters()[name]:detach(), p:detach()) end
  t.equal(to.first.weight.requires_grad, true)
end)

-- ---- printing --------------------------------------------------------------------------------------------------

t.test("tostring is PyTorch's tree", function()
  t.equal(tostring(Net()), table.concat({
    "Net(",
    "  (first): Linear(in_features=3, out_features=2, bias=True)",
    "  (second): Sequential(",
    "    (0): Linear(in_features=2, out_features=2, bias=True)",
    "    (1): ReLU()",
    "  )",
    ")",
  }, "\n"))
  t.equal(tostring(nn.Sequential()), "Sequential()")
  t.equal(tostring(nn.ModuleList {nn.ReLU(), nn.ReLU()}), "ModuleList(\n  (0): ReLU()\n  (1): ReLU()\n)")
  t.equal(tostring(nn.ModuleDict {a = nn.ReLU(), b = nn.Sequential()}),
          "ModuleDict(\n  (a): ReLU()\n  (b): Sequential()\n)")
end)

t.test("extra_repr comes before the children", function()
  local Named = nn.Module:extend "Named"
  function Named:init() self.inner = nn.Tanh() end
  function Named.extra_repr() return "depth=3" end
  t.equal(tostring(Named()), "Named(\n  depth=3\n  (inner): Tanh()\n)")
end)

t.test("clone makes a tree with tensors of its own, shared as before", function()
  local tied = nn.Linear(2, 2)
  local net = nn.Sequential(tied, nn.BatchNorm1d(2), tied)
  net[1].bias:requires_grad_(false)
  local copy, x = net:clone(), embla.randn(3, 2)
  t.equal(rawequal(copy[1], copy[3]), true)
  t.equal({#copy:parameters(), copy[1].bias.requires_grad}, {#net:parameters(), false})
  t.equal(tostring(copy), tostring(net))
  t.same_bits(copy(x):detach(), net(x):detach())
  local kept = net[1].weight:detach():clone()
  copy[1].weight:detach():zero_()
  copy[2].running_mean:fill_(9)
  t.same_bits(net[1].weight:detach(), kept)
  t.equal(net[2].running_mean:tolist()[1] ~= 9, true)
end)

-- ---- plain tables ----------------------------------------------------------------------------------------------

-- Layers in tables: one given whole, one filled later, one by name, one in another; and data, which is none.
local Tables = nn.Module:extend "Tables"

function Tables:init()
  self.layers = {nn.Linear(2, 2), nn.Linear(2, 2)}
  self.later = {}
  for i = 1, 2 do self.later[i] = nn.Linear(2, 1, {bias = false}) end
  self.named = {b = nn.Linear(1, 1, {bias = false}), a = {{nn.Linear(1, 2, {bias = false})}}}
  self.scales = {nn.Parameter(embla.ones(1)), embla.ones(7)}
  self.data = {1, "x", {embla.ones(2)}, {a = {3}}}
  self.data.itself = self.data
end

function Tables:forward(x)
  for _, layer in ipairs(self.layers) do x = layer(x) end
  for _, layer in ipairs(self.later) do x = x + layer(x) end
  return self.named.b(x:mean(1, true)) + self.named.a[1][1](x:mean(1, true)):sum() * self.scales[1]
end

local NAMES = {"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "later.0.weight",
               "later.1.weight", "named.a.0.0.weight", "named.b.weight", "scales.0"}

local function sorted(list)
  table.sort(list)
  return list
end

t.test("modules and parameters in plain tables are found, saved and trained", function()
  local net = Tables()
  t.equal(sorted(keys(net:state_dict())), sorted({table.unpack(NAMES)}))
  t.equal(sorted(keys(net:named_parameters())), sorted({table.unpack(NAMES)}))
  t.equal(#net:parameters(), 9)
  t.equal(keys(net:named_children()), {"layers.0", "layers.1", "later.0", "later.1", "named.a.0.0", "named.b"})
  t.equal(#net:modules(), 7)
  local before = {}
  for name, p in net:named_parameters() do before[name] = p:detach():clone() end
  local opt = embla.optim.SGD(net:parameters(), {lr = 0.1})
  net(embla.ones(3, 2)):sum():backward()
  opt:step()
  for name, p in net:named_parameters() do
    if before[name]:equal(p:detach()) then t.fail(name .. " is not trained") end
  end
  net:zero_grad()
  t.equal(net.layers[2].weight.grad, nil)
end)

t.test("modes, conversion, copies and files reach into plain tables", function()
  local net = Tables()
  net:eval()
  t.equal({net.layers[1].training, net.named.a[1][1].training}, {false, false})
  net:double()
  t.equal({net.layers[2].weight.dtype, net.scales[1].dtype, net.scales[2].dtype}, {"float64", "float64", "float32"})
  local other = Tables():double()
  other:load_state_dict(net:state_dict())
  local x = embla.ones(3, 2, {dtype = "float64"})
  t.equal(other(x):tolist(), net(x):tolist())
  local copy = net:clone()
  copy.layers[1].weight:detach():zero_()
  t.equal({copy.layers[1].weight:abs():sum():item(), net.layers[1].weight:abs():sum():item() > 0}, {0, true})
  t.equal(#copy:parameters(), 9)
  local seen = 0
  net:apply(function() seen = seen + 1 end)
  t.equal(seen, 7)
  t.equal(tostring(net):match "%(layers%.1%): [^\n]*", "(layers.1): Linear(in_features=2, out_features=2, bias=True)")
  t.raises(function() other:load_state_dict {["layers.0.weight"] = embla.zeros(2, 2)} end, "missing", "later.1.weight")
end)

t.test("a module in two tables has two names in a state, and one among the parameters", function()
  local net = nn.Module()
  net.a = {nn.Linear(1, 1, {bias = false})}
  net.b = {net.a[1]}
  t.equal(sorted(keys(net:state_dict())), {"a.0.weight", "b.0.weight"})
  t.equal(keys(net:named_parameters()), {"a.0.weight"})
  net.b[1] = nil
  t.equal(keys(net:state_dict()), {"a.0.weight"})
  net.c = {[net.a] = nn.Linear(1, 1)}
  t.raises(function() net:parameters() end, "Module: field c has a module under the key table: ", "name or a position")
end)

t.test("parameters in plain tables are counted by summary", function()
  t.equal(embla.summary(Tables(), embla.ones(3, 2)).parameters, 6 + 6 + 2 + 2 + 2 + 1 + 1)
end)

-- ---- tied weights ----------------------------------------------------------------------------------------------

t.test("a parameter that is given stays that parameter, and is trained once", function()
  local function tied(make)
    local net = nn.Module()
    net.out = nn.Linear(2, 4, {bias = false})
    net.other = make(net.out.weight)
    return net
  end
  local cases = {
    ["Embedding, _weight"] = function(w) return nn.Embedding(4, 2, {_weight = w}) end,
    ["Embedding.from_pretrained"] = function(w) return nn.Embedding.from_pretrained(w, {freeze = false}) end,
    ["EmbeddingBag, _weight"] = function(w) return nn.EmbeddingBag(4, 2, {_weight = w}) end,
    ["EmbeddingBag.from_pretrained"] = function(w) return nn.EmbeddingBag.from_pretrained(w, {freeze = false}) end,
    Parameter = function(w)
      local m = nn.Module()
      m.weight = nn.Parameter(w)
      return m
    end,
    assignment = function(w)
      local m = nn.Linear(2, 4, {bias = false})
      m.weight = w
      return m
    end,
    register_parameter = function(w)
      local m = nn.Module()
      m:register_parameter("weight", w)
      return m
    end,
  }
  for name, make in pairs(cases) do
    local net = tied(make)
    t.equal({name, rawequal(net.out.weight, net.other.weight), #net:parameters()}, {name, true, 1})
    t.equal(keys(net:state_dict()), {"out.weight", "other.weight"})
    -- Adagrad's first step moves each element by lr, however large its gradient: once, not twice.
    local before = net.out.weight:detach():clone()
    local opt = embla.optim.Adagrad(net:parameters(), {lr = 0.5})
    net.out.weight.grad = embla.ones(4, 2)
    opt:step()
    t.close((before - net.out.weight:detach()):tolist(), {{0.5, 0.5}, {0.5, 0.5}, {0.5, 0.5}, {0.5, 0.5}}, 1e-5)
  end
end)

t.test("a table that is frozen leaves the parameter that it is made of trained", function()
  local out = nn.Linear(2, 4)
  local emb = nn.Embedding.from_pretrained(out.weight)
  t.equal({emb.weight.requires_grad, out.weight.requires_grad}, {false, true})
  out.weight:detach():fill_(3)
  t.equal(emb({1}):tolist(), {{3, 3}})                   -- the storage is shared
  local again = nn.Embedding.from_pretrained(emb.weight)
  t.equal(rawequal(again.weight, emb.weight), true)
  local p = nn.Parameter(embla.ones(1))
  t.equal({rawequal(nn.Parameter(p, false), p), nn.Parameter(p, false).requires_grad, p.requires_grad},
          {false, false, true})
end)

t.test("a field that was a parameter stays one, or is taken away with nil", function()
  local net = nn.Linear(2, 2)
  net.weight = 3
  for _, f in ipairs {net.parameters, net.state_dict, net.zero_grad, net.eval} do
    t.raises(function()
      f(net)
      net:named_parameters()
    end, "field weight was a Parameter and now holds 3")
  end
  net.weight = nil
  t.equal(#net:parameters(), 1)
  local outer = nn.Module()
  outer.fc = net
  outer.fc = 3
  t.raises(function() outer:parameters() end, "field fc was a module and now holds 3")
  outer.fc = nn.Identity()
  t.equal(#outer:parameters(), 0)
  outer.fc = nil
  t.equal(#outer:modules(), 1)
end)

t.finish()
