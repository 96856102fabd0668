-- What a run records at a time: checks, and its looks as CSV and on a terminal.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local record = require "embla.log.record"

t.test("values are taken as they are, those of 0-d tensors read", function()
  local given = {step = 3.0, loss = embla.tensor(0.5), n = embla.tensor(7), good = embla.tensor(true), name = "ä",
                 rate = 1e-3, off = false}
  local row = record.check("f", given)
  t.equal(row, {step = 3, loss = 0.5, n = 7, good = true, name = "ä", rate = 1e-3, off = false})
  t.equal({math.type(row.step), math.type(row.n), math.type(row.loss)}, {"integer", "integer", "float"})
  t.equal(given.step, 3.0)
  t.equal(math.type(given.step), "float")               -- the caller's table is not written to
end)

t.test("what is no record is refused, naming the value", function()
  for _, case in ipairs {
    {{}, "f: there is nothing to record"}, {7, "f: expected a table of names and values, got 7"},
    {embla.nn.Linear(1, 1), "got a Linear"}, {{0.5}, "f: expected names for what is recorded, got 1"},
    {{[""] = 1}, 'expected names for what is recorded, got ""'}, {{["\xFF"] = 1}, "expected names"},
    {{["a\0"] = 1}, "expected names"},
    {{loss = embla.ones(1)}, "f: loss: expected one value, got a tensor (1)"},
    {{loss = embla.ones(2, 3)}, "got a tensor (2, 3)"}, {{loss = print}, "f: loss: expected a number, boolean, string"},
    {{loss = {1}}, "got a table"},
    {{name = "a\xFF"}, "f: name: expected"}, {{step = 1.5}, "f: step: expected an integer"},
    {{epoch = "one"}, 'f: epoch: expected an integer, got "one"'}, {{step = 0 / 0}, "got nan"},
  } do
    t.raises(function() record.check("f", case[1]) end, table.unpack(case, 2))
  end
end)

t.test("new names follow those that are known: step and epoch, then by their letters", function()
  local columns = {}
  t.equal(record.add_columns(columns, {loss = 1, step = 1, acc = 1, epoch = 1}), true)
  t.equal(columns, {"step", "epoch", "acc", "loss"})
  t.equal(record.add_columns(columns, {loss = 1, step = 1}), false)
  t.equal(record.add_columns(columns, {aaa = 1, step = 1}), true)
  t.equal(columns, {"step", "epoch", "acc", "loss", "aaa"})
end)

t.test("a row of CSV has quotes where they are needed, and nothing for what is missing", function()
  local columns = {"step", "a", "b,c"}
  t.equal(record.csv(columns), 'step,a,"b,c"\n')
  for _, case in ipairs {
    {{step = 1, a = 2.0, ["b,c"] = true}, "1,2.0,true\n"}, {{step = 1}, "1,,\n"}, {{a = "", step = 2}, '2,"",\n'},
    {{a = 'x "y"\nz', ["b,c"] = false}, ',"x ""y""\nz",false\n'}, {{a = " x"}, '," x",\n'},
    {{a = "plain text"}, ",plain text,\n"},
    {{step = 0 / 0, a = 1 / 0, ["b,c"] = -1 / 0}, "nan,inf,-inf\n"}, {{a = 0.1}, ",0.1,\n"},
  } do
    t.equal(record.csv(columns, case[1]), case[2])
  end
end)

t.test("lines for people are aligned", function()
  local columns, widths = {"step", "epoch", "loss", "acc", "note"}, {}
  local function line(row, seconds) return record.line(columns, row, widths, seconds) end
  t.equal(line({step = 1, epoch = 9, loss = 0.123456, acc = 0.97}, 2.06), "epoch 9  loss 0.1235  acc   0.97  2.1 s")
  t.equal(line({step = 2, epoch = 10, loss = 1e-7, acc = 1}), "epoch 10  loss  1e-07  acc      1")
  t.equal(line({step = 3, epoch = 8, loss = -0.123456, acc = 0 / 0}), "epoch  8  loss -0.1235  acc    nan")
  t.equal(line({step = 120, note = "best", loss = 2.0}), "step 120  loss       2  note best")
end)

t.finish()
