-- The example that recommends: it finds what users like, which a random recommender does not, and reads any ratings.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local ROOT = arg[0]:match("^(.-)tests/lua/") or ""

-- The program that runs this test, whatever options it was given.
local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end

local function try(options)
  return process.run(("%s %sscripts/examples/recommender.lua %s"):format(process.quote(program), ROOT, options))
end

t.test("it finds the kind that a user likes", function()
  local out, err, status = try "--seed 3"
  if status ~= 0 then t.fail(err) end
  -- At random 10 of the 104 items not yet seen: recall 0.096.
  t.equal(tonumber(out:match "recall@10 (%S+)") > 0.3, true)
  t.equal(out:match "^[^\n]*", "200 users, 120 items, 3200 choices to learn from, 800 for the test")
end)

t.test("it reads a table with more columns, and says what is wrong with one", function()
  process.with_file("user,item,rating\na,x,1\na,y,2\nb,x,3\nb,z,4\nc,y,1\nc,x,2\n", function(path)
    local out, err, status = try(path .. " --epochs 1")
    if status ~= 0 then t.fail(err) end
    t.equal(out:match "^[^\n]*", "3 users, 3 items, 4 choices to learn from, 2 for the test")
  end)
  process.with_file("user,item\n", function(path)
    local _, err, status = try(path)
    t.equal({status, err:find("no ratings", 1, true) ~= nil}, {1, true})
  end)
  local out, _, status = try "--help"
  t.equal({status, out:find("--width N", 1, true) ~= nil}, {0, true})
end)

t.finish()
