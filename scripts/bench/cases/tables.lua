-- Tables of data read from files, beside pandas.

local embla = require "embla"

local ROWS, COLUMNS = 200000, 10

-- A file of numbers between 0 and 1 with all their digits, which goes when nothing leads to it any more.
local function file_of_numbers()
  local path, state = os.tmpname(), 1
  local file <close> = assert(io.open(path, "wb"))
  local line = {}
  for j = 1, COLUMNS do line[j] = "c" .. j end
  file:write(table.concat(line, ","), "\n")
  for _ = 1, ROWS do
    for j = 1, COLUMNS do
      state = state * 1103515245 + 12345 & 0x7FFFFFFF
      line[j] = ("%.17g"):format(state / 0x80000000)
    end
    file:write(table.concat(line, ","), "\n")
  end
  return setmetatable({path = path, bytes = file:seek()}, {__gc = function() os.remove(path) end})
end

return function(case)
  case("csv_read_200k_x10", true, function()
    local numbers = file_of_numbers()
    return function() return embla.io.csv.read(numbers.path) end, {["MB/s"] = numbers.bytes / 1e6}
  end)
end
