-- linalg: decompositions of matrices, by LAPACK, with PyTorch's names. Each takes batches (..., m, n) of float32 or
-- float64, and gives the same bits on any number of threads.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local lazy = require "embla.base.lazy"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local op = core.ops

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

return lazy(linalg, "embla.linalg.", {})
