-- nn.Embedding and F.embedding: construction, lookup, max_norm, dense and sparse gradients, and every refusal.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.nn.functional

local NAN, INF = 0 / 0, math.huge

local function ids_of(data, dtype)
  return embla.tensor(data, {dtype = dtype or "int64"})
end

-- An Embedding that starts from the given rows.
local function table_of(rows, options)
  local all = {_weight = embla.tensor(rows, {dtype = "float32"})}
  for key, value in pairs(options or {}) do all[key] = value end
  return nn.Embedding(#rows, #rows[1], all)
end

local function rows_of(emb)
  return emb.weight:detach():tolist()
end

-- ---- construction ----------------------------------------------------------------------------------------------

t.test("a new table is a float32 parameter without gradient", function()
  local emb = nn.Embedding(5, 3)
  t.equal(emb.weight.shape, {5, 3})
  t.equal(emb.weight.dtype, "float32")
  t.equal(emb.weight.requires_grad, true)
  t.equal(emb.weight.is_leaf, true)
  t.equal(emb.weight.grad, nil)
  t.equal({emb.num_embeddings, emb.embedding_dim}, {5, 3})
  t.equal(emb.padding_idx, nil)
  t.equal(#emb:parameters(), 1)
  t.equal(nn.Embedding(5, 3, {dtype = "float64"}).weight.dtype, "float64")
end)

t.test("it is drawn from N(0, 1)", function()
  embla.manual_seed(1)
  local w = nn.Embedding(2000, 50).weight:detach()
  t.close(w:mean():item(), 0, 0, 0.02)
  t.close((w * w):mean():item(), 1, 0, 0.03)
  t.close((w ^ 4):mean():item(), 3, 0, 0.2)
end)

t.test("the random numbers are the same with and without padding_idx", function()
  embla.manual_seed(7)
  local plain = rows_of(nn.Embedding(6, 3))
  embla.manual_seed(7)
  local padded = rows_of(nn.Embedding(6, 3, {padding_idx = 2}))
  t.same_bits(padded[3], {0.0, 0.0, 0.0})
  padded[3] = plain[3]
  t.same_bits(padded, plain)
end)

t.test("a negative padding_idx counts from the end and is stored wrapped", function()
  local emb = nn.Embedding(6, 3, {padding_idx = -1})
  t.equal(emb.padding_idx, 5)
  t.same_bits(rows_of(emb)[6], {0.0, 0.0, 0.0})
  t.equal(nn.Embedding(6, 3, {padding_idx = -6}).padding_idx, 0)
end)

t.test("padding_idx outside the table is refused, in the module and in the function", function()
  for _, bad in ipairs {4, -5, 24} do
    t.raises(function() nn.Embedding(4, 3, {padding_idx = bad}) end, "padding_idx", tostring(bad))
    local function call() F.embedding(ids_of {1}, embla.ones(4, 3), {padding_idx = bad}) end
    t.raises(call, "padding_idx", tostring(bad))
  end
  t.raises(function() nn.Embedding(0, 3, {padding_idx = 0}) end, "padding_idx")
  t.raises(function() nn.Embedding(4, 3, {padding_idx = true}) end, "padding_idx")
  t.raises(function() F.embedding(ids_of {1}, embla.ones(4, 3), {padding_idx = true}) end, "padding_idx")
end)

t.test("_weight is shared, its padding row kept, and nothing is drawn", function()
  local weight = embla.tensor({{1.0, 2.0}, {3.0, 4.0}})
  embla.manual_seed(3)
  local state = embla.get_rng_state()
  local emb = nn.Embedding(2, 2, {_weight = weight, padding_idx = 0})
  t.equal(embla.get_rng_state(), state)
  t.equal(rows_of(emb), {{1, 2}, {3, 4}})
  embla.no_grad(function() emb.weight:fill_(7) end)
  t.equal(weight:tolist(), {{7, 7}, {7, 7}})
  weight:fill_(8)
  t.equal(rows_of(emb), {{8, 8}, {8, 8}})
end)

t.test("_weight of another shape is refused", function()
  t.raises(function() nn.Embedding(4, 3, {_weight = embla.ones(3, 4)}) end, "_weight", "4", "3")
  t.raises(function() nn.Embedding(4, 3, {_weight = embla.ones(5, 3)}) end, "_weight", "5")
  t.raises(function() nn.Embedding(4, 3, {_weight = embla.ones(12)}) end, "_weight")
end)

t.test("reset_parameters draws again and zeroes the padding row again", function()
  local emb = nn.Embedding(4, 3, {padding_idx = 1})
  embla.no_grad(function() emb.weight:fill_(5) end)
  emb:reset_parameters()
  local rows = rows_of(emb)
  t.same_bits(rows[2], {0.0, 0.0, 0.0})
  if rows[1][1] == 5 then t.fail("the first row was not drawn again") end
end)

t.test("no rows and no columns are legal", function()
  t.equal(nn.Embedding(0, 3).weight.shape, {0, 3})
  t.equal(nn.Embedding(3, 0).weight.shape, {3, 0})
  t.equal(nn.Embedding(3, 0)(ids_of {0, 2}).shape, {2, 0})
  t.equal(nn.Embedding(0, 3)(embla.zeros(0, 2, {dtype = "int64"})).shape, {0, 2, 3})
  t.raises(function() nn.Embedding(0, 3)(ids_of {0}) end, "index 0", "num_embeddings = 0")
  t.raises(function() nn.Embedding(3, 0)(ids_of {5}) end, "index 5", "num_embeddings = 3")
end)

t.test("the padding row is an ordinary row afterwards", function()
  local emb = nn.Embedding(3, 2, {padding_idx = 1})
  embla.no_grad(function() emb.weight:fill_(4) end)
  t.equal(emb(ids_of {1}), {{4, 4}})
  emb(ids_of {1, 0}):sum():backward()
  t.equal(emb(ids_of {1}), {{4, 4}})
  t.equal(emb.weight.grad, {{1, 1}, {0, 0}, {0, 0}})
  emb:load_state_dict({weight = embla.full({3, 2}, 9.0)})
  t.equal(emb(ids_of {1}), {{9, 9}})
end)

t.test("it prints its options when they are not the defaults", function()
  t.equal(tostring(nn.Embedding(4, 3)), "Embedding(4, 3)")
  t.equal(tostring(nn.Embedding(4, 3, {padding_idx = -1, max_norm = 1, norm_type = 3.0, scale_grad_by_freq = true,
    sparse = true})),
    "Embedding(4, 3, padding_idx=3, max_norm=1, norm_type=3.0, scale_grad_by_freq=True, sparse=True)")
end)

t.test("from_pretrained shares the vectors and freezes them unless told otherwise", function()
  local vectors = embla.tensor({{1.0, 2.0}, {3.0, 4.0}})
  local frozen = nn.Embedding.from_pretrained(vectors)
  t.equal(frozen.weight.requires_grad, false)
  t.equal({frozen.num_embeddings, frozen.embedding_dim}, {2, 2})
  t.equal(frozen(ids_of {1}).requires_grad, false)
  vectors:fill_(6)
  t.equal(rows_of(frozen), {{6, 6}, {6, 6}})

  local trained = nn.Embedding.from_pretrained(vectors, {freeze = false, padding_idx = -2, sparse = true})
  t.equal(trained.weight.requires_grad, true)
  t.equal(trained.padding_idx, 0)
  t.equal(rows_of(trained)[1], {6, 6})
  trained(ids_of {0, 1}):sum():backward()
  t.equal(trained.weight.grad:nnz(), 1)
end)

t.test("from_pretrained leaves a parameter it is given trainable", function()
  local source = nn.Parameter(embla.ones(2, 2))
  local emb = nn.Embedding.from_pretrained(source)
  t.equal(source.requires_grad, true)
  t.equal(emb.weight.requires_grad, false)
end)

t.test("from_pretrained wants two dimensions and a padding row inside", function()
  t.raises(function() nn.Embedding.from_pretrained(embla.ones(3)) end, "2")
  t.raises(function() nn.Embedding.from_pretrained(embla.ones(2, 2, 1)) end, "2")
  t.raises(function() nn.Embedding.from_pretrained(embla.ones(2, 2), {padding_idx = 2}) end, "padding_idx", "2")
  t.raises(function() nn.Embedding.from_pretrained("vectors.txt") end,
           'Embedding.from_pretrained: argument weight: expected a tensor, got "vectors.txt"')
end)

-- ---- lookup ----------------------------------------------------------------------------------------------------

t.test("values are copied bit for bit", function()
  local rows = {{NAN, INF, -INF}, {-0.0, 1.401298464324817e-45, 3.4028234663852886e38}, {0.1, -0.1, 0.0}}
  local emb = table_of(rows)
  t.same_bits(emb(ids_of {1, 0, 2, 1}):detach(), emb.weight:detach():index_select(0, ids_of {1, 0, 2, 1}))
  t.same_bits(emb(ids_of {1}):detach():tolist()[1][1], -0.0)
end)

t.test("padding, sparse and frequency scaling do not change the values", function()
  local weight = embla.randn(5, 3)
  local plain = F.embedding(ids_of {{1, 1}, {4, 0}}, weight)
  for _, options in ipairs {{padding_idx = 1}, {sparse = true}, {scale_grad_by_freq = true}} do
    t.same_bits(F.embedding(ids_of {{1, 1}, {4, 0}}, weight, options), plain)
  end
end)

t.test("the output has a graph only if the table trains and gradients are recorded", function()
  local emb = nn.Embedding(4, 2)
  t.equal(emb(ids_of {1}).requires_grad, true)
  t.equal(embla.no_grad(function() return emb(ids_of {1}).requires_grad end), false)
  t.equal(F.embedding(ids_of {1}, embla.ones(4, 2)).requires_grad, false)
  emb.weight:requires_grad_(false)
  t.equal(emb(ids_of {1}).requires_grad, false)
end)

t.test("tables that are not contiguous work, forwards and backwards", function()
  local base = embla.arange(6):to("float32"):reshape(2, 3):requires_grad_()
  local out = F.embedding(ids_of {2, 0, 2}, base:t())
  t.equal(out, {{2, 5}, {0, 3}, {2, 5}})
  out:sum():backward()
  t.equal(base.grad, {{1, 0, 2}, {1, 0, 2}})
end)

t.test("an integer table can be looked up, without gradient", function()
  local out = F.embedding(ids_of {2, 0}, ids_of {{1, 2}, {3, 4}, {5, 6}})
  t.equal(out.dtype, "int64")
  t.equal(out, {{5, 6}, {1, 2}})
end)

t.test("a double table gives doubles", function()
  local out = F.embedding(ids_of {1}, embla.tensor({{1}, {1 / 3}}, "float64"))
  t.equal(out.dtype, "float64")
  t.same_bits(out, {{1 / 3}})
end)

t.test("a table must be two-dimensional", function()
  t.raises(function() F.embedding(ids_of {1}, embla.ones(4)) end, "weight", "2")
  t.raises(function() F.embedding(ids_of {1}, embla.ones(2, 2, 2)) end, "weight", "2")
  t.raises(function() F.embedding(ids_of {1}) end, "weight")
  t.raises(function() F.embedding(ids_of {1}, "weight") end, "weight")
end)

t.test("floats are no ids, even when there are none", function()
  local emb = nn.Embedding(4, 3)
  t.raises(function() emb(embla.tensor({1.0, 2.0})) end, "float32")
  t.raises(function() emb(embla.zeros(0)) end, "float32")
end)

t.test("negative ids never wrap", function()
  local emb = nn.Embedding(4, 3)
  for _, dtype in ipairs {"int64", "int32"} do
    t.raises(function() emb(ids_of({-1}, dtype)) end, "index -1", "num_embeddings = 4")
    t.raises(function() emb(ids_of({4}, dtype)) end, "index 4", "num_embeddings = 4")
  end
end)

-- ---- max_norm --------------------------------------------------------------------------------------------------

local FIVES = {{3, 4}, {0.3, 0.4}, {6, 8}, {-3, 4}}

t.test("max_norm shortens the rows that are looked up, in place, and no others", function()
  local emb = table_of(FIVES, {max_norm = 1})
  local out = emb(ids_of {0, 1, 0})
  t.close(out, {{0.6, 0.8}, {0.3, 0.4}, {0.6, 0.8}})
  t.close(rows_of(emb), {{0.6, 0.8}, {0.3, 0.4}, {6, 8}, {-3, 4}})
  t.same_bits(rows_of(emb)[3], {6.0, 8.0})
end)

t.test("max_norm is a fixed point", function()
  local emb = table_of(FIVES, {max_norm = 1})
  emb(ids_of {0, 2, 3})
  local once = rows_of(emb)
  emb(ids_of {0, 2, 3})
  t.same_bits(rows_of(emb), once)
end)

t.test("options given and taken away after the making hold from the next lookup on", function()
  local emb = table_of {{3, 4}, {3, 4}, {30, 40}}
  emb.max_norm, emb.padding_idx = 1, 0
  emb(ids_of {0, 1}):sum():backward()
  t.close(emb.weight, {{0.6, 0.8}, {0.6, 0.8}, {30, 40}}, 1e-6)
  t.equal(emb.weight.grad, {{0, 0}, {1, 1}, {0, 0}})
  emb.max_norm, emb.padding_idx = nil, nil
  emb(ids_of {0, 2}):sum():backward()
  t.equal(emb.weight[2], {30, 40})
  t.equal(emb.weight.grad, {{1, 1}, {1, 1}, {1, 1}})
end)

t.test("max_norm works on a frozen table, without gradients, and in eval mode", function()
  local emb = table_of(FIVES, {max_norm = 1})
  emb.weight:requires_grad_(false)
  emb(ids_of {0})
  t.close(rows_of(emb)[1], {0.6, 0.8})
  embla.no_grad(function() emb(ids_of {2}) end)
  t.close(rows_of(emb)[3], {0.6, 0.8})
  emb:eval()
  emb(ids_of {3})
  t.close(rows_of(emb)[4], {-0.6, 0.8})
end)

t.test("max_norm also shortens the padding row", function()
  local emb = table_of(FIVES, {max_norm = 1, padding_idx = 0})
  emb(ids_of {0})
  t.close(rows_of(emb)[1], {0.6, 0.8})
end)

-- norm_type -> norm of (3, 4)
local NORMS = {[1] = 7, [2] = 5, [3] = 91 ^ (1 / 3), [0.5] = (3 ^ 0.5 + 2) ^ 2, [INF] = 4, [-INF] = 3, [0] = 2,
  [-1] = 1 / (1 / 3 + 1 / 4)}

t.test("norm_type may be any number", function()
  for kind, norm in pairs(NORMS) do
    local emb = table_of({{3, 4}}, {max_norm = 1, norm_type = kind})
    emb(ids_of {0})
    t.close(rows_of(emb)[1], {3 / norm, 4 / norm})
    emb = table_of({{3, 4}}, {max_norm = norm * 1.001, norm_type = kind})
    emb(ids_of {0})
    t.same_bits(rows_of(emb)[1], {3.0, 4.0})
  end
  t.raises(function() table_of({{3, 4}}, {max_norm = 1, norm_type = "2"}) end, "norm_type")
end)

t.test("max_norm at its edges", function()
  local function after(max_norm, row)
    local emb = table_of({row}, {max_norm = max_norm})
    emb(ids_of {0})
    return rows_of(emb)[1]
  end
  t.same_bits(after(5, {3, 4}), {3.0, 4.0})                -- exactly at the limit
  t.equal(after(0, {3, 4}), {0, 0})
  t.close(after(-1, {3, 4}), {-0.6, -0.8})
  t.same_bits(after(NAN, {3, 4}), {3.0, 4.0})
  t.same_bits(after(INF, {3, 4}), {3.0, 4.0})
  t.equal(after(1, {NAN, 4}), {NAN, 4})
  t.equal(after(1, {INF, 4})[1], NAN)
  t.close(after(5, {3e30, 4e30}), {3, 4})                  -- the square overflows float32
  t.same_bits(after(1, {0, 0}), {0.0, 0.0})
end)

t.test("the gradient passes max_norm as if the rows had always been short", function()
  local emb = table_of(FIVES, {max_norm = 1})
  emb(ids_of {0, 1}):backward(embla.tensor({{2.0, 3.0}, {5.0, 7.0}}))
  t.equal(emb.weight.grad, {{2, 3}, {5, 7}, {0, 0}, {0, 0}})
end)

t.test("two max_norm lookups of one table go back together", function()
  local emb = table_of(FIVES, {max_norm = 1})
  local out = emb(ids_of {0}) + emb(ids_of {2})
  out:sum():backward()
  t.equal(emb.weight.grad, {{1, 1}, {0, 0}, {1, 1}, {0, 0}})
end)

t.test("max_norm after a use that kept the table is found in backward", function()
  local emb = table_of(FIVES, {max_norm = 1})
  local used = (emb.weight * emb.weight):sum()
  local out = emb(ids_of {0}):sum()
  t.raises(function() (used + out):backward() end,
           "backward: a value that mul needs for its gradient was modified by an in-place operation")

  emb = table_of(FIVES, {max_norm = 1})
  out = emb(ids_of {0}):sum()
  used = (emb.weight * emb.weight):sum()        -- lookup first is fine
  local total = used + out
  total:backward()
  t.close(emb.weight.grad:tolist()[1], {1 + 1.2, 1 + 1.6})
end)

t.test("max_norm changes nothing when an id is out of range", function()
  for _, bad in ipairs {4, -1} do
    local emb = table_of(FIVES, {max_norm = 1})
    t.raises(function() emb(ids_of {0, 2, bad}) end, "index " .. bad)
    t.same_bits(rows_of(emb), rows_of(table_of(FIVES)))
  end
end)

-- ---- dense gradient --------------------------------------------------------------------------------------------

-- The gradient of the table by its definition: a list of rows.
local function naive_gradient(rows, columns, ids, grad_output, options)
  local times, grad = {}, {}
  for _, id in ipairs(ids) do times[id] = (times[id] or 0) + 1 end
  for r = 1, rows do
    grad[r] = {}
    for d = 1, columns do grad[r][d] = 0.0 end
  end
  for i, id in ipairs(ids) do
    if id ~= options.padding_idx then
      for d = 1, columns do
        local share = grad_output[i][d] / (options.scale_grad_by_freq and times[id] or 1)
        grad[id + 1][d] = grad[id + 1][d] + share
      end
    end
  end
  return grad
end

local GRADIENT_OPTIONS = {
  {}, {padding_idx = 3}, {scale_grad_by_freq = true}, {scale_grad_by_freq = true, padding_idx = 0},
}

t.test("gradients follow their definition, dense and sparse", function()
  embla.manual_seed(11)
  for _, options in ipairs(GRADIENT_OPTIONS) do
    local ids = embla.randint(0, 7, {40})
    local grad_output = embla.randn(40, 3, {dtype = "float64"})
    local want = naive_gradient(7, 3, ids:tolist(), grad_output:tolist(), options)
    for _, sparse in ipairs {false, true} do
      local weight = embla.randn(7, 3, {dtype = "float64"}):requires_grad_()
      F.embedding(ids, weight, {sparse = sparse, padding_idx = options.padding_idx,
        scale_grad_by_freq = options.scale_grad_by_freq}):backward(grad_output)
      t.equal(weight.grad.is_sparse, sparse)
      t.close(weight.grad, want, 1e-12, 1e-12)
    end
  end
end)

t.test("frequencies are counted in one call, over all its positions", function()
  local emb = table_of(FIVES, {scale_grad_by_freq = true})
  emb(ids_of {{0, 0}, {1, 0}}):sum():backward()
  t.close(emb.weight.grad, {{1, 1}, {1, 1}, {0, 0}, {0, 0}})
  emb(ids_of {0}):sum():backward()
  t.close(emb.weight.grad, {{2, 2}, {1, 1}, {0, 0}, {0, 0}})
  emb = table_of(FIVES, {scale_grad_by_freq = true})
  emb(ids_of(2, "int32")):sum():backward()
  t.close(emb.weight.grad, {{0, 0}, {0, 0}, {1, 1}, {0, 0}})
end)

t.test("another use of the table still gives the padding row a gradient", function()
  local emb = table_of(FIVES, {padding_idx = 0})
  local loss = emb(ids_of {0, 1}):sum() + emb.weight:sum()
  loss:backward()
  t.equal(emb.weight.grad, {{1, 1}, {2, 2}, {1, 1}, {1, 1}})
end)

t.test("gradients accumulate, and an empty lookup adds nothing", function()
  local emb = table_of(FIVES)
  for _ = 1, 2 do emb(ids_of {1, 1}):sum():backward() end
  emb(embla.zeros(0, {dtype = "int64"})):sum():backward()
  t.equal(emb.weight.grad, {{0, 0}, {4, 4}, {0, 0}, {0, 0}})
end)

-- ---- sparse gradient -------------------------------------------------------------------------------------------

-- The sparse gradient of a lookup whose output has the gradient 1, 2, 3, ... by position.
local function sparse_gradient(ids, options)
  local emb = table_of(FIVES, {sparse = true, padding_idx = options and options.padding_idx})
  local out = emb(ids)
  local n = out:numel() // 2
  local weights = embla.arange(1, n + 1):to("float32"):reshape(n, 1):expand(n, 2):reshape(table.unpack(out.shape))
  out:backward(weights:contiguous())
  return emb.weight.grad, emb
end

t.test("a sparse gradient has one entry for each position, in order", function()
  local grad = sparse_gradient(ids_of {{2, 0}, {2, 3}})
  t.equal(grad.is_sparse, true)
  t.equal(grad.shape, {4, 2})
  t.equal(grad:nnz(), 4)
  t.equal(grad:_nnz(), 4)
  t.equal(grad:is_coalesced(), false)
  t.equal(grad:_indices(), {{2, 0, 2, 3}})
  t.equal(grad:_indices().dtype, "int64")
  t.equal(grad:_values(), {{1, 1}, {2, 2}, {3, 3}, {4, 4}})
end)

t.test("ids of every integer dtype give int64 rows", function()
  for _, dtype in ipairs {"int32", "uint8"} do
    local grad = sparse_gradient(ids_of({2, 0}, dtype))
    t.equal(grad:_indices().dtype, "int64")
    t.equal(grad:_indices(), {{2, 0}})
  end
end)

t.test("coalesce sums duplicates into a new tensor", function()
  local grad = sparse_gradient(ids_of {2, 0, 2, 3})
  local sum = grad:coalesce()
  t.equal(sum:is_coalesced(), true)
  t.equal(sum:indices(), {{0, 2, 3}})
  t.equal(sum:values(), {{2, 2}, {4, 4}, {4, 4}})
  t.equal({grad:nnz(), grad:is_coalesced()}, {4, false})
  t.equal(grad:to_dense(), {{2, 2}, {0, 0}, {4, 4}, {4, 4}})
end)

t.test("indices and values want a coalesced tensor", function()
  local grad = sparse_gradient(ids_of {2, 2})
  t.raises(function() grad:indices() end, "coalesce")
  t.raises(function() grad:values() end, "coalesce")
end)

t.test("one entry or none counts as coalesced", function()
  t.equal(sparse_gradient(ids_of {2}):is_coalesced(), true)
  t.equal(sparse_gradient(embla.zeros(0, {dtype = "int64"})):is_coalesced(), true)
end)

t.test("padding entries are left out", function()
  local grad = sparse_gradient(ids_of {1, 2, 1, 0}, {padding_idx = 1})
  t.equal(grad:_indices(), {{2, 0}})
  t.equal(grad:_values(), {{2, 2}, {4, 4}})
  grad = sparse_gradient(ids_of {1, 1}, {padding_idx = 1})
  t.equal({grad:nnz(), grad:is_coalesced()}, {0, true})
  t.equal(grad:indices().shape, {1, 0})
  t.equal(grad:values().shape, {0, 2})
  t.equal(grad:to_dense(), {{0, 0}, {0, 0}, {0, 0}, {0, 0}})
end)

t.test("a single id goes back sparse, with padding too", function()
  local grad = sparse_gradient(ids_of(2), {padding_idx = 1})
  t.equal(grad:indices(), {{2}})
  t.equal(grad:values(), {{1, 1}})
  t.equal(sparse_gradient(ids_of(1), {padding_idx = 1}):nnz(), 0)
end)

t.test("two sparse gradients are joined end to end", function()
  local emb = table_of(FIVES, {sparse = true})
  emb(ids_of {3, 1}):sum():backward()
  emb(ids_of {1}):sum():backward()
  t.equal(emb.weight.grad:_indices(), {{3, 1, 1}})
  t.equal(emb.weight.grad:to_dense(), {{0, 0}, {2, 2}, {0, 0}, {1, 1}})

  emb = table_of(FIVES, {sparse = true})
  local loss = emb(ids_of {3, 1}):sum() + emb(ids_of {1}):sum()
  loss:backward()
  t.equal(emb.weight.grad.is_sparse, true)
  t.equal(emb.weight.grad:nnz(), 3)
  t.equal(emb.weight.grad:to_dense(), {{0, 0}, {2, 2}, {0, 0}, {1, 1}})
end)

t.test("a dense and a sparse gradient make a dense one, in either order", function()
  local want = {{1, 1}, {2, 2}, {1, 1}, {1, 1}}
  local emb = table_of(FIVES, {sparse = true})
  emb.weight:sum():backward()
  emb(ids_of {1}):sum():backward()
  t.equal(emb.weight.grad.is_sparse, false)
  t.equal(emb.weight.grad, want)

  emb = table_of(FIVES, {sparse = true})
  emb(ids_of {1}):sum():backward()
  emb.weight:sum():backward()
  t.equal(emb.weight.grad.is_sparse, false)
  t.equal(emb.weight.grad, want)

  emb = table_of(FIVES, {sparse = true})
  local loss = emb(ids_of {1}):sum() + emb.weight:sum()
  loss:backward()
  t.equal(emb.weight.grad.is_sparse, false)
  t.equal(emb.weight.grad, want)
end)

t.test("after zero_grad the next gradient stands alone", function()
  local _, emb = sparse_gradient(ids_of {2, 2})
  emb:zero_grad()
  emb(ids_of {1}):sum():backward()
  t.equal(emb.weight.grad:to_dense(), {{0, 0}, {1, 1}, {0, 0}, {0, 0}})
end)

t.test("arithmetic of a sparse gradient", function()
  local grad = sparse_gradient(ids_of {2, 0, 2})
  t.equal(grad:clone():nnz(), 3)
  t.equal((-grad):_values(), {{-1, -1}, {-2, -2}, {-3, -3}})
  t.equal((grad * 2):_values(), {{2, 2}, {4, 4}, {6, 6}})
  t.equal((0.5 * grad):nnz(), 3)
  t.equal((grad + grad):to_dense(), {{4, 4}, {0, 0}, {8, 8}, {0, 0}})
  t.equal(embla.ones(4, 2) + grad, {{3, 3}, {1, 1}, {5, 5}, {1, 1}})
  t.equal(grad + embla.ones(4, 2), {{3, 3}, {1, 1}, {5, 5}, {1, 1}})
  t.equal(grad[2], {4, 4})
  t.equal(grad[-4], {2, 2})
  t.equal(grad[1], {0, 0})
  t.raises(function() return grad[4] end, "4")
  t.raises(function() return grad[{2, 0}] end, "row")
end)

t.test("sparse and scale_grad_by_freq work together", function()
  local emb = table_of(FIVES, {sparse = true, scale_grad_by_freq = true})
  emb(ids_of {2, 0, 2}):sum():backward()
  t.equal(emb.weight.grad:_values(), {{0.5, 0.5}, {1, 1}, {0.5, 0.5}})
  t.equal(emb.weight.grad:to_dense(), {{1, 1}, {0, 0}, {1, 1}, {0, 0}})
end)

t.test("an all-padding batch is a step of every sparse optimizer", function()
  for _, name in ipairs {"SGD", "Adagrad", "SparseAdam"} do
    local emb = table_of(FIVES, {sparse = true, padding_idx = 1})
    local opt = embla.optim[name](emb:parameters(), {lr = 0.1})
    emb(ids_of {1, 1}):sum():backward()
    opt:step()
    t.equal(rows_of(emb), table_of(FIVES).weight:tolist())
  end
end)

t.finish()
