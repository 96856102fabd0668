-- log.Run: rows in the files as they come, nothing of what is refused, and runs that go on after a kill.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local core = require "embla.core"
local process = require "support.process"

local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end

-- A file that keeps what is written.
local function sink()
  local written = {}
  return {write = function(_, ...) written[#written + 1] = table.concat {...} end, flush = function() end}, written
end

-- Calls `use` with the path of a folder that is not there yet, and removes it.
local function with_folder(use)
  local folder = os.tmpname()
  os.remove(folder)
  local fine, err = pcall(use, folder .. "/runs/a")
  process.run("rm -r " .. process.quote(folder))
  if not fine then error(err, 0) end
end

local function content(folder, name) return core.read_file(folder .. "/" .. name) end

local function put(folder, name, text)
  core.make_folder(folder)
  core.write_file(folder .. "/" .. name, text)
end

-- ---- rows ------------------------------------------------------------------------------------------------------

t.test("a row is in both files when log returns", function()
  with_folder(function(folder)
    local run = embla.log.Run(folder)
    t.equal({run.folder, run.name, run.rows, run.step, run.resumed}, {folder, "a", 0, nil, false})
    run:log {step = 10, loss = embla.tensor(0.5), n = 3}
    t.equal(content(folder, "metrics.jsonl"), '{"loss": 0.5, "n": 3, "step": 10}\n')
    t.equal(content(folder, "metrics.csv"), "step,loss,n\n10,0.5,3\n")
    run:log {loss = 2.0, n = 4}
    t.equal(content(folder, "metrics.jsonl"):match "\n(.*)", '{"loss": 2.0, "n": 4, "step": 11}\n')
    t.equal(content(folder, "metrics.csv"), "step,loss,n\n10,0.5,3\n11,2.0,4\n")
    t.equal({run.rows, run.step, tostring(run)}, {2, 11, ("log.Run(%s: 2 rows, step 11)"):format(folder)})
    run:close()
    run:close()
    t.raises(function() run:log {loss = 1} end, "test_run.lua", "Run:log: the run " .. folder .. " is closed")
  end)
end)

t.test("a column that comes later is empty in the rows before", function()
  with_folder(function(folder)
    local run <close> = embla.log.Run(folder)
    run:log {loss = 0.5, note = 'a "b",\nc'}
    run:log {loss = 0.25}
    run:log {accuracy = 0.9}
    run:log {loss = 0 / 0, accuracy = math.huge, note = "", good = true}
    t.equal(content(folder, "metrics.csv"),
            'step,loss,note,accuracy,good\n1,0.5,"a ""b"",\nc",,\n2,0.25,,,\n3,,,0.9,\n4,nan,"",inf,true\n')
    t.equal(run:read(), {
      {step = 1, loss = 0.5, note = 'a "b",\nc'}, {step = 2, loss = 0.25}, {step = 3, accuracy = 0.9},
      {step = 4, loss = 0 / 0, accuracy = math.huge, note = "", good = true},
    })
    t.equal(content(folder, "metrics.jsonl"):match '("loss": "NaN"),', '"loss": "NaN"')
  end)
end)

t.test("what is read is what was recorded: integers, floats, texts, booleans", function()
  with_folder(function(folder)
    local run <close> = embla.log.Run(folder)
    local rows = {
      {step = math.maxinteger, a = 1, b = 1.0, c = -0.0, d = 1 / 3, e = 5e-324, f = math.mininteger},
      {step = 0, a = false, b = true, c = "ä€\0\n", d = -math.huge, e = 1e308, f = "null"},
    }
    for _, row in ipairs(rows) do run:log(row) end
    local got = embla.log.read(folder)
    t.equal(got, rows)
    for i, row in ipairs(rows) do
      for name, value in pairs(row) do t.equal({name, math.type(got[i][name])}, {name, math.type(value)}) end
    end
    t.equal(1 / got[1].c, -math.huge)
  end)
end)

t.test("of what is refused nothing is written", function()
  with_folder(function(folder)
    local run <close> = embla.log.Run(folder)
    run:log {loss = 0.5}
    local before = {content(folder, "metrics.jsonl"), content(folder, "metrics.csv")}
    for _, case in ipairs {
      {{loss = print}, "Run:log: loss: expected a number"}, {{loss = embla.ones(2)}, "got a tensor (2)"},
      {{}, "nothing to record"}, {{new = 1, loss = {}}, "Run:log: loss"}, {{"x"}, "expected names"},
    } do
      t.raises(function() run:log(case[1]) end, "test_run.lua", case[2])
      t.raises(function() run:epoch(case[1]) end, "test_run.lua", (case[2]:gsub("Run:log", "Run:epoch")))
    end
    t.raises(function() run:log({loss = 1}, {prnt = true}) end, "did you mean 'print'?")
    t.raises(function() run.log {loss = 1} end, "write run:log()")
    t.equal({content(folder, "metrics.jsonl"), content(folder, "metrics.csv")}, before)
    t.equal({run.rows, run.step}, {1, 1})
  end)
end)

t.test("lines for people", function()
  with_folder(function(folder)
    local out, written = sink()
    local run <close> = embla.log.Run(folder, {out = out})
    run:log {step = 5, loss = 0.5}
    run:log({step = 6, loss = 0.123456}, {print = true})
    run:epoch {loss = 0.25, accuracy = 0.97}
    run:epoch {loss = 0.125}
    run:log {step = 20, loss = 1}
    run.epoch_began = embla.clock() - 60
    run:epoch {loss = 0.0625, epoch = 12}
    t.equal(tonumber(table.concat(written):match "(%d+%.%d) s\n$") >= 60, true)
    t.equal(table.concat(written):gsub("%d+%.%d s\n", "… s\n"),
            "step 6  loss 0.1235\nepoch 1  loss   0.25  accuracy   0.97  … s\n"
            .. "epoch 2  loss  0.125  … s\nepoch 12  loss 0.0625  … s\n")
    local rows = run:read()
    t.equal(rows[3], {epoch = 1, step = 6, loss = 0.25, accuracy = 0.97})
    t.equal({rows[4].step, rows[6].step, rows[6].epoch}, {7, 20, 12})
  end)
end)

-- ---- what was run ----------------------------------------------------------------------------------------------

t.test("run.json tells what was run", function()
  with_folder(function(folder)
    embla.manual_seed(77)
    local run <close> = embla.log.Run(folder, {
      name = "first", hyperparameters = {lr = 0.1, sizes = {1, 2}, top = math.huge},
    })
    local about = embla.io.json.decode(content(folder, "run.json"))
    t.equal(run.name, "first")
    t.equal({about.name, about.hyperparameters, about.embla, about.seed, about.threads, about.script},
            {"first", {lr = 0.1, sizes = {1, 2}, top = "Infinity"}, embla.version, 77, embla.get_num_threads(), arg[0]})
    t.equal(about.date:match "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", about.date)
    t.equal(about.arguments, {table.unpack(arg)})
  end)
  with_folder(function(folder)
    t.raises(function() embla.log.Run(folder, {hyperparameters = {f = {print}}}) end,
             "value.hyperparameters.f[1]: expected", "got a function")
    t.equal(pcall(core.read_file, folder .. "/metrics.jsonl"), false)
    t.raises(function() embla.log.Run(folder, {tensorbord = true}) end, "did you mean 'tensorboard'?")
    t.raises(function() embla.log.Run(7) end, "log.Run: argument folder: expected a path, got 7")
    t.raises(function() embla.log.Run "a\0b" end, "zero byte")
  end)
  process.with_file("x", function(path)
    t.raises(function() embla.log.Run(path) end, path .. ": Not a directory")
    t.raises(function() embla.log.read(path .. ".none") end, path .. ".none/metrics.jsonl: No such file")
  end)
end)

-- ---- going on --------------------------------------------------------------------------------------------------

t.test("a run goes on: rows, steps, columns, epochs, and what was run before", function()
  with_folder(function(folder)
    local out, written = sink()
    do
      local run <close> = embla.log.Run(folder, {hyperparameters = {lr = 0.1}, out = out})
      run:log {step = 7, loss = 0.5}
      run:epoch {loss = 0.25, accuracy = 0.5}
    end
    written[1] = nil
    local run <close> = embla.log.Run(folder .. "/", {out = out})
    t.equal(written, {("log.Run: %s/ goes on after step 7, with 2 rows\n"):format(folder)})
    t.equal({run.resumed, run.rows, run.step, run.name}, {true, 2, 7, "a"})
    run:epoch {loss = 0.125}
    run:log {accuracy = 1.0, new = 1}
    t.equal(content(folder, "metrics.csv"),
            "step,loss,epoch,accuracy,new\n7,0.5,,,\n7,0.25,1,0.5,\n8,0.125,2,,\n9,,,1.0,1\n")
    t.equal(#run:read(), 4)
    local about = embla.io.json.decode(content(folder, "run.json"))
    t.equal({#about.earlier, about.earlier[1].hyperparameters, about.hyperparameters}, {1, {lr = 0.1}, {lr = 0.1}})
    local third <close> = embla.log.Run(folder, {hyperparameters = {lr = 0.2}, out = out})
    about = embla.io.json.decode(content(folder, "run.json"))
    t.equal({third.rows, #about.earlier, about.hyperparameters, about.earlier[2].earlier}, {4, 2, {lr = 0.2}, nil})
  end)
end)

t.test("of a line that a kill has torn nothing stays, a whole one that lacks its end does", function()
  for torn, rows in pairs {['{"loss": 0.2'] = 1, ["{"] = 1, ['{"step": 2, "loss": 0.25}'] = 2, ["\0\0\0"] = 1} do
    with_folder(function(folder)
      put(folder, "metrics.jsonl", '{"loss": 0.5, "step": 1}\n' .. torn)
      put(folder, "metrics.csv", "step,lo")
      t.equal(#embla.log.read(folder), rows)
      local run <close> = embla.log.Run(folder, {out = sink()})
      run:log {loss = 1}
      t.equal(run.rows, rows + 1)
      t.equal(run:read()[rows + 1], {step = rows + 1, loss = 1})
      t.equal(content(folder, "metrics.csv"):match "^step,loss\n1,0.5\n.*" ~= nil, true)
    end)
  end
  with_folder(function(folder)                          -- the first line of all
    put(folder, "metrics.jsonl", '{"lo')
    local run <close> = embla.log.Run(folder)
    run:log {loss = 1}
    t.equal({run.resumed, content(folder, "metrics.jsonl")}, {false, '{"loss": 1, "step": 1}\n'})
  end)
end)

t.test("files that no run has written are refused, naming path and line, and stay as they are", function()
  for text, where in pairs {
    ['{"a": 1}\n{"a": \n{"a": 2}\n'] = "metrics.jsonl:2: ", ["[1]\n"] = "metrics.jsonl:1: expected an object",
    ["7\n"] = "metrics.jsonl:1: expected an object", ["null\n"] = "metrics.jsonl:1: expected an object",
    ['{"a": 1}\n{"step": 1.5}\n'] = "metrics.jsonl:2: step: expected an integer",
    ['{"epoch": "x"}\n'] = "metrics.jsonl:1: epoch: expected an integer",
    ['{"a": [1]}\n'] = "metrics.jsonl:1: a: expected a number, string or boolean",
    ['{"a": null}\n'] = "metrics.jsonl:1: a: expected a number, string or boolean",
    ["\n"] = "metrics.jsonl:1: ", ['{"a": "\xFF"}\n'] = "metrics.jsonl:1: ",
  } do
    with_folder(function(folder)
      put(folder, "metrics.jsonl", text)
      t.raises(function() embla.log.Run(folder) end, "test_run.lua", where)
      t.equal(content(folder, "metrics.jsonl"), text)
    end)
  end
  with_folder(function(folder)
    put(folder, "run.json", "{")
    t.raises(function() embla.log.Run(folder) end, "run.json: expected what a run has written there")
    t.equal(content(folder, "run.json"), "{")
    put(folder, "run.json", "[1, 2]")
    t.raises(function() embla.log.Run(folder) end, "run.json: expected what a run has written there")
  end)
end)

-- ---- kills and full disks --------------------------------------------------------------------------------------

local WRITER = [[
local run = require("embla").log.Run(arg[1])
if arg[2] then os.execute(arg[2]) end
for i = 1, 1 << 30 do run:log {step = i, loss = 1 / i, text = ("x"):rep(i % 300)} end]]

-- Runs the writer of rows, which `before` or, a command of its own once the run is open, `within` stops.
local function write_until(before, folder, within)
  local out, err, status
  process.with_file(WRITER, function(path)
    out, err, status = process.run(("%s %s %s %s %s"):format(before, process.quote(program), path,
                                                             process.quote(folder), within or ""))
  end)
  return err, status, out
end

t.test("after kill -9 all rows but perhaps the last are there, and the run goes on", function()
  with_folder(function(folder)
    local rows = 0
    for _ = 1, 3 do
      local _, status = write_until("exec", folder, "'(sleep 0.1; kill -9 $PPID) &'")
      t.equal(status, 128 + 9)
      local got = embla.log.read(folder)
      t.equal(#got > rows, true)
      for i = rows + 1, #got do
        local step = i - rows
        t.equal(got[i], {step = step, loss = 1 / step, text = ("x"):rep(step % 300)})
      end
      rows = #got
    end
    local run <close> = embla.log.Run(folder, {out = sink()})
    t.equal(run.rows, rows)
    local _, lines = content(folder, "metrics.csv"):gsub("\n", "")
    t.equal(lines, rows + 1)
  end)
end)

t.test("a full disk is an error that names the file, and leaves whole rows", function()
  with_folder(function(folder)
    local err = write_until("trap '' XFSZ; ulimit -f 20;", folder)
    t.equal(err:match "metrics%.%a+: File too large" ~= nil, true)
    local text = content(folder, "metrics.jsonl")
    t.equal({text:sub(-1), #text > 5000}, {"\n", true})
    local run <close> = embla.log.Run(folder, {out = sink()})       -- there is space again
    local rows = run.rows
    run:log {loss = 1}
    local _, lines = content(folder, "metrics.csv"):gsub("\n", "")
    t.equal({#run:read(), lines}, {rows + 1, rows + 2})
  end)
end)

t.test("a table that could not be written is made up for with the next row", function()
  with_folder(function(folder)
    local run <close> = embla.log.Run(folder)
    run:log {loss = 1}
    os.remove(folder .. "/metrics.csv")
    core.make_folder(folder .. "/metrics.csv")          -- a folder stands in the way
    t.raises(function() run:log {new = 2} end, "metrics.csv: Is a directory")
    os.remove(folder .. "/metrics.csv")
    run:log {loss = 3}
    t.equal(content(folder, "metrics.csv"), "step,loss,new\n1,1,\n2,,2\n3,3,\n")
  end)
end)

t.test("event files for TensorBoard are written beside the records", function()
  with_folder(function(folder)
    local run <close> = embla.log.Run(folder, {tensorboard = true})
    local files = core.files(folder, "")
    t.equal({#files, files[1]:match "/events%.out%.tfevents%.%d+%."}, {3, files[1]:match "/events[%l.]*%d+%."})
    local before = #core.read_file(files[1])
    run:log {loss = 0.5}
    t.equal(#core.read_file(files[1]) > before, true)
  end)
end)

t.finish()
