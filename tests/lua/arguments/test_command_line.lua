-- embla.args: what a script is given, read by its rows; what does not fit is refused by its name; help fits a terminal.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local process = require "support.process"

local ROWS = [[{
  {name = "path", positional = true, type = "string", doc = "a text", required = true},
  {name = "others", positional = true, many = true, type = "string", doc = "more of them"},
  {name = "steps", type = "integer", default = 2000, range = ">= 0", doc = "batches to learn from"},
  {name = "lr", type = "number", range = "> 0", doc = "learning rate; by default what is right for the model, which "
    .. "depends on many things and is told in a long sentence"},
  {name = "min_count", type = "integer", default = 5, doc = "rarer words are skipped"},
  {name = "sizes", type = "integers", default = {3, 4}, doc = "of the layers"},
  {name = "mode", choices = {"sum", "mean", "a_rather_long_name"}, default = "mean", doc = "what is done"},
  {name = "width", type = "integer|string", doc = "a number, or auto"},
  {name = "fused", type = "boolean", default = false, doc = "all in one loop"},
  {name = "shuffle", type = "boolean", default = true, doc = "in the order they come in"},
}]]
local rows = load("return " .. ROWS)()

-- What the words say, without the options left at their defaults.
local function read(...)
  local o = embla.args("Does.", rows, {...})
  for name, value in pairs {steps = 2000, min_count = 5, mode = "mean", fused = false, shuffle = true} do
    if o[name] == value then o[name] = nil end
  end
  if o.sizes[1] == 3 then o.sizes = nil end
  if #o.others == 0 then o.others = nil end
  return o
end

t.test("options and arguments are read, and the others have their defaults", function()
  local defaults = {path = "a", others = {}, steps = 2000, min_count = 5, sizes = {3, 4}, mode = "mean", fused = false,
                    shuffle = true}
  t.equal(embla.args("Does.", rows, {"a"}), defaults)
  for _, case in ipairs {
    {{"a", "--steps", "3"}, {path = "a", steps = 3}},
    {{"--steps=1e3", "a", "b", "c"}, {path = "a", others = {"b", "c"}, steps = 1000}},
    {{"--lr", "1e-3", "a", "--lr=.5"}, {path = "a", lr = 0.5}},
    {{"a", "--min-count", "-1"}, {path = "a", min_count = -1}},
    {{"a", "--min_count=7"}, {path = "a", min_count = 7}},
    {{"a", "--sizes", "1,2,5"}, {path = "a", sizes = {1, 2, 5}}},
    {{"a", "--mode=sum", "--fused", "--no-shuffle"}, {path = "a", mode = "sum", fused = true, shuffle = false}},
    {{"a", "--fused", "--no-fused", "--shuffle=false"}, {path = "a", shuffle = false}},
    {{"a", "--width", "12"}, {path = "a", width = 12}}, {{"a", "--width", "auto"}, {path = "a", width = "auto"}},
    {{"-", "-5"}, {path = "-", others = {"-5"}}},
    {{"--steps", "1", "--", "--steps", "--help"}, {path = "--steps", others = {"--help"}, steps = 1}},
    {{"--mode=sum", "--width=", "a=b"}, {path = "a=b", mode = "sum", width = ""}},
  } do
    t.equal(read(table.unpack(case[1])), case[2])
  end
  t.equal(math.type(read("a", "--steps=1e3").steps), "integer")
end)

t.test("what does not fit is refused, naming the option and what was given", function()
  for _, case in ipairs {
    {{}, "argument PATH is missing: expected string"},
    {{"a", "--steps", "three"}, 'option --steps: expected integer >= 0, got "three"'},
    {{"a", "--steps", "-1"}, "option --steps: expected integer >= 0, got -1"},
    {{"a", "--steps", "1.5"}, "option --steps: expected integer >= 0, got 1.5"},
    {{"a", "--steps"}, "option --steps: expected integer >= 0, got nothing"},
    {{"a", "--lr", "--steps", "3"}, "option --lr: expected number > 0, got nothing"},
    {{"a", "--lr=nan"}, 'option --lr: expected number > 0, got "nan"'},
    {{"a", "--sizes", "1,,2"}, 'option --sizes: expected a list of integers, got "1,,2"'},
    {{"a", "--mode", "max"}, "option --mode: expected one of sum, mean, a_rather_long_name", 'got "max"'},
    {{"a", "--fused=yes"}, 'option --fused: expected boolean, got "yes"'},
    {{"a", "--no-fused=true"}, "option --no-fused takes no value"},
    {{"a", "--step", "3"}, "unknown option --step, did you mean --steps? (--help shows what there is)"},
    {{"a", "--no-steps"}, "unknown option --no-steps"}, {{"a", "-x"}, "unknown option -x (--help"},
    {{"a", "--path", "b"}, "unknown option --path"},
  } do
    t.raises(function() read(table.unpack(case[1])) end, "test_command_line.lua: ", table.unpack(case, 2))
  end
  t.raises(function() embla.args("Does.", {rows[1]}, {"a", "b"}) end, 'one argument too many: "b"')
  t.raises(function() embla.args(rows) end, "args: argument description: expected a string, got a table")
  t.raises(function() embla.args("Does.", {{}}) end, "args: argument rows: expected a list of rows, each with a name")
  t.raises(function() embla.args("Does.", rows, {1}) end, "args: argument words: expected a list of strings")
  t.raises(function() embla.args("Does.", {{name = "x", type = "whole"}}, {}) end, "unknown option type whole")
end)

-- ---- as a user starts it ---------------------------------------------------------------------------------------

local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end

local SCRIPT = ([[
local o = require("embla").args("Trains a model.\n\nA second paragraph of so many words that it must be put into "
  .. "several lines to fit a terminal of eighty columns.", ROWS)
print(o.path, o.steps)]]):gsub("ROWS", (ROWS:gsub("%%", "%%%%")))

local function run(words)
  local out, err, status
  process.with_file(SCRIPT, function(path)
    out, err, status = process.run(("%s %s %s"):format(process.quote(program), path, words))
    out, err = out:gsub(path, "SCRIPT", 1), err:gsub(path:match "[^/]*$", "SCRIPT", 1)
  end)
  return out, err, status
end

t.test("the script's own arguments are read when no list is given", function()
  t.equal({run "text --steps 5"}, {"text\t5\n", "", 0})
  local out, err, status = run "text --steps x"
  t.equal({out, err:match "^[^\n]*", status},
          {"", 'embla: SCRIPT: option --steps: expected integer >= 0, got "x" (--help shows what there is)', 1})
end)

t.test("help is made of the rows, aligned, and at most 80 wide", function()
  for _, words in ipairs {"--help", "a -h --steps x"} do
    local out, err, status = run(words)
    t.equal({err, status}, {"", 0})
    t.equal(out, [[
usage: embla SCRIPT PATH [OTHERS...] [options]

Trains a model.

A second paragraph of so many words that it must be put into several lines to
fit a terminal of eighty columns.

  PATH           a text
  OTHERS...      more of them
  --steps N      batches to learn from (default 2000)
  --lr X         learning rate; by default what is right for the model, which
                 depends on many things and is told in a long sentence
  --min-count N  rarer words are skipped (default 5)
  --sizes N,N,…  of the layers (default 3,4)
  --mode sum|mean|a_rather_long_name
                 what is done (default mean)
  --width N      a number, or auto
  --fused        all in one loop
  --no-shuffle   in the order they come in
  -h, --help     shows this
]])
  end
end)

t.finish()
