-- io: files in and out. Each format is a module of its own, loaded when first asked for.

local core = require "embla.core"
local lazy = require "embla.base.lazy"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local files_spec = options.spec("io.files", {
  {name = "suffix", type = "string", default = "", doc = "how the names end: '.txt'"},
})

local io = {}

--- The regular files below a folder, its folders' included, in order of their names. Symbolic links are not followed.
-- @param folder path
-- @param opt    the options
-- @return list of paths
-- @raise if a folder cannot be read
function io.files(folder, opt)
  if type(folder) ~= "string" then raise("files: argument folder: expected a path, got %s", options.show(folder)) end
  return core.files(folder, files_spec.read(opt).suffix)
end

return lazy(io, "embla.io.", {
  csv = "csv",
  fasttext = "fasttext",
  glove = "glove",
  idx = "idx",
  json = "json",
  jsonl = "jsonl",
  kept = "kept",
  libsvm = "libsvm",
  lines = "lines",
  npy = "npy",
  npz = "npz",
  safetensors = "safetensors",
  word2vec = "word2vec",
})
