-- log.Run: what a training run records, in a folder: metrics.jsonl and metrics.csv grow by a row at a time, run.json
-- tells what was run.

local class = require "embla.base.class"
local core = require "embla.core"
local json = require "embla.io.json"
local list = require "embla.base.list"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local records = require "embla.log.record"

-- ---- rows that are there ---------------------------------------------------------------------------------------

local NONFINITE = {NaN = -(0 / 0), Infinity = math.huge, ["-Infinity"] = -math.huge}

local function is_object(value) return type(value) == "table" and value ~= json.null and value[1] == nil end

-- The row of a line, or nil and what is wrong with it.
local function row_of(line)
  local fine, row = pcall(json.decode, line)
  if not fine then
    local wrong = tostring(row):match "json%.decode: (.*)"
    return nil, wrong or error(row, 0)                  -- an interrupt, say: it speaks of no line
  end
  if not is_object(row) then return nil, "expected an object" end
  for name, value in pairs(row) do
    if type(value) == "table" then return nil, name .. ": expected a number, string or boolean" end
    if (name == "step" or name == "epoch") and math.type(value) ~= "integer" then
      return nil, name .. ": expected an integer"
    end
    if NONFINITE[value] then row[name] = NONFINITE[value] end
  end
  return row
end

-- The rows of metrics.jsonl; the number of bytes that they are; whether the last lacks its newline. A last line that a
-- kill has torn is left out.
local function read_rows(caller, path)
  local text, rows, at = core.read_file(path), {}, 1
  while at <= #text do
    local stop = text:find("\n", at, true)
    local row, wrong = row_of(text:sub(at, (stop or 0) - 1))
    if not row and not stop then return rows, at - 1, false end
    if not row then raise("%s: %s:%d: %s", caller, path, #rows + 1, wrong) end
    rows[#rows + 1] = row
    if not stop then return rows, #text, true end
    at = stop + 1
  end
  return rows, #text, false
end

local function check_folder(caller, folder)
  if type(folder) ~= "string" or folder == "" then
    raise("%s: argument folder: expected a path, got %s", caller, options.show(folder))
  end
  return folder
end

--- The rows that a run has recorded, in order. A last line that a kill has torn is left out.
-- @param folder of the run
-- @return list of tables name -> number, boolean or string
-- @raise if there are none, or a line is malformed, naming path and line
local function read(folder)
  return list.of((read_rows("log.read", check_folder("log.read", folder) .. "/metrics.jsonl")))
end

-- ---- what was run ----------------------------------------------------------------------------------------------

-- Texts of the system's may be of any bytes.
local function readable(text) return utf8.len(text) and text or (text:gsub("[\128-\255]", "?")) end

local function about(name, hyperparameters)
  local script, words = rawget(_G, "arg") or {}, {}
  for i = 1, #script do words[i] = readable(script[i]) end
  local blas, instructions = core.machine()
  return {
    name = name, hyperparameters = hyperparameters, script = script[0] and readable(script[0]),
    arguments = json.array(words), date = os.date "!%Y-%m-%dT%H:%M:%SZ", embla = core.version_text, blas = blas,
    instructions = instructions, seed = core.initial_seed(), threads = core.get_num_threads(),
  }
end

local function encode(value, indent) return json.encode(value, {indent = indent, nonfinite = "string"}) end

-- What run.json said before, or nil: opening it makes it, empty.
local function earlier(path)
  local handle, size = core.append_open(path)
  core.append_close(handle)
  if size == 0 then return nil end
  local fine, old = pcall(json.decode, core.read_file(path))
  if not fine or not is_object(old) then
    raise("log.Run: %s: expected what a run has written there: %s", path, fine and "no object" or tostring(old))
  end
  return old
end

-- run.json tells of the last start of the run, and, below `earlier`, of those before.
local function write_about(path, new)
  local old = earlier(path)
  if old then
    new.hyperparameters = new.hyperparameters or old.hyperparameters
    local before = getmetatable(old.earlier) == core.list_metatable and old.earlier or json.array {}
    old.earlier = nil
    before[#before + 1] = old
    new.earlier = before
  end
  core.write_file(path, encode(new, 2) .. "\n")
end

-- ---- the run ---------------------------------------------------------------------------------------------------

local spec = options.spec("log.Run", {
  {name = "tensorboard", type = "boolean", default = false, doc = "event files for TensorBoard as well"},
  {name = "hyperparameters", type = "table", doc = "kept in run.json: what embla.args has returned, say"},
  {name = "name", type = "string", doc = "what the run is called; by default as its folder"},
  {name = "out", type = "any", doc = "a file that lines for people go to; default standard error"},
})

local log_spec = options.spec("Run:log", {
  {name = "print", type = "boolean", default = false, doc = "shows the row as a line, too"},
})

-- A folder of records of a training run.
--
--   local run <close> = embla.log.Run("runs/a", {hyperparameters = o})
--   run:log {step = step, loss = loss}                      -- numbers, booleans, texts, 0-d tensors
--   run:epoch {loss = mean_loss, accuracy = accuracy}       -- and shows "epoch 1  step 500  accuracy …  loss …  2.1 s"
--
-- A row is in the files when log returns, so that a kill loses at most the line being written. NaN and infinities are
-- the strings "NaN", "Infinity", "-Infinity" in metrics.jsonl, which read turns back; nan, inf, -inf in metrics.csv.
-- A folder that has a run goes on: rows are appended, and steps that are not given follow the last.
-- Fields: `folder`; `name`; `step`, the last, or nil; `rows`, how many there are; `resumed`, whether there were some.
local Run = class "log.Run"
Run.spec = spec

local function path_of(self, name) return self.folder .. "/" .. name end

local function note(self, row)
  self.step, self.last_epoch = row.step or self.step, row.epoch or self.last_epoch
  self.epoch_was_last, self.rows = row.epoch ~= nil, self.rows + 1
  return records.add_columns(self.columns, row)
end

-- Writes metrics.csv from all the rows: at first, when there are new columns, and after a failure.
local function rewrite_table(self, rows)
  local lines = {records.csv(self.columns)}
  for i, row in ipairs(rows) do lines[i + 1] = records.csv(self.columns, row) end
  core.write_file(path_of(self, "metrics.csv"), table.concat(lines))
  self.table = core.append_open(path_of(self, "metrics.csv"))
end

-- Takes up the rows that are there; of a line that a kill has torn nothing stays.
local function resume(self)
  local rows, bytes, unfinished = read_rows("log.Run", path_of(self, "metrics.jsonl"))
  for _, row in ipairs(rows) do note(self, row) end
  core.append_cut(self.lines, bytes)
  if unfinished then core.append_write(self.lines, "\n") end
  self.resumed = #rows > 0
  if not self.resumed then return end
  rewrite_table(self, rows)
  self.out:write(("log.Run: %s goes on after step %s, with %d rows\n"):format(self.folder, self.step or "?", #rows))
end

--- Opens a run: makes its folder, or goes on with the run that is there.
-- @param folder path
-- @param opt    the options
-- @raise if files cannot be written, or those there are malformed
function Run:init(folder, opt)
  local o = spec.read(opt)
  self.folder = check_folder("log.Run", folder)
  self.name = o.name or folder:match "([^/]+)/*$" or folder
  self.out = o.out or io.stderr
  self.columns, self.widths, self.rows, self.resumed = {}, {}, 0, false
  local what = about(readable(self.name), o.hyperparameters)
  encode(what)                                          -- refused before anything is written
  core.make_folder(folder)
  local size
  self.lines, size = core.append_open(path_of(self, "metrics.jsonl"))
  if size > 0 then resume(self) end
  write_about(path_of(self, "run.json"), what)
  if o.tensorboard then self.events = require("embla.log.tensorboard").Events(folder) end
  self.epoch_began = core.clock()
end

-- The row as a line of metrics.csv. Should that fail, the next one is written with all before it.
local function add_to_table(self, row, has_new_columns)
  local handle = self.table
  self.table = nil
  if has_new_columns or not handle then
    return rewrite_table(self, (read_rows("Run:log", path_of(self, "metrics.jsonl"))))
  end
  core.append_write(handle, records.csv(self.columns, row))
  self.table = handle
end

local function add(self, row)
  core.append_write(self.lines, encode(row) .. "\n")
  add_to_table(self, row, note(self, row))
  if self.events then self.events:add(row) end
end

local function check(self, caller, given)
  if not self.lines then raise("%s: the run %s is closed", caller, self.folder) end
  return records.check(caller, given)
end

local function show(self, row, seconds)
  self.out:write(records.line(self.columns, row, self.widths, seconds), "\n")
  self.out:flush()
end

--- Records a row: step = …, loss = … and the like.
-- @param record table name -> number, boolean, string, 0-d tensor; without a step, that is the last one's and one more,
--               1 at first
-- @param opt    the options
-- @raise for other values, of which nothing is then written, and if the files cannot be written
function Run:log(record, opt)
  local o = log_spec.read(opt)
  local row = check(self, "Run:log", record)
  row.step = row.step or (self.step or 0) + 1
  add(self, row)
  if o.print then show(self, row) end
end

--- Records a row at the end of an epoch, and shows it as a line, with the seconds since the last one, or since the run
-- was opened.
-- @param record table name -> value, as for log; without an epoch, that is the last one's and one more, 1 at first, and
--               without a step that of the last row that log was given
-- @raise as log does
function Run:epoch(record)
  local row = check(self, "Run:epoch", record)
  row.epoch = row.epoch or (self.last_epoch or 0) + 1
  row.step = row.step or self.step and not self.epoch_was_last and self.step or (self.step or 0) + 1
  add(self, row)
  local now = core.clock()
  show(self, row, now - self.epoch_began)
  self.epoch_began = now
end

--- The rows recorded so far, those of earlier starts first.
-- @return list of tables name -> number, boolean or string
function Run:read() return read(self.folder) end

--- Closes the files, which are then on the disk. Again it does nothing.
function Run:close()
  local lines, handle = self.lines, self.table
  if not lines then return end
  self.lines, self.table = nil, nil
  if handle then core.append_close(handle) end
  if self.events then self.events:close() end
  core.append_sync(lines)
  core.append_close(lines)
end

Run.__close = function(self) self:close() end

function Run:__tostring()
  return ("log.Run(%s: %d rows%s)"):format(self.folder, self.rows, self.step and ", step " .. self.step or "")
end

return {Run = Run, read = read}
