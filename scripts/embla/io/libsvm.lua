-- io.libsvm: libsvm's (svmlight's) files of labelled sparse rows.

local options = require "embla.arguments.options"
local format = require "embla.io.format"
local raise = require "embla.errors.raise"

local libsvm = {}

--- Reads lines "label id:value id:value ... # comment". The rows are what embedding_bag takes:
-- F.embedding_bag(rows.ids, weight, rows.offsets, {mode = "sum", include_last_offset = true, per_sample_weights =
-- rows.values}) is the product of the sparse (N, V) matrix and the weight (V, D).
-- @param path file
-- @param opt  the options; zero_based may be a boolean
-- @return table: labels (N), int64 if all are integers, else float64; offsets (N + 1) and ids (n) int64, counted from
-- 0; values (n); or, if dense, data (N, features) instead of the three; qid (N) int64 if the lines have one
-- @raise if the file cannot be read or is malformed, naming path, line and column
function libsvm.load(path, opt)
  if type(opt) == "table" and type(opt.zero_based) == "boolean" then
    local named = {}
    for name, value in pairs(opt) do named[name] = value end
    named.zero_based = tostring(opt.zero_based)
    opt = named
  end
  return (format.load("libsvm", path, opt))
end

--- Writes rows as libsvm.load gives them, the whole file or none of it: labels with offsets, ids and values, or with
-- data (N, D), whose zeros are left out; and qid.
-- @param path file
-- @param rows table of tensors
-- @param opt  the options
-- @raise if the file cannot be written, or the tensors do not fit each other
function libsvm.save(path, rows, opt)
  if type(rows) ~= "table" then
    raise("io.libsvm.save: argument rows: expected a table of tensors, got %s", options.show(rows))
  end
  local names = {}
  for name in next, rows do
    if type(name) ~= "string" then
      raise("io.libsvm.save: argument rows: expected tensors by name, got %s", options.show(name))
    end
    names[#names + 1] = name
  end
  table.sort(names)
  format.save("libsvm", path, names, rows, opt)
end

return libsvm
