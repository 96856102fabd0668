-- default_collate and pad: values worked out by hand, and samples that do not fit together.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local data = embla.data

local LongTensor = embla.LongTensor

-- ---- default_collate -------------------------------------------------------------------------------------------

t.test("tensors are stacked, numbers and booleans become tensors, strings a list", function()
  t.equal(data.default_collate {embla.tensor {1.0, 2.0}, embla.tensor {3.0, 4.0}}, {{1, 2}, {3, 4}})
  local numbers = data.default_collate {3, 4, 5}
  t.equal(numbers, LongTensor {3, 4, 5})
  t.equal(data.default_collate {1.5, 2.5}, embla.tensor {1.5, 2.5})
  t.equal(data.default_collate {true, false}, embla.tensor {true, false})
  t.equal(data.default_collate {"a", "b\0c"}, {"a", "b\0c"})
end)

t.test("samples that are lists have several fields", function()
  local x, y, word = data.default_collate {{embla.ones(2), 3, "a"}, {embla.zeros(2), 4, "b"}}
  t.equal(x, {{1, 1}, {0, 0}})
  t.equal(y, LongTensor {3, 4})
  t.equal(word, {"a", "b"})
  local one = data.default_collate {{7}, {8}}
  t.equal(one, LongTensor {7, 8})
  t.equal(select("#", data.default_collate {{1, 2, 3}}), 3)
end)

t.test("samples with names have them in the batch, tables within too", function()
  local batch = data.default_collate {
    {ids = embla.arange(2), label = 1, about = {name = "x", place = {1.5, 2}}},
    {ids = embla.arange(2) * 2, label = 0, about = {name = "y", place = {2.5, 3}}},
  }
  t.equal(batch.ids, {{0, 1}, {0, 2}})
  t.equal(batch.label, LongTensor {1, 0})
  t.equal(batch.about.name, {"x", "y"})
  t.equal(batch.about.place, {embla.tensor {1.5, 2.5}, LongTensor {2, 3}})
  local x, named = data.default_collate {{1, {a = 2}}, {3, {a = 4}}}
  t.equal({x:tolist(), named.a:tolist()}, {{1, 3}, {2, 4}})
end)

t.test("samples of different fields are refused, naming sample and field", function()
  local collate = data.default_collate
  t.raises(function() collate {{1, 2}, {1}} end, "default_collate: sample 1: the sample has 1 fields",
           "the batch's first 2")
  t.raises(function() collate {{1}, 2} end, "default_collate: sample 1: field 1: expected a table", "got 2")
  t.raises(function() collate {2, {1}} end, "default_collate: sample 1: field 1: expected a number", "got a table")
  t.raises(function() collate {{1, 2}, {1, "a"}} end, "sample 1: field 2: expected a number", 'got "a"')
  t.raises(function() collate {{a = 1}, {a = 1, b = 2}} end, "sample 1: field b: the batch's first sample has none")
  t.raises(function() collate {{a = 1, b = 2}, {a = 1}} end, "sample 1: field b is missing")
  t.raises(function() collate {{a = 1, b = 2}, {a = 1, c = 2}} end, "sample 1: field b is missing")
  t.raises(function() collate {{a = {b = 1}}, {a = {b = true}}} end, "sample 1: field a.b: expected a number", "true")
  t.raises(function() collate {{5, 6}, {7, 8, 9}} end, "the sample has 3 fields", "data.pad")
  t.raises(function() collate {{{5, 6}, 1}, {{7}, 1}} end, "sample 1: field 1.2 is missing", "data.pad")
  t.raises(function() collate {embla.ones(2), embla.ones(3)} end, "stack")
  t.raises(function() collate {print} end, "sample 0: field 1: expected a tensor, a number", "got a function")
  t.raises(function() collate {} end, "default_collate: argument samples: expected a list of samples, got an empty one")
  t.raises(function() collate(3) end, "default_collate: argument samples", "got 3")
  local circle = {}
  circle.own = circle
  t.raises(function() collate {circle} end, "more than 32 tables within each other")
end)

-- ---- pad -------------------------------------------------------------------------------------------------------

t.test("sequences are padded behind their ends", function()
  local ids, lengths = data.pad {LongTensor {1, 2, 3}, LongTensor {4}, LongTensor {5, 6}}
  t.equal(ids, LongTensor {{1, 2, 3}, {4, 0, 0}, {5, 6, 0}})
  t.equal(lengths, LongTensor {3, 1, 2})
  local rows
  rows, lengths = data.pad({embla.ones(1, 2), embla.ones(2, 2) * 3}, {value = -1.5})
  t.equal(rows, {{{1, 1}, {-1.5, -1.5}}, {{3, 3}, {3, 3}}})
  t.equal(lengths, LongTensor {1, 2})
  t.equal((data.pad({LongTensor {1, 2}, LongTensor {3}}, {padding_value = -100})), LongTensor {{1, 2}, {3, -100}})
end)

t.test("sequences may be lists of numbers, and without elements", function()
  local ids, lengths = data.pad {{7}, {}, {8, 9}}
  t.equal(ids, LongTensor {{7, 0}, {0, 0}, {8, 9}})
  t.equal(lengths, LongTensor {1, 0, 2})
  ids, lengths = data.pad {{}, {}}
  t.equal({ids.shape, ids.dtype, lengths:tolist()}, {{2, 0}, "int64", {0, 0}})
  t.equal((data.pad {{0.5}, {1.5, 2.5}}), embla.tensor {{0.5, 0.0}, {1.5, 2.5}})
  t.equal((data.pad {embla.zeros(0, 3), embla.ones(1, 3)}), {{{0, 0, 0}}, {{1, 1, 1}}})
end)

t.test("fields beside the sequences are put together; lengths come last", function()
  local ids, label, word, lengths = data.pad {{LongTensor {1, 2}, 7, "a"}, {LongTensor {3}, 8, "b"}}
  t.equal(ids, LongTensor {{1, 2}, {3, 0}})
  t.equal({label:tolist(), word, lengths:tolist()}, {{7, 8}, {"a", "b"}, {2, 1}})
  local label2, from, to, n_from, n_to = data.pad {{1, {5}, {6, 7}}, {0, {8, 9}, {}}}
  t.equal({label2:tolist(), from:tolist(), to:tolist()}, {{1, 0}, {{5, 0}, {8, 9}}, {{6, 7}, {0, 0}}})
  t.equal({n_from:tolist(), n_to:tolist()}, {{1, 2}, {2, 0}})
end)

t.test("fields with names", function()
  local batch = data.pad {{ids = {1}, label = 3}, {ids = {1, 2}, label = 4}}
  t.equal({batch.ids:tolist(), batch.label:tolist(), batch.lengths.ids:tolist()}, {{{1, 0}, {1, 2}}, {3, 4}, {1, 2}})
  t.raises(function() data.pad {{ids = {1}, lengths = 3}} end, "pad: the samples have a field 'lengths'")
end)

t.test("only the fields that are named are padded", function()
  local samples = {{{1}, embla.ones(2)}, {{1, 2}, embla.zeros(2)}}
  local ids, x, lengths = data.pad(samples, {fields = {1}, value = 9})
  t.equal({ids:tolist(), x:tolist(), lengths:tolist()}, {{{1, 9}, {1, 2}}, {{1, 1}, {0, 0}}, {1, 2}})
  t.equal(select("#", data.pad(samples)), 4)
  local by_name = data.pad({{a = {1}, b = {1}}, {a = {1, 2}, b = {3}}}, {fields = {"a"}})
  t.equal({by_name.a:tolist(), by_name.b[1]:tolist(), by_name.lengths.b == nil}, {{{1, 0}, {1, 2}}, {1, 3}, true})
  t.raises(function() data.pad(samples, {fields = {3}}) end, "pad: option fields: the samples have no field 3")
end)

t.test("with options alone it is a function to collate with", function()
  local collate = data.pad {value = 7}
  t.equal((collate {{1}, {2, 3}}), LongTensor {{1, 7}, {2, 3}})
  t.equal((data.pad() {{1}, {2, 3}}), LongTensor {{1, 0}, {2, 3}})
end)

t.test("pad refuses what is no sequence", function()
  t.raises(function() data.pad {3, 4} end, "pad: sample 0: field 1: expected a sequence", "got 3")
  t.raises(function() data.pad {"abc"} end, "expected a sequence", '"abc"')
  t.raises(function() data.pad {{1, 2}, 5} end, "pad: sample 1: field 1: expected a sequence", "got 5")
  t.raises(function() data.pad {{{1}, 2}, {3, 4}} end, "pad: sample 1: field 1: expected a sequence", "got 3")
  t.raises(function() data.pad {{{1}, 2}, {{3}}} end, "sample 1", "2")
  t.raises(function() data.pad {{{1}, 2}, LongTensor {1}} end, "sample 1", "table", "tensor")
  t.raises(function() data.pad {{"a", "b"}} end, "pad: the samples have no field that is a sequence")
  t.raises(function() data.pad {embla.ones(1, 2), embla.ones(1, 3)} end, "pad_sequence", "first size only")
  t.raises(function() data.pad {{1, 2}, {"a"}} end, "pad: sample 1: field 1: expected a sequence", "got a table")
  t.raises(function() data.pad {} end, "pad: argument samples: expected a list of samples, got an empty one")
  t.raises(function() data.pad({{1}}, {val = 3}) end, "pad: unknown option 'val', did you mean 'value'?")
  t.raises(function() data.pad {valu = 3} end, "pad: unknown option 'valu', did you mean 'value'?")
  t.raises(function() data.pad(5) end, "pad: argument samples", "got 5")
end)

t.finish()
