-- nn.Linear: shapes, values, first weights, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("x W^T + b, worked out by hand", function()
  local layer = nn.Linear(2, 3)
  layer:load_state_dict({weight = embla.tensor {{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}},
                         bias = embla.tensor {0.5, 0.0, -1.0}})
  t.equal(layer(embla.tensor {{1.0, -1.0}}), {{-0.5, -1, -2}})
  t.equal(layer(embla.tensor {1.0, -1.0}), {-0.5, -1, -2})
  t.equal(layer(embla.zeros(4, 5, 2)).shape, {4, 5, 3})
end)

t.test("without bias", function()
  local layer = nn.Linear(2, 3, {bias = false})
  t.equal(layer.bias, nil)
  t.equal(#layer:parameters(), 1)
  t.equal(#nn.Linear(2, 3, false):parameters(), 1)
  t.equal(layer(embla.zeros(1, 2)), {{0, 0, 0}})
end)

t.test("first weights lie within 1 / sqrt(D)", function()
  embla.manual_seed(1)
  local layer = nn.Linear(16, 500)
  for _, p in ipairs(layer:parameters()) do
    local size = p:detach():abs():max():item()
    t.equal(size <= 0.25 and size > 0.24, true)
  end
  t.close(layer.weight:detach():mean():item(), 0, 0, 0.01)
end)

t.test("gradients against differences", function()
  embla.manual_seed(2)
  local layer = nn.Linear(3, 2, {dtype = "float64"})
  local x = embla.randn(4, 3, {dtype = "float64"})
  local function loss() return (layer(x) ^ 2):sum() end
  loss():backward()
  local w, step = layer.weight:detach(), 1e-6
  for i = 0, 1 do
    for j = 0, 2 do
      local at = w:select(0, i):narrow(0, j, 1)
      at:add_(step)
      local up = loss():item()
      at:sub_(2 * step)
      local down = loss():item()
      at:add_(step)
      t.close(layer.weight.grad:select(0, i):tolist()[j + 1], (up - down) / (2 * step), 1e-6, 1e-6)
    end
  end
end)

t.test("no features", function()
  t.equal(nn.Linear(0, 2)(embla.zeros(3, 0)).shape, {3, 2})
  t.equal(nn.Linear(2, 0)(embla.zeros(3, 2)).shape, {3, 0})
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.Linear(-1, 2) end, "Linear", "in_features", "-1")
  t.raises(function() nn.Linear(2, 2.5) end, "Linear", "out_features", "2.5")
  t.raises(function() nn.Linear(2) end, "Linear", "out_features", "nil")
  t.raises(function() nn.Linear(2, 3, {biass = false}) end, "biass", "did you mean 'bias'", "options: bias, dtype")
  t.raises(function() nn.Linear(2, 3, {bias = 0}) end, "bias", "boolean")
  t.raises(function() nn.Linear(2, 3, {dtype = "int64"}) end, "dtype", "float32, float64", "int64")
  t.raises(function() nn.Linear(2, 3)(embla.zeros(4, 3)) end, "linear")
  t.raises(function() nn.Linear(2, 3)("x") end, "linear")
end)

t.test("it prints its sizes", function()
  t.equal(tostring(nn.Linear(2, 3, {bias = false})), "Linear(in_features=2, out_features=3, bias=False)")
end)

t.finish()
