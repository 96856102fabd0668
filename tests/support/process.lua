-- Programs run from a test: what they print, what they complain of, and how they end.
local process = {}

--- A word as the shell takes it literally.
function process.quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

local function read_and_remove(path)
  local file <close> = assert(io.open(path, "rb"))
  local text = file:read("a")
  os.remove(path)
  return text
end

local function write_file(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

--- Runs a shell command.
-- @param command text
-- @param input   standard input, nothing if left out
-- @return standard output, standard error, exit status (128 + number for a signal)
function process.run(command, input)
  local base = os.tmpname()
  write_file(base, input or "")
  local _, how, status = os.execute(("(%s) <%s >%s.out 2>%s.err"):format(command, base, base, base))
  os.remove(base)
  return read_and_remove(base .. ".out"), read_and_remove(base .. ".err"), how == "exit" and status or 128 + status
end

--- Calls `use` with the path of a file that holds `text`, and removes it.
function process.with_file(text, use)
  local path = os.tmpname()
  write_file(path, text)
  local ok, err = pcall(use, path)
  os.remove(path)
  if not ok then error(err, 0) end
end

return process
