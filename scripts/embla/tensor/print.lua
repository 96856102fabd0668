-- Tensors as text, exactly as PyTorch prints them: one format for all elements, decided on those that are shown; large
-- tensors are summarized by their edges.

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local print_text = {}

local PROFILES = {
  default = {precision = 4, threshold = 1000, edgeitems = 3, linewidth = 80},
  short = {precision = 2, threshold = 1000, edgeitems = 2, linewidth = 80},
  full = {precision = 4, threshold = math.huge, edgeitems = 3, linewidth = 80},
}

local style = {precision = 4, threshold = 1000, edgeitems = 3, linewidth = 80, sci_mode = nil}

local spec = options.spec("set_printoptions", {
  {name = "precision", type = "integer", range = "[0, 40]", doc = "digits after the point"},
  {name = "threshold", type = "number", range = ">= 0", doc = "tensors of more elements are summarized"},
  {name = "edgeitems", type = "integer", range = "[1, 1000]", doc = "elements shown at each end of a summarized dim"},
  {name = "linewidth", type = "integer", range = "[1, 100000]", doc = "characters in a line"},
  {name = "profile", type = "string", choices = {"default", "short", "full"}, doc = "sets all of the above"},
  {name = "sci_mode", type = "boolean", doc = "scientific notation always or never; left out: where it reads better"},
})

--- Sets how tensors are printed; what is not named stays, save sci_mode, which goes back to automatic.
-- @param opt the options
-- @raise for an unknown option or a value out of range
function print_text.set_printoptions(opt)
  local o = spec.read(opt)
  local base = PROFILES[o.profile] or style
  for name in pairs(PROFILES.default) do
    if o[name] ~= nil then style[name] = o[name] else style[name] = base[name] end
  end
  style.sci_mode = o.sci_mode
end

-- ---- what is shown ---------------------------------------------------------------------------------------------

-- Elements of a dim of `size` that are shown: all, or `edgeitems` at each end.
local function is_cut(size, summarize) return summarize and size > 2 * style.edgeitems end

local function append(list, more)
  table.move(more, 1, #more, #list + 1, list)
  return list
end

-- The shown elements as a nested list; only these are read, however large the tensor.
local function shown(t, summarize)
  if not summarize then return t:tolist() end
  local size, edge = t:size(0), style.edgeitems
  if t:dim() == 1 then
    if not is_cut(size, true) then return t:tolist() end
    return append(t:narrow(0, 0, edge):tolist(), t:narrow(0, size - edge, edge):tolist())
  end
  local list, cut = {}, is_cut(size, true)
  for i = 0, (cut and edge or size) - 1 do list[#list + 1] = shown(t:select(0, i), true) end
  for i = cut and size - edge or size, size - 1 do list[#list + 1] = shown(t:select(0, i), true) end
  return list
end

local function flatten(value, list)
  if type(value) ~= "table" then
    list[#list + 1] = value
  else
    for _, member in ipairs(value) do flatten(member, list) end
  end
  return list
end

-- ---- one element -----------------------------------------------------------------------------------------------

local function is_finite(x) return x - x == 0 end

-- NaN and infinity as Python writes them; C may put a sign before nan.
local function number(format, x)
  if x ~= x then return "nan" end
  if not is_finite(x) then return x > 0 and "inf" or "-inf" end
  return format:format(x)
end

-- Finite, non-zero values, and what is known of them.
local function survey(values)
  local s = {values = {}, min = math.huge, max = 0, integral = true}
  for _, x in ipairs(values) do
    if is_finite(x) and x ~= 0 then
      local size = math.abs(x)
      s.values[#s.values + 1] = x
      s.min, s.max = math.min(s.min, size), math.max(s.max, size)
      s.integral = s.integral and x == math.floor(x)
    end
  end
  return s
end

local function widest(values, format)
  local width = 1
  for _, x in ipairs(values) do width = math.max(width, #format(x)) end
  return width
end

local function scientific(x) return number("%." .. style.precision .. "e", x) end
local function fixed(x) return number("%." .. style.precision .. "f", x) end
local function integral(x) return number("%.0f", x) .. (is_finite(x) and "." or "") end

-- How the elements of a float tensor are written, and how wide.
local function float_format(values)
  local s = survey(values)
  if #s.values == 0 then return integral, 1 end
  local spread = s.max / s.min > 1000 or s.max > 1e8 or not s.integral and s.min < 1e-4
  local plain = s.integral and integral or fixed
  local width = widest(s.values, spread and scientific or plain)
  if style.sci_mode ~= nil then spread = style.sci_mode end
  return spread and scientific or plain, width
end

local function word(value)
  if value == true then return "True" end
  if value == false then return "False" end
  return tostring(value)
end

-- A function that writes an element, padded on the left, and the width.
local function element_format(values, dtype)
  local format, width
  if dtypes.IS_FLOAT[dtype] then
    format, width = float_format(values)
  else
    format, width = word, widest(values, word)
  end
  return function(x)
    local text = format(x)
    return (" "):rep(width - #text) .. text
  end, width
end

-- ---- rows and blocks -------------------------------------------------------------------------------------------

local function line_of_elements(list, size, indent, view)
  local texts = {}
  for i, x in ipairs(list) do
    if i == style.edgeitems + 1 and is_cut(size, view.summarize) then texts[#texts + 1] = " ..." end
    texts[#texts + 1] = view.format(x)
  end
  local per_line = math.max(1, (style.linewidth - indent) // (view.width + 2))
  local lines = {}
  for first = 1, #texts, per_line do
    lines[#lines + 1] = table.concat(texts, ", ", first, math.min(first + per_line - 1, #texts))
  end
  return "[" .. table.concat(lines, ",\n" .. (" "):rep(indent + 1)) .. "]"
end

local function block(list, dim, indent, view)
  local shape = view.shape
  if dim == #shape then return line_of_elements(list, shape[dim], indent, view) end
  local texts = {}
  for i, member in ipairs(list) do
    if i == style.edgeitems + 1 and is_cut(shape[dim], view.summarize) then texts[#texts + 1] = "..." end
    texts[#texts + 1] = block(member, dim + 1, indent + 1, view)
  end
  return "[" .. table.concat(texts, "," .. ("\n"):rep(#shape - dim) .. (" "):rep(indent + 1)) .. "]"
end

local function number_of_elements(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

-- The numbers of a tensor, without "tensor(" and suffixes. `indent`: the column they start at.
-- `shape`: of the whole, if t is only what is shown of it along a dim.
local function body(t, indent, shape)
  if t:numel() == 0 then return "[]" end
  local view = {shape = shape or t.shape}
  view.summarize = number_of_elements(view.shape) > style.threshold
  local list = shown(t, view.summarize and t:dim() > 0)
  view.format, view.width = element_format(flatten(list, {}), t.dtype)
  if t:dim() == 0 then return view.format(list) end
  return block(list, 1, indent, view)
end

-- ---- suffixes --------------------------------------------------------------------------------------------------

-- PyTorch's nodes where they are not called by the operation's name in camel case and numbered 0.
local NODES = {
  adaptive_avg_pool1d = "Squeeze 1", adaptive_max_pool1d = "Squeeze 1", avg_pool1d = "Squeeze 1",
  batch_norm = "NativeBatchNorm 0", clamp = "Clamp 1", clamp_between = "Clamp 0", clamp_max = "ClampMax 1",
  clamp_min = "ClampMin 1", contiguous = "Clone 0", conv1d = "Convolution 0", copy = "Copy s",
  copy_slices = "CopySlices", cosine_embedding_loss = "Mean 0", cross_entropy = "NllLoss 0",
  cross_entropy_probabilities = "Div 1", dropout = "Mul 0", flatten = "ReshapeAlias 0", fmod = "Fmod 1",
  gaussian_nll_loss = "Mean 0", group_norm = "NativeGroupNorm 0", hinge_embedding_loss = "Mean 0",
  index_fill = "IndexFill 1", index_mask = "Index 0", index_put = "IndexPut 0",
  kl_div = "Mean 0", l1_loss = "Mean 0", layer_norm = "NativeLayerNorm 0",
  lerp_by = "Lerp 1", linear = "Addmm 0", logsigmoid = "LogSigmoid 0", margin_ranking_loss = "Mean 0",
  masked_put = "IndexPut 0", max_dim = "Max 0", max_pool1d = "Squeeze 1", median_dim = "Median 1", min_dim = "Min 0",
  multilabel_soft_margin_loss = "Mean 0", narrow = "Slice 0", norm = "Norm 1", outer = "Mul 0",
  pad = "ConstantPadNd 0", poisson_nll_loss = "Mean 0", pow = "Pow 1", relu6 = "Hardtanh 0", remainder = "Remainder 1",
  reshape = "ReshapeAlias 0", selu = "Elu 0", softmin = "Softmax 0", softsign = "Div 0", square = "Pow 0",
  tanhshrink = "Sub 0", tile = "Repeat 0", to = "ToCopy 0", triplet_margin_loss = "Mean 0", unflatten = "View 0",
}

-- Reductions of the whole tensor and along dims are different nodes, and so are products by the dims of their results.
local ALONG = {sum = "Sum 1", mean = "Mean 1", prod = "Prod 1", squeeze = "Squeeze 1"}
local BY_DIMS = {
  [0] = {max = "Max 1", min = "Min 1", matmul = "Dot 0"},
  [1] = {matmul = "Mv 0", linear = "Add 0", linear_without_bias = "Squeeze 3"},
  [2] = {matmul = "Mm 0", linear_without_bias = "Mm 0"},
}
local MORE_DIMS = {matmul = "UnsafeView 0", linear = "View 0", linear_without_bias = "UnsafeView 0"}

-- Those of operations one of whose inputs was a plain number: the first, second or third (as bits).
local BESIDE_NUMBER = {
  [1] = {div = "Mul 0", sub = "Rsub 1", xlogy = "Xlogy 1"},
  [2] = {clamp_max = "ClampMax 0", clamp_min = "ClampMin 0", fmod = "Fmod 0", pow = "Pow 0", remainder = "Remainder 0",
         xlogy = "Xlogy 2"},
  [4] = {index_fill = "IndexFill 0", scatter = "Scatter 1"},
}

local function camel_case(name)
  return (name:gsub("%f[%a]%l", string.upper):gsub("_", ""))
end

-- Nodes that are no operations, nor functions of scripts.
local OWN = {as_strided = true, copy_slices = true}

-- `numbers`: bits of the inputs that were plain numbers or left out; `along`: whether its first option was given.
local function node_name(t, operation, numbers, along)
  if not core.ops[operation] and not OWN[operation] then return operation .. "Backward" end
  if operation == "linear" and numbers ~= 0 then operation, numbers = "linear_without_bias", 0 end
  local special = BESIDE_NUMBER[numbers] or BY_DIMS[t:dim()] or MORE_DIMS
  local node = along and ALONG[operation] or special[operation] or NODES[operation] or camel_case(operation) .. " 0"
  return (node:gsub(" ", "Backward"))
end

--- The name of the node that made a tensor, as PyTorch writes it.
-- @param t Tensor
-- @return "AddBackward0", or nil for a leaf
function print_text.node_name(t)
  local origin, numbers, along = core.origin_name(t)
  return origin and node_name(t, origin, numbers, along)
end

local function size_text(shape)
  return "size=(" .. table.concat(shape, ", ") .. (#shape == 1 and ",)" or ")")
end

local function dtype_suffix(t, suffixes)
  local plain = t.dtype == core.get_default_dtype()
  if t:numel() > 0 or t.is_sparse then plain = plain or t.dtype == "int64" or t.dtype == "bool" end
  if not plain then suffixes[#suffixes + 1] = "dtype=torch." .. t.dtype end
end

local function grad_suffix(t, suffixes)
  local origin, numbers, along = core.origin_name(t)
  if origin then
    suffixes[#suffixes + 1] = "grad_fn=<" .. node_name(t, origin, numbers, along) .. ">"
  elseif t.requires_grad then
    suffixes[#suffixes + 1] = "requires_grad=True"
  end
end

-- Puts the suffixes after the text, on new lines where the line would grow too long.
local function with_suffixes(text, suffixes, indent, new_line)
  local parts = {text}
  local last_line = #text:match("[^\n]*$") + 2
  for _, suffix in ipairs(suffixes) do
    if new_line or last_line + #suffix + 2 > style.linewidth then
      parts[#parts + 1] = ",\n" .. (" "):rep(indent) .. suffix
      last_line, new_line = indent + #suffix, false
    else
      parts[#parts + 1] = ", " .. suffix
      last_line = last_line + #suffix + 2
    end
  end
  return table.concat(parts) .. ")"
end

-- ---- whole tensors ---------------------------------------------------------------------------------------------

local PREFIX = "tensor("

local function dense_text(t)
  local suffixes = {}
  if t:numel() == 0 and t:dim() ~= 1 then suffixes[1] = size_text(t.shape) end
  dtype_suffix(t, suffixes)
  grad_suffix(t, suffixes)
  return with_suffixes(PREFIX .. body(t:detach(), #PREFIX), suffixes, #PREFIX, false)
end

local function part_text(name, t, shape)
  local prefix = name .. "=" .. PREFIX
  local text = prefix .. body(t, #PREFIX + #prefix, shape)
  return t:numel() == 0 and text .. ", " .. size_text(t.shape) .. ")" or text .. ")"
end

-- Indices and values as texts. Of many entries only those are made that are shown: each is a row.
local function parts_text(t)
  local n, edge, shape = t:_nnz(), style.edgeitems, t.shape
  shape[1] = n
  local summarized = n > 2 * edge and number_of_elements(shape) > style.threshold
  local some_ids, some
  if summarized then some_ids, some = core.sparse_edges(t, edge) end
  local ids = n > style.threshold and some_ids or t:_indices()
  return part_text("indices", ids:detach(), {1, n}), part_text("values", (some or t:_values()):detach(), shape)
end

local function sparse_text(t)
  local suffixes = {size_text(t.shape), "nnz=" .. t:_nnz()}
  dtype_suffix(t, suffixes)
  suffixes[#suffixes + 1] = "layout=torch.sparse_coo"
  grad_suffix(t, suffixes)
  local ids, values = parts_text(t)
  local text = PREFIX .. ids .. ",\n" .. (" "):rep(#PREFIX) .. values
  return with_suffixes(text, suffixes, #PREFIX, true)
end

--- A tensor as text, as PyTorch prints it.
-- @param t Tensor, dense or row-sparse
-- @return text
-- @raise if the argument is no tensor
function print_text.tensor(t)
  if not core.is_tensor(t) then raise("tostring: expected a tensor, got %s", options.show(t)) end
  local text = t.is_sparse and sparse_text(t) or dense_text(t)
  return core.is_parameter(t) and "Parameter containing:\n" .. text or text
end

return print_text
