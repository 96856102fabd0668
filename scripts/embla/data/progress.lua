-- progress: how far a loop has come. A bar on a terminal; elsewhere a plain line now and then. All of it goes to
-- standard error, so that a script's output stays its own.
--
--   for i in embla.progress(100, {desc = "epochs"}) do … end                 -- i from 0
--   for x, y in embla.progress(loader) do … end
--
--   local bar = embla.progress.bar(total, {unit = "words"})
--   bar:update(done, "loss 0.31")
--   bar:finish()

local class = require "embla.base.class"
local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local spec = options.spec("progress", {
  {name = "desc", type = "string", default = "", doc = "text before the bar"},
  {name = "total", type = "number", range = ">= 0", doc = "how many there will be, for an iterator"},
  {name = "unit", type = "string", default = "it", doc = "what is counted"},
  {name = "every", type = "number", range = "> 0", doc = "seconds between two lines; 0.1 on a terminal, else 10"},
  {name = "out", type = "any", doc = "a file to write plain lines to; default standard error"},
})

local WIDTH = 24

-- ---- text ------------------------------------------------------------------------------------------------------

-- 1234567 as "1.23M".
local function short(x)
  for _, scale in ipairs {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} do
    if x >= scale[1] then return ("%.3g%s"):format(x / scale[1], scale[2]) end
  end
  return ("%.3g"):format(x)
end

-- Seconds as "1:02:03" or "2:03".
local function clock(seconds)
  if seconds ~= seconds or seconds > 359999 then return "?" end
  local s = math.floor(seconds + 0.5)
  if s >= 3600 then return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60) end
  return ("%d:%02d"):format(s // 60, s % 60)
end

-- ---- the bar ---------------------------------------------------------------------------------------------------

local Bar = class "progress.bar"

--- Starts a bar.
-- @param total how many there will be, or nil if that is not known
-- @param opt   {desc = "", unit = "it", every, out}
function Bar:init(total, opt)
  local o = spec.read(opt)
  self.total, self.desc, self.unit = total or o.total, o.desc, o.unit
  self.terminal = o.out == nil and core.is_terminal(2)
  self.out = o.out or io.stderr
  self.every = o.every or (self.terminal and 0.1 or 10)
  self.started = core.clock()
  self.shown, self.done, self.note, self.width = self.started, 0, "", 0
end

--- The line as it would be shown now: "train 42% 1.2M/2.9M words, 310k words/s, 0:05 left, loss 0.31".
-- @return text
function Bar:line()
  local seconds = core.clock() - self.started
  local rate = seconds > 0 and self.done / seconds or 0
  local part = self.total and self.total > 0 and math.min(1, self.done / self.total)
  local parts = {}
  if self.desc ~= "" then parts[1] = self.desc end
  if part then
    parts[#parts + 1] = ("%3d%%"):format(math.floor(100 * part))
    if self.terminal then
      local full = math.floor(WIDTH * part)
      parts[#parts + 1] = "|" .. ("#"):rep(full) .. ("-"):rep(WIDTH - full) .. "|"
    end
  end
  parts[#parts + 1] = short(self.done) .. (self.total and "/" .. short(self.total) or "") .. " " .. self.unit
    .. (", %s %s/s"):format(short(rate), self.unit)
    .. (part and part < 1 and rate > 0 and (", %s left"):format(clock((self.total - self.done) / rate))
        or ", " .. clock(seconds))
    .. (self.note ~= "" and ", " .. self.note or "")
  return table.concat(parts, " ")
end

local function show(self)
  local line = self:line()
  if self.terminal then
    self.out:write("\r", line, (" "):rep(self.width - #line))
    self.width = #line
  else
    self.out:write(line, "\n")
  end
  self.out:flush()
  self.shown = core.clock()
end

--- Says how far it is. Writes only when the last line is old enough, so it may be called often.
-- @param done how many are done
-- @param note text after the line: "loss 0.31"
function Bar:update(done, note)
  self.done, self.note = done, note or self.note
  if core.clock() - self.shown >= self.every then show(self) end
end

--- Shows the line a last time and ends it.
function Bar:finish()
  show(self)
  if self.terminal then self.out:write("\n") end
end

-- ---- loops -----------------------------------------------------------------------------------------------------

local function counter(n)
  local i = -1
  return function()
    i = i + 1
    if i < n then return i end
  end
end

local function pass_on(bar, first, ...)
  if first == nil then
    bar:finish()
    return nil
  end
  return first, ...
end

--- Shows the progress of a loop.
-- @param source number of rounds (the loop variable counts from 0), or an iterator, whose values are passed on, or what
--               has iter(), as a DataLoader has
-- @param opt    {desc = "", total, unit = "it", every, out}
-- @return iterator
-- @raise if it is neither
local function progress(source, opt)
  local rounds = math.tointeger(source)
  if type(source) == "table" and type(source.iter) == "function" then
    local meta = getmetatable(source)
    rounds, source = meta and meta.__len and #source or nil, source:iter()
  end
  if type(source) ~= "function" and not (rounds and type(source) == "number") then
    raise("progress: expected a number or an iterator, got %s", options.show(source))
  end
  local next_of = type(source) == "function" and source or counter(rounds)
  local bar, done = Bar(rounds, opt), -1
  return function(...)
    done = done + 1
    bar:update(done)
    return pass_on(bar, next_of(...))
  end
end

return setmetatable({bar = Bar}, {__call = function(_, source, opt) return progress(source, opt) end})
