-- io.idx: the format of MNIST's files.

local format = require "embla.io.format"

local idx = {}

--- Reads a tensor of any shape. Elements become the first dtype that holds them: uint8, int32 (also of 8 and 16 bits
-- with a sign), float32 or float64.
-- @param path file
-- @return Tensor
-- @raise if the file cannot be read or is malformed, naming path and byte
-- source: http://yann.lecun.com/exdb/mnist
function idx.load(path) return format.load("idx", path).data end

return idx
