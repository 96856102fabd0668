-- io: files in and out. Each format is a module of its own, loaded when first asked for.

local core = require "embla.core"
local later = require "embla.later"
local options = require "embla.options"
local raise = require "embla.raise"

local files_spec = options.spec("io.files", {
  {name = "suffix", type = "string", default = "", doc = "how the names end: '.txt'"},
})

local io = {}

--- The regular files below a folder, its folders' included, in order of their names. Symbolic links are not followed.
-- @param folder path
-- @param opt    {suffix = ""}
-- @return list of paths
-- @raise if a folder cannot be read
function io.files(folder, opt)
  if type(folder) ~= "string" then raise("files: argument folder: expected a path, got %s", options.show(folder)) end
  return core.files(folder, files_spec.read(opt).suffix)
end

return later(io, "embla.io.", {word2vec = "word2vec"})
