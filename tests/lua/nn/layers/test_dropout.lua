-- nn.Dropout, nn.Dropout1d, nn.AlphaDropout: training and evaluation, and what is refused.
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

t.test("Dropout1d drops whole channels", function()
  embla.manual_seed(1)
  local out, dropped = nn.Dropout1d(0.25)(embla.ones(50, 40, 3)), 0
  for _, sample in ipairs(out:tolist()) do
    for _, row in ipairs(sample) do
      t.close(row, row[1] == 0 and {0, 0, 0} or {1 / 0.75, 1 / 0.75, 1 / 0.75})
      if row[1] == 0 then dropped = dropped + 1 end
    end
  end
  t.close(dropped / 2000, 0.25, 0, 0.05)
  t.equal(nn.Dropout1d(1)(embla.ones(2, 3)), {{0, 0, 0}, {0, 0, 0}})
  t.equal(nn.Dropout1d(0.9):eval()(embla.ones(1, 2)), {{1, 1}})
end)

t.test("AlphaDropout keeps mean 0 and variance 1", function()
  embla.manual_seed(1)
  local x = embla.randn(40000)
  local y, p = nn.AlphaDropout(0.3)(x), 0.3
  t.close({y:mean():item(), y:var():item()}, {0, 1}, 0, 0.03)
  local least = -1.0507009873554805 * 1.6732632423543772      -- of selu
  local scale = ((1 - p) * (1 + p * least ^ 2)) ^ -0.5
  local shift = -scale * p * least
  local values, dropped = y:tolist(), 0
  for i, from in ipairs(x:tolist()) do
    if math.abs(values[i] - (scale * least + shift)) < 1e-5 then
      dropped = dropped + 1
    else
      t.close(values[i], scale * from + shift, 1e-5, 1e-5)
    end
  end
  t.close(dropped / 40000, p, 0, 0.01)
  t.equal(nn.AlphaDropout(1)(embla.ones(2)), {0, 0})
  t.equal(nn.AlphaDropout(0.9):eval()(embla.ones(2)), {1, 1})
end)

t.test("both write over the input if asked to", function()
  for _, class in ipairs {nn.Dropout1d, nn.AlphaDropout} do
    local x = embla.ones(2, 3)
    t.equal(rawequal(class {p = 1, inplace = true}(x), x), true)
    t.equal(x, {{0, 0, 0}, {0, 0, 0}})
  end
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.Dropout1d(0.5)(embla.ones(3)) end, "dropout1d", "(N, C, T) or (C, T)", "(3)")
  t.raises(function() nn.AlphaDropout(-1) end, "AlphaDropout: option p", "[0, 1]", "-1")
  t.raises(function() nn.AlphaDropout()(3) end, "alpha_dropout", "tensor", "3")
  t.raises(function() nn.Dropout(1.5) end, "Dropout: option p: expected number in [0, 1], got 1.5")
  t.raises(function() nn.Dropout {prob = 0.5} end, "Dropout", "prob", "options: p, inplace")
  t.raises(function() nn.Dropout(0.5, 1) end, "inplace", "boolean")
  t.equal(tostring(nn.Dropout(0.25)), "Dropout(p=0.25, inplace=False)")
end)

t.finish()
