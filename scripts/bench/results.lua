-- What a comparison found: rows of a CSV file, and how their numbers are shown.

local results = {}

local COLUMNS = {"case", "threads", "embla_seconds", "peer_seconds", "ratio", "limit", "limit_seconds",
                 "share_of_limit", "scaling", "peer_scaling", "others", "problem"}
local IS_TEXT = {case = true, limit = true, problem = true}

--- The first line of the file.
function results.header() return table.concat(COLUMNS, ",") .. "\n" end

--- A row as a line: case, threads, seconds of both, ratio; the limit's access and seconds, the share of it; how much
--- faster than on one thread, both; processors that others used; what went wrong. What there is not is left empty.
function results.line(row)
  local cells = {}
  for i, column in ipairs(COLUMNS) do
    local value = row[column]
    if value == nil then
      cells[i] = ""
    elseif IS_TEXT[column] then
      cells[i] = (value:gsub("[,%c]+", ";"))
    else
      cells[i] = ("%.5g"):format(value)
    end
  end
  return table.concat(cells, ",") .. "\n"
end

--- Reads the rows back.
function results.read(path)
  local file <close> = assert(io.open(path))
  if file:read "L" ~= results.header() then error(path .. " is not a file of compare.lua", 0) end
  local rows = {}
  for line in file:lines() do
    local row, i = {}, 0
    for cell in (line .. ","):gmatch "([^,]*)," do
      i = i + 1
      if cell ~= "" then row[COLUMNS[i]] = IS_TEXT[COLUMNS[i]] and cell or tonumber(cell) end
    end
    rows[#rows + 1] = row
  end
  return rows
end

-- Three digits, with zeros where they are wanted: 12.3, 1.20, 456.
local function three_digits(x)
  return ("%.*f"):gsub("*", x < 9.995 and "2" or x < 99.95 and "1" or "0"):format(x)
end

--- Seconds as "1.23 us", "12.3 ms" or "1.20 s"; an empty text for nil.
function results.time(s)
  if not s then return "" end
  if s < 999.5e-9 then return three_digits(s * 1e9) .. " ns" end
  if s < 999.5e-6 then return three_digits(s * 1e6) .. " us" end
  if s < 0.9995 then return three_digits(s * 1e3) .. " ms" end
  return three_digits(s) .. " s"
end

--- A ratio as "12.3x", a share as "85 %"; an empty text for nil.
function results.times(x) return x and three_digits(x) .. "x" or "" end
function results.percent(x) return x and ("%.0f %%"):format(100 * x) or "" end

return results
