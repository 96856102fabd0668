-- nn.MultiheadAttention: queries look at keys, several heads at once.

local core = require "embla.core"
local creation = require "embla.tensor.creation"
local init = require "embla.nn.initializers"
local Linear = require "embla.nn.layers.linear"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local weights = require "embla.nn.weights"

local op, is_tensor = core.ops, core.is_tensor

-- Letters in shapes: N samples, L queries, S keys, E features, h heads.

local spec = options.spec("MultiheadAttention", {
  {name = "dropout", type = "number", default = 0, range = "[0, 1]", doc = "chance of a weight to be dropped"},
  {name = "bias", type = "boolean", default = true, doc = "whether the four maps have a bias"},
  {name = "add_bias_kv", type = "boolean", default = false, doc = "one more key and value, learned"},
  {name = "add_zero_attn", type = "boolean", default = false, doc = "one more key and value, zeros"},
  {name = "kdim", type = "integer", range = ">= 1", doc = "features of a key; left out: E"},
  {name = "vdim", type = "integer", range = ">= 1", doc = "features of a value; left out: E"},
  {name = "batch_first", type = "boolean", default = false, doc = "tensors are (N, L, E), not (L, N, E)"},
  weights.DTYPE,
})

local call_spec = options.spec("MultiheadAttention", {
  {name = "key_padding_mask", type = "tensor", doc = "(N, S) or (S): bool, true hides a key; or float, added"},
  {name = "need_weights", type = "boolean", default = true, doc = "returns the weights too, which takes longer"},
  {name = "attn_mask", type = "tensor", doc = "(L, S) or (N h, L, S): bool, true hides; or float, added"},
  {name = "average_attn_weights", type = "boolean", default = true, doc = "the mean of the heads' weights"},
  {name = "is_causal", type = "boolean", default = false, doc = "query i sees keys 0 to i only"},
})

--- Attention of several heads: softmax(q k^T / sqrt(E / h)) v in each; q, k, v and the result are mapped by learned
-- weights. Parameters as PyTorch's: in_proj_weight (3 E, E), or q_proj_weight, k_proj_weight and v_proj_weight where
-- kdim or vdim is not E; in_proj_bias (3 E), out_proj. Source: PyTorch's nn.MultiheadAttention, Vaswani et al. 2017.
local MultiheadAttention = Module:extend "MultiheadAttention"
MultiheadAttention.spec = spec

-- PyTorch's name of the last map, as tostring shows it.
local OutProjection = Linear:extend "NonDynamicallyQuantizableLinear"

local function make_weights(self, o)
  local E = self.embed_dim
  if self.kdim == E and self.vdim == E then
    self.in_proj_weight = weights.new(o.dtype, 3 * E, E)
  else
    self.q_proj_weight = weights.new(o.dtype, E, E)
    self.k_proj_weight = weights.new(o.dtype, E, self.kdim)
    self.v_proj_weight = weights.new(o.dtype, E, self.vdim)
  end
  if o.bias then self.in_proj_bias = weights.new(o.dtype, 3 * E) end
  self.out_proj = OutProjection(E, E, {bias = o.bias, dtype = o.dtype})
  if o.add_bias_kv then
    self.bias_k = weights.new(o.dtype, 1, 1, E)
    self.bias_v = weights.new(o.dtype, 1, 1, E)
  end
end

--- Makes the weights.
-- @param embed_dim E > 0
-- @param num_heads h; divides E
-- @param ...       the options, by position or by name
-- @raise for sizes or options that do not fit
function MultiheadAttention:init(embed_dim, num_heads, ...)
  local o = spec.arguments(...)
  self.embed_dim = weights.size("MultiheadAttention", "embed_dim", embed_dim)
  self.num_heads = weights.size("MultiheadAttention", "num_heads", num_heads)
  if self.embed_dim == 0 or self.num_heads == 0 or self.embed_dim % self.num_heads ~= 0 then
    raise("MultiheadAttention: embed_dim = %d cannot be divided among num_heads = %d", self.embed_dim, self.num_heads)
  end
  self.kdim, self.vdim = o.kdim or self.embed_dim, o.vdim or self.embed_dim
  self.dropout, self.add_zero_attn, self.batch_first = o.dropout, o.add_zero_attn, o.batch_first
  make_weights(self, o)
  self:reset_parameters()
end

--- Draws the weights of q, k and v by Xavier's rule and sets the biases to 0.
function MultiheadAttention:reset_parameters()
  for _, name in ipairs {"in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"} do
    if self[name] then init.xavier_uniform_(self[name]) end
  end
  if self.in_proj_bias then
    init.zeros_(self.in_proj_bias)
    init.zeros_(self.out_proj.bias)
  end
  if self.bias_k then
    init.xavier_normal_(self.bias_k)
    init.xavier_normal_(self.bias_v)
  end
end

-- ---- inputs ----------------------------------------------------------------------------------------------------

-- A tensor (N, L, features) from what was given.
local function samples_first(self, name, t, features, batched)
  if not is_tensor(t) then
    raise("MultiheadAttention: argument %s: expected a tensor, got %s", name, options.show(t))
  end
  local dims = batched and 3 or 2
  if t:dim() ~= dims or t:size(-1) ~= features then
    local shape = not batched and "(L, %d)" or self.batch_first and "(N, L, %d)" or "(L, N, %d)"
    raise("MultiheadAttention: %s must have shape %s, got (%s)", name, shape:format(features),
          table.concat(t.shape, ", "))
  end
  if not batched then return t:unsqueeze(0) end
  return self.batch_first and t or t:transpose(0, 1)
end

local function check_sizes(q, k, v)
  if q:size(0) == k:size(0) and k:size(0) == v:size(0) and k:size(1) == v:size(1) then return end
  raise("MultiheadAttention: query, key and value, as (N, L, E) of sizes (%s), (%s) and (%s), do not fit each other",
        table.concat(q.shape, ", "), table.concat(k.shape, ", "), table.concat(v.shape, ", "))
end

-- q, k and v, mapped: (N, L, E), (N, S, E), (N, S, E).
local function project(self, q, k, v, is_self_attention)
  local E, bias = self.embed_dim, self.in_proj_bias
  if self.in_proj_weight and is_self_attention then
    return table.unpack(op.linear(q, self.in_proj_weight, bias):chunk(3, -1))
  end
  local b = bias and bias:chunk(3) or {}
  local w = self.in_proj_weight and self.in_proj_weight:split(E) or
            {self.q_proj_weight, self.k_proj_weight, self.v_proj_weight}
  return op.linear(q, w[1], b[1]), op.linear(k, w[2], b[2]), op.linear(v, w[3], b[3])
end

-- (N, L, E) -> (N, h, L, E / h), a view where it can be one
local function heads(self, x)
  return x:reshape(x:size(0), x:size(1), self.num_heads, self.embed_dim // self.num_heads):transpose(1, 2)
end

-- ---- masks -----------------------------------------------------------------------------------------------------

-- A mask as a view that broadcasts to (N, h, L, S), checked; bool or of the dtype of the scores.
local function fit_mask(name, mask, dtype, ...)
  local dims = mask:dim()
  for _, shape in ipairs {...} do
    local given, wide = shape.given, shape.wide
    if dims == #given and table.concat(mask.shape, ",") == table.concat(given, ",") then
      if mask.dtype ~= "bool" and mask.dtype ~= dtype then
        raise("MultiheadAttention: option %s: expected bool or %s, got %s", name, dtype, mask.dtype)
      end
      return mask:reshape(table.unpack(wide))
    end
  end
  raise("MultiheadAttention: option %s: expected shape (%s), got (%s)", name, table.concat((...).given, ", "),
        table.concat(mask.shape, ", "))
end

local function as_float(mask, dtype)
  if mask.dtype ~= "bool" then return mask end
  return core.ops.masked_fill(mask:to(dtype) * 0, mask, -math.huge)
end

-- Two masks as one; either may be nil.
local function join_masks(a, b, dtype)
  if not a or not b then return a or b end
  if a.dtype == "bool" and b.dtype == "bool" then return a:logical_or(b) end
  return as_float(a, dtype) + as_float(b, dtype)
end

-- Everything that hides keys, as one mask (true, or -inf, where nothing is seen) that broadcasts to (N, h, L, S).
local function mask_of(self, o, q, S)
  local N, h, L, dtype = q:size(0), self.num_heads, q:size(1), q.dtype
  local mask, padding = o.attn_mask, o.key_padding_mask
  if mask then
    mask = fit_mask("attn_mask", mask, dtype, {given = {L, S}, wide = {1, 1, L, S}},
                    {given = {N * h, L, S}, wide = {N, h, L, S}})
  end
  if padding then
    local of_all, of_one = {given = {N, S}, wide = {N, 1, 1, S}}, {given = {S}, wide = {1, 1, 1, S}}
    padding = fit_mask("key_padding_mask", padding, dtype, of_all, N == 1 and of_one or of_all)
  end
  if o.is_causal then mask = join_masks(creation.full({1, 1, L, S}, true, {dtype = "bool"}):triu(1), mask, dtype) end
  return join_masks(mask, padding, dtype)
end

-- ---- the call --------------------------------------------------------------------------------------------------

-- Adds the learned and the zero key and value, which no mask hides.
local function add_keys(self, k, v, mask)
  local N, E = k:size(0), self.embed_dim
  local function add(more_k, more_v)
    k, v = op.cat({k, more_k}, 1), op.cat({v, more_v}, 1)
    mask = mask and op.pad(mask, {0, 1})
  end
  if self.bias_k then add(self.bias_k:expand(N, 1, E), self.bias_v:expand(N, 1, E)) end
  if self.add_zero_attn then
    local zeros = k:detach():narrow(1, 0, 1) * 0
    add(zeros, zeros)
  end
  return k, v, mask
end

-- Weights of scores, of which a mask hides some. A query that sees no key has weights 0, as in the core's attention.
local function masked_softmax(scores, mask)
  local hidden = mask.dtype == "bool" and mask or op.eq(mask, -math.huge)
  if mask.dtype ~= "bool" then scores = scores + mask end
  scores = op.masked_fill(scores, hidden, -math.huge)
  local blind = op.all(hidden, -1, true)
  if not op.any(blind):item() then return op.softmax(scores, -1) end
  return op.masked_fill(op.softmax(op.masked_fill(scores, blind, 0), -1), blind, 0)
end

-- Attention with its weights in sight: result (N, h, L, E / h), weights (N, h, L, S).
local function attend_openly(q, k, v, mask, dropout)
  local scores = q:matmul(k:transpose(2, 3)) * (1 / math.sqrt(q:size(3)))
  local p = mask and masked_softmax(scores, mask) or op.softmax(scores, -1)
  if dropout > 0 then p = op.dropout(p, dropout) end
  return p:matmul(v), p
end

-- Attention in the core, which keeps no weights. Where causality is all that hides keys, half the work is left out.
local function attend_closely(q, k, v, mask, dropout, causal)
  if mask and mask.dtype == "bool" then mask = mask:logical_not() end
  return op.scaled_dot_product_attention(q, k, v, mask, dropout, causal)
end

-- All heads on mapped q, k, v (N, L, E): result (N, L, E), and the weights if they are asked for.
local function attend(self, o, q, k, v)
  local N, L, S = q:size(0), q:size(1), k:size(1)
  local dropout = self.training and self.dropout or 0
  local plainly_causal = o.is_causal and not (o.need_weights or o.attn_mask or o.key_padding_mask or self.bias_k
                                              or self.add_zero_attn)
  local mask = not plainly_causal and mask_of(self, o, q, S) or nil
  k, v, mask = add_keys(self, k, v, mask)
  q, k, v = heads(self, q), heads(self, k), heads(self, v)
  local y, p
  if o.need_weights then
    y, p = attend_openly(q, k, v, mask, dropout)
  else
    y = attend_closely(q, k, v, mask, dropout, plainly_causal)
  end
  return y:transpose(1, 2):reshape(N, L, self.embed_dim), p
end

--- Attends.
-- @param query Tensor (L, N, E), with batch_first (N, L, E), or without N
-- @param key   Tensor (S, N, kdim), likewise
-- @param value Tensor (S, N, vdim), likewise
-- @param ...   the options, by position or by name
-- @return the result, of query's shape; with need_weights also the weights: (N, L, S), or (N, h, L, S) of each head
-- @raise if sizes do not fit
function MultiheadAttention:forward(query, key, value, ...)
  local o = call_spec.arguments(...)
  local batched = is_tensor(query) and query:dim() == 3
  local q = samples_first(self, "query", query, self.embed_dim, batched)
  local k = samples_first(self, "key", key, self.kdim, batched)
  local v = samples_first(self, "value", value, self.vdim, batched)
  check_sizes(q, k, v)
  local y, p = attend(self, o, project(self, q, k, v, rawequal(query, key) and rawequal(key, value)))
  y = self.out_proj(y)
  if not batched then y = y:squeeze(0) elseif not self.batch_first then y = y:transpose(0, 1) end
  if not o.need_weights then return y end
  if o.average_attn_weights then p = p:mean(1) end
  return y, batched and p or p:squeeze(0)
end

return MultiheadAttention
