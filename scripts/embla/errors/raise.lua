-- Errors raised by the library point at the line of the script that called it, however deep inside they arise.

local place = require "embla.errors.place"

-- Level, for error(), of the innermost Lua function outside the library; 0 if there is none.
local function script_level()
  for level = 3, 100 do
    local info = debug.getinfo(level, "S")
    if not info then return 0 end
    if not place.is_ours(info) then return level - 1 end
  end
  return 0
end

--- Raises an error at the calling script's line.
-- @param format text as for string.format, that begins with the name of the function that found what is wrong:
--   operation, argument, what was given, what was expected
-- @param ...    values of the format
-- @raise always
local function raise(format, ...)
  local text = select("#", ...) > 0 and format:format(...) or format
  local message, lost = place.in_network((text:gsub(" %-nan", " nan")))     -- C writes the sign of a NaN
  if lost then error(lost .. message, 0) end
  error(message, script_level())
end

return raise
