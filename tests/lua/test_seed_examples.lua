-- The examples Embla begins with, as a reader of the documentation would type them, and what it answers to mistakes.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.nn.functional

-- Row `id` of a table, as a Lua sequence.
local function row(weight, id)
  return weight:detach():select(0, id):tolist()
end

-- ---- the examples ----------------------------------------------------------------------------------------------

t.test("an Embedding looks up ids {{1,2,4,5},{4,3,2,9}}", function()
  local emb = nn.Embedding(10, 3)
  local ids = embla.LongTensor({{1, 2, 4, 5}, {4, 3, 2, 9}})
  local out = emb(ids)
  t.equal(out.shape, {2, 4, 3})
  t.equal(out.dtype, "float32")
  t.equal(out.requires_grad, true)
  for i, line in ipairs({{1, 2, 4, 5}, {4, 3, 2, 9}}) do
    for j, id in ipairs(line) do t.same_bits(out:detach():tolist()[i][j], row(emb.weight, id)) end
  end
end)

t.test("padding_idx = 0 gives rows of exact zeros", function()
  local emb = nn.Embedding(10, 3, {padding_idx = 0})
  local out = emb(embla.LongTensor({{0, 2, 0, 5}}))
  t.equal(out.shape, {1, 4, 3})
  local rows = out:detach():tolist()[1]
  t.same_bits(rows[1], {0.0, 0.0, 0.0})
  t.same_bits(rows[3], {0.0, 0.0, 0.0})
  t.same_bits(rows[2], row(emb.weight, 2))
  t.same_bits(rows[4], row(emb.weight, 5))
  t.equal(emb.padding_idx, 0)
end)

t.test("the padding row can be changed afterwards", function()
  local emb = nn.Embedding(3, 3, {padding_idx = 0})
  t.same_bits(row(emb.weight, 0), {0.0, 0.0, 0.0})
  embla.no_grad(function() emb.weight[0] = embla.ones(3) end)
  t.same_bits(row(emb.weight, 0), {1.0, 1.0, 1.0})
end)

t.test("from_pretrained looks up given vectors", function()
  local weight = embla.FloatTensor({{1, 2.3, 3}, {4, 5.1, 6.3}})
  local emb = nn.Embedding.from_pretrained(weight)
  t.close(emb(embla.LongTensor({1})), {{4, 5.1, 6.3}})
end)

t.test("an EmbeddingBag sums bags of ids", function()
  local bag = nn.EmbeddingBag(10, 3, {mode = "sum"})
  local out = bag(embla.LongTensor({1, 2, 4, 5, 4, 3, 2, 9}), embla.LongTensor({0, 4}))
  t.equal(out.shape, {2, 3})
  local w = bag.weight:detach():tolist()
  for b, ids in ipairs({{1, 2, 4, 5}, {4, 3, 2, 9}}) do
    for d = 1, 3 do
      local sum = 0
      for _, id in ipairs(ids) do sum = sum + w[id + 1][d] end
      t.close(out:detach():tolist()[b][d], sum)
    end
  end
end)

t.test("an EmbeddingBag leaves padding out", function()
  local bag = nn.EmbeddingBag(10, 3, {mode = "sum", padding_idx = 2})
  local out = bag(embla.LongTensor({2, 2, 2, 2, 4, 3, 2, 9}), embla.LongTensor({0, 4}))
  t.same_bits(out:detach():tolist()[1], {0.0, 0.0, 0.0})
end)

-- ---- forms of ids ----------------------------------------------------------------------------------------------

t.test("ids may be a nested Lua table", function()
  local emb = nn.Embedding(10, 3)
  local want = emb(embla.LongTensor({{1, 2, 4, 5}, {4, 3, 2, 9}}))
  t.same_bits(emb({{1, 2, 4, 5}, {4, 3, 2, 9}}), want)
  t.same_bits(F.embedding({{1, 2, 4, 5}, {4, 3, 2, 9}}, emb.weight), want)
  t.equal(emb({7}).shape, {1, 3})
  t.equal(emb({{{7}}}).shape, {1, 1, 1, 3})
  t.same_bits(emb({1.0, 2.0}), emb({1, 2}))       -- integral Lua numbers
end)

t.test("ids may have any integer dtype and any shape", function()
  local emb = nn.Embedding(10, 3)
  local want = emb(embla.tensor({{1, 2}, {9, 0}}, "int64"))
  for _, dtype in ipairs {"int32", "uint8"} do
    t.same_bits(emb(embla.tensor({{1, 2}, {9, 0}}, dtype)), want)
  end
  t.equal(emb(embla.tensor(7)).shape, {3})
  t.same_bits(emb(embla.tensor(7)):detach():tolist(), row(emb.weight, 7))
  t.equal(emb(embla.zeros(0, {dtype = "int64"})).shape, {0, 3})
  t.equal(emb(embla.zeros(2, 0, {dtype = "int64"})).shape, {2, 0, 3})
  t.equal(emb(embla.zeros(2, 1, 3, 1, {dtype = "int64"})).shape, {2, 1, 3, 1, 3})
end)

t.test("ids need not be contiguous", function()
  local emb = nn.Embedding(10, 3)
  local ids = embla.LongTensor({{1, 2, 4}, {4, 3, 9}})
  t.same_bits(emb(ids:t()), emb(embla.LongTensor({{1, 4}, {2, 3}, {4, 9}})))
  t.same_bits(emb(ids:select(1, 2)), emb(embla.LongTensor({4, 9})))
  t.same_bits(emb(embla.LongTensor({5}):expand(4)), emb(embla.LongTensor({5, 5, 5, 5})))
end)

-- ---- what mistakes are answered with ---------------------------------------------------------------------------

t.test("an id out of range is named with position, table size and base", function()
  local emb = nn.Embedding(10, 3)
  t.raises(function() emb(embla.LongTensor({{1, 2, 4, 12}})) end,
    "Embedding: index 12 at position [0, 3] is out of range for num_embeddings = 10 (ids count from 0)")
  t.raises(function() emb({{1, 2}, {10, 4}}) end, "index 10", "[1, 0]", "num_embeddings = 10", "ids count from 0")
  t.raises(function() emb({3, -1}) end, "index -1", "num_embeddings = 10", "ids count from 0")
  t.raises(function() emb(embla.tensor(10)) end, "index 10", "num_embeddings = 10")
  t.raises(function() emb(embla.tensor({2, 200}, "uint8")) end, "index 200", "num_embeddings = 10")
  t.raises(function() emb({math.maxinteger}) end, tostring(math.maxinteger))
  t.raises(function() emb({math.mininteger}) end, tostring(math.mininteger))
end)

t.test("of several ids out of range the first is named", function()
  local emb = nn.Embedding(10, 3)
  t.raises(function() emb({{1, 11, 12}, {13, 2, -5}}) end, "index 11", "[0, 1]")
  local ids = embla.zeros(200000, {dtype = "int64"})
  ids[77777], ids[150000] = 33, 44
  t.raises(function() emb(ids) end, "index 33", "77777")
end)

t.test("ids that are no integers are refused", function()
  local emb = nn.Embedding(10, 3)
  for _, dtype in ipairs {"float32", "float64"} do
    t.raises(function() emb(embla.tensor({1, 2}, dtype)) end, dtype, "int")
  end
  t.raises(function() emb({1.5}) end, "input must hold integers, got 1.5")
  t.raises(function() emb({1, {2}}) end, "input: expected numbers", "got a table")
  t.raises(function() emb({"one"}) end, "input: expected numbers", "got a string")
  t.raises(function() emb("one") end, 'input must be a tensor, got "one"')
  t.raises(function() emb(nil) end, "input must be a tensor, got nothing")
  t.raises(function() emb() end, "input must be a tensor, got nothing")
  t.raises(function() emb(print) end, "input must be a tensor, got a function")
end)

t.test("an unknown option is named with the nearest and all known ones", function()
  local function call() nn.Embedding(10, 3, {paddng_idx = 0}) end
  local text = t.raises(call, "Embedding", "'paddng_idx'", "'padding_idx'")
  for _, name in ipairs {"max_norm", "norm_type", "scale_grad_by_freq", "sparse", "_weight", "dtype"} do
    if not text:find(name, 1, true) then t.fail(name .. " is not listed in: " .. text) end
  end
  t.raises(function() nn.EmbeddingBag(10, 3, {mod = "sum"}) end, "EmbeddingBag", "'mod'", "'mode'")
  t.raises(function() F.embedding({1}, embla.ones(2, 2), {maxnorm = 1}) end, "'maxnorm'", "'max_norm'")
  t.raises(function() nn.Embedding.from_pretrained(embla.ones(2, 2), {frezze = true}) end, "'frezze'", "'freeze'")
  t.raises(function() nn.Embedding(10, 3, {[1] = true}) end, "Embedding: unknown option '1'")
end)

t.test("an option of the wrong kind is refused by name", function()
  t.raises(function() nn.Embedding(10, 3, {sparse = "yes"}) end, "sparse", "yes")
  t.raises(function() nn.Embedding(10, 3, {padding_idx = 1.5}) end, "padding_idx", "1.5")
  t.raises(function() nn.Embedding(10, 3, {padding_idx = true}) end, "padding_idx")
  t.raises(function() nn.Embedding(10, 3, {max_norm = "1"}) end, "max_norm")
  t.raises(function() nn.Embedding(10, 3, {norm_type = "two"}) end, "norm_type")
  t.raises(function() nn.Embedding(10, 3, {scale_grad_by_freq = 1}) end, "scale_grad_by_freq")
  t.raises(function() nn.Embedding(10, 3, {dtype = "float33"}) end, "float33")
  t.raises(function() nn.Embedding(10, 3, {_weight = {{1, 2, 3}}}) end, "_weight")
  t.raises(function() nn.Embedding(10, 3, "sparse") end, "option padding_idx: expected integer, got \"sparse\"")
end)

t.test("sizes are required, whole and not negative", function()
  t.raises(function() nn.Embedding() end, "num_embeddings")
  t.raises(function() nn.Embedding(10) end, "embedding_dim")
  t.raises(function() nn.Embedding("ten", 3) end, "num_embeddings")
  t.raises(function() nn.Embedding(10, 2.5) end, "embedding_dim")
  t.raises(function() nn.Embedding(-1, 3) end, "-1")
  t.raises(function() nn.Embedding(3, -2) end, "-2")
  t.raises(function() nn.Embedding(math.maxinteger, math.maxinteger) end, "too many elements")
end)

t.test("a failed call leaves weight, options and generator as they were", function()
  local emb = nn.Embedding(4, 2, {max_norm = 0.1})
  local before = emb.weight:detach():clone()
  t.raises(function() emb({0, 1, 2, 4}) end, "index 4")
  t.raises(function() emb({0, -1}) end, "index -1")
  t.same_bits(emb.weight:detach(), before)

  local options = {padding_idx = 9, sparse = true}
  embla.manual_seed(5)
  local state = embla.get_rng_state()
  t.raises(function() nn.Embedding(4, 2, options) end, "padding_idx", "9")
  t.equal(options, {padding_idx = 9, sparse = true})
  t.equal(embla.get_rng_state(), state)
end)

t.test("the caller's options are not written to", function()
  local options = {padding_idx = -1}
  nn.Embedding(4, 2, options)
  t.equal(options, {padding_idx = -1})
end)

-- ---- a whole step ----------------------------------------------------------------------------------------------

t.test("a training step moves only the rows it met", function()
  local emb = nn.Embedding(6, 2, {sparse = true})
  local before = emb.weight:detach():clone():tolist()
  local opt = embla.optim.SGD(emb:parameters(), {lr = 0.5})
  emb({1, 3, 1}):sum():backward()
  opt:step()
  local after = emb.weight:detach():tolist()
  for id = 0, 5 do
    local times = ({[1] = 2, [3] = 1})[id] or 0
    for d = 1, 2 do t.close(after[id + 1][d], before[id + 1][d] - 0.5 * times) end
  end
  t.same_bits(after[1], before[1])
  opt:zero_grad()
  emb({5}):sum():backward()
  t.equal(emb.weight.grad:nnz(), 1)
end)

t.finish()
