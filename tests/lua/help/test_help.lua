-- help: where the text about a thing is found.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local help = require "embla.help"
local nn, F = embla.nn, embla.nn.functional

-- The text about `subject` holds all the parts.
local function tells(subject, ...)
  local text = help.text(subject)
  if not text then t.fail("there is no text") end
  for _, part in ipairs {...} do
    if not text:find(part, 1, true) then t.fail(("%q lacks %q"):format(text, part)) end
  end
end

t.test("a Lua function is told by the comment above it", function()
  tells(F.one_hot, "F.one_hot(ids, ...)", "Ids as rows of zeros", "@param ids")
  tells(nn.Module.state_dict, "Module:state_dict()", "0.weight")
end)

t.test("a class is told by its comment, its constructor and its call", function()
  tells(nn.Linear, "Linear", "x W^T + b", "@param in_features", "@param input Tensor (*, D)")
  tells(nn.Linear(1, 1), "x W^T + b")
  tells(nn.Embedding, "padding_idx", "looked up by ids from 0")
end)

-- How often `part` stands in a text.
local function count(text, part)
  local n = 0
  for _ in text:gmatch((part:gsub("%p", "%%%0"))) do n = n + 1 end
  return n
end

t.test("options are told once, each with the function that takes them", function()
  local text = help.text(nn.GRU)
  t.equal({count(text, "Options:"), count(text, "num_layers "), count(text, "lengths ")}, {2, 1, 1})
  tells(nn.GRU.forward, "GRU:forward(input, ...)", "Options:\n  state ", "\n  lengths ")
  tells(nn.MaxPool1d.init, "MaxPool1d:init(...)", "Options:\n  kernel_size ")
  t.equal(count(help.text(nn.Linear), "bias   "), 1)
  t.equal(count(help.text(embla.optim.SGD), "Options:"), 1)
  tells(embla.zeros, "Options:\n  dtype ")
end)

t.test("a layer made from an operation is told by it, with its options", function()
  tells(nn.LeakyReLU, "LeakyReLU", "negative_slope", "default 0.01")
end)

t.test("an operation is told by its function or its name", function()
  tells(F.relu, "relu(")
  tells("relu", "relu(")
  tells("softplus", "softplus(", "Options:", "beta")
end)

t.test("a function written in C is told by its row, one made for several names by what was noted", function()
  t.equal(help.text(embla.initial_seed), "initial_seed()\nThe seed that the generator started from.\n@return integer")
  tells(embla.ones(1).size, "t:size(dim)\nThe sizes", "@param dim integer")
  tells(embla.is_tensor, "is_tensor(value)\n")
  tells(embla.rand_like, "rand_like(input, opt)\nNumbers drawn evenly from [0, 1).\n@param input ")
  tells(embla.ones(1).double, "t:double()\nThe tensor as float64")
end)

t.test("a field is told by its name, and so are functions", function()
  tells("t.grad", "t.grad\nWhat backward has brought so far", "@return Tensor or nil")
  tells("t.grad_fn", "t.grad_fn\nWhat made it")
  tells("optimizer.param_groups", "optimizer.param_groups\nThe groups")
  t.equal(help.text "t:size", help.text(embla.ones(1).size))
  t.equal(help.text "embla.zeros", help.text(embla.zeros))
  t.equal({help.text "t.no", help.text "t:no", help.text "embla.no", help.text "optimizer.no"}, {})
end)

t.test("arguments have the names that PyTorch gives them", function()
  tells("add", "add(input, other)\ninput + alpha * other")
  tells("pow", "pow(input, exponent)")
  tells("addcmul", "addcmul(input, tensor1, tensor2)")
  tells("where", "where(condition, input, other)")
  tells("outer", "outer(input, vec2)")
  tells(F.lerp, "lerp(input, end_, weight)")
  tells(F.layer_norm, "layer_norm(input, normalized_shape, weight, bias, ...)")
  t.equal(help.text("add"):find("PyTorch", 1, true), nil)
end)

t.test("a table of functions is listed", function()
  tells(nn.init, "kaiming_uniform_\n", "xavier_normal_\n")
end)

t.test("of other things nothing is known", function()
  t.equal(help.text("no_such_operation"), nil)
  t.equal(help.text(3), nil)
end)

t.finish()
