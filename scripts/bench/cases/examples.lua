-- The examples that learn to write, a step a call: the same script that a user runs.

local arguments = require "arguments"
local embla = require "embla"

-- A text of n characters, 65 of them different, as many as in Shakespeare's plays.
local function write_text(path, n)
  local file <close> = assert(io.open(path, "w"))
  for _, id in ipairs(embla.randint(0, 65, {n}):tolist()) do file:write(string.char(48 + id)) end
end

-- Starts the example in a coroutine. It tells its progress bar of every step; here the bar hands over instead.
local function start(name)
  local text, bar, say, words = os.tmpname(), embla.progress.bar, print, arg
  write_text(text, 100000)
  local path = arguments.folder() .. "../examples/" .. name .. ".lua"
  local run = coroutine.wrap(assert(loadfile(path)))
  embla.progress.bar = function() return {update = function() coroutine.yield() end} end
  arg, print = {[0] = path, "--steps", "1000000", text}, function() end             -- luacheck: ignore
  local ok, err = pcall(run)
  arg, print, embla.progress.bar = words, say, bar                                  -- luacheck: ignore
  os.remove(text)
  if not ok then error(err, 0) end
  return run
end

local function example(name, tokens)
  return function()
    return start(name), {["tokens/s"] = tokens}
  end
end

return function(case)
  case("example_gpt_step", false, example("gpt", 12 * 64))
  case("example_char_lstm_step", false, example("char_lstm", 50 * 50))
end
