-- io.npy: NumPy's files of one array.

local options = require "embla.arguments.options"
local core = require "embla.core"
local format = require "embla.io.format"
local raise = require "embla.errors.raise"

local npy = {}

--- Reads an array that numpy.save has written, of any version, order of bytes, and order of dims. Elements become the
-- first dtype that holds them: int8, int16 and uint16 int32; uint32 and uint64 int64, from 2^63 on an error. Strings,
-- objects, complex numbers and structures are errors.
-- @param path file
-- @return Tensor
-- @raise if the file cannot be read or is malformed, naming path and byte
function npy.load(path) return format.load("npy", path).data end

--- Writes a tensor as numpy.load reads it, the whole file or none of it. bfloat16, which NumPy has not, becomes
-- float32.
-- @param path   file
-- @param tensor of any dtype and shape
-- @raise if the file cannot be written, or the tensor is row-sparse
function npy.save(path, tensor)
  if not core.is_tensor(tensor) then
    raise("io.npy.save: argument tensor: expected a tensor, got %s", options.show(tensor))
  end
  format.save("npy", path, {"data"}, {data = tensor})
end

return npy
