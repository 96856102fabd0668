-- Classes: objects, inheritance, metamethods.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local class = require "embla.base.class"

local Point = class "Point"
function Point:init(x, y) self.x, self.y = x, y end
function Point.__add(a, b) return Point(a.x + b.x, a.y + b.y) end
function Point:norm() return math.sqrt(self.x ^ 2 + self.y ^ 2) end

t.test("a class is called to make an object", function()
  local p = Point(3, 4)
  t.equal({p.x, p.y, p:norm()}, {3, 4, 5})
  t.equal((p + p).x, 6)
  t.equal(tostring(Point), "class Point")
  t.equal(Point.super, nil)
end)

t.test("a class inherits methods and metamethods, and replaces them", function()
  local Pixel = Point:extend "Pixel"
  function Pixel:init(x, y, colour)
    Point.init(self, x, y)
    self.colour = colour
  end
  function Pixel:norm() return Point.norm(self) * 2 end
  local p = Pixel(3, 4, "red")
  t.equal({p:norm(), p.colour, (p + p).y}, {10, "red", 8})
  t.equal(rawequal(Pixel.super, Point), true)
  t.equal(rawequal(getmetatable(p), Pixel), true)
  t.equal(p.__name, "Pixel")
  t.equal(Point(3, 4):norm(), 5)
end)

t.test("a class without init takes no notice of arguments", function()
  t.equal(next(class("Bare")(1, 2)), nil)
end)

t.test("a class needs a name", function()
  t.raises(function() Point:extend() end, "extend", "name", "nil")
end)

t.test("a method of the library called with a dot tells to write a colon", function()
  local embla = require "embla"
  local net = embla.nn.Linear(2, 2)
  local opt = embla.optim.SGD(net:parameters(), {lr = 0.1})
  local schedule = embla.optim.lr_scheduler.StepLR(opt, {step_size = 1})
  local loader = embla.data.DataLoader(embla.data.TensorDataset(embla.ones(2, 2)))
  local vocab = embla.text.Vocab {"a"}
  for _, case in ipairs {
    {function() opt.step() end, "step", "write opt:step(), with a colon"},
    {function() opt.zero_grad() end, "zero_grad", "write opt:zero_grad(), with a colon"},
    {function() opt.load_state_dict(opt:state_dict()) end, "load_state_dict", "write opt:load_state_dict()"},
    {function() net.parameters() end, "parameters", "write net:parameters(), with a colon"},
    {function() net.train(true) end, "train", "got true: write net:train(), with a colon"},
    {function() schedule.step() end, "step", "write scheduler:step(), with a colon"},
    {function() loader.iter() end, "iter", "write loader:iter(), with a colon"},
    {function() vocab.id("a") end, "id", "write vocab:id(), with a colon"},
    {function() embla.ones(1).item() end, "item", "a method is called with a colon: t:item()"},
    {function() embla.ones(1).sum() end, "sum", "with a colon: t:sum()"},
    {function() embla.nn.Module.forward(opt) end, "forward"},
  } do
    t.raises(case[1], case[2], case[3])
  end
end)

t.test("a function of the library called with a colon tells to write a dot", function()
  local embla = require "embla"
  local x = embla.ones(2)
  t.raises(function() embla.F:relu(x) end, "write embla.F.relu with a dot, not a colon")
  t.raises(function() embla.F:layer_norm(x, {2}) end, "layer_norm", "write embla.F.layer_norm")
  t.raises(function() embla.nn:Linear(3, 2) end, "Linear: write embla.nn.Linear(...), with a dot")
  t.raises(function() embla:zeros(3) end, "zeros", "the table embla itself", "with a dot")
  t.raises(function() embla:cat({x, x}) end, "cat", "write embla.cat with a dot")
  t.raises(function() embla.optim:SGD({x}) end, "SGD: write embla.optim.SGD(...), with a dot")
end)

t.test("a slip in a name is told; other fields that are not there are nil", function()
  local embla = require "embla"
  local nn = embla.nn
  local net = nn.Linear(2, 2, {bias = false})
  local opt = embla.optim.SGD(net:parameters(), {lr = 0.1})
  t.raises(function() return net.wieght end, "no field or method is called 'wieght', did you mean 'weight'?")
  t.raises(function() net:paramters() end, "'paramters', did you mean 'parameters'?")
  t.raises(function() net:stte_dict() end, "attempt to call a nil value")          -- too short a run of letters to tell
  t.raises(function() opt:stepp() end, "'stepp', did you mean 'step'?")
  for _, name in ipairs {"bias", "module", "trained", "scale", "weights", "weight2", "w_hi", "bias_h", "x"} do
    t.equal(net[name], nil)
  end
  local Net = nn.Module:extend "Net"
  function Net:init() self.encoder1 = nn.Linear(1, 1) end
  t.equal({Net().encoder2, Net().encoder}, {})
  t.raises(function() return Net().enocder1 end, "did you mean 'encoder1'?")
  local x = embla.ones(2)
  t.raises(function() return x.shpae end, "a tensor has no field or method 'shpae', did you mean 'shape'?")
  t.raises(function() return x:summ() end, "did you mean 'sum'?")
  t.equal(x.grad, nil)
  t.raises(function() return embla.randm end, "embla has no 'randm', did you mean 'rand")
  t.raises(function() return nn.Linaer end, "embla.nn has no 'Linaer', did you mean 'Linear'?")
  t.raises(function() return embla.F.rellu end, "embla.F has no 'rellu', did you mean 'relu'?")
  t.raises(function() return embla.optim.Adma end, "embla.optim has no 'Adma', did you mean 'Adam'?")
  t.raises(function() return embla.data.Dataloader end, "embla.data has no 'Dataloader', did you mean 'DataLoader'?")
  t.raises(function() return nn.init.xavier_uniform end, "did you mean 'xavier_uniform_'?")
end)

t.finish()
