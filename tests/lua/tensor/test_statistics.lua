-- The commonest, quantiles, spreads, sums without NaN: by hand.
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
  t.raises(function() embla.LongTensor({1}):nanquantile(0 / 0) end, "nanquantile: q: nan does not fit")
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

t.finish()
