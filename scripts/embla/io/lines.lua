-- io.lines: a file of text, line by line.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

--- The lines of a file of text, one after the other, without their ends (\n or \r\n): for line in io.lines(path) do.
-- The file is read as the loop goes on, so that it may be larger than memory; what gzip has packed is unpacked.
-- @param path file
-- @return iterator over strings
-- @raise if the file cannot be read
local function lines(path)
  if type(path) ~= "string" then raise("io.lines: argument path: expected a path, got %s", options.show(path)) end
  local handle = core.lines_open(path)
  return function()
    local line = handle and core.lines_next(handle)
    if handle and not line then
      core.lines_close(handle)
      handle = nil
    end
    return line or nil
  end
end

return lines
