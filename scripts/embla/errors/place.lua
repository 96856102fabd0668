-- Where an error points: not at the library's own files, but at the script; and inside a network, at the layer whose
-- forward raised it.

local place = {}

local LIBRARY = debug.getinfo(1, "S").source:match("^(@.*)errors/place%.lua$") or "@"

--- Whether a frame belongs to the library's Lua files, or is written in C.
-- @param info what debug.getinfo says of its source
-- @return boolean
function place.is_ours(info) return info.what == "C" or info.source:sub(1, #LIBRARY) == LIBRARY end

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

-- "train.lua:12": the last line of a forward of the script that is gone from the stack, having ended in a tail call;
-- nil if the frame at this level is not what called one.
local function place_of_forward(level, info)
  local module = module_at(level + 1, info)
  local forward = module and module.forward
  local about = type(forward) == "function" and debug.getinfo(forward, "SL")
  if not about or place.is_ours(about) then return nil end
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
    if not info or not place.is_ours(info) then return nil end
    local found = place_of_forward(level, info)
    if found then return found end
  end
end

--- A message with the way to the layer that raises it, if it is inside of a network.
-- @param text "linear: input (1, 2) and weight (1, 3) do not fit"
-- @return text "linear: input (1, 2) and weight (1, 3) do not fit (in Net.decoder)"
-- @return the place to which it points, "train.lua:12: ", if that is not where the library was called
function place.in_network(text)
  local path, lost = path_of_layers(), lost_place()
  return path and ("%s (in %s)"):format(text, path) or text, lost and lost .. ": "
end

return place
