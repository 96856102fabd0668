-- io.npz: NumPy's archives of several arrays.

local options = require "embla.arguments.options"
local core = require "embla.core"
local format = require "embla.io.format"
local raise = require "embla.errors.raise"

local npz = {}

--- Reads the arrays of an archive that numpy.savez or savez_compressed has written, each as io.npy.load would. What a
-- compressed array unpacks to may be a thousand times its size in the file: memory grows with it as it comes. A pipe,
-- or an archive that gzip has packed, is first copied to a temporary file in the folder TMPDIR or /tmp.
-- @param path file
-- @param opt  the options
-- @return table of tensors by name, list of the names in the file's order
-- @raise if the file cannot be read or is malformed, naming path, member and byte; if a name is not there
function npz.load(path, opt) return format.load("npz", path, opt) end

--- Writes tensors as an archive that numpy.load reads, the whole file or none of it. It is composed in memory. The same
-- tensors are the same bytes.
-- @param path    file
-- @param tensors by name; they are written in order of their names
-- @param opt     the options
-- @raise if the file cannot be written; if a name is no string or a value no tensor
function npz.save(path, tensors, opt)
  if type(tensors) ~= "table" then
    raise("io.npz.save: argument tensors: expected a table of tensors by name, got %s", options.show(tensors))
  end
  local names = {}
  for name, tensor in next, tensors do
    if type(name) ~= "string" or not core.is_tensor(tensor) then
      raise("io.npz.save: argument tensors: expected tensors by name, got [%s] = %s", options.show(name),
        options.show(tensor))
    end
    names[#names + 1] = name
  end
  table.sort(names)
  format.save("npz", path, names, tensors, opt)
end

return npz
