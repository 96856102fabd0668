-- nn.TransformerEncoderLayer and nn.TransformerEncoder: self-attention with a feed-forward network, a stack of these.

local core = require "embla.core"
local Dropout = require("embla.nn.layers.dropout").Dropout
local LayerNorm = require("embla.nn.normalization.layer_norm").LayerNorm
local Linear = require "embla.nn.layers.linear"
local Module = require "embla.nn.module"
local ModuleList = require "embla.nn.containers.module_list"
local MultiheadAttention = require "embla.nn.attention.multihead_attention"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local weights = require "embla.nn.weights"

local transformer = {}

-- ---- one layer -------------------------------------------------------------------------------------------------

local ACTIVATIONS = {relu = core.ops.relu, gelu = core.ops.gelu}

local layer_spec = options.spec("TransformerEncoderLayer", {
  {name = "dim_feedforward", type = "integer", default = 2048, range = ">= 1", doc = "width of its hidden layer"},
  {name = "dropout", type = "number", default = 0.1, range = "[0, 1]", doc = "chance of an element to be dropped"},
  {name = "activation", type = "string|function", default = "relu", range = '"relu", "gelu", or a function of a tensor',
   check = function(v) return type(v) ~= "string" or ACTIVATIONS[v] ~= nil end, doc = "of the feed-forward network"},
  {name = "layer_norm_eps", type = "number", default = 1e-5, range = ">= 0", doc = "eps of both norms"},
  {name = "batch_first", type = "boolean", default = false, doc = "tensors are (N, T, E), not (T, N, E)"},
  {name = "norm_first", type = "boolean", default = false, doc = "norms before the parts, not after the sums"},
  {name = "bias", type = "boolean", default = true, doc = "whether maps and norms have biases"},
  weights.DTYPE,
})

local MASK = {type = "tensor", doc = "(T, T) or (N h, T, T): bool, true where nothing is seen; or float, added"}
local PADDING = {name = "src_key_padding_mask", type = "tensor",
                 doc = "(N, T) or (T): bool, true for positions left out; or float, added"}
local CAUSAL = {name = "is_causal", type = "boolean", default = false, doc = "position i sees 0 to i only"}

local function mask_row(name) return {name = name, type = MASK.type, doc = MASK.doc} end

local layer_call = options.spec("TransformerEncoderLayer", {mask_row "src_mask", PADDING, CAUSAL})

--- x = norm1(x + attention(x)), then norm2(x + linear2(activation(linear1(x)))), or with norm_first
-- x = x + attention(norm1(x)), then x + linear2(activation(linear1(norm2(x)))); dropout after the attention, the
-- activation and linear2. (T, N, E) -> (T, N, E). Source: PyTorch's nn.TransformerEncoderLayer, Vaswani et al. 2017.
local TransformerEncoderLayer = Module:extend "TransformerEncoderLayer"
transformer.TransformerEncoderLayer, TransformerEncoderLayer.spec = TransformerEncoderLayer, layer_spec

--- Makes the parts.
-- @param d_model E > 0
-- @param nhead   heads; divides E
-- @param ...     the options, by position or by name
-- @raise for sizes or options that do not fit
function TransformerEncoderLayer:init(d_model, nhead, ...)
  local o = layer_spec.arguments(...)
  local E = weights.size("TransformerEncoderLayer", "d_model", d_model)
  local map, norm = {bias = o.bias, dtype = o.dtype}, {eps = o.layer_norm_eps, bias = o.bias, dtype = o.dtype}
  self.self_attn = MultiheadAttention(E, nhead, {dropout = o.dropout, batch_first = o.batch_first, bias = o.bias,
                                                 dtype = o.dtype})
  self.linear1 = Linear(E, o.dim_feedforward, map)
  self.dropout = Dropout(o.dropout)
  self.linear2 = Linear(o.dim_feedforward, E, map)
  self.norm_first = o.norm_first
  self.norm1 = LayerNorm(E, norm)
  self.norm2 = LayerNorm(E, norm)
  self.dropout1 = Dropout(o.dropout)
  self.dropout2 = Dropout(o.dropout)
  self.activation = ACTIVATIONS[o.activation] or o.activation
end

--- Transforms a sequence.
-- @param src Tensor (T, N, E), with batch_first (N, T, E), or (T, E)
-- @param ... the options, by position or by name
-- @return Tensor of the same shape
-- @raise if sizes do not fit
function TransformerEncoderLayer:forward(src, ...)
  local o = layer_call.arguments(...)
  local call = {attn_mask = o.src_mask, key_padding_mask = o.src_key_padding_mask, is_causal = o.is_causal,
                need_weights = false}
  local function attention(z) return self.dropout1(self.self_attn(z, z, z, call)) end
  local function feed_forward(z)
    return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(z)))))
  end
  if self.norm_first then
    src = src + attention(self.norm1(src))
    return src + feed_forward(self.norm2(src))
  end
  src = self.norm1(attention(src) + src)
  return self.norm2(src + feed_forward(src))
end

-- ---- a stack ---------------------------------------------------------------------------------------------------

local function is_module(value) return Module.is_instance(value) end

local stack_spec = options.spec("TransformerEncoder", {
  {name = "norm", type = "table", check = is_module, range = "that is a module", doc = "applied at the end"},
})

local stack_call = options.spec("TransformerEncoder", {mask_row "mask", PADDING, CAUSAL})

--- Layers of one kind, one after the other. (T, N, E) -> (T, N, E). Source: PyTorch's nn.TransformerEncoder.
local TransformerEncoder = Module:extend "TransformerEncoder"
transformer.TransformerEncoder, TransformerEncoder.spec = TransformerEncoder, stack_spec

--- Makes the stack out of copies of a layer, which begin with the same weights.
-- @param encoder_layer TransformerEncoderLayer, or a module that is called like one
-- @param num_layers    how many copies
-- @param ...           the options, by position or by name
-- @raise if the arguments do not fit
function TransformerEncoder:init(encoder_layer, num_layers, ...)
  if not is_module(encoder_layer) then
    raise("TransformerEncoder: argument encoder_layer: expected a module, got %s", options.show(encoder_layer))
  end
  local o = stack_spec.arguments(...)
  local n = weights.size("TransformerEncoder", "num_layers", num_layers)
  self.layers, self.num_layers = ModuleList(), n
  for _ = 1, n do self.layers:append(encoder_layer:clone()) end
  self.norm = o.norm
end

--- Calls the layers one after the other.
-- @param src Tensor (T, N, E), with batch_first (N, T, E), or (T, E)
-- @param ... the options, by position or by name
-- @return Tensor of the same shape
-- @raise if sizes do not fit
function TransformerEncoder:forward(src, ...)
  local o = stack_call.arguments(...)
  for _, layer in ipairs(self.layers) do
    src = layer(src, {src_mask = o.mask, src_key_padding_mask = o.src_key_padding_mask, is_causal = o.is_causal})
  end
  return self.norm and self.norm(src) or src
end

return transformer
