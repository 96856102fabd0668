-- Tables that remember the order in which their keys were set: pairs() goes that way, and so does
-- `for key, value in t do`. Otherwise they are ordinary tables.

local list = require "embla.base.list"

--- A new ordered table, empty.
-- @return table
local function ordered()
  local keys, place = {}, {}

  -- Key and value after `key`; keys set to nil since are passed over.
  local function following(t, key)
    local i = key == nil and 0 or place[key]
    local value
    repeat
      i = i + 1
      key = keys[i]
      if key == nil then return nil end
      value = rawget(t, key)
    until value ~= nil
    return key, value
  end

  return setmetatable({}, {
    __name = "ordered table",
    __newindex = function(t, key, value)
      if not place[key] then
        keys[#keys + 1] = key
        place[key] = #keys
      end
      rawset(t, key, value)
    end,
    __tostring = list.named,
    __pairs = function(t) return following, t, nil end,
    __call = function(t, _, key) return following(t, key) end,
  })
end

return ordered
