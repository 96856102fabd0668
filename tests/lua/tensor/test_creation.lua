-- New tensors: sizes and options in every form, sequences, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("sizes one by one or in a table, then options or a dtype", function()
  local want = embla.tensor({{0, 0, 0}, {0, 0, 0}}, "int64")
  t.equal(embla.zeros(2, 3, {dtype = "int64"}), want)
  t.equal(embla.zeros({2, 3}, {dtype = "int64"}), want)
  t.equal(embla.zeros(2, 3, "int64"), want)
  t.equal(embla.zeros({2, 3}, "int64"), want)
  t.equal(embla.ones({2}), embla.tensor {1.0, 1.0})
  t.equal(embla.zeros({}).shape, {})
  t.equal(embla.randn({2, 1}, {requires_grad = true}).requires_grad, true)
end)

t.test("sizes and dtypes that are none", function()
  t.raises(function() embla.zeros(2, "three") end, "zeros", "dtype", "three")
  t.raises(function() embla.zeros("int64") end, "zeros", "size 1", "int64")
  t.raises(function() embla.zeros(2, 1.5) end, "zeros", "size 2", "1.5")
  t.raises(function() embla.zeros({2}, {3}) end, "zeros", "two tables of numbers")
  t.raises(function() embla.zeros(-1) end, "-1")
  t.raises(function() embla.zeros({2}, {dtpye = "int64"}) end, "zeros", "dtpye", "dtype")
end)

t.test("sequences", function()
  t.equal(embla.arange(3), embla.tensor({0, 1, 2}, "int64"))
  t.equal(embla.arange(5, 1, -2), embla.tensor({5, 3}, "int64"))
  t.equal(embla.arange(0, 1, 0.25), embla.tensor {0, 0.25, 0.5, 0.75})
  t.raises(function() embla.arange(true) end, "arange: argument stop: expected a number, got true")
  t.raises(function() embla.arange({}, 3) end, "arange: argument start: expected a number, got a table")
  t.raises(function() embla.arange(0, 3, false) end, "arange: argument step: expected a number, got false")
  t.equal(embla.linspace(-1, 1, 5), embla.tensor {-1, -0.5, 0.0, 0.5, 1})
  t.close(embla.logspace(0, 3, 4), embla.tensor {1.0, 10, 100, 1000}, 1e-6, 0)
  t.equal(embla.eye(2, 3), embla.tensor {{1.0, 0, 0}, {0, 1, 0}})
  t.equal(embla.full({2}, 7), embla.tensor({7, 7}, "int64"))
end)

t.test("a table that is no list of numbers is refused wherever a tensor is expected", function()
  local F = embla.F
  local gap = {1}
  gap[3] = 3
  for _, case in ipairs {
    {function() embla.tensor {a = 1} end, "tensor: unknown option 'a'"},
    {function() embla.tensor {1, 2, dtype = "int64"} end, "tensor: a table of both names and positions"},
    {function() embla.tensor {{1, 2}, {3, x = 4}} end, "tensor: data: ragged table"},
    {function() embla.tensor {{1, 2}, {3, 4, x = 4}} end, "tensor: data: the name 'x' in a list"},
    {function() embla.tensor {1, nil, 3} end, "tensor: data: a table with a hole: nothing stands at position 2"},
    {function() embla.tensor(gap) end, "tensor: data: a table with a hole: nothing stands at position 2"},
    {function() embla.tensor {[2] = 1} end, "a table with a hole: nothing stands at position 1"},
    {function() embla.tensor {[1.5] = 1} end, "a key that is no position, 1.5"},
    {function() F.relu {foo = 1} end, "relu: unknown option 'foo'"},
    {function() F.relu(gap) end, "relu: input: a table with a hole"},
    {function() F.embedding(gap, embla.rand(4, 2)) end, "Embedding: input: a table with a hole"},
    {function() F.add({1, x = 2}, 1) end, "add: input: the name 'x' in a list"},
    {function() embla.ones(2):reshape {2, foo = 1} end, "reshape: shape: the name 'foo' in a list"},
    {function() embla.ones(2):sum {0, keepdim = true} end, "sum: dim: the name 'keepdim' in a list"},
    {function() embla.cat {embla.ones(1), dim = 0} end, "cat: tensors: the name 'dim' in a list"},
    {function() embla.ones(2):split {1, 1, dim = 0} end, "split: a table of both names and positions"},
    {function() F.relu(embla.nn.Linear(1, 1)) end, "relu: input must be a tensor, got a Linear"},
    {function() embla.tensor(setmetatable({}, {__len = function() return 2 end})) end, "behind a metatable"},
    {function() embla.ones(3)[gap] = 1 end, "index: a table with a hole"},
  } do
    t.raises(case[1], case[2])
  end
  t.equal(embla.tensor(setmetatable({1, 2}, {__index = table})), embla.tensor {1, 2})
  t.equal(embla.tensor({}).shape, {0})
end)

t.test("messages speak of what the script wrote", function()
  local x = embla.ones(3)
  t.raises(function() return x + "a" end, 'add: other must be a tensor or a number, got "a"')
  t.raises(function() return x + nil end, "add: other must be a tensor or a number, got nothing")
  t.raises(function() embla.cat(x, x) end, "cat: tensors: expected a table of them, as in cat({a, b}), got")
  t.raises(function() return x > 0 end, "x:gt(y)")
  t.raises(function() return x <= x end, "x:le(y)")
  t.raises(function() x:uniform_(0 / 0) end, "got nan and 1")
  t.raises(function() embla.F.dropout(x, 0 / 0) end, "nan")
  t.raises(function() x.requires_grad = 1 end, "requires_grad: expected true or false, got 1")
  t.raises(function() x.grad = 1 end, "grad: expected a tensor or nil, got 1")
  t.raises(function() embla.F.cross_entropy(embla.ones(2, 2), embla.zeros(2)) end, "cross_entropy: argument target")
  t.raises(function() x:max {foo = 1} end, "max: unknown option 'foo'")
end)

t.test("whole numbers may be floats everywhere, others nowhere", function()
  local x = embla.ones(2, 3)
  t.equal(embla.linspace(0, 1, 3.0), embla.tensor {0.0, 0.5, 1.0})
  t.equal({embla.zeros(3.0).shape, embla.eye(2.0).shape, embla.randperm(3.0).shape, x:sum(1.0).shape,
           x:reshape(3.0, 2.0).shape, x[{1.0, 0.0}], embla.randint(0, 1, {2.0}).shape, #x:split(1.0),
           embla.nn.Linear(2.0, 3.0).out_features, embla.nn.Conv1d(1, 1, 3, {padding = 1.0}).padding},
          {{3}, {2, 2}, {3}, {2}, {3, 2}, 1, {2}, 2, 3, 1})
  for _, f in ipairs {
    function() embla.linspace(0, 1, 2.5) end, function() embla.zeros(2.5) end, function() embla.eye(2.5) end,
    function() embla.randperm(2.5) end, function() x:sum(0.5) end, function() x:reshape(1.5, 4) end,
    function() return x[{0.5, 0}] end, function() x:split(1.5) end, function() embla.nn.Linear(2.5, 3) end,
    function() embla.nn.Conv1d(1, 1, 3, {padding = 1.5}) end,
  } do
    t.raises(f, "integer")
  end
end)

t.test("randperm and the clock", function()
  local p = embla.randperm(4, {dtype = "int32"})
  t.equal({p.dtype, p:sum():item()}, {"int32", 6})
  local a = embla.clock()
  local b = embla.clock()
  t.equal({math.type(a), a > 0, b >= a, b - a < 60}, {"float", true, true, true})
  t.equal(embla.version:match "^%d+%.%d+%.%d+$" ~= nil, true)
end)

t.test("is_tensor knows a tensor among other values, and when it has been let go of", function()
  local core = require "embla.core"
  local x = embla.ones(2)
  t.equal({embla.is_tensor(x), core.dtype_of(x)}, {true, "float32"})
  for _, other in ipairs {1, "x", {}, print, io.stdout, core.new_optimizer "SGD", core.keep_generator()} do
    t.equal({embla.is_tensor(other), core.dtype_of(other) == nil}, {false, true})
  end
  t.equal({embla.is_tensor(nil), core.dtype_of(nil) == nil}, {false, true})
  do
    local _ <close> = embla.scope()
    x = embla.ones(2)
  end
  t.equal({embla.is_tensor(x), core.dtype_of(x) == nil}, {false, true})
end)

t.finish()
