-- linalg: values that PyTorch 1.13 gives, what multiplies back to the matrix, gradients, what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local linalg = embla.linalg

local A = embla.tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 10}}, {dtype = "float64"})

local function random(...) return embla.randn(..., {dtype = "float64"}) end
local function gradcheck(f, ...)
  local inputs = {...}
  for _, x in ipairs(inputs) do x:requires_grad_() end
  t.equal(embla.autograd.gradcheck(f, inputs), true)
end

embla.manual_seed(1)

t.test("svd: the values of torch.linalg.svdvals, and factors that multiply back", function()
  t.close(linalg.svdvals(A), embla.tensor({17.41250516680859661, 0.87516135011043672, 0.19686652111743008},
                                          {dtype = "float64"}), 1e-13)
  for _, shape in ipairs {{4, 3}, {2, 3, 5}, {2, 2, 3, 3}} do
    local x = random(shape)
    local U, S, Vh = linalg.svd(x, {full_matrices = false})
    t.close(embla.matmul(U * S:unsqueeze(-2), Vh), x, 1e-12)
  end
  local U, S, Vh = linalg.svd(random {4, 2})
  t.equal(U.shape, embla.zeros(4, 4).shape)
  t.equal(S.shape, embla.zeros(2).shape)
  t.equal(Vh.shape, embla.zeros(2, 2).shape)
end)

t.test("svd: gradients, of S with full_matrices too", function()
  gradcheck(function(x) return linalg.svd(x, {full_matrices = false}) end, random {2, 3, 4})
  gradcheck(function(x) return (select(2, linalg.svd(x))) end, random {4, 2})
  local U = linalg.svd(random({4, 2}):requires_grad_())
  t.raises(function() U:sum():backward() end, "U and Vh of full_matrices have no gradient")
end)

t.test("svd: what does not fit is refused", function()
  t.raises(function() linalg.svd(embla.zeros(2, 2):long()) end,
           "linalg.svd: argument A: expected float32 or float64, got int64")
  t.raises(function() linalg.svd(embla.zeros(2, 2):half()) end, "got float16")
  t.raises(function() linalg.svd({}) end, "linalg.svd: argument A: expected a tensor")
  t.raises(function() linalg.svd(embla.zeros(2)) end, "at least 2 dims")
  t.raises(function() linalg.svd(A, {full_matrice = true}) end, "did you mean 'full_matrices'?")
end)

local function double(values) return embla.tensor(values, {dtype = "float64"}) end
local S = embla.matmul(A, A:t())                        -- symmetric, positive definite
local function symmetric(x) return (x + x:transpose(-2, -1)) / 2 end
local function eye(n) return embla.eye(n, {dtype = "float64"}) end

t.test("solve and inv: PyTorch's values, batches, vectors", function()
  t.close(linalg.inv(A), double {{-2 / 3, -4 / 3, 1}, {-2 / 3, 11 / 3, -2}, {1, -2, 1}}, 1e-13)
  t.close(linalg.solve(A, double {1, 2, 4}), double {2 / 3, -4 / 3, 1}, 1e-13)
  local a, b = random {2, 1, 3, 3}, random {4, 3, 2}
  local X = linalg.solve(a, b)
  t.equal(X.shape, embla.zeros(2, 4, 3, 2).shape)
  t.close(embla.matmul(a, X), b:expand({2, 4, 3, 2}), 1e-11)
  local vectors = random {2, 3}
  local x = linalg.solve(a:squeeze(1), vectors)
  t.close(embla.matmul(a:squeeze(1), x:unsqueeze(-1)):squeeze(-1), vectors, 1e-11)
  t.close(embla.matmul(linalg.inv(a), a), eye(3):expand({2, 1, 3, 3}), 1e-11)
  t.equal(linalg.inv(embla.zeros(0, 0)).shape, embla.zeros(0, 0).shape)
  t.equal(linalg.solve(embla.zeros(2, 0, 0), embla.zeros(2, 0, 3)).shape, embla.zeros(2, 0, 3).shape)
  gradcheck(linalg.solve, random {2, 3, 3}, random {3, 2})
  gradcheck(linalg.solve, random {3, 3}, random {3})
  gradcheck(linalg.inv, random {2, 3, 3})
end)

t.test("solve and inv: what does not fit is refused", function()
  t.raises(function() linalg.inv(embla.ones(2, 2, 2)) end, "inv: input: matrix 0 of the batch is singular")
  t.raises(function() linalg.solve(embla.zeros(2, 2), embla.ones(2)) end, "solve: A: matrix is singular")
  t.raises(function() linalg.inv(embla.zeros(2, 3)) end, "inv: input: expected square matrices, got shape (2, 3)")
  t.raises(function() linalg.solve(A, double {1, 2}) end, "solve: right sides of shape (2, 1) do not fit")
  t.raises(function() linalg.solve(A, embla.ones(3)) end, "A is float64 and B float32")
  t.raises(function() linalg.solve(embla.ones(2, 3, 3), embla.ones(4, 3, 1)) end, "do not broadcast")
  t.raises(function() linalg.solve(embla.ones(3), embla.ones(3)) end, "expected A (..., n, n)")
end)

t.test("cholesky: PyTorch's values, either triangle alone is read, gradients", function()
  local L = double {{3.74165738677394133, 0, 0}, {8.55235974119758069, 1.96396101212392882, 0},
                    {14.16484582135849379, 3.49148624377587025, 0.40824829046385142}}
  t.close(linalg.cholesky(S), L, 1e-11)
  t.equal(linalg.cholesky(S:tril()), linalg.cholesky(S))
  t.close(linalg.cholesky(S:triu(), {upper = true}), L:t(), 1e-11)
  t.close(linalg.cholesky(embla.stack({S, eye(3)})), embla.stack({L, eye(3)}), 1e-11)
  t.equal(linalg.cholesky(embla.zeros(2, 0, 0)).shape, embla.zeros(2, 0, 0).shape)
  for _, upper in ipairs {false, true} do
    gradcheck(function(x) return linalg.cholesky(symmetric(x) + 4 * eye(3), {upper = upper}) end, random {2, 3, 3})
  end
  t.raises(function() linalg.cholesky(embla.stack({S, double {{1, 2, 0}, {2, 1, 0}, {0, 0, 1}}})) end,
           "cholesky: input: matrix 1 of the batch is not positive definite: its leading minor of order 2 is not")
  t.raises(function() linalg.cholesky(double {{0 / 0}}) end, "leading minor of order 1")
  t.raises(function() linalg.cholesky(embla.zeros(2, 3)) end, "square")
end)

t.test("eigh: PyTorch's values, either triangle alone is read, gradients", function()
  t.close(linalg.eigvalsh(S), double {3.87564271368709898e-02, 7.65907388727119831e-01, 3.03195336184135840e+02}, 1e-11)
  local x = symmetric(random {2, 4, 4})
  local L, V = linalg.eigh(x)
  t.close(embla.matmul(V * L:unsqueeze(-2), V:transpose(-2, -1)), x, 1e-12)
  t.close(embla.matmul(V:transpose(-2, -1), V), eye(4):expand({2, 4, 4}), 1e-12)
  t.equal((linalg.eigh(x:tril())), L)
  t.close(linalg.eigvalsh(x:triu(), {UPLO = "U"}), L, 1e-12)
  t.equal(linalg.eigvalsh(embla.zeros(0, 0)).shape, embla.zeros(0).shape)
  gradcheck(function(y) return linalg.eigh(symmetric(y)) end, random {2, 3, 3})
  t.raises(function() linalg.eigh(double {{1, 0}, {0 / 0, 1}}) end, "eigh: input: matrix holds NaN")
  t.raises(function() linalg.eigh(embla.zeros(2, 3)) end, "square")
  t.raises(function() linalg.eigh(S, {UPLO = "X"}) end, "expected one of L, U")
end)

t.test("qr: PyTorch's R, modes, gradients", function()
  local _, R = linalg.qr(A)
  t.close(R, double {{-8.12403840463595905, -9.60113629638795452, -11.93987462499527652},
                     {0, 0.90453403373329266, 1.50755672288882048}, {0, 0, 0.40824829046386257}}, 1e-12)
  for _, shape in ipairs {{4, 3}, {2, 3, 4}, {3, 3}} do
    for _, mode in ipairs {"reduced", "complete"} do
      local x = random(shape)
      local Q, upper = linalg.qr(x, {mode = mode})
      t.equal(Q:size(-1), mode == "complete" and x:size(-2) or math.min(x:size(-2), x:size(-1)))
      t.close(embla.matmul(Q, upper), x, 1e-12)
      t.close(embla.matmul(Q:transpose(-2, -1), Q) - eye(Q:size(-1)), embla.zeros_like(embla.matmul(
        Q:transpose(-2, -1), Q)), 1e-12)
      t.equal(upper:triu(), upper)
    end
  end
  local none, only = linalg.qr(A, {mode = "r"})
  t.equal(none:numel(), 0)
  t.equal(only, R)
  gradcheck(linalg.qr, random {2, 4, 3})
  local wide = linalg.qr(random({2, 3}):requires_grad_())
  t.raises(function() wide:sum():backward() end, "qr: there is no gradient where R is not square")
end)

t.finish()
