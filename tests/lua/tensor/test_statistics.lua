-- The commonest, quantiles, spreads, distances, products, elements put together by ids: by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local x = embla.tensor {{3.0, 1.0, 2.0, 1.0}, {5.0, 5.0, 0.0, 0.0}}
local NAN = 0 / 0

local function grad_of(values, f)
  local leaf = embla.tensor(values, "float64"):requires_grad_()
  f(leaf):sum():backward()
  return leaf.grad
end

t.test("mode: the commonest, of equally common ones the least, where it stands last", function()
  local values, places = x:mode()
  t.equal(values, {1.0, 0.0})
  t.equal(places, {3, 3})
  values, places = embla.mode(x, 0, true)
  t.equal(values, {{3.0, 1.0, 0.0, 0.0}})
  t.equal(places, {{0, 0, 1, 1}})
  t.equal((embla.tensor({2, 1, 2, 3, 3, 2}):mode()), embla.tensor(2))
  t.equal(grad_of({1, 1, 2}, function(v) return (v:mode()) end), {0.0, 1.0, 0.0})
  t.raises(function() embla.zeros(0):mode() end, "mode: dim 0 is empty")
end)

t.test("quantiles", function()
  local v = embla.tensor {4.0, 1.0, 3.0, 2.0}
  t.equal(v:quantile(0.5), embla.tensor(2.5))
  t.close(v:quantile(embla.tensor {0.0, 0.1, 1.0}), {1, 1.3, 4})
  for kind, want in pairs {lower = 1, higher = 2, nearest = 1, midpoint = 1.5} do
    t.equal(v:quantile(0.1, {interpolation = kind}), embla.tensor(want + 0.0))
  end
  t.equal(x:quantile(0.5, 1), {1.5, 2.5})
  t.equal(x:quantile(embla.tensor {0.0, 1.0}, 0), {{3.0, 1.0, 0.0, 0.0}, {5.0, 5.0, 2.0, 1.0}})
  t.equal(x:quantile(0.5, 1, true).shape, {2, 1})
  t.equal(x:quantile(embla.tensor {0.5}, {keepdim = true}).shape, {1, 1, 1})
  t.equal(embla.quantile(embla.tensor {1.0, NAN}, 0.5), embla.tensor(NAN))
  t.equal(embla.nanquantile(embla.tensor {1.0, NAN, 3.0}, 0.5), embla.tensor(2.0))
  t.equal(grad_of({4, 1, 3, 2}, function(q) return q:quantile(0.5) end), {0.0, 0.0, 0.5, 0.5})
  t.raises(function() x:quantile(2) end, "quantile: argument q", "[0, 1]")
  t.raises(function() embla.zeros(0):quantile(0.5) end, "at least one element")
  t.raises(function() embla.tensor({1}):quantile(0.5) end, "float dtype, got int64")
end)

t.test("spreads with their means", function()
  local v, m = embla.var_mean(embla.tensor {1.0, 2.0, 3.0})
  t.equal({v:item(), m:item()}, {1.0, 2.0})
  v, m = embla.tensor({{1.0, 3.0}, {2.0, 6.0}}):std_mean(1, false, true)
  t.equal(v, {{1.0}, {2.0}})
  t.equal(m, {{2.0}, {4.0}})
  t.close(embla.tensor({1.0, 3.0}):std(false), embla.tensor(1.0))
  t.close(embla.tensor({1.0, 3.0}):var(true), embla.tensor(2.0))
  local least, greatest = x:aminmax()
  t.equal({least:item(), greatest:item()}, {0.0, 5.0})
  least, greatest = embla.aminmax(x, {dim = 1, keepdim = true})
  t.equal(least, {{1.0}, {0.0}})
  t.equal(greatest, {{3.0}, {5.0}})
end)

t.test("sums and means without NaN", function()
  local v = embla.tensor {{1.0, NAN}, {3.0, NAN}}
  t.equal(v:nansum(), embla.tensor(4.0))
  t.equal(v:nansum(0), {4.0, 0.0})
  t.equal(v:nanmean(0), {2.0, NAN})
  t.equal(embla.nanmean(v, 1, true), {{1.0}, {3.0}})
  t.equal(grad_of({1, NAN, 3}, function(w) return w:nanmean() end), {0.5, 0.0, 0.5})
end)

t.test("distances and norms kept short", function()
  t.equal(embla.dist(embla.tensor {3.0, 0.0}, embla.tensor {0.0, 4.0}), embla.tensor(5.0))
  t.equal(embla.tensor({3.0, 0.0}):dist(embla.tensor {0.0, 4.0}, 1), embla.tensor(7.0))
  t.equal(embla.tensor({3.0, 0.0}):dist(embla.tensor {0.0, 4.0}, 1 / 0), embla.tensor(4.0))
  local rows = embla.tensor {{3.0, 4.0}, {0.3, 0.4}}
  t.close(rows:renorm(2, 0, 1), {{0.6, 0.8}, {0.3, 0.4}})
  t.close(rows:renorm(1, 1, 2), {{3 * 2 / 3.3, 4 * 2 / 4.4}, {0.3 * 2 / 3.3, 0.4 * 2 / 4.4}})
  t.close(rows:renorm_(2, 0, 1), {{0.6, 0.8}, {0.3, 0.4}})
  t.close(rows, {{0.6, 0.8}, {0.3, 0.4}})
  t.raises(function() rows:renorm(2, 0, -1) end, "renorm: argument maxnorm", ">= 0")
end)

t.test("traces and sums of products", function()
  t.equal(embla.tensor({{1, 2, 3}, {4, 5, 6}}):trace(), embla.tensor(6))
  t.raises(function() embla.trace(embla.ones(2)) end, "a matrix")
  local a, b = embla.arange(6.0):view(2, 3), embla.arange(12.0):view(3, 4)
  t.equal(embla.tensordot(a, b, 1), {{20.0, 23.0, 26.0, 29.0}, {56.0, 68.0, 80.0, 92.0}})
  t.equal(embla.tensordot(a, a), embla.tensor(55.0))
  t.equal(embla.tensordot(a, a, {{0}, {0}}), {{9.0, 12.0, 15.0}, {12.0, 17.0, 22.0}, {15.0, 22.0, 29.0}})
  t.equal(embla.tensordot(embla.tensor {1.0, 2.0}, embla.tensor {3.0, 4.0}, 0), {{3.0, 4.0}, {6.0, 8.0}})
  t.equal(embla.inner(a, a), {{5.0, 14.0}, {14.0, 50.0}})
  t.raises(function() embla.tensordot(a, b, {{0}, {0}}) end, "dim 0 of a has size 2, dim 0 of b 3")
end)

t.test("slices that differ", function()
  local rows = embla.tensor {{2, 1}, {0, 5}, {2, 1}, {2, 0}}
  local values, inverse, counts = rows:unique({dim = 0, return_inverse = true, return_counts = true})
  t.equal(values, {{0, 5}, {2, 0}, {2, 1}})
  t.equal(inverse, {2, 0, 2, 1})
  t.equal(counts, {1, 1, 2})
  t.equal((embla.unique(rows.T, {dim = 1})), {{0, 2, 2}, {5, 0, 1}})
  t.raises(function() rows:unique({dim = 2}) end, "unique: argument dim: dim 2 is out of range")
  t.equal(embla.tensor({3.0, 4.0}):norm("fro"), embla.tensor(5.0))
end)

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

t.test("correction: what is taken off the number of elements", function()
  local v = embla.tensor {{1.0, 2.0, 4.0, 8.0, 16.0}}           -- squares about the mean: 148.8
  t.close(v:var {dim = {1}, correction = 2}, {49.6})
  t.close(v:var {correction = 0}, 29.76)
  t.close(v:std {dim = {1}, keepdim = true, correction = -1}, {{math.sqrt(24.8)}})
  t.equal(v:var {correction = 5}, embla.tensor(math.huge))
  local var, mean = embla.var_mean(v, {dim = 1, correction = 2})
  t.close(var, {49.6})
  t.close(mean, {6.2})
  local std = embla.std_mean(v, {dim = 1, keepdim = true})
  t.close(std, {{math.sqrt(37.2)}})
  t.close((v:std_mean(false)), math.sqrt(29.76))
  t.close(grad_of({1, 3}, function(w) return w:var {correction = 0} end), {-1, 1})
  t.raises(function() v:var_mean {correcton = 2} end, "var_mean: unknown option 'correcton'", "'correction'")
  t.raises(function() v:std_mean {keepdims = true} end, "std_mean: unknown option 'keepdims'", "'keepdim'")
  t.raises(function() v:var {unbiased = true, correction = 1} end, "var: give unbiased or correction, not both")
  t.raises(function() v:var_mean {unbiased = true, correction = 1} end, "var: give unbiased or correction, not both")
end)

t.test("quantile: NaN stands at the end, and is what the gradient goes to", function()
  t.equal(grad_of({1, NAN, 3}, function(q) return q:quantile(0.5) end), {0.0, 1.0, 0.0})
end)

t.test("renorm of rows that hold NaN: they stay, and so does their gradient", function()
  local rows = embla.tensor({{NAN, 2.0}, {3.0, 4.0}}, {requires_grad = true})
  local y = rows:renorm(2, 0, 10)
  t.equal(y:detach(), {{NAN, 2.0}, {3.0, 4.0}})
  y:sum():backward()
  t.equal(rows.grad, {{1.0, 1.0}, {1.0, 1.0}})
  t.raises(function() rows:renorm(0, 0, 1) end, "renorm: argument p", "> 0")
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

t.finish()
