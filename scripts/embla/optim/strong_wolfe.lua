-- A step length along a line that satisfies the strong Wolfe conditions: enough descent, and a slope that has become
-- flat enough. Bracketing, then zooming by cubic interpolation: Nocedal, Wright 2006, Numerical Optimization, section
-- 3.5, with the safeguards of Schmidt's minFunc.
--
-- A point on the line is a table {t = step length, f = value, slope = derivative along the line, gradient = Tensor}.

local ENOUGH, FLAT, MOST_POINTS = 1e-4, 0.9, 25

-- Where the cubic through two points, with their slopes, is least; kept within low .. high.
local function least_of_cubic(a, b, low, high)
  local left, right = a, b
  if a.t > b.t then left, right = b, a end
  local mean = left.slope + right.slope - 3 * (left.f - right.f) / (left.t - right.t)
  local square = mean * mean - left.slope * right.slope
  if square < 0 then return (low + high) / 2 end
  local root = math.sqrt(square)
  local share = (right.slope + root - mean) / (right.slope - left.slope + 2 * root)
  return math.min(math.max(right.t - (right.t - left.t) * share, low), high)
end

-- Goes on outwards until an interval must hold a good point. Returns its ends, or one point that is good itself.
local function bracket(start, first, evaluate, descends, is_flat)
  local before, now = start, first
  for points = 1, MOST_POINTS do
    if not descends(now) or points > 2 and now.f >= before.f then return before, now, points end
    if is_flat(now) then return now, nil, points end
    if now.slope >= 0 then return before, now, points end
    local t = least_of_cubic(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10)
    before, now = now, evaluate(t)
  end
  return start, now, MOST_POINTS + 1
end

-- A trial within the interval. One near an end, for the second time or outside, goes a tenth of the way inwards.
local function trial(low, high, was_near)
  local left, right = math.min(low.t, high.t), math.max(low.t, high.t)
  local t, margin = least_of_cubic(low, high, left, right), 0.1 * (right - left)
  if math.min(right - t, t - left) >= margin then return t, false end
  if not was_near and t < right and t > left then return t, true end
  return math.abs(t - right) < math.abs(t - left) and right - margin or left + margin, false
end

-- Narrows the interval, whose end `low` is the lower one, until its low end is good.
local function zoom(low, high, points, evaluate, descends, is_flat, is_small)
  local near = false
  while points <= MOST_POINTS and not is_small(high.t - low.t) do
    local t
    t, near = trial(low, high, near)
    local now = evaluate(t)
    points = points + 1
    if not descends(now) or now.f >= low.f then
      high = now
      if high.f < low.f then low, high = high, low end
    else
      if is_flat(now) then return now end
      if now.slope * (high.t - low.t) >= 0 then high = low end
      low = now
    end
  end
  return low
end

--- Finds the point.
-- @param start    the point at t = 0
-- @param t        first step length to try
-- @param evaluate function(t) -> point
-- @param is_small function(width) -> boolean: an interval so wide is not worth narrowing
-- @return point
local function strong_wolfe(start, t, evaluate, is_small)
  local function descends(point) return point.f <= start.f + ENOUGH * point.t * start.slope end
  local function is_flat(point) return math.abs(point.slope) <= -FLAT * start.slope end
  local low, high, points = bracket(start, evaluate(t), evaluate, descends, is_flat)
  if not high then return low end
  if high.f < low.f then low, high = high, low end
  return zoom(low, high, points, evaluate, descends, is_flat, is_small)
end

return strong_wolfe
