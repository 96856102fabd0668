-- The examples that classify, penguins.lua and digits.lua: they learn, keep what they learned, and refuse bad input.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local ROOT = arg[0]:match("^(.-)tests/lua/") or ""
local DATA = os.getenv "EMBLA_DATA" or ROOT .. "../shared/data"
local INVENTED = ROOT .. "scripts/examples/data/penguins.csv"

-- The program that runs this test, whatever options it was given.
local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end

local function try(name, options)
  return process.run(("%s %sscripts/examples/%s.lua %s"):format(process.quote(program), ROOT, name, options))
end

-- Runs an example; returns the accuracy that it tells, and all it printed.
local function run(name, options)
  local out, err, status = try(name, options)
  if status ~= 0 then t.fail(err) end
  return tonumber(out:match "\ntest accuracy (%d%.%d+)"), out
end

-- It must fail, with each of the texts in the first line that it complains in.
local function refuses(name, options, ...)
  local _, err, status = try(name, options)
  t.equal(status, 1)
  local line = err:match "^[^\n]*"
  for _, text in ipairs {...} do
    if not line:find(text, 1, true) then t.fail(("%q lacks %q"):format(line, text)) end
  end
end

-- ---- penguins --------------------------------------------------------------------------------------------------

local HEADER = "species,island,sex,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g\n"

-- 20 light birds and 20 heavy ones, alike in all else, and a row each without weight, species, and sex.
local function two_species()
  local lines = {HEADER}
  for i = 1, 20 do
    local rest = ("%s,%s,10,%d,30"):format(i % 2 > 0 and "North" or "South", i % 3 > 0 and "male" or "female", i % 7)
    lines[#lines + 1] = ("Wren,%s,%d\n"):format(rest, 10 + i % 3)
    lines[#lines + 1] = ("Swan,%s,%d\n"):format(rest, 9000 + i)
  end
  return table.concat(lines) .. "Wren,North,male,10,1,30,NA\n,North,male,10,1,30,9\nWren,North,,10,1,30,9\n"
end

-- The counts of the table at the end, by row.
local function confusion(out)
  local rows = {}
  for line in out:match("taken for.*"):gmatch "\n%d+  %a+ [ %d]+" do
    local row = {}
    for count in line:gsub("^\n%d+", ""):gmatch "%d+" do row[#row + 1] = math.tointeger(count) end
    rows[#rows + 1] = row
  end
  return rows
end

t.test("penguins tells what cannot be mistaken, and counts it by species", function()
  process.with_file(two_species(), function(path)
    local accuracy, out = run("penguins", path .. " --epochs 30 --train 0.5")
    t.equal(accuracy, 1.0)
    t.equal(out:match "\n%d+ rows, %d+ left out", "\n43 rows, 2 left out")
    -- Of 21 wrens and 20 swans the first part gets 11 and 10 (20.5 rounded up): the other has 10 of each.
    t.equal(confusion(out), {{10, 0}, {0, 10}})
  end)
end)

t.test("penguins runs on invented ones, and its table agrees with the accuracy", function()
  local accuracy, out = run("penguins", INVENTED .. " --epochs 30 --seed 2")
  local total, right = 0, 0
  for i, row in ipairs(confusion(out)) do
    for j, count in ipairs(row) do
      total, right = total + count, right + (i == j and count or 0)
    end
  end
  t.equal(total, 21)
  t.close(accuracy, right / total, 0, 1e-4)
  t.equal(accuracy > 0.8, true)
end)

t.test("what penguins has kept tells another table apart as it would have", function()
  process.with_file(two_species(), function(path)
    process.with_file("", function(kept)
      run("penguins", ("%s --epochs 30 --save %s"):format(path, kept))
      -- All are light as wrens are, whatever they are called: beside each other they would not be.
      local birds = "Wren,South,male,10,3,30,12\nSwan,North,male,10,3,30,99\nWren,South,female,10,3,30,9\n"
      process.with_file(HEADER .. birds, function(other)
        local accuracy, out = run("penguins", ("%s --load %s --seed 9"):format(other, kept))
        t.equal({accuracy, out:find("epoch", 1, true)}, {0.6667, nil})
        t.equal(confusion(out), {{2, 0}, {1, 0}})
      end)
      process.with_file(HEADER .. "Gull,South,male,10,3,30,8000\nWren,South,male,10,3,30,12\n", function(other)
        refuses("penguins", ("%s --load %s"):format(other, kept), "Gull")
      end)
    end)
  end)
end)

t.test("penguins refuses bad input in one line", function()
  refuses("penguins", "no/such.csv", "no/such.csv: No such file")
  refuses("penguins", INVENTED .. " --load " .. INVENTED, INVENTED)
  refuses("penguins", "--train 1", "option --train: expected number in (0, 1), got 1")
  local bad = {
    {"a,b\n1,2\n", "there is no column 'species'", " has a, b)"}, {"", "there are no rows"},
    {HEADER, "too few penguins"},
    {HEADER .. "Wren,North,male,long,1,2,3\n", "line 2, column 17: column 'bill_length_mm': expected a number"},
  }
  for _, case in ipairs(bad) do
    process.with_file(case[1], function(path) refuses("penguins", path, path, table.unpack(case, 2)) end)
  end
end)

-- ---- digits ----------------------------------------------------------------------------------------------------

t.test("digits learns to read what it draws, shows what it cannot, and goes on with what it has kept", function()
  process.with_file("", function(kept)
    local accuracy, out = run("digits", "--drawn --epochs 6 --save " .. kept)
    t.equal(accuracy > 0.85, true)
    local digit, other = out:match "is a (%d) and was taken for a (%d):\n"
    t.equal(digit ~= other, true)
    local _, lines = out:gsub("\n  |[ .+*#][ .+*#|]+|", "")
    t.equal(lines, 8)
    local again, loaded = run("digits", "--drawn --windows 3 --load " .. kept)
    t.equal({again, loaded:find("epoch", 1, true), loaded:match "taken.*"}, {accuracy, nil, out:match "taken.*"})
    refuses("penguins", INVENTED .. " --load " .. kept, kept .. ": was not written by penguins.lua")
  end)
end)

t.test("digits refuses bad input in one line", function()
  refuses("digits", "no/such", "no/such/train.csv: No such file")
  refuses("digits", "--drawn --load " .. INVENTED, INVENTED)
  process.with_file("", function(path)
    os.remove(path)
    os.execute("mkdir " .. process.quote(path))
    local file = io.open(path .. "/train.csv", "w")
    file:write "1,2,3\n4,5,6\n"
    file:close()
    local ok, err = pcall(refuses, "digits", path, path .. "/train.csv: expected 65 columns", "got 3")
    os.remove(path .. "/train.csv")
    os.remove(path)
    if not ok then error(err, 0) end
  end)
end)

-- ---- the real ones ---------------------------------------------------------------------------------------------

local REAL = {
  {name = "penguins", path = DATA .. "/penguins/penguins.csv", wanted = 0.95},
  {name = "digits", path = DATA .. "/optdigits", file = "/train.csv", wanted = 0.97},
}

for _, case in ipairs(REAL) do
  local file = io.open(case.path .. (case.file or ""))
  local title = case.name .. " reaches its accuracy"
  if file then
    file:close()
    t.test(title, function() t.equal(run(case.name, case.path) >= case.wanted, true) end)
  else
    t.skip(title, "no " .. case.path .. "; set EMBLA_DATA")
  end
end

t.finish()
