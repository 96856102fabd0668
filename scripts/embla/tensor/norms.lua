-- Norms, distances, and rows kept short.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local in_place = require "embla.tensor.in_place"
local ops = require "embla.tensor.operations"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local norms = {}
local methods, op = core.methods, core.ops

local norm = op.norm

--- The p-norm over dims: (sum |x|^p)^(1/p).
-- @param input Tensor of a float dtype, or of integers
-- @param p     number, infinities too; "fro", the default, is 2
-- @param ...   dim (all by default), keepdim = false, by position or by name
-- @return Tensor
function norms.norm(input, p, ...)
  if p == "fro" then p = 2 end
  return norm(input, p, ...)
end

--- p-norm of the difference of two tensors.
-- @param input Tensor
-- @param other Tensor that broadcasts with it
-- @param p     number, default 2; infinities too
-- @return Tensor ()
-- @raise if the shapes do not broadcast
function norms.dist(input, other, p)
  expect.dense("dist", "input", input)
  return norm(op.sub(input, expect.dense("dist", "other", other)), expect.number("dist", "p", p or 2))
end

--- Slices along a dim that are longer than a norm are shortened to it.
-- @param input   Tensor of a float dtype with 2 dims or more
-- @param p       number > 0: which norm
-- @param dim     integer: slices input[i] along it are measured
-- @param maxnorm number >= 0
-- @return Tensor of the same shape
-- @raise if maxnorm is negative or p not positive
function norms.renorm(input, p, dim, maxnorm)
  if expect.dense("renorm", "input", input):dim() < 2 then
    raise("renorm: argument input: expected 2 dims or more, got %d", input:dim())
  end
  if expect.number("renorm", "p", p) <= 0 then
    raise("renorm: argument p: expected number > 0, got %s", options.show(p))
  end
  dim = expect.dim("renorm", "dim", dim, input:dim())
  if expect.number("renorm", "maxnorm", maxnorm) < 0 then
    raise("renorm: argument maxnorm: expected number >= 0, got %s", options.show(maxnorm))
  end
  local others = {}
  for d = 0, input:dim() - 1 do
    if d ~= dim then others[#others + 1] = d end
  end
  local long = op.gt(norm(input:detach(), p, others, true), maxnorm)
  local lengths = norm(op.where(long, input, 0), p, others, true)   -- of the others, NaN among them, nothing is asked
  return input * op.where(long, maxnorm / (lengths + 1e-7), 1.0):to(input.dtype)
end

--- renorm in place.
-- @param ... p, dim and maxnorm, as of renorm
-- @return the tensor
-- @raise if maxnorm is negative
methods.renorm_ = in_place("renorm_", function(...) return methods.renorm(...) end)

for name, f in pairs(norms) do core.methods[name], ops.functional[name] = f, f end

return norms
