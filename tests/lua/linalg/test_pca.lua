-- pca: what PCA of scikit-learn 1.2 gives, both ways of computing, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local function double(values) return embla.tensor(values, {dtype = "float64"}) end

local X = double {{2, 0, 1}, {4, 1, 0}, {6, 3, 2}, {8, 2, 5}}
local SCORES = double {{-3.28849919, -1.16361129}, {-2.07578367, 0.78470503}, {1.19004864, 1.26644281},
                       {4.17423422, -0.88753655}}
local COMPONENTS = double {{0.7553401, 0.28980569, 0.58777036}, {0.30035688, 0.64405728, -0.70354528}}
local VARIANCE = double {11.32118396, 1.45378391}

embla.manual_seed(1)

t.test("values of scikit-learn: by svd, and by the Gram matrix of many rows", function()
  local scores, components, variance = embla.pca(X, 2)
  t.close(scores, SCORES, 1e-7)
  t.close(components, COMPONENTS, 1e-7)
  t.close(variance, VARIANCE, 1e-7)
  scores, components, variance = embla.pca(X:repeat_interleave(50, 0), 2)
  t.close(scores, SCORES:repeat_interleave(50, 0), 1e-7)
  t.close(components, COMPONENTS, 1e-7)
  t.close(variance, VARIANCE * 3 * 50 / 199, 1e-7)
  t.close(embla.pca(X:float():repeat_interleave(50, 0), 2), SCORES:float():repeat_interleave(50, 0), 1e-5)
end)

t.test("whitened coordinates have variance 1, also where there is none", function()
  t.close(embla.pca(X, 2, {whiten = true}), double {{-0.97735382, -0.96506818}, {-0.61693039, 0.65081343},
          {0.35368675, 1.0503539}, {1.24059747, -0.73609915}}, 1e-7)
  t.equal(embla.pca(embla.ones(5, 3), 2, {whiten = true}), embla.zeros(5, 2))
end)

t.test("without centring the first direction is that of the rows themselves", function()
  local scores, components = embla.pca(double {{3, 4}, {6, 8}, {-3, -4}}, 1, {center = false})
  t.close(scores, double {{5}, {10}, {-5}}, 1e-12)
  t.close(components, double {{0.6, 0.8}}, 1e-12)
end)

t.test("what does not fit is refused", function()
  t.raises(function() embla.pca(X, 4) end, "pca: argument k: 4 components of 4 rows with 3 columns")
  t.raises(function() embla.pca(X, 0) end, "pca: argument k: expected an integer >= 1, got 0")
  t.raises(function() embla.pca(X:long(), 1) end, "pca: argument x: expected float32 or float64, got int64")
  t.raises(function() embla.pca(embla.ones(1, 3), 1) end, "expected (N, D) with N >= 2, got (1, 3)")
  t.raises(function() embla.pca(double {{1, 2}, {0 / 0, 1}}, 1) end, "it holds NaN or infinite numbers")
  t.raises(function() embla.pca({}, 1) end, "pca: argument x: expected a tensor")
  t.raises(function() embla.pca(X, 1, {whitened = true}) end, "did you mean 'whiten'?")
end)

t.finish()
