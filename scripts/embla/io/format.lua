-- Formats of files: their readers and writers as the core describes them (core/io/formats.def), with checked options.
-- What is common to the modules of single formats.

local Vocab = require "embla.text.vocab"
local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local format = {}

local specs = {}        -- by "npy.load"

local function spec_of(name, verb)
  local key = name .. "." .. verb
  if not specs[key] then
    local described = core.formats[name]
    specs[key] = options.spec("io." .. key, options.rows(verb == "load" and described.reading or described.writing))
  end
  return specs[key]
end

local function check_path(name, verb, path)
  if type(path) ~= "string" then
    raise("io.%s.%s: argument path: expected a path, got %s", name, verb, options.show(path))
  end
end

local function from_core(value)
  return type(value) == "userdata" and not core.is_tensor(value) and Vocab:allocate():adopt(value) or value
end

--- What a file of a format holds.
-- @param name of the format
-- @param path file
-- @param opt  options of its reader
-- @return table of values by name, list of the names in the file's order
-- @raise if the file cannot be read or is malformed, naming path and byte; if an option does not fit
function format.load(name, path, opt)
  check_path(name, "load", path)
  local names, values = core.format_read(name, path, spec_of(name, "load").read(opt))
  local by_name = {}
  for i, key in ipairs(names) do by_name[key] = from_core(values[i]) end
  return by_name, names
end

--- Writes a file of a format, whole or not at all.
-- @param name   of the format
-- @param path   file
-- @param names  list of the values' names, in the order they are written
-- @param values by name: Tensor, Vocab or string
-- @param opt    options of its writer
-- @raise if the file cannot be written, or an option or a value does not fit
function format.save(name, path, names, values, opt)
  check_path(name, "save", path)
  local list = {}
  for i, key in ipairs(names) do
    list[i] = type(values[key]) == "table" and values[key].handle or values[key]
  end
  core.format_write(name, path, names, list, spec_of(name, "save").read(opt))
end

return format
