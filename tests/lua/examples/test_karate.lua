-- The example karate.lua finds the two sides of the club, whatever the seed.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local ROOT = arg[0]:match("^(.-)tests/lua/") or ""
local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end

for seed = 1, 6 do
  t.test("33 of 34 at least with seed " .. seed, function()
    local out, err, status = process.run(("%s %sscripts/examples/karate.lua --seed %d"):format(
      process.quote(program), ROOT, seed))
    if status ~= 0 then t.fail(err) end
    t.equal(out:find("34 members, 78 ties, 1700 walks", 1, true) ~= nil, true)
    t.equal(tonumber(out:match "(%d+) of 34 on the side they took") >= 33, true)
  end)
end

t.finish()
