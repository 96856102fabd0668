-- nn.GroupNorm: what the golden cases leave out.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

-- Mean 0 and size 1 by hand.
local function normalized(list, eps)
  local mean, var = 0, 0
  for _, x in ipairs(list) do mean = mean + x / #list end
  for _, x in ipairs(list) do var = var + (x - mean) ^ 2 / #list end
  local out = {}
  for i, x in ipairs(list) do out[i] = (x - mean) / math.sqrt(var + eps) end
  return out
end

t.test("GroupNorm", function()
  local layer = nn.GroupNorm(1, 2)
  t.close(layer(embla.tensor {{{1.0, 2.0}, {4.0, 5.0}}}):reshape(1, 4), {normalized({1, 2, 4, 5}, 1e-5)})
  t.equal(tostring(nn.GroupNorm(2, 4)), "GroupNorm(2, 4, eps=1e-05, affine=True)")
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.GroupNorm(3, 4) end, "GroupNorm", "4 channels", "3 groups")
  t.raises(function() nn.GroupNorm(0, 4) end, "GroupNorm", "0 groups")
end)

t.finish()
