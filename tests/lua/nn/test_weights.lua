-- New weights: the checks of sizes, and the tensors.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local weights = require "embla.nn.weights"

t.test("a size is an integer from 0 on", function()
  t.equal(weights.size("Layer", "n", 3), 3)
  t.equal(math.type(weights.size("Layer", "n", 3.0)), "integer")
  t.equal(weights.size("Layer", "n", 0), 0)
  for _, bad in ipairs {-1, 1.5, "3", true, {}, 0 / 0, math.huge} do
    t.raises(function() weights.size("Layer", "n", bad) end, "Layer: argument n: expected integer >= 0, got")
  end
  t.raises(function() weights.size("Layer", "n") end, "got nil")
end)

t.test("new weights are parameters", function()
  local w = weights.new(nil, 2, 3)
  t.equal({w.dtype, w.requires_grad, w.is_leaf}, {"float32", true, true})
  t.equal(w.shape, {2, 3})
  t.equal(weights.new("float64", 1).dtype, "float64")
end)

t.finish()
