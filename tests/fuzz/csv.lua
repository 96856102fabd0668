-- Files of comma-separated values at random: what is known to be in them must be read, and anything else is an error
-- that names the place, or a frame. In ctest a few seconds; by hand
--     embla tests/fuzz/csv.lua --seed 7 --seconds 600

local core = require "embla.core"
local embla = require "embla"
local csv = embla.io.csv

local seed, seconds = 1, 5
for i = 1, #arg, 2 do
  local value = math.tointeger(tonumber(arg[i + 1])) or error("expected an integer after " .. arg[i])
  if arg[i] == "--seed" then seed = value elseif arg[i] == "--seconds" then seconds = value
  else error("unknown option " .. arg[i]) end
end
math.randomseed(seed)

local path = os.tmpname()

local function write(text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

local function pick(list) return list[math.random(#list)] end

-- ---- files that are known --------------------------------------------------------------------------------------

local PIECES = {"a", "bc", "caf\u{e9}", "\u{1f427}",
                "5", "-1.5", "\"", "\"\"", ",", ";", "\t", "|", " ", "\n", "\r", "\r\n",
                "#", "NA", "true", "1e5", "x\"y", "'"}

local function random_text()
  local parts = {}
  for i = 1, math.random(0, 5) do parts[i] = pick(PIECES) end
  return table.concat(parts)
end

local function random_number()
  local kind = math.random(5)
  if kind == 1 then return math.random(-1000, 1000) end
  if kind == 2 then return math.random(math.mininteger, math.maxinteger) end
  if kind == 3 then return (math.random() - 0.5) * 10.0 ^ math.random(-300, 300) end
  if kind == 4 then return math.random(0, 99) / 8 end
  local x
  repeat x = ("<d"):unpack(("<i8"):pack(math.random(math.mininteger, math.maxinteger))) until x - x == 0
  return x
end

local function quoted(text) return '"' .. text:gsub('"', '""') .. '"' end

-- A cell as it stands in a file: quoted where it must be, and sometimes else.
local function cell(text, sep)
  local must = text == "" or text:find('[\r\n]') or text:find(sep, 1, true) or text:find '^"' or text:find "^[ \t#]"
  return (must or math.random(4) == 1) and quoted(text) or text
end

-- Columns of text and of numbers, written and read with any number of threads.
local function known()
  local sep, newline = pick {",", ";", "\t", "|"}, pick {"\n", "\r\n", "\r"}
  local rows, columns, lines = math.random(1, pick {3, 30, 3000}), math.random(1, 6), {}
  local want, types, head = {}, {}, {}
  for j = 1, columns do
    local name = "c" .. j
    types[name] = pick {"text", "number"}
    want[j], head[j] = {}, name
    for i = 1, rows do want[j][i] = types[name] == "text" and random_text() or random_number() end
  end
  lines[1] = table.concat(head, sep)
  for i = 1, rows do
    local cells = {}
    for j = 1, columns do
      local value = want[j][i]
      local text = math.type(value) == "float" and ("%.17g"):format(value) or tostring(value)
      cells[j] = cell(text, sep)
    end
    lines[#lines + 1] = table.concat(cells, sep)
    if math.random(20) == 1 then lines[#lines + 1] = pick {"", "# no \" row"} end
  end
  write((pick {"", "\xEF\xBB\xBF"}) .. table.concat(lines, newline) .. pick {"", newline})
  local f = csv.read(path, {sep = sep, header = true, comment = "#", types = types, missing = {}})
  assert(#f == rows, "rows")
  for j = 1, columns do
    local got = f:column(head[j])
    local list = core.is_tensor(got) and got:tolist() or got
    for i = 1, rows do
      local a, b = list[i], want[j][i]
      if math.type(b) == "integer" then b = b + 0.0 end
      if a ~= b then error(("row %d of %s: got %q, want %q"):format(i, head[j], tostring(a), tostring(b))) end
    end
  end
end

-- ---- any bytes -------------------------------------------------------------------------------------------------

local OPTIONS = {sep = {",", ";", "\t", "|", " "}, header = {true, false}, quote = {false, "'", '"'}, comment = {"#"},
                 decimal = {","}, skip = {0, 1, 2}, limit = {0, 1, 5}}

local function random_options()
  local opt = {}
  for name, values in pairs(OPTIONS) do
    if math.random(3) == 1 then opt[name] = pick(values) end
  end
  if opt.decimal == opt.sep then opt.decimal = nil end
  return opt
end

local function random_bytes()
  local parts = {}
  for i = 1, math.random(0, 60) do
    parts[i] = math.random(40) == 1 and string.char(math.random(0, 255)) or pick(PIECES)
  end
  return table.concat(parts)
end

local function any()
  write(random_bytes())
  local ok, result = pcall(csv.read, path, random_options())
  if not ok and not result:find(path, 1, true) then error("an error without a path: " .. result) end
  if ok and (#result.columns == 0 or not tostring(result):find "rows x") then error "no frame" end
end

local stop, count = core.clock() + seconds, 0
while core.clock() < stop do
  count = count + 1
  if count % 200 == 1 then embla.set_num_threads(math.random(1, 3)) end
  local kind = count % 4 == 0 and known or any
  local ok, message = pcall(kind)
  if not ok then
    error(("seed %d, file %d (%s): %s"):format(seed, count, path, message))
  end
end
os.remove(path)
print(("%d files"):format(count))
