-- Of what kind a tensor is, new ones of the same kind, and the default dtype.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("sizes in memory", function()
  for dtype, bytes in pairs {float32 = 4, float64 = 8, float16 = 2, bfloat16 = 2, int64 = 8, int32 = 4, uint8 = 1,
                             bool = 1} do
    local x = embla.zeros(2, 3, {dtype = dtype})
    t.equal(x:element_size(), bytes)
    t.equal(x.nbytes, 6 * bytes)
    t.equal(x:is_floating_point(), dtype:find("float") ~= nil)
  end
  local x = embla.zeros(2, 3)
  t.equal(x.ndim, 2)
  t.equal(x[1]:data_ptr() - x:data_ptr(), 12)
  t.equal(x:cpu(), x)
  t.equal(x:nelement(), 6)
end)

t.test("new tensors of the same dtype", function()
  local x = embla.zeros(2, {dtype = "int32"})
  t.equal(x:new_zeros(2, 1), embla.tensor({{0}, {0}}, "int32"))
  t.equal(x:new_ones({2}), embla.tensor({1, 1}, "int32"))
  t.equal(x:new_ones(1, {dtype = "float64"}), embla.tensor({1}, "float64"))
  t.equal(x:new_full({2}, 7), embla.tensor({7, 7}, "int32"))
  t.equal(x:new_full({1}, 2.5, {dtype = "float32", requires_grad = true}).requires_grad, true)
  t.equal(x:new_tensor {3.0, 4.0}, embla.tensor({3, 4}, "int32"))
  t.equal(x:new_empty(3, 0).shape, {3, 0})
  t.equal(x:new_zeros().shape, {})
  t.equal(embla.ones(1):type_as(x).dtype, "int32")
  t.raises(function() x:new_zeros(-1) end, "new_zeros: argument sizes", ">= 0")
  t.raises(function() x:new_zeros(1, {type = "bool"}) end, "new_zeros: unknown option 'type'")
  t.raises(function() x:new_full(2, 1) end, "new_full: argument sizes")
end)

t.test("small questions", function()
  t.equal(embla.tensor(0):is_nonzero(), false)
  t.equal(embla.tensor({true}):is_nonzero(), true)
  t.equal(embla.zeros(2, 3):is_same_size(embla.ones(2, 3)), true)
  t.equal(embla.zeros(2, 3):is_same_size(embla.ones(3, 2)), false)
end)

t.test("the default dtype", function()
  t.equal(embla.get_default_dtype(), "float32")
  embla.set_default_dtype "float64"
  local made = {embla.zeros(1), embla.tensor {1.5}, embla.rand(1), embla.full({1}, 0.5), embla.arange(0.5, 1.5),
                embla.linspace(0, 1, 2), embla.logspace(0, 1, 2), embla.eye(2), embla.nn.Linear(1, 1).weight,
                embla.tensor({1}) * 1.5, embla.tensor({1}):exp(), embla.normal(0, 1, {1})}
  local texts = {tostring(embla.tensor {1.5}), tostring(embla.ones(1, {dtype = "float32"}))}
  embla.set_default_dtype "float32"
  for i, x in ipairs(made) do
    if x.dtype ~= "float64" then t.fail("number " .. i .. " is " .. x.dtype) end
  end
  t.equal(texts, {"tensor([1.5000])", "tensor([1.], dtype=torch.float32)"})
  t.equal(embla.zeros(1).dtype, "float32")
  t.raises(function() embla.set_default_dtype "int64" end, "set_default_dtype", "int64")
  t.raises(function() embla.set_default_dtype() end, "set_default_dtype", "nil")
end)

t.test("powers evenly spaced", function()
  t.equal(embla.logspace(0, 2, 3), {1.0, 10.0, 100.0})
  t.equal(embla.logspace(-1, 1, 3, 2, "float64"), embla.tensor({0.5, 1, 2}, "float64"))
  t.raises(function() embla.logspace(0, 1, -1) end, "logspace: argument steps")
end)

t.finish()
