-- Copies of what state_dict holds, so that nobody changes it behind the other's back.

--- A copy of a table of plain values, tables within it included; other values as they are.
-- @param value anything
-- @return the copy
local function copy(value)
  if type(value) ~= "table" then return value end
  local new = {}
  for key, item in pairs(value) do new[key] = copy(item) end
  return new
end

return copy
