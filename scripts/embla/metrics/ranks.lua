-- Ranks from 1 in ascending order; equal numbers share the mean of their ranks.

--- Ranks of numbers.
-- @param x Tensor (N) without NaN
-- @return Tensor (N) float64
return function(x)
  local _, group, counts = x:unique {return_inverse = true, return_counts = true}
  local size = counts:double()
  return (size:cumsum(0) - (size - 1) / 2)[group]
end
