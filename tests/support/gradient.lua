-- Gradients by central differences, in double: what backward gives must agree.

local check = require "support.check"
local embla = require "embla"

local gradient = {}

local EPS = 1e-5

-- All float tensors among results, tables spread out.
local function tensors_in(values, list)
  for _, value in ipairs(values) do
    if check.is_tensor(value) then
      if value.dtype == "float64" then list[#list + 1] = value end
    elseif type(value) == "table" then
      tensors_in(value, list)
    end
  end
  return list
end

-- sum of all elements of all results, each with a factor of its own
local function weighed(results, factors)
  local total
  for i, y in ipairs(results) do
    factors[i] = factors[i] or embla.rand(y.shape, {dtype = "float64"}) + 0.5
    local part = (y * factors[i]):sum()
    total = total and total + part or part
  end
  return total
end

-- Slopes of f along each element of x: a flat list.
local function slopes(f, x)
  local flat, list = x:detach():view(-1), {}
  for i = 0, flat:numel() - 1 do
    local kept = flat[i]
    flat[i] = kept + EPS
    local above = f()
    flat[i] = kept - EPS
    list[i + 1] = (above - f()) / (2 * EPS)
    flat[i] = kept
  end
  return list
end

--- Fails unless backward through f agrees with its slopes.
-- @param f      function without arguments that returns tensors, or tables of them; the same each time
-- @param leaves table name -> contiguous float64 tensor that requires grad
function gradient.check(f, leaves)
  local factors = {}
  local function loss()
    embla.manual_seed(11)                                   -- the same draws each time
    local results = tensors_in({f()}, {})
    return weighed(results, factors)
  end
  loss():backward()
  for name, x in pairs(leaves) do
    if not x.grad then check.fail("no gradient for " .. name) end
    local grad = x.grad.is_sparse and x.grad:to_dense() or x.grad
    local want = slopes(function() return embla.no_grad(function() return loss():item() end) end, x)
    local got = grad:reshape(-1):tolist()
    for i, slope in ipairs(want) do
      local off = math.abs(got[i] - slope)
      if off ~= off or off > 1e-7 + 1e-5 * math.abs(slope) then
        check.fail(("gradient of %s at element %d: backward gives %.9g, the slope is %.9g"):format(name, i - 1, got[i],
                                                                                                slope))
      end
    end
  end
end

return gradient
