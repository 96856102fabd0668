-- What Embedding and EmbeddingBag share beyond PyTorch's options: std, init, options by position, refusals.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

for _, name in ipairs {"Embedding", "EmbeddingBag"} do
  local class = nn[name]

  t.test(name .. ": std scales the draw", function()
    embla.manual_seed(1)
    local plain = class(10, 4).weight:detach():tolist()
    embla.manual_seed(1)
    t.close((class(10, 4, {std = 0.5}).weight:detach() * 2):tolist(), plain)
    t.raises(function() class(2, 2, {std = -1}) end, name .. ": option std: expected number >= 0, got -1")
  end)

  t.test(name .. ": init fills the table in place of the draw, padding is zeroed after it", function()
    local module = class(3, 2, {padding_idx = 1, init = function(w) nn.init.constant_(w, 7) end})
    t.equal(module.weight:detach():tolist(), {{7, 7}, {0, 0}, {7, 7}})
    t.equal({module.weight.is_leaf, module.weight.requires_grad}, {true, true})
    module.weight:detach():fill_(1)
    module:reset_parameters()
    t.equal(module.weight:detach():tolist(), {{7, 7}, {0, 0}, {7, 7}})
    t.raises(function() class(2, 2, {init = "normal"}) end, name, "init", "a function", "normal")
  end)

  t.test(name .. ": sizes and options that do not fit are refused by name", function()
    t.raises(function() class(-1, 3) end, name, "num_embeddings", ">= 0", "-1")
    t.raises(function() class(3, "4") end, name, "embedding_dim", "4")
    t.raises(function() class(3) end, name, "embedding_dim", "nil")
    t.raises(function() class(2.5, 3) end, name, "num_embeddings", "2.5")
    t.raises(function() class(3, 3, {paddng_idx = 0}) end, name, "paddng_idx", "did you mean 'padding_idx'", "options:")
    t.raises(function() class(3, 3, {dtype = "int64"}) end, name, "dtype", "float32, float64", "int64")
    t.raises(function() class(3, 3, {max_norm = true}) end, name, "max_norm", "number", "true")
    t.raises(function() class(3, 3, {sparse = 1}) end, name, "sparse", "boolean", "1")
    t.raises(function() class(3, 3, {_weight = {{1}}}) end, name, "_weight", "tensor")
    t.raises(function() class.from_pretrained(embla.ones(2, 2), {frozen = true}) end, name, "frozen", "freeze")
  end)
end

t.test("options may go by position, in PyTorch's order", function()
  local emb = nn.Embedding(4, 3, 1, 2.0, 1)
  t.equal({emb.padding_idx, emb.max_norm, emb.norm_type}, {1, 2, 1})
  local bag = nn.EmbeddingBag(4, 3, 2.0, 1, false, "sum")
  t.equal({bag.max_norm, bag.norm_type, bag.scale_grad_by_freq, bag.mode}, {2, 1, false, "sum"})
  t.equal(nn.Embedding.from_pretrained(embla.ones(2, 2), false, 1).weight.requires_grad, true)
end)

t.test("an integer table stays as it is", function()
  local emb = nn.Embedding.from_pretrained(embla.LongTensor {{1, 2}, {3, 4}})
  t.equal(emb({1}), {{3, 4}})
  t.equal(emb({1}).dtype, "int64")
  t.raises(function() nn.Embedding.from_pretrained(embla.LongTensor {{1, 2}}, {freeze = false}) end, "float")
end)

t.test("subclasses are built and printed under their own name", function()
  local Words = nn.Embedding:extend "Words"
  function Words:init(n) nn.Embedding.init(self, n, 2) end
  t.equal(tostring(Words(3)), "Words(3, 2)")
  t.equal(Words(3)({0, 1}).shape, {2, 2})
end)

t.finish()
