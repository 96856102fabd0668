-- Operations of the core as functions and methods: what is told of them, how options reach them.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local core = require "embla.core"
local ops = require "embla.tensor.operations"

t.test("every operation is a function of F and a method", function()
  local count = 0
  for name, f in pairs(core.ops) do
    count = count + 1
    if ops.functional[name] == nil or core.methods[name] == nil then t.fail(name .. " is missing") end
    t.equal({name, type(f)}, {name, "function"})
  end
  t.equal(count > 150, true)
  local x = embla.tensor {-1.0, 2.0}
  t.equal({embla.F.relu(x):tolist(), x:relu():tolist()}, {{0, 2}, {0, 2}})
end)

t.test("an operation is described by its inputs, options and results", function()
  local bag = ops.describe "embedding_bag"
  t.equal({bag.name, bag.inputs, bag.optional, bag.differentiable, bag.inplace},
          {"embedding_bag", {"input", "weight", "offsets", "per_sample_weights"}, {"offsets", "per_sample_weights"},
           true, false})
  t.equal(ops.describe("cat").inputs, {"tensors"})
  t.equal({ops.describe("add").inplace, ops.describe("argmax").differentiable}, {true, false})
  t.equal(ops.describe "no_such_operation", nil)
  local mode
  for _, row in ipairs(bag.spec.rows) do
    if row.name == "mode" then mode = row end
  end
  t.equal({mode.type, mode.default, mode.choices}, {"string", "mean", {"mean", "sum", "max"}})
  t.equal(rawequal(ops.describe "embedding_bag", bag), true)      -- read once
end)

t.test("its text is found by name, by function and by the name of its in-place form", function()
  local text = ops.doc "embedding"
  t.equal(text:match "^embedding%(input, weight%)\nRows of a table, by id%.\n" ~= nil, true)
  t.equal(text:match "\nOptions:\n  padding_idx +integer: " ~= nil, true)
  t.equal(ops.doc(embla.F.embedding), text)
  t.equal(ops.doc("add_"):match "^(add_)%(", "add_")
  t.equal(ops.doc("relu"):find("Options:", 1, true), nil)
  t.equal(ops.doc "no_such_operation", nil)
  t.equal(ops.doc(print), nil)
end)

t.test("options reach an operation by position, in a table and together with its inputs", function()
  local x = embla.tensor {{1, 2}, {3, 5}}
  for _, sum in ipairs {x:sum(1, true), x:sum {dim = 1, keepdim = true}, embla.F.sum(x, {dim = 1, keepdim = true}),
                        embla.F.sum {input = x, dim = 1, keepdim = true}} do
    t.equal(sum, {{3}, {8}})
  end
  t.raises(function() x:sum {dims = 1} end, "sum: unknown option 'dims'")
  t.raises(function() x:sum {keepdim = 1} end, "sum: ", "keepdim: expected boolean, got 1")
end)

t.test("an option that does not fit is refused, by name in the words of help", function()
  local F, x = embla.F, embla.ones(1, 3)
  for _, case in ipairs {
    {function() F.softshrink {input = x, lambd = -0.5} end, "softshrink: option lambd: expected number >= 0, got -0.5"},
    {function() F.softshrink(x, -0.5) end, "softshrink: lambd: expected a number >= 0, got -0.5"},
    {function() F.dropout(x, {p = "a"}) end, 'dropout: option p: expected number, got "a"'},
    {function() x:softmax {dim = 1.5} end, "softmax: option dim: expected integer, got 1.5"},
    {function() F.mse_loss(x, x, {reduction = "max"}) end, 'option reduction: expected one of mean, sum, none'},
    {function() x:add_(x, {alpha = "1"}) end, 'add_: option alpha: expected number, got "1"'},
    {function() F.max_pool1d(x, {kernel_size = {1.5}}) end, "max_pool1d: option kernel_size: "},
    {function() F.max_pool1d(x, {1.5}) end, "max_pool1d: kernel_size: expected an integer, got 1.5"},
    {function() x:sum {dim = {0, "a"}} end, 'sum: dim: expected an integer, got "a"'},
    {function() F.dropout(x, {p = false}) end, "dropout: option p: expected number, got false"},
  } do
    t.raises(case[1], case[2])
  end
  t.equal(x:sum {dim = false}, 3.0)
end)

t.finish()
