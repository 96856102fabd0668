-- embla.summary: rows, shapes and counts by hand; nothing is left behind in the network.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local points = require "support.points"
local embla = require "embla"
local nn = embla.nn

local function column(summary, key)
  local list = {}
  for i, row in ipairs(summary.rows) do list[i] = row[key] or false end
  return list
end

t.test("a row a module, with shapes and parameters of its own", function()
  local net = nn.Sequential(nn.Embedding(10, 4), nn.LSTM(4, 3, {batch_first = true}))
  local s = embla.summary(net, embla.LongTensor {{1, 2, 3}, {4, 5, 6}})
  t.equal(column(s, "name"), {"", "0", "1"})
  t.equal(column(s, "class"), {"Sequential", "Embedding", "LSTM"})
  t.equal(column(s, "depth"), {0, 1, 1})
  t.equal(column(s, "result"), {"(2, 3, 3), {(1, 2, 3), (1, 2, 3)}", "(2, 3, 4)",
                                "(2, 3, 3), {(1, 2, 3), (1, 2, 3)}"})
  t.equal(column(s, "parameters"), {0, 40, 12 * (4 + 3 + 2)})
  t.equal({s.parameters, s.trained}, {148, 148})
end)

t.test("tied parameters count once, frozen ones are not trained, modules may stay uncalled", function()
  local Net = nn.Module:extend "Net"
  function Net:init()
    self.chars = nn.Embedding(5, 2)
    self.norm = nn.LayerNorm(2)
    self.head = nn.Linear(2, 5, {bias = false})
    self.head.weight = self.chars.weight
    self.spare = nn.Linear(1, 1)
    self.norm.bias:requires_grad_(false)
  end
  function Net:forward(ids) return self.head(self.norm(self.chars(ids))) end
  local s = embla.summary(Net(), embla.LongTensor {1, 2})
  t.equal({s.parameters, s.trained}, {10 + 4 + 2, 10 + 2 + 2})
  t.equal(column(s, "parameters"), {0, 10, 4, 0, 2})
  t.equal(column(s, "tied"), {false, false, false, true, false})
  t.equal(tostring(s), [[
layer               result      parameters
------------------------------------------
Net                 (2, 5)               -
  chars: Embedding  (2, 2)              10
  norm: LayerNorm   (2, 2)               4
  head: Linear      (2, 5)            tied
  spare: Linear     not called           2
------------------------------------------
16 parameters, 14 of them trained]])
end)

t.test("a list computes nothing itself", function()
  local Net = nn.Module:extend "Net"
  function Net:init() self.layers = nn.ModuleList {nn.Tanh()} end
  function Net:forward(x) return self.layers[1](x) end
  local s = embla.summary(Net(), embla.ones(2))
  t.equal(column(s, "computes"), {true, false, true})
  t.equal(tostring(s):find("layers: ModuleList  -  ", 1, true) ~= nil, true)
end)

t.test("large numbers are grouped", function()
  local text = tostring(embla.summary(nn.Linear(1234, 1000), embla.zeros(1, 1234)))
  t.equal(text:find("1,235,000 parameters", 1, true) ~= nil, true)
end)

t.test("the network is called as in evaluation, without gradients, and is afterwards as before", function()
  local net = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(1), nn.Linear(2, 2))
  net[2]:eval()
  local mean = net[1].running_mean:clone()
  local keys = #net[1]._keys
  embla.summary(net, embla.ones(3, 2))
  t.equal(net[1].running_mean, mean:tolist())
  t.equal({net.training, net[1].training, net[2].training}, {true, true, false})
  t.equal({rawget(net[1], "forward"), #net[1]._keys}, {nil, keys})
  t.equal(net(embla.ones(3, 2)).requires_grad, true)
end)

t.test("so it is when the call fails", function()
  local net = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 3))
  t.raises(function() embla.summary(net, embla.ones(1, 2)) end, "linear")
  t.equal({rawget(net, "forward"), rawget(net[1], "forward"), net[2].training}, {nil, nil, true})
end)

t.test("so it is after an error at any point", function()
  local net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
  net[2]:eval()
  local x = embla.ones(1, 2)
  local function check()
    t.equal({rawget(net, "forward"), rawget(net[1], "forward"), net.training, net[1].training, net[2].training},
            {nil, nil, true, true, false})
    t.equal(embla.is_grad_enabled(), true)
  end
  t.equal(points.instructions(function() embla.summary(net, x) end, check) > 100, true)
  points.allocations(function() embla.summary(net, x) end, check)
end)

t.test("what is no module is refused", function()
  t.raises(function() embla.summary(3) end, "summary: argument network: expected a module, got 3")
  t.raises(function() embla.summary(nn.Linear) end, "summary", "a table")
end)

t.finish()
