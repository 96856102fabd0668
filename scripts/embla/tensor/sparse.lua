-- Arithmetic of row-sparse tensors, the gradients of lookups: what they take, by the operation's name. Sums with dense
-- tensors are dense and cost what the table costs; in place, only what the touched rows do: w:add_(g, {alpha = -lr}).

local core = require "embla.core"
local raise = require "embla.errors.raise"

local op = core.ops

-- ---- operands --------------------------------------------------------------------------------------------------

local function number_of(name, x)
  if core.is_tensor(x) and not x.is_sparse and x:numel() == 1 and not x.requires_grad and x.dtype ~= "bool" then
    return x:item()
  end
  raise("%s: a row-sparse tensor can be combined so with a number only", name)
end

local function check_same_size(name, a, b)
  if a:dim() == 0 or b:dim() == 0 then raise("%s: a row-sparse tensor and a number", name) end
end

local function factor_of(alpha)
  if type(alpha) == "table" then alpha = alpha.alpha end
  return alpha or 1
end

local function is_recorded(t) return core.is_grad_enabled() and t.requires_grad end

-- ---- sums ------------------------------------------------------------------------------------------------------

-- a + factor b. A dense one with a history passes its gradient on.
local function sum(name, a, b, factor)
  check_same_size(name, a, b)
  if not a.is_sparse and is_recorded(a) then return op.add(a, b:to_dense(), factor) end
  if not b.is_sparse and is_recorded(b) then return op.add(a:to_dense(), b, factor) end
  return core.sparse_add(a, b, factor)
end

local function sum_in_place(name, a, b, factor)
  check_same_size(name, a, b)
  if not b.is_sparse then
    raise("%s: a dense tensor cannot be added to a row-sparse one in place; use to_dense()", name)
  end
  if not a.is_sparse and (is_recorded(a) or not a:is_contiguous()) then
    return op.add_(a, b:to_dense(), factor)
  end
  return core.sparse_add_(a, b, factor)
end

-- ---- one number of all entries, or another entry for each --------------------------------------------------------

-- The entries with those of one row added.
local function entries(t) return t:coalesce():values() end

local function folded(name, t, dim)
  if dim ~= nil then
    raise("%s: of a row-sparse tensor over all dims only; use to_dense() for option dim", name)
  end
  return entries(t)
end

local function named(given, name, value)
  if type(given) == "table" then return given[name] end
  return value
end

local function with_entries(t, values)
  local whole = t:coalesce()
  return core.sparse_new(whole:indices():reshape(-1), values, t:size(0)):coalesce()
end

local handlers = {
  add = function(a, b, alpha) return sum("add", a, b, factor_of(alpha)) end,
  sub = function(a, b, alpha) return sum("sub", a, b, -factor_of(alpha)) end,
  add_ = function(a, b, alpha) return sum_in_place("add_", a, b, factor_of(alpha)) end,
  sub_ = function(a, b, alpha) return sum_in_place("sub_", a, b, -factor_of(alpha)) end,

  mul = function(a, b)
    if not a.is_sparse then a, b = b, a end
    return core.sparse_scale(a, number_of("mul", b))
  end,
  div = function(a, b)
    if not a.is_sparse then raise("div: cannot divide by a row-sparse tensor") end
    return core.sparse_scale(a, 1 / number_of("div", b))
  end,
  neg = function(a) return core.sparse_scale(a, -1) end,
  mul_ = function(a, b)
    if not a.is_sparse then raise("mul_: a dense tensor cannot be multiplied by a row-sparse one; use to_dense()") end
    return core.sparse_scale_(a, number_of("mul_", b))
  end,
  div_ = function(a, b)
    if not a.is_sparse then raise("div_: cannot divide by a row-sparse tensor") end
    return core.sparse_scale_(a, 1 / number_of("div_", b))
  end,
  neg_ = function(a) return core.sparse_scale_(a, -1) end,
  clone = core.sparse_clone,

  sum = function(t, dim) return op.sum(folded("sum", t, named(dim, "dim", dim))) end,
  norm = function(t, p, dim)
    return op.norm(folded("norm", t, named(p, "dim", named(dim, "dim", dim))), named(p, "p", p) or 2)
  end,
  pow = function(t, exponent)
    if not t.is_sparse then raise("pow: the exponent is row-sparse; use to_dense()") end
    local n = number_of("pow", exponent)
    if n <= 0 then raise("pow: a row-sparse tensor to the power %g would not be sparse; use to_dense()", n) end
    return with_entries(t, op.pow(entries(t), n))
  end,
}

-- Functions that leave 0 where it is: they act on the entries.
for _, name in ipairs {"abs", "sign", "square", "sqrt", "relu", "floor", "ceil", "round", "trunc", "frac", "expm1",
                       "log1p", "sin", "tan", "asin", "atan", "sinh", "tanh", "erf"} do
  local f = op[name]
  handlers[name] = function(t) return with_entries(t, f(entries(t))) end
end

core.set_sparse(handlers)
