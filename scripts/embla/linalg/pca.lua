-- pca: the directions in which rows vary most, and the rows in their coordinates.

local autograd = require "embla.autograd"
local core = require "embla.core"
local expect = require "embla.arguments.expect"
local linalg = require "embla.linalg"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local op = core.ops

local spec = options.spec("pca", {
  {name = "center", type = "boolean", default = true, doc = "take the mean row away first"},
  {name = "whiten", type = "boolean", default = false, doc = "divide each coordinate by its standard deviation"},
})

local ROWS, TALL = 8192, 4      -- rows at a time; so many times more rows than columns are tall
local EPSILON = {float32 = 1.2e-7, float64 = 2.3e-16}

-- All directions as rows, with the squares of their singular values, descending. The Gram matrix of a tall table is
-- summed in double, since it holds the squares.
local function directions(rows)
  local n, d = rows:size(0), rows:size(1)
  if n < TALL * d then
    local _, S, Vh = linalg.svd(rows, {full_matrices = false})
    return Vh, S * S
  end
  local gram = core.tensor({0.0}, "float64")
  for at = 0, n - 1, ROWS do
    local part = rows:narrow(0, at, math.min(ROWS, n - at)):double()
    gram = gram + op.matmul(part:t(), part)
  end
  local L, V = linalg.eigh(gram)
  return V:t():flip({0}):to(rows.dtype), L:flip({0}):clamp(0.0):to(rows.dtype)
end

--- Principal components: the rows of x in the coordinates of the k directions in which they vary most, from the most
-- down. Each direction has the sign that makes the coordinate of greatest magnitude positive, as svd_flip of
-- scikit-learn 1.2 has it. No gradients are recorded. Where whiten finds no variance, it leaves what is near zero.
-- @param x   Tensor (N, D) of float32 or float64, N >= 2
-- @param k   how many, 1 to min(N, D)
-- @param opt the options
-- @return coordinates Tensor (N, k)
-- @return components Tensor (k, D), orthonormal rows
-- @return variance Tensor (k), of the coordinates before whitening, by N - 1
-- @raise for NaN, infinite numbers, other dtypes, and a k that is out of range
local function pca(x, k, opt)
  local o = spec.read(opt)
  local dtype = expect.dense("pca", "x", x).dtype
  if not EPSILON[dtype] then raise("pca: argument x: expected float32 or float64, got %s", dtype) end
  k = expect.integer("pca", "k", k, 1)
  if x:dim() ~= 2 or x:size(0) < 2 then
    raise("pca: argument x: expected (N, D) with N >= 2, got (%s)", table.concat(x.shape, ", "))
  end
  local n, d = x:size(0), x:size(1)
  if k > math.min(n, d) then raise("pca: argument k: %d components of %d rows with %d columns", k, n, d) end
  local _ <close> = autograd.no_grad()
  local mean = x:mean(0)
  if not mean:isfinite():all():item() then raise("pca: argument x: it holds NaN or infinite numbers") end
  local rows = o.center and x - mean or x
  local components, squares = directions(rows)
  components = components:narrow(0, 0, k)
  local variance = squares:narrow(0, 0, k) / (n - 1)
  local coordinates = op.matmul(rows, components:t())
  local sign = op.where(op.ge(coordinates:amax(0), -coordinates:amin(0)), 1.0, -1.0):to(dtype)
  coordinates, components = coordinates * sign, components * sign:unsqueeze(-1)
  if o.whiten then
    local least = math.max(variance:amax():item() * EPSILON[dtype], 1e-30)
    coordinates = coordinates / variance:clamp(least):sqrt()
  end
  return coordinates, components, variance
end

return pca
