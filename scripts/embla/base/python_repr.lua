-- Values written as Python writes them, for texts that must equal PyTorch's.

-- The shortest decimal digits that read back as x, Python's choice between 0.0001 and 1e-05.
local function float(x)
  if x ~= x then return "nan" end
  if x == math.huge then return "inf" end
  if x == -math.huge then return "-inf" end
  local digits = 1
  while tonumber(("%." .. digits - 1 .. "e"):format(x)) ~= x do digits = digits + 1 end
  local text = ("%." .. digits - 1 .. "e"):format(x)
  local exponent = tonumber(text:match("e([-+]%d+)$"))
  if exponent < -4 or exponent >= 16 then return text end
  return ("%." .. math.max(digits - 1 - exponent, 1) .. "f"):format(x)
end

--- A value as Python's repr shows it: True, None, 1.0, 1e-05, (3, 4).
-- @param value nil, boolean, number, string, or a sequence of these (a tuple)
-- @return text; strings are without quotes
local function repr(value)
  if value == nil then return "None" end
  if value == true then return "True" end
  if value == false then return "False" end
  if math.type(value) == "float" then return float(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, member in ipairs(value) do parts[i] = repr(member) end
  return "(" .. table.concat(parts, ", ") .. (#parts == 1 and ",)" or ")")
end

return repr
