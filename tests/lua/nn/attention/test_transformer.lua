-- nn.TransformerEncoderLayer and nn.TransformerEncoder: what they are made of, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.F

local function layer_of(options)
  options.dropout, options.batch_first = 0, true
  return nn.TransformerEncoderLayer(4, 2, 6, options)
end

t.test("the layer is its formula, norms after or before", function()
  local x = embla.randn(2, 3, 4)
  local post = layer_of {activation = "gelu"}
  local z = post.norm1(x + post.self_attn(x, x, x))
  t.close(post(x):detach(), post.norm2(z + post.linear2(F.gelu(post.linear1(z)))):detach())
  local pre = layer_of {norm_first = true, activation = F.tanh, layer_norm_eps = 0.1}
  t.equal(pre.norm2.eps, 0.1)
  local n = pre.norm1(x)
  z = x + pre.self_attn(n, n, n)
  t.close(pre(x):detach(), (z + pre.linear2(F.tanh(pre.linear1(pre.norm2(z))))):detach())
end)

t.test("a causal layer does not look ahead, nor at padding", function()
  local layer, x = layer_of {}, embla.randn(1, 4, 4)
  local y = layer(x, {is_causal = true})
  local mask = embla.ones(4, 4, {dtype = "bool"}):triu(1)
  t.close(layer(x, mask):detach(), y:detach())
  local other = x:clone()
  other[{0, 3}] = 7
  t.close(layer(other, {is_causal = true}):detach()[{0, {0, 3}}], y:detach()[{0, {0, 3}}])
  local padding = embla.BoolTensor {{false, false, false, true}}
  t.close(layer(other, {src_key_padding_mask = padding}):detach()[{0, {0, 3}}],
          layer(x:narrow(1, 0, 3)):detach()[0])
end)

t.test("a stack calls copies of its layer", function()
  local layer, x = layer_of {}, embla.randn(2, 3, 4)
  local stack = nn.TransformerEncoder(layer, 2, {norm = nn.LayerNorm(4)})
  t.close(stack(x):detach(), stack.norm(layer(layer(x))):detach())
  t.close(stack(x, {is_causal = true}):detach(),
          stack.norm(layer(layer(x, {is_causal = true}), {is_causal = true})):detach())
  stack.layers[1].linear1.weight:detach():zero_()
  t.equal(stack.layers[2].linear1.weight:detach():abs():max():item() > 0, true)
  t.equal(layer.linear1.weight:detach():abs():max():item() > 0, true)
  t.equal(#stack:parameters(), 2 * 12 + 2)
end)

t.test("dropout in training only", function()
  local layer, x = nn.TransformerEncoderLayer(4, 2, {dim_feedforward = 6, dropout = 1, norm_first = true}),
                   embla.randn(3, 2, 4)
  t.same_bits(layer(x):detach(), x)                              -- both branches are dropped
  layer:eval()
  t.same_bits(layer(x):detach(), layer(x):detach())
end)

t.test("state_dict there and back, and tostring", function()
  local a, b = nn.TransformerEncoder(layer_of {}, 2), nn.TransformerEncoder(layer_of {}, 2)
  local x = embla.randn(1, 2, 4)
  b:load_state_dict(a:state_dict())
  t.same_bits(b(x):detach(), a(x):detach())
  t.equal(tostring(nn.TransformerEncoderLayer(4, 2, 8)), [[
TransformerEncoderLayer(
  (self_attn): MultiheadAttention(
    (out_proj): NonDynamicallyQuantizableLinear(in_features=4, out_features=4, bias=True)
  )
  (linear1): Linear(in_features=4, out_features=8, bias=True)
  (dropout): Dropout(p=0.1, inplace=False)
  (linear2): Linear(in_features=8, out_features=4, bias=True)
  (norm1): LayerNorm((4,), eps=1e-05, elementwise_affine=True)
  (norm2): LayerNorm((4,), eps=1e-05, elementwise_affine=True)
  (dropout1): Dropout(p=0.1, inplace=False)
  (dropout2): Dropout(p=0.1, inplace=False)
)]])
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.TransformerEncoderLayer(4, 3) end, "embed_dim = 4", "num_heads = 3")
  t.raises(function() nn.TransformerEncoderLayer(4, 2, {activation = "tanh"}) end, '"relu", "gelu"', "tanh")
  t.raises(function() nn.TransformerEncoderLayer(4, 2, {dropuot = 0}) end, "did you mean 'dropout'")
  t.raises(function() nn.TransformerEncoder(3, 2) end, "TransformerEncoder: argument encoder_layer", "3")
  t.raises(function() nn.TransformerEncoder(layer_of {}, -1) end, "num_layers", "-1")
  t.raises(function() nn.TransformerEncoder(layer_of {}, 1, {norm = {}}) end, "norm", "module")
  t.raises(function() layer_of {}(embla.ones(2, 3, 5)) end, "(N, L, 4)", "(2, 3, 5)")
end)

t.finish()
