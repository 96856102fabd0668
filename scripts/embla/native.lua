-- What help says of functions that no comment of their own can stand above: those written in C, those that one function
-- makes for several names; and of fields. Keyed by the name under which a script finds them, "t" being a tensor.

local native = {}

local function say(name, signature, text) native[name] = signature .. "\n" .. text end

-- ---- creation --------------------------------------------------------------------------------------------------

local SIZES = "\n@param ... sizes: integers >= 0, or one table of them"
  .. "\n@param opt {dtype = \"float32\", requires_grad = false}, or the dtype alone\n@return Tensor"

for name, text in pairs {
  empty = "A tensor whose elements may be anything.", zeros = "A tensor of zeros.", ones = "A tensor of ones.",
  rand = "Numbers drawn evenly from [0, 1).", randn = "Numbers drawn from the standard normal distribution.",
} do
  say("embla." .. name, name .. "(..., opt)", text .. SIZES)
  say("embla." .. name .. "_like", name .. "_like(t, opt)", text .. "\n@param t Tensor, of whose shape and dtype it is"
    .. "\n@param opt {dtype = t's, requires_grad = false}\n@return Tensor of t's shape")
end

for name, dtype in pairs {
  LongTensor = "int64", IntTensor = "int32", ByteTensor = "uint8", BoolTensor = "bool", FloatTensor = "float32",
  DoubleTensor = "float64", HalfTensor = "float16", BFloat16Tensor = "bfloat16",
} do
  say("embla." .. name, name .. "(data)", ("A tensor of %s.\n@param data number, boolean, or nested table of them"
    .. "\n@return Tensor"):format(dtype))
end

-- ---- fields ----------------------------------------------------------------------------------------------------

say("t.shape", "t.shape", [[
The sizes, a fresh table.
@return list of integers]])
say("t.dtype", "t.dtype", [[
The kind of the elements: "float32", "float64", "int64", "int32", "uint8", "bool", "float16", "bfloat16".
@return text]])
say("t.requires_grad", "t.requires_grad", [[
Whether gradients are recorded for it. Can be set on a leaf of float dtype.
@return boolean]])
say("t.is_leaf", "t.is_leaf", [[
Whether it was made by the script, not by a recorded operation.
@return boolean]])
say("t.is_sparse", "t.is_sparse", [[
Whether it is row-sparse.
@return boolean]])
say("t.grad", "t.grad", [[
What backward has brought so far; nil: nothing yet. Can be set, to nil or a tensor of the same shape and dtype.
@return Tensor or nil]])
say("t.data", "t.data", [[
The same elements without history, as detach() gives them.
@return Tensor]])
say("t.grad_fn", "t.grad_fn", [[
What made it, for a result of a recorded operation: name() is PyTorch's name of it, "AddBackward0".
@return object, or nil for a leaf]])

-- ---- asking ----------------------------------------------------------------------------------------------------

say("t:size", "t:size(dim)", [[
The sizes, or that of one dim.
@param dim integer, negative from the end; nil: all
@return list, or integer
@raise if there is no such dim]])
say("t:stride", "t:stride(dim)", [[
How many elements further on the next one of a dim lies.
@param dim integer, or nil: all
@return list, or integer]])
say("t:dim", "t:dim()", [[
The number of dims.
@return integer]])
say("t:numel", "t:numel()", [[
The number of elements.
@return integer]])
say("t:is_contiguous", "t:is_contiguous()", [[
Whether the elements lie in row-major order without gaps.
@return boolean]])
say("t:item", "t:item()", [[
The single element. Indexing down to one element, t[i] of 1 dim and t[{i, j}] of 2, gives a Lua number already: there
item() is left out.
@return number or boolean
@raise if there are more, or none]])
say("t:tolist", "t:tolist()", [[
The elements as nested tables, a number for 0 dims.
@return table or number]])
say("t:tobytes", "t:tobytes()", [[
The elements' bytes in row-major order, in the machine's byte order.
@return text]])
say("embla.is_tensor", "is_tensor(value)", [[
Whether a value is a tensor.
@param value anything
@return boolean]])

-- ---- converting ------------------------------------------------------------------------------------------------

for name, dtype in pairs {float = "float32", double = "float64", long = "int64", int = "int32", bool = "bool",
                          byte = "uint8", half = "float16", bfloat16 = "bfloat16"} do
  say("t:" .. name, ("t:%s()"):format(name), ("The tensor as %s: itself if it is already.\n@return Tensor")
    :format(dtype))
end
say("t:detach", "t:detach()", [[
The same elements without history: a change of one shows in the other.
@return Tensor]])

for name, text in pairs {
  max = "The largest element; with a dim the largest of each row along it, and where it stands.",
  min = "The smallest element; with a dim the smallest of each row along it, and where it stands.",
  median = "The median, the lower of two; with a dim that of each row along it, and where it stands.",
} do
  say("t:" .. name, ("t:%s(dim, keepdim)"):format(name), text .. "\n@param dim integer; nil: over all elements"
    .. (name ~= "median" and "; a tensor: the larger or smaller of each pair" or "")
    .. "\n@param keepdim boolean: the dim stays, with size 1\n@return Tensor, or values and int64 positions")
end

-- ---- in place --------------------------------------------------------------------------------------------------

local RECORDED = "\nWhile gradients are recorded, what was there before gets none."
  .. "\n@return the tensor\n@raise for a leaf that requires grad"
say("t:fill_", "t:fill_(value)", [[Sets every element.]] .. RECORDED .. [[

@param value number, boolean, or 0-d tensor]])
say("t:zero_", "t:zero_()", [[Sets every element to 0; of a row-sparse tensor the entries.]] .. RECORDED)
say("t:normal_", "t:normal_(mean, std)", [[Draws from a normal distribution.]] .. RECORDED .. [[

@param mean number, 0 if left out
@param std number >= 0, 1 if left out]])
say("t:uniform_", "t:uniform_(low, high)", [[Draws evenly from [low, high).]] .. RECORDED .. [[

@param low number, 0 if left out
@param high number >= low, 1 if left out]])
say("t:random_", "t:random_(low, high)", [[Draws whole numbers from [low, high).]] .. RECORDED .. [[

@param low integer
@param high integer > low]])

-- ---- gradients -------------------------------------------------------------------------------------------------

say("t:requires_grad_", "t:requires_grad_(on)", [[
Says whether gradients are recorded for a leaf.
@param on boolean, true if left out
@return the tensor
@raise unless its dtype is float32 or float64; for false, unless it is a leaf]])
say("t:retain_grad", "t:retain_grad()", [[
Has backward leave the gradient of a result in its grad too.
@return the tensor
@raise if it does not require grad]])
say("t:detach_", "t:detach_()", [[
Takes the history off: the tensor is a leaf then, and requires no grad.
@return the tensor
@raise for a view of another tensor]])
say("embla.is_grad_enabled", "is_grad_enabled()", [[
Whether gradients are being recorded.
@return boolean]])

-- ---- row-sparse ------------------------------------------------------------------------------------------------

say("t:indices", "t:indices()", [[
The rows of the entries of a coalesced row-sparse tensor.
@return Tensor (1, nnz) int64]])
say("t:_indices", "t:_indices()", [[
The rows of the entries, in order of entry, some perhaps twice.
@return Tensor (1, nnz)]])
say("t:values", "t:values()", [[
The entries of a coalesced row-sparse tensor.
@return Tensor (nnz, ...)]])
say("t:_values", "t:_values()", [[
The entries, in order of entry.
@return Tensor (nnz, ...)]])
say("t:nnz", "t:nnz()", [[
How many entries a row-sparse tensor has, those for one row counted each.
@return integer]])
say("t:_nnz", "t:_nnz()", [[
How many entries a row-sparse tensor has, those for one row counted each.
@return integer]])
say("t:coalesce", "t:coalesce()", [[
One entry a row, the rows ascending, entries of one row added.
@return Tensor]])
say("t:is_coalesced", "t:is_coalesced()", [[
Whether there is one entry a row, ascending.
@return boolean]])
say("t:to_dense", "t:to_dense()", [[
All rows, zeros where there is no entry; a dense tensor as it is.
@return Tensor]])
say("t:sparse_dim", "t:sparse_dim()", [[
1: the dim of the rows.
@return integer]])
say("t:dense_dim", "t:dense_dim()", [[
The dims of an entry.
@return integer]])

-- ---- the library -----------------------------------------------------------------------------------------------

say("embla.manual_seed", "manual_seed(seed)", [[
Starts the generator anew.
@param seed integer]])
say("embla.initial_seed", "initial_seed()", [[
The seed that the generator started from.
@return integer]])
say("embla.clock", "clock()", [[
Seconds that only ever grow, for timing: the difference of two calls is what passed between them.
@return number]])
say("embla.set_num_threads", "set_num_threads(count)", [[
How many threads an operation may use.
@param count integer >= 1]])
say("embla.get_num_threads", "get_num_threads()", [[
How many threads an operation may use.
@return integer]])
say("optimizer.param_groups", "optimizer.param_groups", [[
The groups: tables of params and the options that hold for them, which may be set between steps.
@return list of tables]])

-- ---- finding ---------------------------------------------------------------------------------------------------

-- The function a name stands for, if it is one.
local function find(name)
  local home, key = name:match "^(%w+)[.:]([%w_]+)$"
  local core = require "embla.core"
  if home == "embla" then return require("embla")[key] end
  if home == "t" and name:find(":", 1, true) then return core.methods[key] end
end

local by_function

-- The text about a function or a name, or nil.
local function text(subject)
  if type(subject) == "string" then return native[subject] end
  if not by_function then
    by_function = {}
    for name, words in pairs(native) do
      local f = find(name)
      if f then by_function[f] = words end
    end
  end
  return by_function[subject]
end

return {text = text, texts = native, find = find}
