-- embla.load: the value that embla.save wrote; of a file of safetensors from elsewhere, its tensors by name.

local Parameter = require "embla.nn.parameter"
local core = require "embla.core"
local json = require "embla.io.json"
local kept = require "embla.io.kept"
local options = require "embla.arguments.options"
local ordered = require "embla.base.ordered"
local raise = require "embla.errors.raise"
local safetensors = require "embla.io.safetensors"

local spec = options.spec("load", {
  {name = "map", type = "boolean", default = false,
   doc = "tensors are mapped: the file is read when they are looked at, and only its header is checked for damage"},
})

local function malformed(state, what) raise("%s: embla.value: %s", state.path, what) end

-- A tensor of the file.
local function stored(state, name)
  local tensor = type(name) == "string" and state.tensors[name]
  if not tensor then malformed(state, "a tensor that the file has not: " .. options.show(name)) end
  state.used[name] = true
  return tensor
end

local restore

local function restore_window(state, node, base)
  for _, field in ipairs {"shape", "stride"} do
    local numbers = node[field]
    local whole = type(numbers) == "table" and #numbers <= 8
    for _, n in ipairs(whole and numbers or {}) do whole = whole and math.type(n) == "integer" end
    if not whole then malformed(state, "a view without " .. field) end
  end
  if math.type(node.offset) ~= "integer" then malformed(state, "a view without offset") end
  return core.window(base, node.offset, node.shape, node.stride) or malformed(state, "a view beyond its tensor")
end

-- The first mention of what is stored is the tensor itself; others share its memory.
local function restore_tensor(state, node)
  local again = state.used[node.tensor]
  local tensor = stored(state, node.tensor)
  if node.shape ~= nil then
    tensor = restore_window(state, node, tensor)
  elseif again then
    tensor = tensor:detach()
  end
  local is_float = tensor.dtype:find "float" ~= nil
  if node.requires_grad and not is_float then malformed(state, "a tensor of integers that requires grad") end
  if node.parameter then return Parameter(tensor, node.requires_grad == true) end
  if node.requires_grad then return tensor:detach():requires_grad_() end
  return tensor
end

local function restore_rows(state, node)
  local ids, entries = stored(state, node.ids), stored(state, node.entries)
  local fits = math.type(node.rows) == "integer" and node.rows >= 0 and ids:dim() == 1 and ids.dtype == "int64"
               and entries:dim() >= 1 and entries:size(0) == ids:size(0)
  if not fits then malformed(state, "ids and entries of a row-sparse tensor that do not fit") end
  local tensor = core.sparse_new(ids, entries, node.rows)
  return node.coalesced and tensor:coalesce() or tensor
end

local function restore_fields(state, node)
  local keys, values = node.keys, node.values
  if type(keys) ~= "table" or type(values) ~= "table" or #keys ~= #values then
    malformed(state, "a table of other than so many keys as values")
  end
  local t = node.ordered and ordered() or {}
  for i = 1, #keys do
    local key = restore(state, keys[i])
    if type(key) ~= "string" and math.type(key) ~= "integer" or rawget(t, key) ~= nil then
      malformed(state, "a key that is neither string nor integer, or stands twice")
    end
    t[key] = restore(state, values[i])
  end
  return t
end

local FLOATS = {nan = -(0 / 0), inf = math.huge, ["-inf"] = -math.huge}

local function restore_float(state, node)
  return FLOATS[node.float] or malformed(state, "an unknown float")
end

local function restore_hex(state, node)
  local hex = node.hex
  if type(hex) ~= "string" or #hex % 2 > 0 or hex:find "[^0-9a-f]" then malformed(state, "a malformed string") end
  return (hex:gsub("..", function(byte) return string.char(tonumber(byte, 16)) end))
end

local function restore_bytes(state, node)
  local tensor = stored(state, node.bytes)
  if tensor.dtype ~= "uint8" then malformed(state, "a string of other than uint8") end
  return tensor:tobytes()
end

local function restore_object(state, node)
  local class = type(node.class) == "string" and kept.class_of(node.class)
  if not class then malformed(state, "an object of an unknown class: " .. options.show(node.class)) end
  return class.__restore(restore(state, node.value))
end

local function restore_shared(state, node)
  if math.type(node.id) ~= "integer" or state.shared[node.id] ~= nil then
    malformed(state, "an id that stands twice")
  end
  local value = restore(state, node.is)
  state.shared[node.id] = value
  return value
end

local function restore_same(state, node)
  local value = state.shared[node.same]
  if value == nil then malformed(state, "a mention of what has not come yet") end
  return value
end

-- What a node is, by a field that it has.
local KINDS = {
  {"tensor", restore_tensor}, {"keys", restore_fields}, {"float", restore_float}, {"hex", restore_hex},
  {"bytes", restore_bytes}, {"rows", restore_rows}, {"class", restore_object}, {"id", restore_shared},
  {"same", restore_same},
}

restore = function(state, node)
  if type(node) ~= "table" then return node end
  if node == json.null then malformed(state, "null") end
  if getmetatable(node) == core.list_metatable then
    local t = {}
    for i, member in ipairs(node) do t[i] = restore(state, member) end
    return t
  end
  for _, kind in ipairs(KINDS) do
    if node[kind[1]] ~= nil then return kind[2](state, node) end
  end
  malformed(state, "an unknown kind of value")
end

local function check_format(path)
  local format = core.format_of(path)
  if format and format ~= "safetensors" then
    raise("load: %s: is a file of %s: embla.io.%s.load reads it", path, format, format)
  end
end

--- Reads the value that embla.save wrote. Nothing that is read is run as code. With {map = true} a file of any size is
-- opened at once: its header is read and checked, its tensors when they are looked at, and without a check for damage;
-- they may be written to, which does not change the file. While they are in use nobody may shorten the file. What gzip
-- has packed is unpacked to a temporary file in the folder TMPDIR or /tmp, and cannot be mapped.
-- @param path file
-- @param opt  the options
-- @return the value; of a file of safetensors that embla.save has not written, a table name -> Tensor
-- @raise if the file cannot be read, is malformed or damaged, naming path and byte
local function load(path, opt)
  local o = spec.read(opt)
  if type(path) ~= "string" then raise("load: argument path: expected a path, got %s", options.show(path)) end
  check_format(path)
  local tensors, metadata = safetensors.load(path, {map = o.map})
  if not metadata["embla.value"] then return tensors end
  local state = {path = path, tensors = tensors, used = {}, shared = {}}
  return restore(state, core.json_decode(metadata["embla.value"], path .. ": embla.value", json.null))
end

return load
