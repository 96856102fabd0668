-- The line search: the point it finds satisfies both conditions, from first trials much too short and much too long.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local strong_wolfe = require "embla.optim.strong_wolfe"

-- Value and slope at x, descending from x = 0.
local LINES = {
  parabola = function(x) return (x - 3) ^ 2, 2 * (x - 3) end,
  quartic = function(x) return (x - 2) ^ 4, 4 * (x - 2) ^ 3 end,
  waves = function(x) return math.cos(x) - x / 8, -math.sin(x) - 1 / 8 end,
  exponential = function(x) return math.exp(x) - 5 * x, math.exp(x) - 5 end,
  rational = function(x) return -x / (x * x + 2), (x * x - 2) / (x * x + 2) ^ 2 end,       -- More, Thuente 1994
}

for name, line in pairs(LINES) do
  for _, first in ipairs {1e-3, 0.1, 1, 10, 30} do
    t.test(("%s from %g"):format(name, first), function()
      local calls = 0
      local function evaluate(x)
        calls = calls + 1
        local f, slope = line(x)
        return {t = x, f = f, slope = slope}
      end
      local start = evaluate(0)
      local found = strong_wolfe(start, first, evaluate, function(width) return math.abs(width) < 1e-9 end)
      t.equal(found.f <= start.f + 1e-4 * found.t * start.slope, true)
      t.equal(math.abs(found.slope) <= -0.9 * start.slope, true)
      t.equal(calls <= 27, true)
    end)
  end
end

t.test("a line that has no end is left after 26 trials", function()
  local calls = 0
  local start = {t = 0, f = 0, slope = -1}
  local found = strong_wolfe(start, 1, function(x)
    calls = calls + 1
    return {t = x, f = -x, slope = -1}
  end, function() return false end)
  t.equal(calls, 26)
  t.equal(found.f < -1e6, true)
end)

t.finish()
