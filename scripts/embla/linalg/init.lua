-- linalg: decompositions of matrices, by LAPACK, with PyTorch's names. Each takes batches (..., m, n) of float32 or
-- float64, and gives the same bits on any number of threads.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local lazy = require "embla.base.lazy"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local op, shape_text = core.ops, expect.shape_text

-- A tensor of one of the two dtypes that LAPACK knows.
local function matrices(caller, name, value)
  local dtype = expect.dense(caller, name, value).dtype
  if dtype ~= "float32" and dtype ~= "float64" then
    raise("%s: argument %s: expected float32 or float64, got %s", caller, name, dtype)
  end
  return value
end

local linalg = {}

local svd_spec = options.spec("linalg.svd", {
  {name = "full_matrices", type = "boolean", default = true,
   doc = "U (..., m, m) and Vh (..., n, n); else only the first min(m, n) columns and rows"},
})

--- The singular value decomposition A = U diag(S) Vh. The signs of U's columns and Vh's rows are LAPACK's: the same
-- each time, not those of another program.
-- @param A   Tensor (..., m, n) of float32 or float64
-- @param opt the options
-- @return U Tensor (..., m, m), or (..., m, k) with k = min(m, n)
-- @return S Tensor (..., k), descending
-- @return Vh Tensor (..., n, n), or (..., k, n)
-- @raise for NaN, infinite numbers, other dtypes; in backward, where U or Vh are asked for their gradient although
--   full_matrices made columns or rows that the matrix does not determine
function linalg.svd(A, opt)
  return op.svd(matrices("linalg.svd", "A", A), svd_spec.read(opt).full_matrices)
end

--- The singular values alone.
-- @param A Tensor (..., m, n) of float32 or float64
-- @return Tensor (..., min(m, n)), descending
-- @raise for NaN, infinite numbers, other dtypes
function linalg.svdvals(A)
  local _, S = op.svd(matrices("linalg.svdvals", "A", A), false)
  return S
end

-- Sizes of the batch in front of the matrices of both.
local function common_batch(A, B)
  local a, b, sizes = A.shape, B.shape, {}
  local most = math.max(#a, #b) - 2
  for i = 1, most do
    local n, k = a[#a - 2 - most + i] or 1, b[#b - 2 - most + i] or 1
    if n ~= k and n ~= 1 and k ~= 1 then
      raise("linalg.solve: batches of A %s and B %s do not broadcast", shape_text(A), shape_text(B))
    end
    sizes[i] = n == 1 and k or n
  end
  return sizes
end

local function expanded(x, batch)
  local sizes = table.move(batch, 1, #batch, 1, {})
  sizes[#sizes + 1], sizes[#sizes + 2] = x:size(-2), x:size(-1)
  return op.expand(x, sizes)
end

-- Whether B is a vector for each matrix of A: as in PyTorch, if it has one dim, or A's shape without the last.
local function holds_vectors(A, B)
  if B:dim() == 1 then return true end
  if B:dim() ~= A:dim() - 1 then return false end
  for d = 0, B:dim() - 1 do
    if B:size(d) ~= A:size(d) then return false end
  end
  return true
end

--- X of A X = B.
-- @param A Tensor (..., n, n) of float32 or float64
-- @param B Tensor (..., n, k) of the same dtype, whose batch broadcasts with A's; or vectors: (n), or A's shape without
--   its last dim
-- @return Tensor (..., n, k), or (..., n) for vectors
-- @raise if a matrix is singular, or shapes do not fit
function linalg.solve(A, B)
  matrices("linalg.solve", "A", A)
  if matrices("linalg.solve", "B", B).dtype ~= A.dtype then
    raise("linalg.solve: A is %s and B %s: expected the same dtype", A.dtype, B.dtype)
  end
  if A:dim() < 2 or B:dim() < 1 then
    raise("linalg.solve: expected A (..., n, n) and B (..., n, k) or (n), got %s and %s", shape_text(A),
          shape_text(B))
  end
  local vectors = holds_vectors(A, B)
  if vectors then B = B:unsqueeze(-1) end
  local batch = common_batch(A, B)
  local X = op.solve(expanded(A, batch), expanded(B, batch))
  return vectors and X:squeeze(-1) or X
end

--- The inverse of square matrices.
-- @param A Tensor (..., n, n) of float32 or float64
-- @return Tensor (..., n, n)
-- @raise if a matrix is singular
function linalg.inv(A) return op.inv(matrices("linalg.inv", "A", A)) end

local cholesky_spec = options.spec("linalg.cholesky", {
  {name = "upper", type = "boolean", default = false, doc = "read and give the upper triangle U: A = U^T U"},
})

--- The lower triangle L with A = L L^T. Only A's lower triangle is read; its gradient is symmetric.
-- @param A   Tensor (..., n, n) of float32 or float64, symmetric and positive definite
-- @param opt the options
-- @return Tensor (..., n, n)
-- @raise if a matrix is not positive definite: with its number in the batch and the order of the leading minor
function linalg.cholesky(A, opt)
  return op.cholesky(matrices("linalg.cholesky", "A", A), cholesky_spec.read(opt).upper)
end

local UPLO = {name = "UPLO", choices = {"L", "U"}, default = "L", doc = "which triangle is read"}
local eigh_spec, eigvalsh_spec = options.spec("linalg.eigh", {UPLO}), options.spec("linalg.eigvalsh", {UPLO})

--- Eigenvalues and eigenvectors of symmetric matrices: A = V diag(L) V^T. The signs of V's columns are LAPACK's: the
-- same each time, not those of another program. The gradient of V needs eigenvalues that differ.
-- @param A   Tensor (..., n, n) of float32 or float64
-- @param opt the options
-- @return L Tensor (..., n), ascending
-- @return V Tensor (..., n, n), whose columns are the vectors
-- @raise for NaN, infinite numbers, other dtypes
function linalg.eigh(A, opt) return op.eigh(matrices("linalg.eigh", "A", A), eigh_spec.read(opt).UPLO == "U") end

--- The eigenvalues of symmetric matrices.
-- @param A   Tensor (..., n, n) of float32 or float64
-- @param opt the options
-- @return Tensor (..., n), ascending
-- @raise for NaN, infinite numbers, other dtypes
function linalg.eigvalsh(A, opt)
  return (op.eigh(matrices("linalg.eigvalsh", "A", A), eigvalsh_spec.read(opt).UPLO == "U"))
end

local qr_spec = options.spec("linalg.qr", {
  {name = "mode", choices = {"reduced", "complete", "r"}, default = "reduced",
   doc = "Q (..., m, k) and R (..., k, n) with k = min(m, n); Q (..., m, m) and R (..., m, n); or an empty Q"},
})

--- A = Q R with orthonormal columns of Q and an upper triangle R. Signs are LAPACK's: R's diagonal may be negative.
-- @param A   Tensor (..., m, n) of float32 or float64
-- @param opt the options
-- @return Q Tensor (..., m, k), or empty in mode "r"
-- @return R Tensor (..., k, n)
-- @raise in backward, where R is not square
function linalg.qr(A, opt)
  local mode = qr_spec.read(opt).mode
  local Q, R = op.qr(matrices("linalg.qr", "A", A), mode == "complete")
  if mode == "r" then Q = core.tensor({}, A.dtype) end
  return Q, R
end

return lazy(linalg, "embla.linalg.", {})
