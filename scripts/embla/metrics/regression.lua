-- Numbers that were foretold: how far off, and how much they go together.

local raise = require "embla.errors.raise"
local ranks = require "embla.metrics.ranks"
local read = require "embla.metrics.read"

local regression = {}

--- sum (x - y)^2 / N over all elements.
-- @param input  Tensor of predictions; a list does as well
-- @param target Tensor of as many numbers
-- @return number
-- @raise if there is nothing, or NaN
function regression.mean_squared_error(input, target)
  local x, y = read.pair("mean_squared_error", input, target)
  return (x - y):square():mean():item()
end

--- sum |x - y| / N over all elements.
-- @param input  Tensor of predictions; a list does as well
-- @param target Tensor of as many numbers
-- @return number
-- @raise if there is nothing, or NaN
function regression.mean_absolute_error(input, target)
  local x, y = read.pair("mean_absolute_error", input, target)
  return (x - y):abs():mean():item()
end

-- Whether all numbers are the same: told by themselves, as a mean is rounded.
local function is_constant(x) return x:min():item() == x:max():item() end

--- Share of the variance that is foretold: 1 - sum (x - y)^2 / sum (y - mean y)^2.
-- @param input  Tensor of predictions; a list does as well
-- @param target Tensor of as many numbers
-- @return number, at most 1
-- @raise if there is nothing, NaN, or all targets are the same
function regression.r2(input, target)
  local x, y = read.pair("r2", input, target)
  if is_constant(y) then raise("r2: argument target: all targets are the same, there is no variance") end
  return 1 - (x - y):square():sum():item() / (y - y:mean()):square():sum():item()
end

local function correlation(caller, x, y)
  for name, numbers in pairs {input = x, target = y} do
    if is_constant(numbers) then raise("%s: argument %s: all numbers are the same", caller, name) end
  end
  x, y = x - x:mean(), y - y:mean()
  local r = (x / x:norm()):dot(y / y:norm()):item()
  return math.max(-1, math.min(1, r))
end

--- Pearson's correlation: sum (x - mean x) (y - mean y) / sqrt(sum (x - mean x)^2 sum (y - mean y)^2).
-- @param input  Tensor (N); a list does as well
-- @param target Tensor (N)
-- @return number in [-1, 1]
-- @raise if there is nothing, NaN, or one of them is constant
function regression.pearson(input, target)
  local x, y = read.pair("pearson", input, target)
  return correlation("pearson", x, y)
end

--- Spearman's correlation: Pearson's of the ranks, where equal numbers share the mean of theirs.
-- @param input  Tensor (N); a list does as well
-- @param target Tensor (N)
-- @return number in [-1, 1]
-- @raise if there is nothing, NaN, or one of them is constant
function regression.spearman(input, target)
  local x, y = read.pair("spearman", input, target)
  return correlation("spearman", ranks(x), ranks(y))
end

return regression
