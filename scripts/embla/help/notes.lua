-- What help says of functions that no comment of their own can stand above, since one function makes them for several
-- names: noted where they are made.

local notes = {}

local lines_of = setmetatable({}, {__mode = "k"})

--- Notes the text about a function, or about a field of objects.
-- @param subject function, or the name of a field: "optimizer.param_groups"
-- @param ...     lines of the text, the call first: "zeros(..., opt)"
function notes.note(subject, ...) lines_of[subject] = {...} end

--- The text noted.
-- @param subject function, or the name of a field
-- @return text, or nil
function notes.text(subject)
  local lines = lines_of[subject]
  return lines and table.concat(lines, "\n")
end

return notes
