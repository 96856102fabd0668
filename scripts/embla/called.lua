-- Which function of the library a script has called: an error from deep inside begins with its name. One that hands its
-- work over to a Lua function by a tail call is gone by then: it writes return (f(x)), which is none.

local called = {
  origins = setmetatable({}, {__mode = "k"}),           -- a function that reads arguments by name -> the one behind it
  behind = setmetatable({}, {__mode = "k"}),            -- those functions, as a set
}

--- Notes that a function hands its work to another by a tail call, which then stands for it.
-- @param f      function
-- @param origin the one behind it
-- @return f
function called.stands_for(f, origin)
  called.origins[f], called.behind[origin] = origin, true
  return f
end

local LIBRARY = debug.getinfo(1, "S").source:match("^(@.*)called%.lua$") or "@"

--- Whether a frame belongs to the library's Lua files, or is written in C.
-- @param info what debug.getinfo says of its source
-- @return boolean
function called.is_ours(info) return info.what == "C" or info.source:sub(1, #LIBRARY) == LIBRARY end

-- ---- names -----------------------------------------------------------------------------------------------------

local function is_class(value) return rawget(value, "__name") ~= nil and rawget(value, "__index") == value end

-- Notes the functions of a table under the names that scripts know them by, and those of classes and tables inside.
local function note(names, home, seen)
  if seen[home] then return end
  seen[home] = true
  local in_class = is_class(home)
  for key, value in next, home do
    if type(key) == "string" and key:sub(1, 1) ~= "_" then
      if type(value) == "function" then
        local behind = called.origins[value] or value
        names[value] = names[value] or names[behind] or {}
        names[value][key], names[behind] = true, names[value]
      elseif type(value) == "table" and (not in_class or key == "super") then
        note(names, value, seen)
      end
    end
  end
end

local names, parts = {}, 0

-- Names of a function as a set, or nil. Parts of the library are loaded when first asked for, so that a function that
-- has none may have one by now.
local function names_of(f)
  if names[f] then return names[f] end
  local now = 0
  for name in next, package.loaded do
    if type(name) == "string" and name:sub(1, 5) == "embla" then now = now + 1 end
  end
  if now == parts then return nil end
  local core, fresh, seen = package.loaded["embla.core"] or {}, {}, {}
  for _, home in ipairs {core.methods or {}, core.ops or {}, package.loaded.embla or {}} do
    if type(home) == "table" then note(fresh, home, seen) end
  end
  names, parts = fresh, now
  return names[f]
end

-- The class of an object, or a class itself, that a frame was called with: a layer is called by a function of its base.
local function name_of_class(level)
  local _, self = debug.getlocal(level + 1, 1)
  local meta = type(self) == "table" and getmetatable(self)
  local name = type(self) == "table" and rawget(self, "__name")
               or type(meta) == "table" and not rawget(meta, "__library") and rawget(meta, "__name")
  return type(name) == "string" and name ~= "Object" and {[name] = true} or nil
end

-- Names of the outermost function of the library between here and the script.
local function names_of_called()
  local found
  for level = 3, 100 do
    local info = debug.getinfo(level, "Sft")
    if not info or not called.is_ours(info) then break end
    local names_here = (not info.istailcall or called.behind[info.func]) and names_of(info.func)
    found = names_here or info.what ~= "C" and name_of_class(level) or names_of(info.func) or found
  end
  return found
end

-- ---- texts -----------------------------------------------------------------------------------------------------

-- Whether one of the names leads the text: "EMA: copy_to: expected …" by "EMA" and by "copy_to"; abs_ by "abs" too.
local function leads(text, candidates)
  local at = 1
  while true do
    local word, sign, after = text:match("^([%w_#]+)([:.]) ?()", at)
    if not word then return false end
    if candidates[word] or candidates[word .. "_"] then return true end
    if sign == ":" and text:sub(after - 1, after - 1) ~= " " then return false end
    at = after
  end
end

-- Operations that scripts know under another name: what they are called by leads alone.
local INSIDE = {cross_entropy_probabilities = true, max_dim = true, min_dim = true, median_dim = true,
                index_mask = true, masked_put = true, rnn_layer = true, lstm_layer = true, gru_layer = true}

--- A message, after the name of the function that the script called if it does not begin with it.
-- @param text "expand: input (0) cannot become (1)"
-- @return text "broadcast_to: expand: input (0) cannot become (1)"
function called.lead(text)
  local candidates = names_of_called()
  if not candidates or leads(text, candidates) then return text end
  local first, rest = text:match "^([%w_]+): (.*)$"
  if INSIDE[first] then text = rest end
  local name = next(candidates)
  for other in next, candidates do name = other < name and other or name end
  return name .. ": " .. text
end

return called
