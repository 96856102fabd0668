-- Elements picked and placed along a dim, by ids, by a mask: by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local function grad_of(values, f)
  local leaf = embla.tensor(values, "float64"):requires_grad_()
  f(leaf):sum():backward()
  return leaf.grad
end

t.test("elements put together by ids", function()
  local own, ids, src = embla.tensor {10.0, 20.0, 30.0}, embla.tensor {0, 0, 2}, embla.tensor {1.0, 5.0, 7.0}
  local with = {sum = {16.0, 20.0, 37.0}, prod = {50.0, 20.0, 210.0}, mean = {16 / 3, 20.0, 18.5},
                amax = {10.0, 20.0, 30.0}, amin = {1.0, 20.0, 7.0}}
  local without = {sum = {6.0, 20.0, 7.0}, prod = {5.0, 20.0, 7.0}, mean = {3.0, 20.0, 7.0}, amax = {5.0, 20.0, 7.0},
                   amin = {1.0, 20.0, 7.0}}
  for reduce, want in pairs(with) do
    t.close(own:scatter_reduce(0, ids, src, reduce), want)
    t.close(own:scatter_reduce(0, ids, src, reduce, {include_self = false}), without[reduce])
    t.close(own:clone():scatter_reduce_(0, ids, src, reduce), want)
  end
  t.equal(grad_of({1, 5, 5}, function(s)
    return embla.zeros(2, {dtype = "float64"}):scatter_reduce(0, embla.tensor {0, 0, 0}, s, "amax")
  end), {0.0, 0.5, 0.5})
  t.equal(grad_of({1, 5, 3}, function(s)
    local zeros = embla.zeros(2, {dtype = "float64"})
    return zeros:scatter_reduce(0, embla.tensor {0, 0, 1}, s, "mean", {include_self = false})
  end), {0.5, 0.5, 1.0})
  t.raises(function() own:scatter_reduce(0, ids, src, "median") end, "one of sum, prod, mean, amax, amin")
end)

t.test("a source put where a mask is true", function()
  local y = embla.zeros(2, 2):masked_scatter_(embla.tensor {{true, false}, {true, true}}, embla.tensor {1.0, 2.0, 3.0})
  t.equal(y, {{1.0, 0.0}, {2.0, 3.0}})
  t.equal(y:masked_scatter(embla.tensor {false, true}, embla.tensor {8.0, 9.0}), {{1.0, 8.0}, {2.0, 9.0}})
  local both = embla.tensor {true, true}
  t.raises(function() y:masked_scatter_(both, embla.tensor {1.0}) end, "at least 4 elements, got 1")
end)

t.test("a mask larger than the tensor, a source longer than wanted", function()
  local three = embla.zeros(3)
  local y = three:masked_scatter(embla.tensor {{true, false, true}, {false, true, false}}, embla.arange(6.0))
  t.equal(y, {{0.0, 0.0, 1.0}, {0.0, 2.0, 0.0}})
  t.equal(embla.tensor(5.0):masked_scatter(embla.tensor {true, false}, embla.arange(6.0)), {0.0, 5.0})
  t.equal(grad_of({1, 2, 3, 4}, function(s)
    return embla.zeros(3):double():masked_scatter(embla.tensor {true, false, true}, s)
  end), {1.0, 1.0, 0.0, 0.0})
  t.raises(function() three:masked_scatter(embla.tensor {true, true, true}, embla.arange(6)) end, "source is int64")
  t.raises(function() three:masked_scatter_(embla.ones(2, 3):bool(), embla.arange(6.0)) end, "masked_scatter", "(2, 3)")
end)

t.test("x:where(condition, y): x where it holds", function()
  local pair = embla.tensor {1, 2}
  t.equal(pair:where(embla.tensor {true, false}, embla.tensor {4, 5}), {1, 5})
  t.equal(pair:where(embla.tensor {true, false}, 7), {1, 7})
  t.equal(embla.tensor({false, true}):where(embla.tensor {true, true}, embla.tensor {true, false}), {false, true})
  local v = embla.tensor({1.0, 2.0}, {requires_grad = true})
  v:where(embla.tensor {false, true}, 0 / 0):backward(embla.tensor {3.0, 4.0})
  t.equal(v.grad, {0.0, 4.0})
  t.raises(function() pair:where(embla.tensor {1.0, 2.0}, pair) end, "where: condition must be bool, got float32")
  t.raises(function() pair:where(true, pair) end, "where: argument condition")
end)

t.test("a number put into bools or whole numbers that can hold it leaves them what they are", function()
  local ids = embla.tensor {1}
  for _, put in ipairs {"index_fill", "scatter"} do
    local bools, whole = embla.tensor {true, false, false}, embla.tensor {1, 2, 3}
    t.equal(bools[put](bools, 0, ids, 1), {true, true, false})
    t.equal(whole[put](whole, 0, ids, 5.0), {1, 5, 3})
    t.equal(whole[put](whole, 0, ids, 5.5), {1.0, 5.5, 3.0})
    t.equal(whole[put .. "_"](whole, 0, ids, 5.0), {1, 5, 3})
  end
end)

t.test("what is put into bools is true unless it is 0", function()
  local ids, mask = embla.tensor {1, 2}, embla.tensor {false, true, true}
  for _, value in ipairs {2, -0.5, 0, 0.0, 0 / 0, 1} do
    local want = value ~= 0
    local function bools() return embla.tensor {true, true, false} end
    local after = {true, want, want}
    for _, put in ipairs {"index_fill", "scatter"} do
      t.equal(bools()[put](bools(), 0, ids, value), after)
      t.equal(bools()[put .. "_"](bools(), 0, ids, value), after)
    end
    for _, given in ipairs {value, embla.tensor(value)} do
      t.equal(bools():masked_fill(mask, given), after)
      t.equal(bools():masked_fill_(mask, given), after)
      t.equal(bools():index_fill(0, ids, given), after)
      t.equal(bools():fill_(given), {want, want, want})
      for _, key in ipairs {ids, mask, {{1, 3}}, {ids}} do
        local b = bools()
        b[key] = given
        t.equal(b, after)
      end
      local b = bools()
      b[2], b[{1}] = given, given
      t.equal(b, after)
    end
  end
  t.equal(embla.full({1}, 2, "bool"), {true})
  t.equal(embla.tensor({0, 3}, "bool"), {false, true})
  t.equal(embla.F.pad(embla.tensor {false}, {0, 1}, {value = 2}), {false, true})
end)

t.finish()
