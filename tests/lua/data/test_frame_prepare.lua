-- What a Frame's columns go through: described, filled, encoded, standardized; by hand and beside pandas.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"
local embla = require "embla"
local Frame = embla.data.Frame

local NAN = 0 / 0

t.test("numbers are described", function()
  local d = Frame {x = {1, 2, 4, false}, n = {5, 5, 5, 5}, s = {"a", "b", "a", false}}:describe()
  t.equal(d.columns, {"name", "count", "mean", "std", "min", "25%", "50%", "75%", "max"})
  t.equal(d.name, {"n", "x"})
  t.equal(d.count:tolist(), {4, 3})
  t.close(d.mean:tolist(), {5.0, 7 / 3})
  t.close(d.std:tolist(), {0.0, math.sqrt(((1 - 7 / 3) ^ 2 + (2 - 7 / 3) ^ 2 + (4 - 7 / 3) ^ 2) / 2)})
  t.equal({d.min:tolist(), d["25%"]:tolist(), d["50%"]:tolist(), d["75%"]:tolist(), d.max:tolist()},
          {{5.0, 1.0}, {5.0, 1.5}, {5.0, 2.0}, {5.0, 3.0}, {5.0, 4.0}})
  local none = Frame {x = {NAN, NAN}}:describe()
  t.equal({none.count:tolist(), none.mean:tolist(), none.max:tolist()}, {{0}, {NAN}, {NAN}})
end)

t.test("text is described", function()
  local f = Frame {s = {"b", "a", "a", "b", false}}
  local d = f:describe()
  t.equal({d.name, d.count:tolist(), d.unique:tolist(), d.top, d.freq:tolist()}, {{"s"}, {4}, {2}, {"b"}, {2}})
  t.equal(Frame({s = {"a"}, n = {1}}):describe({text = true}).name, {"s"})
end)

t.test("missing values are filled", function()
  local f = Frame {x = {1, false, 4, 4}, s = {"b", false, "a", "a"}}
  t.equal(f:fill_missing({x = "mean"}).x:tolist(), {1.0, 3.0, 4.0, 4.0})
  t.equal(f:fill_missing({x = "median"}).x:tolist(), {1.0, 4.0, 4.0, 4.0})
  t.equal(f:fill_missing({x = 0}).x:tolist(), {1.0, 0.0, 4.0, 4.0})
  local g = f:fill_missing {x = "mode", s = "mode"}
  t.equal({g.x:tolist(), g.s}, {{1.0, 4.0, 4.0, 4.0}, {"b", "a", "a", "a"}})
  t.equal(f:fill_missing({s = "none"}).s, {"b", "none", "a", "a"})
  t.equal(f.x:tolist(), {1.0, NAN, 4.0, 4.0})
  t.raises(function() f:fill_missing {y = 1} end, "there is no column 'y'")
  t.raises(function() f:fill_missing {x = "zero"} end, "column 'x': expected a number, 'mean', 'median' or 'mode'")
  t.raises(function() f:fill_missing {s = 1} end, "column 's': expected a string or 'mode', got 1")
end)

t.test("text is encoded, for the test data as for the training data", function()
  local f = Frame({s = {"b", "a", "a"}, n = {1, 2, 3}}, {columns = {"s", "n"}})
  local g, vocabs = f:encode()
  t.equal(g.columns, {"s", "n"})
  t.equal(g.s:tolist(), {1, 0, 0})
  t.equal(Frame({s = {"b"}, n = {1}}):encode("s", {vocabs = vocabs}).s:tolist(), {1})
  local h = f:one_hot "s"
  t.equal(h.columns, {"s_a", "s_b", "n"})
  t.equal({h.s_a:tolist(), h.s_b:tolist()}, {{0.0, 1.0, 1.0}, {1.0, 0.0, 0.0}})
  t.equal(Frame({s = {"b"}}):one_hot("s", {vocabs = vocabs}):tensor(), embla.tensor({{0, 1}}, "float32"))
  t.raises(function() Frame({s = {"c"}}):encode("s", {vocabs = vocabs}) end, "the vocabulary has no 'c'")
  t.raises(function() f:encode "n" end, "column 'n' is of numbers")
end)

t.test("columns are standardized, for the test data as for the training data", function()
  local f = Frame {x = {1, 3, false}, c = {7, 7, 7}, s = {"a", "b", "c"}}
  local g, statistics = f:standardize()
  t.equal({g.x:tolist(), g.c:tolist()}, {{-1.0, 1.0, NAN}, {0.0, 0.0, 0.0}})
  t.equal(statistics, {x = {mean = 2.0, std = 1.0}, c = {mean = 7.0, std = 1.0}})
  t.equal(Frame({x = {4}}):standardize("x", {statistics = statistics}).x:tolist(), {2.0})
  t.raises(function() f:standardize "s" end, "column 's' is text")
  t.raises(function() Frame({y = {4}}):standardize("y", {statistics = statistics}) end, "there are none of column 'y'")
end)

-- ---- beside pandas ---------------------------------------------------------------------------------------------

local PYTHON = "/usr/bin/python3"
local PENGUINS = (os.getenv "EMBLA_DATA" or "../shared/data") .. "/penguins/penguins.csv"

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

t.test("penguins are described as pandas describes them", function()
  if not exists(PENGUINS) then return t.skip("penguins", PENGUINS .. " is not there") end
  if select(3, process.run(PYTHON .. " -c 'import pandas'")) ~= 0 then
    return t.skip("beside pandas", "python3-pandas is not installed")
  end
  local f = embla.io.csv.read(PENGUINS)
  t.equal(#f, 344)
  local out = process.run(PYTHON .. " - " .. PENGUINS, [==[
import sys, pandas
d = pandas.read_csv(sys.argv[1]).describe()
for name in d.columns: print(name, *[repr(float(v)) for v in d[name]])
]==])
  local d, row = f:describe(), 0
  for line in out:gmatch "[^\n]+" do
    local words = {}
    for word in line:gmatch "%S+" do words[#words + 1] = word end
    t.equal(d.name[row + 1], words[1])
    for i, name in ipairs {"count", "mean", "std", "min", "25%", "50%", "75%", "max"} do
      t.close(d[name]:select(0, row):item() + 0.0, tonumber(words[i + 1]) + 0.0, 1e-12, 0)
    end
    row = row + 1
  end
  t.equal(row, #d)
end)

t.finish()
