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

t.finish()
