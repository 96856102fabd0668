-- Which globals the code of a Lua file reads and sets, out of its compiled form (Lua 5.4): the compiler tells locals
-- from globals, so that no second parser is needed.
--
--   globals.of("x = print(io.open)")   --> {reads = "print", line = 0}, {reads = "io.open", line = 0}, {sets = "x", …}
--
-- `line` is where the function begins, 0 for the file itself.

local globals = {}

local HEADER = 32                           -- signature, version, sizes and sample numbers, count of upvalues
local GETUPVAL, GETTABUP, GETFIELD, SETTABUP = 9, 11, 14, 15
local INTEGER, FLOAT, SHORT, LONG = 0x03, 0x13, 0x04, 0x14

-- ---- reading ---------------------------------------------------------------------------------------------------

-- A reader of one dump. Sizes have 7 bits a byte, the highest first; the last byte is marked.
local function reader(dump)
  local r = {at = HEADER + 1}

  function r.byte()
    r.at = r.at + 1
    return dump:byte(r.at - 1)
  end

  function r.size()
    local n = 0
    while true do
      local byte = r.byte()
      n = n << 7 | byte & 0x7f
      if byte & 0x80 ~= 0 then return n end
    end
  end

  function r.skip(n) r.at = r.at + n end

  function r.string()
    local size = r.size()
    if size == 0 then return nil end
    r.skip(size - 1)
    return dump:sub(r.at - size + 1, r.at - 1)
  end

  function r.instruction()
    r.skip(4)
    return (string.unpack("<I4", dump, r.at - 4))
  end

  return r
end

-- A list of n things, n before them.
local function list(r, read)
  local items = {}
  for i = 1, r.size() do items[i] = read() end
  return items
end

local function constant(r)
  local kind = r.byte()
  if kind == SHORT or kind == LONG then return r.string() end
  if kind == INTEGER or kind == FLOAT then r.skip(8) end
  return false
end

local function read_function(r)
  local f = {}
  r.string()
  f.line = r.size()
  r.size()
  r.skip(3)
  f.code = list(r, r.instruction)
  f.constants = list(r, function() return constant(r) end)
  list(r, function() r.skip(3) end)
  f.inner = list(r, function() return read_function(r) end)
  list(r, r.byte)
  list(r, function() r.size() r.size() end)
  list(r, function() r.string() r.size() r.size() end)
  f.upvalues = list(r, r.string)
  return f
end

-- ---- finding ---------------------------------------------------------------------------------------------------

local function fields(instruction)
  return instruction & 0x7f, instruction >> 7 & 0xff, instruction >> 16 & 0xff, instruction >> 24
end

-- "print", or "io.open" if the next instruction takes a field of what was read.
local function name_read(f, i, register, key)
  local op, _, from, field = fields(f.code[i + 1])
  if op == GETFIELD and from == register then return f.constants[key + 1] .. "." .. f.constants[field + 1] end
  return f.constants[key + 1]
end

local function collect(f, found)
  for i, instruction in ipairs(f.code) do
    local op, a, b, c = fields(instruction)
    if op == GETTABUP and f.upvalues[b + 1] == "_ENV" then
      found[#found + 1] = {reads = name_read(f, i, a, c), line = f.line}
    elseif op == SETTABUP and f.upvalues[a + 1] == "_ENV" then
      found[#found + 1] = {sets = f.constants[b + 1], line = f.line}
    elseif op == GETUPVAL and f.upvalues[b + 1] == "_ENV" then      -- by name, or beyond the 256th constant
      found[#found + 1] = {sets = "_ENV", line = f.line}
    end
  end
  for _, inner in ipairs(f.inner) do collect(inner, found) end
  return found
end

--- What a text of Lua reads and sets.
-- @param text the source
-- @return list of {reads = name, line = …} or {sets = name, line = …}
-- @raise if it does not compile
function globals.of(text)
  return collect(read_function(reader(string.dump(assert(load(text))))), {})
end

return globals
