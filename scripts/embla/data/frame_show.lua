-- How a Frame prints: the first and last rows and columns, as many as fit the terminal.

local core = require "embla.core"

local MOST, ENDS = 20, 5            -- rows shown in full; else so many of each end
local WIDEST = 30                   -- characters of a text

local GAP = "  "

local function length(text) return utf8.len(text) or #text end

local function clip(text)
  text = text:gsub("%c", " ")
  if length(text) <= WIDEST then return text end
  return text:sub(1, utf8.offset(text, WIDEST - 2) - 1) .. "..."
end

-- A number with the fewest digits, six that count at most, in which it keeps its value.
local function short(x)
  if x ~= x then return "NaN" end
  if math.type(x) == "integer" then return tostring(x) end
  return (("%.6g"):format(x))
end

-- Numbers as texts. Floats get as many decimals as the one that needs most, so that points are below each other, unless
-- one is very large or very small.
local function show_numbers(values)
  local texts, decimals, far = {}, 0, false
  for i, x in ipairs(values) do
    texts[i] = short(x)
    far = far or texts[i]:find "e" ~= nil
    decimals = math.max(decimals, #(texts[i]:match "%.(%d+)$" or ""))
  end
  if far or decimals == 0 then return texts end
  for i, x in ipairs(values) do
    if x - x == 0 then texts[i] = ("%.*f"):gsub("%*", decimals):format(x) end
  end
  return texts
end

-- The texts of a column at the rows given.
local function cells_of(part, ids)
  local cells, numbers = {}, false
  for i, id in ipairs(ids) do
    if part.text then
      local text = core.strings_get(part.text, id)
      cells[i] = text and clip(text) or "<NA>"
    else
      cells[i] = part.tensor:select(0, id):item()
      numbers = type(cells[i]) == "number"
      if not numbers then cells[i] = tostring(cells[i]) end
    end
  end
  return numbers and show_numbers(cells) or cells
end

local function shown_rows(n)
  local ids, gap = {}, nil
  for i = 0, n - 1 do
    if n <= MOST or i < ENDS or i >= n - ENDS then ids[#ids + 1] = i end
    if n > MOST and i == ENDS then gap = ENDS end
    if n > MOST and i == ENDS and n > 2 * ENDS then break end
  end
  if gap then
    for i = n - ENDS, n - 1 do ids[#ids + 1] = i end
  end
  return ids, gap
end

-- A column ready to print: its lines, all of one width.
local function column_of(name, texts, left, gap)
  local lines, width = {clip(name)}, 0
  for i, text in ipairs(texts) do
    if gap and i == gap + 1 then lines[#lines + 1] = "..." end
    lines[#lines + 1] = text
  end
  for _, line in ipairs(lines) do width = math.max(width, length(line)) end
  for i, line in ipairs(lines) do
    local blanks = (" "):rep(width - length(line))
    lines[i] = left and line .. blanks or blanks .. line
  end
  return {lines = lines, width = width}
end

-- Columns from both ends, as many as fit into a width: how many on the left, and where those on the right begin.
local function fitting(columns, width)
  local total = 0
  for _, c in ipairs(columns) do total = total + #GAP + c.width end
  if total <= width then return #columns, #columns + 1 end
  local first, last, room = 0, #columns + 1, width - #GAP - 3
  while first + 1 < last do
    local left = first < #columns - last + 1 or first == 0
    local c = columns[left and first + 1 or last - 1]
    if c.width + #GAP > room then break end
    room = room - c.width - #GAP
    if left then first = first + 1 else last = last - 1 end
  end
  return math.max(first, 1), math.max(last, math.max(first, 1) + 1)
end

local function names_between(names, first, last)
  local text = table.concat(names, ", ", first, last)
  if #text > 60 then text = clip(text) end
  return ("%d column%s left out: %s"):format(last - first + 1, last == first and "" or "s", text)
end

-- Columns of a table below each other: blocks that fit a width, each led by the first column, which names the rows.
local function blocks_of(columns, width)
  local blocks, room = {}, 0
  for i = 2, #columns do
    local needed = #GAP + columns[i].width
    if needed > room then
      blocks[#blocks + 1] = {columns[1]}
      room = math.max(width - #GAP - columns[1].width, needed)
    end
    table.insert(blocks[#blocks], columns[i])
    room = room - needed
  end
  return blocks[1] and blocks or {columns}
end

local function add_lines(lines, index, columns)
  for i, line in ipairs(index.lines) do
    local cells = {line}
    for _, c in ipairs(columns) do cells[#cells + 1] = c.lines and c.lines[i] or "..." end
    lines[#lines + 1] = table.concat(cells, GAP):gsub("%s+$", "")
  end
end

--- A table as text: at most 20 rows, or 5 of each end, and columns of both ends as they fit.
-- @param names list
-- @param parts columns by name, as data.Frame has them
-- @param n     rows
-- @param width of the terminal, in characters
-- @param wraps true: columns that do not fit go below the others, and none is left out
-- @return text
return function(names, parts, n, width, wraps)
  local ids, gap = shown_rows(n)
  local row_names, columns = {}, {}
  for i, id in ipairs(ids) do row_names[i] = tostring(id) end
  local index = column_of("", row_names, false, gap)
  for i, name in ipairs(names) do
    columns[i] = column_of(name, cells_of(parts[name], ids), parts[name].text ~= nil, gap)
  end
  local lines, size = {}, ("[%d rows x %d columns]"):format(n, #names)
  local first, last = fitting(columns, width - index.width)
  if last <= first + 1 then
    add_lines(lines, index, columns)
  elseif wraps then
    for _, block in ipairs(blocks_of(columns, width - index.width)) do add_lines(lines, index, block) end
  else
    local ends = table.move(columns, 1, first, 1, {})
    ends[first + 1] = {}                                -- "..."
    add_lines(lines, index, table.move(columns, last, #columns, first + 2, ends))
    size = size .. "  " .. names_between(names, first + 1, last - 1)
  end
  lines[#lines + 1] = size
  return table.concat(lines, "\n")
end
