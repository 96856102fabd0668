-- Errors inside a network point at the line of forward and name the way to the layer.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F, nn = embla.F, embla.nn

local THIS = debug.getinfo(1, "S").short_src

-- The line of the caller, moved.
local function line(by) return ("%s:%d: "):format(THIS, debug.getinfo(2, "l").currentline + by) end

local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  t.equal(ok, false)
  return message
end

local function begins(message, place, ...)
  t.equal(message:sub(1, #place), place)
  t.raises(function() error(message, 0) end, ...)
end

t.test("a call in the middle of forward", function()
  local Net = nn.Module:extend "Net"
  function Net:init() self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 1) end
  function Net:forward(x)
    local h = self.a(x)
    local y = self.b(h)
    return y
  end
  begins(message_of(Net(), embla.ones(1, 3)), line(-3), "linear", "(in Net.b)")
end)

t.test("a tail call of forward", function()
  local Net = nn.Module:extend "Net"
  function Net:init() self.b = nn.Linear(3, 1) end
  function Net:forward(x)
    return self.b(x)
  end
  begins(message_of(Net(), embla.ones(1, 2)), line(-2), "linear", "(in Net.b)")
  function Net:forward(x) return self.b(x) end
  begins(message_of(Net(), embla.ones(1, 2)), line(-1), "(in Net.b)")
  function Net:forward(x)
    x = x * 2
    return F.linear(x, self.b.weight)
  end
  begins(message_of(Net(), embla.ones(1, 2)), line(-2), "linear")
  function Net.forward(_, x)
    x = x * 2
    return x:view(7)
  end
  begins(message_of(Net(), embla.ones(1, 2)), line(-2), "view")
end)

t.test("one network inside another, each with a tail call", function()
  local Inner, Outer = nn.Module:extend "Inner", nn.Module:extend "Outer"
  function Inner:init() self.layers = nn.ModuleList {nn.Linear(2, 2), nn.Linear(3, 3)} end
  function Inner:forward(x)
    return self.layers[2](x)
  end
  local inner_line = line(-2)
  function Outer:init() self.inner = Inner() end
  function Outer:forward(x) return self.inner(x) end
  begins(message_of(Outer(), embla.ones(1, 2)), inner_line, "(in Outer.inner.layers.1)")
  local deep = nn.Sequential(nn.Sequential(nn.Identity(), Outer()))
  begins(message_of(deep, embla.ones(1, 2)), inner_line, "(in Sequential.0.1.inner.layers.1)")
end)

t.test("Sequential names the layer's number, at the line of the script", function()
  local net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 4), nn.ReLU(), nn.Linear(3, 1))
  local message = message_of(function() return (net(embla.ones(1, 2))) end)
  begins(message, line(-1), "linear", "(in Sequential.4)")
end)

t.test("a layer alone needs no way to it", function()
  local layer = nn.Linear(3, 2)
  local message = message_of(function() return (layer(embla.ones(1, 2))) end)
  begins(message, line(-1), "linear: ")
  t.equal(message:find("(in ", 1, true), nil)
end)

t.test("a layer that is no part of the other begins its own way", function()
  local other = nn.Sequential(nn.Linear(3, 1))
  local Net = nn.Module:extend "Net"
  function Net.forward(_, x)
    local y = other(x)
    return y
  end
  begins(message_of(Net(), embla.ones(1, 2)), line(-3), "(in Sequential.0)")
end)

t.test("all results of forward come through", function()
  local Net = nn.Module:extend "Net"
  function Net.forward(_, ...) return ... end
  t.equal(table.pack(Net()(1, nil, 3, nil)), {n = 4, 1, nil, 3})
  t.equal(table.pack(Net()()), {n = 0})
end)

t.test("a checkpointed layer, and one inside a coroutine", function()
  local Net = nn.Module:extend "Net"
  function Net:init() self.b = nn.Linear(3, 1) end
  function Net:forward(x)
    return embla.utils.checkpoint(self.b, x)
  end
  begins(message_of(Net(), embla.ones(1, 2)), line(-2), "(in Net.b)")
  local net = nn.Sequential(nn.Linear(3, 1))
  local message = message_of(coroutine.wrap(function() return (net(embla.ones(1, 2))) end))
  begins(message, line(-1), "(in Sequential.0)")
end)

t.test("a module that holds itself is shown", function()
  local net = nn.Sequential(nn.ReLU())
  net.again = net
  t.equal(tostring(net), "Sequential(\n  (0): ReLU()\n  (again): Sequential(...)\n)")
end)

t.test("to: a conversion that fails changes nothing", function()
  local net, core = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), require "embla.core"
  local failures = 0
  for k = 0, 100 do
    core.fail_after(k)
    local ok = pcall(net.to, net, "float64")
    core.fail_after(-1)
    if ok then break end
    failures = failures + 1
    for _, p in ipairs(net:parameters()) do t.equal(p.dtype, "float32") end
  end
  t.equal(failures > 3, true)
  for _, p in ipairs(net:parameters()) do t.equal(p.dtype, "float64") end
end)

local function values(net)
  local list = {}
  for i, p in ipairs(net:parameters()) do list[i] = p:tolist() end
  return list
end

-- Calls f with each allocation failing in turn; `check` after each failure.
local function fails_everywhere(f, check)
  local core, failures = require "embla.core", 0
  for k = 0, 200 do
    core.fail_after(k)
    local ok = pcall(f)
    core.fail_after(-1)
    if ok then break end
    failures = failures + 1
    check()
  end
  t.equal(failures > 3 and failures < 200, true)
end

t.test("load_state_dict and EMA.copy_to: a failure changes nothing", function()
  local net, other = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
  local before, state = values(net), other:to("float64"):state_dict()
  fails_everywhere(function() net:load_state_dict(state) end, function() t.equal(values(net), before) end)
  t.close(values(net), values(other))
  local ema = embla.optim.EMA(other:parameters())
  net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
  before = values(net)
  fails_everywhere(function() ema:copy_to(net:parameters()) end, function() t.equal(values(net), before) end)
  t.close(values(net), values(other))
end)

t.finish()
