-- data.Frame: columns, rows, parts and tensors of a table.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local Frame = embla.data.Frame

local NAN = 0 / 0

local function sample()
  return Frame({name = {"ann", "bob", "cid", "dee"}, age = {31, 25, 40, 25},
                height = embla.tensor({1.7, NAN, 1.6, 1.5}, "float64"), town = {"york", false, "york", "bath"}},
               {columns = {"name", "age", "height", "town"}})
end

t.test("columns are what they were made of", function()
  local f = sample()
  t.equal(#f, 4)
  t.equal(f.columns, {"name", "age", "height", "town"})
  t.equal(f.name, {"ann", "bob", "cid", "dee"})
  t.equal(f.age, embla.tensor({31, 25, 40, 25}, "int64"))
  t.equal(f.height, embla.tensor({1.7, NAN, 1.6, 1.5}, "float64"))
  t.equal(f["town"], {"york", false, "york", "bath"})
  t.equal(Frame({b = {1.5, false}, a = {true, false}}).columns, {"a", "b"})
  t.equal(Frame({b = {1.5, false}}).b:tolist(), {1.5, NAN})
  t.equal(#Frame {}, 0)
  t.equal({f:has "age", f:has "wage", f:is_text "town", f:is_text "age"}, {true, false, true, false})
end)

t.test("columns are added, replaced and taken out", function()
  local f = sample()
  f.twice = f.age * 2
  t.equal(f.twice:tolist(), {62, 50, 80, 50})
  f.name = nil
  t.equal(f.columns, {"age", "height", "town", "twice"})
  local g = f:with("split", {1, 2, 3, 4})
  t.equal(g:column("split"):tolist(), {1, 2, 3, 4})
  t.equal(f:has "split", false)
  t.equal(type(g.split), "function")
  t.raises(function() f.new = {1, 2} end, 'column "new" has 2 rows, the frame has 4')
  t.raises(function() f.split = {1, 2, 3, 4} end, "'split' is a method", "f:with('split', values)")
  t.raises(function() f.columns = {} end, "columns")
  t.raises(function() f.new = 5 end, 'column "new": expected a tensor or a list, got 5')
  t.raises(function() f.new = {1, "a", 2, 3} end, "text 1: expected a string, or false for a missing one, got 1")
  t.raises(function() f.new = embla.zeros(4, 2) end, "expected a tensor of 1 dimension, got shape (4, 2)")
end)

t.test("a name that there is not tells the nearest", function()
  local f = sample()
  t.raises(function() return f.hieght end, "test_frame.lua", "no column 'hieght', did you mean 'height'?",
           "columns: name, age, height, town")
  t.raises(function() return f:select {"age", "nme"} end, "select: there is no column 'nme', did you mean 'name'?")
  t.raises(function() return f[1] end, "columns have names: row 1 is f:row(1)")
  t.raises(function() f.ages = nil end, "did you mean 'age'?")
end)

t.test("columns and rows are chosen", function()
  local f = sample()
  t.equal(f:select({"town", "age"}).columns, {"town", "age"})
  t.equal(f:drop("town").columns, {"name", "age", "height"})
  t.equal(f:rows({2, 0, 2}).name, {"cid", "ann", "cid"})
  t.equal(f:rows(embla.tensor {3}).town, {"bath"})
  t.equal(f:head(2).age:tolist(), {31, 25})
  t.equal(f:tail(1).name, {"dee"})
  t.equal(#f:head(), 4)
  t.equal(#f:rows {}, 0)
  t.equal(f:row(1), {name = "bob", age = 25, height = NAN, town = false})
  t.raises(function() f:rows {4} end, "rows: row 4 is out of range for 4 rows")
  t.raises(function() f:rows {-1} end, "row -1 is out of range")
  t.raises(function() f:rows {0.5} end, "expected integers, got 0.5 at 1")
  t.raises(function() f:head(-1) end, "head: argument n")
  t.raises(function() f:row(4) end, "row 4 is out of range for 4 rows")
end)

t.test("rows are filtered", function()
  local f = sample()
  t.equal(f:filter(function(row) return row.age == 25 and row.town end).name, {"dee"})
  t.equal(f:filter(f.age:gt(30)).name, {"ann", "cid"})
  t.equal(#f:filter(function() return false end), 0)
  t.equal(f:drop_missing().name, {"ann", "cid", "dee"})
  t.equal(f:drop_missing({"town"}).name, {"ann", "cid", "dee"})
  t.equal(f:drop_missing("age").name, {"ann", "bob", "cid", "dee"})
  t.raises(function() f:filter(embla.tensor {true}) end, "expected a tensor of shape (4) and bool")
  t.raises(function() f:filter(5) end, "filter: argument fn: expected a function, got 5")
  t.raises(function() f:filter(function(row) return row.agee end) end, "did you mean 'age'?")
end)

t.test("a frame is split in two", function()
  local n = 100
  local ids, kinds = {}, {}
  for i = 1, n do ids[i], kinds[i] = i - 1, i <= 30 and "few" or "many" end
  local f = Frame {id = ids, kind = kinds}
  local a, b = f:split(0.8, {seed = 3})
  t.equal({#a, #b}, {80, 20})
  local all = {}
  for _, part in ipairs {a, b} do
    for _, id in ipairs(part.id:tolist()) do all[#all + 1] = id end
  end
  t.equal(all[1] == 0 and all[2] == 1 and all[3] == 2, false)
  table.sort(all)
  t.equal(all, ids)
  t.equal(f:split(0.8, {seed = 3}).id, a.id)
  local first = f:split(0.25, {shuffle = false})
  t.equal(first.id:tolist(), table.move(ids, 1, 25, 1, {}))
  local c = f:split(0.5, {seed = 1, stratify = "kind"})
  local few = 0
  for _, kind in ipairs(c.kind) do few = few + (kind == "few" and 1 or 0) end
  t.equal({#c, few}, {50, 15})
  local before = embla.get_rng_state()
  f:split(0.5, {seed = 9})
  t.equal(embla.get_rng_state(), before)
  t.raises(function() f:split(1.5) end, "expected a number in [0, 1], got 1.5")
  t.raises(function() f:split(0.5, {stratify = "kinds"}) end, "did you mean 'kind'?")
end)

t.test("columns become tensors", function()
  local f = sample()
  t.equal(f:tensor {"age", "height"}, embla.tensor({{31, 1.7}, {25, NAN}, {40, 1.6}, {25, 1.5}}, "float32"))
  t.equal(f:tensor().shape, {4, 2})
  t.equal(f:tensor({"age"}, {dtype = "int64"}), embla.tensor {{31}, {25}, {40}, {25}})
  t.raises(function() f:tensor {"age", "town"} end, "column 'town' is text", "f:ids('town')")
  t.raises(function() f:select("name"):tensor() end, "there are no columns of numbers")
end)

t.test("text becomes ids", function()
  local f = sample():drop_missing()
  local ids, words = f:ids "town"
  t.equal(ids, embla.tensor {0, 0, 1})
  t.equal(words:words(), {"york", "bath"})
  local other = Frame {town = {"bath", "leeds"}}
  t.raises(function() other:ids("town", {vocab = words}) end, "the vocabulary has no 'leeds' (row 1)")
  t.equal((other:head(1):ids("town", {vocab = words})):tolist(), {1})
  t.raises(function() sample():ids "town" end, "column 'town' lacks 1 texts")
  t.raises(function() f:ids "age" end, "column 'age' is of numbers")
end)

t.test("a loader reads the rows", function()
  local data, words = sample():dataset {"age", "height", target = "name"}
  t.equal(#data, 4)
  t.equal(words:words(), {"ann", "bob", "cid", "dee"})
  local x, y = data:batch(embla.tensor {2})
  t.equal(x, embla.tensor({{40, 1.6}}, "float32"))
  t.equal(y, embla.tensor {2})
  local _, target = sample():dataset({"height", target = "age"}):batch(embla.tensor {1})
  t.equal(target, embla.tensor {25})
  t.raises(function() sample():dataset {"age", goal = "name"} end, "unknown option 'goal'")
end)

t.test("ids of a frame beyond memory of a scope stay", function()
  local f = sample()
  local g
  do
    local _ <close> = embla.scope()
    g = f:rows {1, 2}
    f.double = f.age * 2
  end
  t.equal(g.age:tolist(), {25, 40})
  t.equal(f.double:tolist(), {62, 50, 80, 50})
end)

t.finish()
