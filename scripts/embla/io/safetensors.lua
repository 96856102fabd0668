-- io.safetensors: tensors by name, as PyTorch's world keeps them, and texts about them.

local core = require "embla.core"
local format = require "embla.io.format"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local safetensors = {}

local METADATA = "__metadata__"         -- what the core gives and takes: kind, key, text, …, each with its length

local function read_metadata(packed)
  local metadata, widened, at = {}, {}, 1
  while at <= #packed do
    local kind, key, text
    kind, key, text, at = ("=s4s4s4"):unpack(packed, at)
    local home = kind == "metadata" and metadata or widened
    home[key] = text
  end
  return metadata, widened
end

local load_spec = options.spec("io.safetensors.load", {
  {name = "names", type = "strings", doc = "the tensors that are read; all if left out"},
  {name = "map", type = "boolean", default = false,
   doc = "tensors are mapped: the file is read when they are looked at, and not checked for damage"},
})

--- Reads tensors by name. Those of I8, I16, U16, U32 and U64, which Embla has not, become int32 or int64. What gzip has
-- packed is unpacked to a temporary file in the folder TMPDIR or /tmp, and cannot be mapped: memory stays that of the
-- file as it was before it was packed.
-- @param path file
-- @param opt  the options
-- @return table name -> Tensor, table of the metadata's texts, table name -> dtype in the file of those that changed it
-- @raise if the file cannot be read, is malformed or damaged, naming path and byte; if it has no tensor of a name
function safetensors.load(path, opt)
  local o = load_spec.read(opt)
  local tensors = format.load("safetensors", path, {names = o.names, map = o.map})
  local packed = tensors[METADATA]
  tensors[METADATA] = nil
  return tensors, read_metadata(packed)
end

local save_spec = options.spec("io.safetensors.save", {
  {name = "metadata", type = "table", default = {}, doc = "texts by name that are kept beside the tensors"},
})

local function pack_metadata(metadata)
  local keys, packed = {}, {}
  for key, text in next, metadata do
    if type(key) ~= "string" or type(text) ~= "string" then
      raise("io.safetensors.save: option metadata: expected texts by name, got %s = %s", options.show(key),
            options.show(text))
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do packed[i] = ("=s4s4s4"):pack("metadata", key, metadata[key]) end
  return table.concat(packed)
end

--- Writes tensors by name, whole or not at all. A checksum in the metadata finds damage when Embla reads the file.
-- @param path file
-- @param dict table name -> Tensor, dense; those without contiguous memory are written as if they had it
-- @param opt  {metadata = {key = "text"}}
-- @raise if a name or text is not UTF-8, a value no dense tensor, or the file cannot be written
function safetensors.save(path, dict, opt)
  if type(dict) ~= "table" then
    raise("io.safetensors.save: argument dict: expected tensors by name, got %s", options.show(dict))
  end
  local names, values = {}, {}
  for name, tensor in next, dict do
    if type(name) ~= "string" or not core.is_tensor(tensor) then
      raise("io.safetensors.save: argument dict: expected tensors by name, got %s = %s", options.show(name),
            options.show(tensor))
    end
    if name == METADATA then raise("io.safetensors.save: no tensor may be called %s", METADATA) end
    names[#names + 1], values[name] = name, tensor
  end
  table.sort(names)
  names[#names + 1] = METADATA
  values[METADATA] = pack_metadata(save_spec.read(opt).metadata)
  format.save("safetensors", path, names, values)
end

--- What is in a file, of which only the header is read. Of a file that gzip has packed offsets are those of the bytes
-- it unpacks to.
-- @param path file
-- @return list of {name, dtype, shape, offset, bytes}, in the file's order, of which dtype is the file's ("F32") and
--   offset that of the first byte in the file; table of the metadata's texts
-- @raise if the header cannot be read, is malformed or damaged, naming path and byte
function safetensors.info(path)
  local described, names = format.load("safetensors", path, {describe = true})
  local list = {}
  for _, name in ipairs(names) do
    if name ~= METADATA then
      local dtype, offset, bytes, rest = described[name]:match "^(%w+) (%d+) (%d+)(.*)$"
      local shape = {}
      for size in rest:gmatch "%d+" do shape[#shape + 1] = math.tointeger(size) end
      list[#list + 1] = {name = name, dtype = dtype, shape = shape, offset = math.tointeger(offset),
                         bytes = math.tointeger(bytes)}
    end
  end
  return list, (read_metadata(described[METADATA]))
end

return safetensors
