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

-- ---- layers ----------------------------------------------------------------------------------------------------

-- The module that a frame calls, if it is that of Module.__call.
local function module_at(level, info)
  local Module = package.loaded["embla.nn.module"]
  if type(Module) ~= "table" or info.func ~= Module.__call then return nil end
  local _, self = debug.getlocal(level + 1, 1)
  return type(self) == "table" and self or nil
end

local function name_within(named, module)
  for name, other in pairs(named) do
    if rawequal(other, module) then return name end
  end
end

-- "Net.blocks.0.linear": the way to the module whose forward runs, from the outermost that does; nil if just one does.
local function path_of_layers()
  local modules = {}
  for level = 3, math.huge do
    local info = debug.getinfo(level, "f")
    if not info then break end
    modules[#modules + 1] = module_at(level, info)
  end
  local path, outer = nil, modules[#modules]
  for i = #modules - 1, 1, -1 do
    local name = name_within(outer:named_children(), modules[i]) or name_within(outer:named_modules(), modules[i])
    if name ~= "" then path = name and (path or outer.__name) .. "." .. name or nil end
    outer = modules[i]
  end
  return path
end

--- The place of a forward of the script that is gone from the stack, having ended in a tail call.
-- @param level of a frame of the library
-- @param info  what debug.getinfo says of it: "Sf"
-- @return "train.lua:12", the last line of that forward, if the frame is what called it; else nil
function called.place_of_forward(level, info)
  local module = module_at(level + 1, info)
  local forward = module and module.forward
  local about = type(forward) == "function" and debug.getinfo(forward, "SL")
  if not about or called.is_ours(about) then return nil end
  local last = 0
  for line in pairs(about.activelines) do
    if line < about.lastlinedefined and line > last then last = line end
  end
  return ("%s:%d"):format(about.short_src, last > 0 and last or about.lastlinedefined)
end

-- That place, if an error raised by the library now would else point at the caller of the module.
local function lost_place()
  for level = 3, math.huge do
    local info = debug.getinfo(level, "Sf")
    if not info or not called.is_ours(info) then return nil end
    local place = called.place_of_forward(level, info)
    if place then return place end
  end
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
                index_mask = true, masked_put = true, clamp_between = true, lerp_by = true,
                rnn_layer = true, lstm_layer = true, gru_layer = true}

-- The text after the name of the function that the script called, if it does not begin with it.
local function with_name(text, candidates)
  if not candidates or leads(text, candidates) then return text end
  local first, rest = text:match "^([%w_]+): (.*)$"
  if INSIDE[first] then text = rest end
  local name = next(candidates)
  for other in next, candidates do name = other < name and other or name end
  return name .. ": " .. text
end

--- A message, after the name of the function that the script called if it does not begin with it; before the way to
-- the layer that raises it.
-- @param text "expand: input (0) cannot become (1)"
-- @return text "broadcast_to: expand: input (0) cannot become (1) (in Net.decoder)"
-- @return the place to which it points, "train.lua:12: ", if that is not where the library was called
function called.lead(text)
  local path, place = path_of_layers(), lost_place()
  text = with_name(text, names_of_called())
  return path and ("%s (in %s)"):format(text, path) or text, place and place .. ": "
end

return called
