-- Who calls whom between the rooms of the core: read from the includes of the sources and from the symbols of the
-- object files, and held against the table of ARCHITECTURE.md.

local rooms = {}

--- The table of ARCHITECTURE.md: rows "| `room` | what it is | `others` and below |".
-- @param text of the page
-- @return room -> set of the rooms that it may call; "`x` and below" is x and all that x may call
function rooms.allowed(text)
  local allowed = {}
  for room, calls in text:gmatch "\n| `(%l+)` |[^|\n]*|([^|\n]*)|" do
    local others, below = {}, calls:find("and below", 1, true)
    for other in calls:gmatch "`(%l+)`" do
      others[other] = true
      for deeper in pairs(below and assert(allowed[other], other) or {}) do others[deeper] = true end
    end
    allowed[room] = others
  end
  return allowed
end

--- What the sources include of each other.
-- @param sources path, "core/ops/index/index.c" -> text
-- @return list of {from =, to =, why =}, paths below core/
function rooms.includes(sources)
  local edges = {}
  for path, text in pairs(sources) do
    for header in text:gmatch '\n#include "(%l[^"]*/[^"]+)"' do
      edges[#edges + 1] = {from = path:gsub("^core/", ""), to = header, why = "includes " .. header}
    end
  end
  return edges
end

--- What the object files call of each other: a symbol that one lacks and another defines.
-- @param listing what `nm -A -P` prints: "…/core/CMakeFiles/x.dir/ops/index/index.c.o: name T …"
-- @param sources path, "core/ops/index/index.c" -> anything: objects of files that are gone do not count
-- @return list of {from =, to =, why =}, paths below core/
function rooms.calls(listing, sources)
  local home, edges, seen = {}, {}, {}
  local function each(visit)
    for object, symbol, kind in listing:gmatch "%.dir/([^\n:]-)%.o: (%S+) (%a)" do
      if sources["core/" .. object] then visit(object, symbol, kind) end
    end
  end
  each(function(path, symbol, kind)
    if kind:find "[TDRBCVW]" then home[symbol] = path end
  end)
  each(function(path, symbol, kind)
    local to = kind == "U" and home[symbol]
    local edge = to and path .. " " .. symbol
    if to and to ~= path and not seen[edge] then
      seen[edge] = true
      edges[#edges + 1] = {from = path, to = to, why = ("calls %s of %s"):format(symbol, to)}
    end
  end)
  return edges
end

local function room_of(path) return path:match "^(%l+)/" end
local function family_of(path) return path:match "^ops/(%l+)/" end

--- Edges that the table does not allow.
-- @param edges   of includes or calls
-- @param allowed of rooms.allowed
-- @return list of texts
function rooms.upward(edges, allowed)
  local found = {}
  for _, edge in ipairs(edges) do
    local from, to = room_of(edge.from), room_of(edge.to)
    if from and to and to ~= "embla" and from ~= "include" and from ~= to then
      if not allowed[from] then
        found[#found + 1] = ("%s: no room of ARCHITECTURE.md"):format(edge.from)
      elseif not allowed[from][to] then
        found[#found + 1] = ("%s %s: %s may not call %s"):format(edge.from, edge.why, from, to)
      end
    end
  end
  table.sort(found)
  return found
end

--- A circle among the families of ops.
-- @param edges of includes or calls
-- @return its text, "index -> sort -> index: …" with a reason for each arrow; nil if there is none
function rooms.circle(edges)
  local calls = {}
  for _, edge in ipairs(edges) do
    local from, to = family_of(edge.from), family_of(edge.to)
    if from and to and from ~= to then
      calls[from] = calls[from] or {}
      calls[from][to] = calls[from][to] or edge.from .. " " .. edge.why
    end
  end
  local state, way = {}, {}
  local function visit(family)
    state[family] = "open"
    way[#way + 1] = family
    for other in pairs(calls[family] or {}) do
      if state[other] == "open" then
        local text, reasons = other, {}
        for i = #way, 1, -1 do
          local next = i == #way and other or way[i + 1]
          text = way[i] .. " -> " .. text
          table.insert(reasons, 1, calls[way[i]][next])
          if way[i] == other then break end
        end
        return text .. ": " .. table.concat(reasons, "; ")
      end
      local found = not state[other] and visit(other)
      if found then return found end
    end
    way[#way], state[family] = nil, "done"
  end
  for family in pairs(calls) do
    local found = not state[family] and visit(family)
    if found then return found end
  end
end

return rooms
