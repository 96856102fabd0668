-- embla.save: a value of tables, tensors, numbers and texts in one file of safetensors, with what is no tensor as JSON
-- in its metadata, under "embla.value". There
--
--   true, 1, 2.5, "text"                 are themselves
--   [a, b]                               is a sequence
--   {"keys": [k, …], "values": [a, …]}   is another table; "ordered": true, if it remembers the order
--   {"float": "nan"}                     is NaN, "inf" and "-inf" likewise
--   {"hex": "ff00"}                      is a string that is not UTF-8
--   {"bytes": name}                      is one as long as a tensor: of uint8, in the file
--   {"tensor": name}                     is a tensor; with "shape", "stride" and "offset" a view of it, in elements;
--                                        "parameter" and "requires_grad" are true where it is one, or does
--   {"rows": n, "ids": name, "entries": name}    is a row-sparse tensor; "coalesced" is true where it is
--   {"class": name, "value": a}          is an object (io/kept.lua)
--   {"id": n, "is": a}                   is a, of which {"same": n} is another mention

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local format = require "embla.io.format"
local json = require "embla.io.json"
local kept = require "embla.io.kept"
local list = require "embla.base.list"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local DEEPEST = 300                                     -- levels of tables
local LONG = 4096                                       -- bytes of a string that is kept as a tensor

-- ---- where in the value ----------------------------------------------------------------------------------------

-- "value.model.hook", "value.list[2]"; `path` holds the keys.
local function path_text(path)
  local parts = {"value"}
  for i, key in ipairs(path) do
    local plain = type(key) == "string" and key:find "^[%a_][%w_]*$"
    parts[i + 1] = plain and "." .. key or ("[%s]"):format(options.show(key))
  end
  local text = table.concat(parts)
  return #text > 200 and text:sub(1, 100) .. " … " .. text:sub(-97) or text
end

local function refuse(state, text, ...) raise("save: %s: " .. text, path_text(state.path), ...) end

-- ---- what there is ---------------------------------------------------------------------------------------------

local function dtype_bytes(tensor) return dtypes.BYTES[tensor.dtype] end

-- Notes a tensor's name, and the memory that it shows.
local function note_tensor(state, tensor)
  local names = {}
  for i, key in ipairs(state.path) do names[i] = tostring(key) end
  local name = #names > 0 and table.concat(names, ".") or "value"
  if not utf8.len(name) then name = name:gsub("[\0-\31\128-\255]", "_") end
  local entry = {tensor = tensor, name = (name:gsub("\0", "_"))}
  state.tensors[tensor] = entry
  if tensor.is_sparse then
    entry.ids, entry.entries = tensor:_indices():reshape(-1), tensor:_values()
    return
  end
  state.windows[#state.windows + 1] = entry
  entry.shape, entry.stride = tensor.shape, tensor:stride()
  local last = 0
  for d, size in ipairs(entry.shape) do last = last + (size - 1) * entry.stride[d] end
  entry.from, entry.count = core.address(tensor), tensor:numel()
  entry.till = entry.count == 0 and entry.from or entry.from + (last + 1) * dtype_bytes(tensor)
end

-- Integers, then strings: the same value gives the same file.
local function before(a, b)
  if type(a) ~= type(b) then return type(a) == "number" end
  return a < b
end

local function keys_of(value, state)
  local keys, n = {}, rawlen(value)
  local meta = getmetatable(value)
  local in_order = type(meta) == "table" and meta.__name == "ordered table"
  local sequence = not in_order
  for key in pairs(value) do
    if type(key) ~= "string" and math.type(key) ~= "integer" then
      refuse(state, "a %s as a key: %s (expected strings and integers)", math.type(key) or type(key),
             options.show(key))
    end
    sequence = sequence and math.type(key) == "integer" and key >= 1 and key <= n
    keys[#keys + 1] = key
  end
  sequence = sequence and #keys == n
  if not in_order then table.sort(keys, before) end
  return keys, sequence, in_order
end

local survey

local function survey_table(value, state)
  local seen = state.seen[value]
  if seen == "open" then refuse(state, "a cycle: the table is in itself") end
  if seen then
    state.twice[value] = true
    return
  end
  if #state.path >= DEEPEST then refuse(state, "more than %d levels of tables", DEEPEST) end
  state.seen[value] = "open"
  local meta, name = getmetatable(value), kept.name_of(value)
  local in_order = type(meta) == "table" and meta.__name == "ordered table"
  if name then
    state.objects[value] = {name = name, value = getmetatable(value).__keep(value)}
    survey(state.objects[value].value, state)
  elseif not in_order and not list.is_plain(value) then
    local title = type(meta) == "table" and rawget(meta, "__name") or "table with a metatable"
    local found, method = pcall(function() return value.state_dict end)
    local has_state = found and type(method) == "function"
    refuse(state, "a %s cannot be saved%s", title, has_state and ": save its state_dict()" or "")
  else
    local fields = {}
    fields.keys, fields.sequence, fields.in_order = keys_of(value, state)
    state.fields[value] = fields
    for _, key in ipairs(fields.keys) do
      state.path[#state.path + 1] = key
      survey(rawget(value, key), state)
      state.path[#state.path] = nil
    end
  end
  state.seen[value] = "done"
end

survey = function(value, state)
  local kind = type(value)
  if core.is_tensor(value) then
    if state.tensors[value] then state.twice[value] = true else note_tensor(state, value) end
  elseif kind == "table" then
    survey_table(value, state)
  elseif kind ~= "boolean" and kind ~= "number" and kind ~= "string" then
    refuse(state, "a %s cannot be saved", kind == "thread" and "coroutine" or kind)
  end
end

-- ---- the tensors of the file -----------------------------------------------------------------------------------

-- A name that no other tensor has.
local function store(state, name, tensor)
  local free, n = name, 1
  while state.stored[free] or free == "__metadata__" do
    n = n + 1
    free = ("%s~%d"):format(name, n)
  end
  state.stored[free] = tensor
  state.names[#state.names + 1] = free
  return free
end

local function is_whole(entry, group)
  return entry.from == group.from and entry.till == group.till and entry.tensor:is_contiguous()
end

-- Keeps what several tensors, or one, show of one memory: it is stored once, and each is all of it or a window.
local function store_memory(state, group)
  local first, whole, lowest, highest = group[1], nil, group[1], group[1]
  for _, entry in ipairs(group) do
    whole = whole or is_whole(entry, group) and entry
    if entry.from < lowest.from then lowest = entry end
    if entry.till > highest.till then highest = entry end
  end
  local bytes = dtype_bytes(first.tensor)
  if not whole and #group == 1 and first.count <= (group.till - group.from) // bytes then
    first.stored = store(state, first.name, first.tensor)
    return
  end
  local name = store(state, first.name, whole and whole.tensor or core.stretch(lowest.tensor, highest.tensor))
  for _, entry in ipairs(group) do
    entry.stored = name
    if entry ~= whole then entry.offset = (entry.from - group.from) // bytes end
  end
end

-- Windows that overlap are one memory. Those of no elements have none.
local function groups_of(windows)
  local groups, last = {}, nil
  table.sort(windows, function(a, b)
    if a.from ~= b.from then return a.from < b.from end
    return a.number < b.number
  end)
  for _, entry in ipairs(windows) do
    local group = entry.count > 0 and last
    if not (group and entry.from < group.till) then
      group = {from = entry.from, till = entry.till}
      groups[#groups + 1] = group
    end
    group[#group + 1], group.till = entry, math.max(group.till, entry.till)
    if entry.count > 0 then last = group end
  end
  return groups
end

-- Names go by the order of the value, not by where its tensors happen to lie.
local function store_windows(state)
  for i, entry in ipairs(state.windows) do entry.number = i end
  local groups = groups_of(state.windows)
  for _, group in ipairs(groups) do table.sort(group, function(a, b) return a.number < b.number end) end
  table.sort(groups, function(a, b) return a[1].number < b[1].number end)
  for _, group in ipairs(groups) do store_memory(state, group) end
end

-- ---- the value -------------------------------------------------------------------------------------------------

local function encode_string(text, state)
  local is_text = utf8.len(text)
  if #text < LONG then
    if is_text then return text end
    return {hex = text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)}
  end
  return {bytes = store(state, "string", core.bytes_tensor(text))}
end

local function encode_tensor(tensor, state)
  local entry = state.tensors[tensor]
  local node = {}
  if tensor.is_sparse then
    node.rows, node.coalesced = tensor:size(0), tensor:is_coalesced() or nil
    node.ids = store(state, entry.name .. ".ids", entry.ids)
    node.entries = store(state, entry.name .. ".entries", entry.entries)
    return node
  end
  node.tensor = entry.stored
  if entry.offset then
    node.shape, node.stride, node.offset = json.array(entry.shape), json.array(entry.stride), entry.offset
  end
  node.parameter = core.is_parameter(tensor) or nil
  node.requires_grad = tensor.is_leaf and tensor.requires_grad or nil
  return node
end

local encode

local function encode_fields(value, state)
  local fields, keys, values = state.fields[value], {}, {}
  for i, key in ipairs(fields.keys) do values[i] = encode(rawget(value, fields.sequence and i or key), state) end
  if fields.sequence then return json.array(values) end
  for i, key in ipairs(fields.keys) do keys[i] = encode(key, state) end
  return {keys = json.array(keys), values = json.array(values), ordered = fields.in_order or nil}
end

local function encode_shared(value, state)
  local object = state.objects[value]
  if core.is_tensor(value) then return encode_tensor(value, state) end
  if object then return {class = object.name, value = encode(object.value, state)} end
  return encode_fields(value, state)
end

encode = function(value, state)
  local kind = type(value)
  if kind == "string" then return encode_string(value, state) end
  if kind == "number" then
    if value ~= value then return {float = "nan"} end
    if value == math.huge or value == -math.huge then return {float = value > 0 and "inf" or "-inf"} end
    return value
  end
  if kind == "boolean" then return value end
  if state.ids[value] then return {same = state.ids[value]} end
  if not state.twice[value] then return encode_shared(value, state) end
  state.shared = state.shared + 1
  state.ids[value] = state.shared
  return {id = state.shared, is = encode_shared(value, state)}
end

--- Writes a value to a file, whole or not at all: tables of any nesting, with strings and integers as keys, of tensors
-- of every dtype, numbers, strings, booleans, and objects that know how to be kept (Vocab, …). embla.load gives back an
-- equal one: integers stay integers; a tensor or table that occurs twice is one that occurs twice; tensors that show
-- one memory (tied weights, views) still do. Gradients and histories are not kept; parameters stay parameters.
-- The file is one of safetensors, with the tensors under their dotted names and a checksum that finds damage.
-- @param path    file
-- @param content table, tensor, number, string, boolean or such an object; of a module its state_dict()
-- @raise for what cannot be saved (functions, modules, cycles, other keys), naming where it is; if the file cannot be
--   written
local function save(path, content)
  if type(path) ~= "string" then raise("save: argument path: expected a path, got %s", options.show(path)) end
  local state = {path = {}, seen = {}, twice = {}, tensors = {}, windows = {}, objects = {}, fields = {}, stored = {},
                 names = {}, ids = {}, shared = 0}
  survey(content, state)
  store_windows(state)
  local text = json.encode(encode(content, state))
  state.names[#state.names + 1] = "__metadata__"
  state.stored["__metadata__"] = ("=s4s4s4"):pack("metadata", "embla.value", text)
  format.save("safetensors", path, state.names, state.stored)
end

return save
