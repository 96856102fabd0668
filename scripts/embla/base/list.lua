-- Lists that the library returns are ordinary sequences that print as what they are: {2, 3}, not table: 0x….

local core = require "embla.core"

local MOST = 100                                        -- members shown, and levels of nesting kept on one line

local show

local function show_tensor(t)
  local kind = core.is_parameter(t) and "Parameter" or "tensor"
  return ("%s (%s) %s"):format(kind, table.concat(t.shape, ", "), t.dtype)
end

local function is_list(value)
  local meta = getmetatable(value)
  return meta == nil or meta == core.list_metatable
end

local function show_members(t, depth)
  local parts, n = {}, #t
  for i = 1, math.min(n, MOST) do parts[i] = show(t[i], depth + 1) end
  if n > MOST then parts[#parts + 1] = ("... (%d)"):format(n) end
  local names = {}
  for key in next, t do
    if math.type(key) ~= "integer" or key < 1 or key > n then names[#names + 1] = key end
    if #names > MOST then break end
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(names) do parts[#parts + 1] = tostring(key) .. " = " .. show(t[key], depth + 1) end
  return parts
end

-- A value as text, on one line if it is short.
show = function(value, depth)
  if core.is_tensor(value) then return show_tensor(value) end
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" or not is_list(value) then return tostring(value) end
  if depth > 4 then return "{...}" end
  local parts = show_members(value, depth)
  local line = "{" .. table.concat(parts, ", ") .. "}"
  if #line <= 80 and not line:find "\n" then return line end
  local indent = ("  "):rep(depth + 1)
  return "{\n" .. indent .. table.concat(parts, ",\n" .. indent) .. "\n" .. ("  "):rep(depth) .. "}"
end

core.list_metatable.__tostring = function(t) return show(t, 0) end
core.list_metatable.__concat = function(a, b) return tostring(a) .. tostring(b) end

local list = {}

--- Gives a sequence the look of a list.
-- @param t sequence
-- @return t
function list.of(t) return setmetatable(t, core.list_metatable) end

--- Whether a table is plain: without a metatable, or a list.
-- @param t table
-- @return boolean
function list.is_plain(t) return is_list(t) end

--- Names and values in order, a line each.
-- @param t table with pairs
-- @return text
function list.named(t)
  local lines = {}
  for key, value in pairs(t) do lines[#lines + 1] = ("  %s = %s,"):format(tostring(key), show(value, 1)) end
  return #lines == 0 and "{}" or "{\n" .. table.concat(lines, "\n") .. "\n}"
end

return list
