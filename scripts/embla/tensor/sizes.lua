-- Sizes as calls give them: zeros(2, 3), zeros({2, 3}), zeros{2, 3, dtype = "int64"}, options or a dtype behind.

local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local NONE = {requires_grad = false}                    -- what a spec gives where no option is given

-- The sizes and the names in one table: each in a table of its own.
local function part(owner, given)
  local list, named, positions = {}, nil, 0
  for key, value in next, given do
    if type(key) == "string" then
      named = named or {}
      named[key] = value
    else
      positions = positions + 1
    end
  end
  for i = 1, positions do
    if given[i] == nil then raise("%s: a table with a hole: there is no size %d", owner, i) end
    list[i] = given[i]
  end
  return list, named
end

-- Takes sizes that go by name out of the options.
local function sizes_by_name(owner, sizes, named)
  local by_name = named.size or named.sizes
  if by_name == nil then return sizes, named end
  if #sizes > 0 then raise("%s: sizes are given twice, by position and by name", owner) end
  local rest = {}
  for key, value in next, named do
    if key ~= "size" and key ~= "sizes" then rest[key] = value end
  end
  return type(by_name) == "table" and (part(owner, by_name)) or {by_name}, rest
end

--- Reads sizes and the options behind them.
-- @param owner name of the function, for messages
-- @param spec  of its options
-- @param ...   what it was called with
-- @return list of integers, table of options
-- @raise if a size is no integer, or an option is unknown
return function(owner, spec, ...)
  local n, sizes, named = select("#", ...), {...}, nil
  local last = sizes[n]
  if type(last) == "string" and n > 1 then
    sizes[n], named = nil, {dtype = last}
  elseif type(last) == "table" then
    local list, names = part(owner, last)
    if n > 1 and #list > 0 then
      raise("%s: expected sizes and a table of options, got %s", owner, type(sizes[1]) == "table"
            and "two tables of numbers" or "a table of numbers behind " .. options.show(sizes[1]))
    end
    sizes[n], named = nil, names
    if n == 1 then sizes = list end
  end
  if type(sizes[1]) == "table" and #sizes == 1 then
    local more
    sizes, more = part(owner, sizes[1])
    if more and named then raise("%s: argument opt: two tables of options", owner) end
    named = named or more
  end
  if named then sizes, named = sizes_by_name(owner, sizes, named) end
  for i = 1, type(last) == "table" and #sizes or math.max(#sizes, n - (named and 1 or 0)) do
    local size = sizes[i]
    if math.type(size) ~= "integer" or size < 0 then
      sizes[i] = type(size) == "number" and size >= 0 and math.tointeger(size)
                 or raise("%s: argument sizes: size %d must be an integer >= 0, got %s", owner, i, options.show(size))
    end
  end
  return sizes, named and spec.read(named) or NONE
end
