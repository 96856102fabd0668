-- nn.Dropout: training and evaluation, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("in training elements are dropped and the others scaled", function()
  embla.manual_seed(1)
  local out = nn.Dropout(0.25)(embla.ones(20000))
  local zeros = 0
  for _, x in ipairs(out:tolist()) do
    if x == 0 then zeros = zeros + 1 else t.close(x, 1 / 0.75) end
  end
  t.close(zeros / 20000, 0.25, 0, 0.02)
end)

t.test("the gradient passes where the element did", function()
  local x = embla.ones(100):requires_grad_()
  local out = nn.Dropout {p = 0.5}(x)
  out:sum():backward()
  t.equal(x.grad:tolist(), out:detach():tolist())
end)

t.test("in evaluation and with p = 0 nothing happens", function()
  local x = embla.randn(5)
  t.equal(nn.Dropout(0.9):eval()(x):tolist(), x:tolist())
  t.equal(nn.Dropout(0)(x):tolist(), x:tolist())
  t.equal(nn.Dropout(1)(x):tolist(), {0, 0, 0, 0, 0})
end)

t.test("inplace writes over the input", function()
  local x = embla.ones(4)
  t.equal(rawequal(nn.Dropout {p = 1, inplace = true}(x), x), true)
  t.equal(x, {0, 0, 0, 0})
end)

t.test("the same seed drops the same", function()
  local layer = nn.Dropout()
  embla.manual_seed(3)
  local a = layer(embla.ones(50)):tolist()
  embla.manual_seed(3)
  t.equal(layer(embla.ones(50)):tolist(), a)
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.Dropout(1.5) end, "Dropout: option p: expected number in [0, 1], got 1.5")
  t.raises(function() nn.Dropout {prob = 0.5} end, "Dropout", "prob", "options: p, inplace")
  t.raises(function() nn.Dropout(0.5, 1) end, "inplace", "boolean")
  t.equal(tostring(nn.Dropout(0.25)), "Dropout(p=0.25, inplace=False)")
end)

t.finish()
