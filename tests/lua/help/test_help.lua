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
  tells(nn.Linear, "Linear", "x W^T + b", "@param in_features", "@param x Tensor (*, D)")
  tells(nn.Linear(1, 1), "x W^T + b")
  tells(nn.Embedding, "padding_idx", "looked up by ids from 0")
end)

t.test("a layer made from an operation is told by it, with its options", function()
  tells(nn.LeakyReLU, "LeakyReLU", "negative_slope", "default 0.01")
end)

t.test("an operation is told by its function or its name", function()
  tells(F.relu, "relu(")
  tells("relu", "relu(")
  tells("softplus", "softplus(", "Options:", "beta")
end)

t.test("a table of functions is listed", function()
  tells(nn.init, "kaiming_uniform_\n", "xavier_normal_\n")
end)

t.test("of other things nothing is known", function()
  t.equal(help.text("no_such_operation"), nil)
  t.equal(help.text(3), nil)
end)

t.finish()
