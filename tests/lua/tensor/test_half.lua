-- float16 and bfloat16 in scripts: made, converted, computed with in float32 and rounded once, differentiated, stored.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F, nn, optim = embla.F, embla.nn, embla.optim

local HALVES = {"float16", "bfloat16"}

-- Neighbours of 1 are 2^-10 apart in float16, 2^-7 in bfloat16.
local STEP = {float16 = 2 ^ -10, bfloat16 = 2 ^ -7}

t.test("tensors of halves are made in every way", function()
  for _, d in ipairs(HALVES) do
    for _, x in ipairs {embla.tensor({1, 2.5}, d), embla.tensor({1, 2.5}):to(d), embla.zeros(2, {dtype = d}),
                        embla.full({2}, 3, {dtype = d}), embla.ones_like(embla.ones(2), {dtype = d}),
                        embla.arange(2, {dtype = d}), embla.linspace(0, 1, 2, {dtype = d}),
                        embla.eye(2, {dtype = d})[0], embla.randn(2, {dtype = d}), embla.rand(2, {dtype = d}),
                        embla.randint(0, 9, {2}, {dtype = d})} do
      t.equal(x.dtype, d)
      t.equal(#x, 2)
    end
  end
  t.equal(embla.HalfTensor({1, 2}), embla.tensor({1, 2}, "float16"))
  t.equal(embla.BFloat16Tensor({1, 2}), embla.tensor({1, 2}, "bfloat16"))
  t.equal(embla.ones(1):half().dtype, "float16")
  t.equal(embla.ones(1):bfloat16().dtype, "bfloat16")
end)

t.test("values are rounded to the nearest, ties to even", function()
  for d, step in pairs(STEP) do
    local x = embla.tensor({1 + step / 2, 1 + 1.5 * step, 1 + 0.51 * step, 1 / 3}, {dtype = "float64"}):to(d)
    t.equal(x:narrow(0, 0, 3), {1.0, 1 + 2 * step, 1 + step})
    t.equal(x[0], 1.0)
    t.close(x[3], 1 / 3, step)
  end
  t.equal(embla.tensor({65504.0, 65520.0, -1e9}, "float16"), {65504.0, math.huge, -math.huge})
  t.equal(embla.tensor({0 / 0, 2 ^ -24, 2 ^ -26}, "float16"), {0 / 0, 2 ^ -24, 0.0})
end)

t.test("elements, slices and shapes", function()
  for _, d in ipairs(HALVES) do
    local x = embla.arange(6, {dtype = d}):view(2, 3)
    t.equal(x:tolist(), {{0.0, 1.0, 2.0}, {3.0, 4.0, 5.0}})
    t.equal(x[{1, 2}], 5.0)
    t.equal(x[1], embla.tensor({3, 4, 5}, d))
    t.equal(x:t(), embla.tensor({{0, 3}, {1, 4}, {2, 5}}, d))
    t.equal(x:t():contiguous(), x:t())
    t.equal(x[{{}, {1, nil}}], embla.tensor({{1, 2}, {4, 5}}, d))
    x[{0, 0}] = 0.5
    x[{{}, 1}] = 7
    x[1] = embla.tensor({8, 9, 10})
    t.equal(x, embla.tensor({{0.5, 7, 2}, {8, 9, 10}}, d))
    t.equal(embla.cat({x, x}, 1).shape, {2, 6})
    t.equal(embla.stack({x[0], x[1]}), x)
    t.equal(x:index_select(1, embla.tensor {2, 0}), embla.tensor({{2, 0.5}, {10, 8}}, d))
    t.equal(x:gather(1, embla.tensor {{2}, {0}}), embla.tensor({{2}, {8}}, d))
    t.equal(x[x:gt(7)], embla.tensor({8, 9, 10}, d))
    t.equal(embla.zeros(3, {dtype = d}):scatter(0, embla.tensor {2, 0}, embla.tensor({1, 2}, d)),
            embla.tensor({2, 0, 1}, d))
    t.equal(embla.zeros(3, {dtype = d}):index_add(0, embla.tensor {2, 2}, embla.tensor({1, 2}, d)),
            embla.tensor({0, 0, 3}, d))
  end
end)

t.test("arithmetic is that of float32, rounded once", function()
  for d, step in pairs(STEP) do
    local one, tiny = embla.tensor({1.0}, d), embla.tensor({step / 4}, d)
    t.equal(one + tiny, one)                                            -- lost
    t.equal(F.cat {one, tiny, tiny, tiny, tiny}:sum(), embla.tensor(1 + step, d))     -- kept until the end
    t.equal((one * 3).dtype, d)
    t.equal((one / 3), embla.tensor({1 / 3}, d))
    t.equal((embla.tensor({2, 3}, d) ^ 2), embla.tensor({4, 9}, d))
    t.equal(embla.tensor({1, 2}, d):lt(1.5), {true, false})
    t.equal(embla.tensor({3, 1, 2}, d):sort(), embla.tensor({1, 2, 3}, d))
    local values, at = embla.tensor({3, 9, 2}, d):max(0)
    t.equal(values, embla.tensor(9, d))
    t.equal(at, embla.tensor(1))
    t.equal(embla.tensor({{1, 2}, {3, 4}}, d):matmul(embla.tensor({1, 1}, d)), embla.tensor({3, 7}, d))
    local x = embla.tensor({1, 2}, d)
    t.equal(x:add_(1):mul_(embla.tensor {2.0, 0.5}), embla.tensor({4, 1.5}, d))
    t.equal(x, embla.tensor({4, 1.5}, d))
  end
end)

t.test("promotion", function()
  local half, brain = embla.ones(1):half(), embla.ones(1):bfloat16()
  t.equal((half + brain).dtype, "float32")
  t.equal((half + embla.ones(1)).dtype, "float32")
  t.equal((half + embla.ones(1, {dtype = "float64"})).dtype, "float64")
  t.equal((half + embla.tensor(1.5)).dtype, "float16")
  t.equal((half + 1.5).dtype, "float16")
  t.equal((embla.tensor({1, 2}) + brain).dtype, "bfloat16")
  t.equal(embla.cat({half, embla.ones(1)}).dtype, "float32")
  t.equal(embla.where(embla.tensor({true}), half, half).dtype, "float16")
end)

t.test("printing", function()
  t.equal(tostring(embla.tensor({1, 2.5}, "float16")), "tensor([1.0000, 2.5000], dtype=torch.float16)")
  t.equal(tostring(embla.tensor({1, 2}, "bfloat16")), "tensor([1., 2.], dtype=torch.bfloat16)")
  t.equal(tostring(embla.zeros(0, {dtype = "float16"})), "tensor([], dtype=torch.float16)")
  t.equal(tostring(embla.tensor(0.1, "bfloat16")), "tensor(0.1001, dtype=torch.bfloat16)")
end)

t.test("random numbers of halves", function()
  for _, d in ipairs(HALVES) do
    embla.manual_seed(3)
    local x = embla.rand(20000, {dtype = d})
    t.equal(x:min():item() >= 0 and x:max():item() < 1, true)
    t.close(x:float():mean():item(), 0.5, 0, 0.01)
    t.close(embla.randn(20000, {dtype = d}):float():std():item(), 1, 0, 0.03)
    embla.manual_seed(3)
    t.same_bits(embla.rand(20000, {dtype = d}):float(), x:float())
  end
end)

-- ---- gradients -------------------------------------------------------------------------------------------------

t.test("gradients have the dtype of what they are of", function()
  for _, d in ipairs(HALVES) do
    local x = embla.tensor({1, 2, 3}, {dtype = d, requires_grad = true})
    local w = embla.tensor({2.0, 0.5, -1.0}, {requires_grad = true})
    local y = (x * x):neg():neg():mul(w:to(d))
    t.equal(y.dtype, d)
    y:sum():backward()
    t.equal(x.grad, embla.tensor({4, 2, -6}, d))
    t.equal(w.grad, {1.0, 4.0, 9.0})
  end
end)

t.test("what backward needs is kept in float32", function()
  local x = embla.tensor({1, 2}, {dtype = "float16", requires_grad = true})
  local y = x * 1
  y:exp_()                                              -- needs its result
  y:sum():backward()
  t.equal(x.grad, embla.tensor({math.exp(1), math.exp(2)}, "float16"))
  local z = embla.tensor({1.0, 2.0}, {requires_grad = true})
  local w = z * 1
  w:div_(embla.tensor({4.0, 8.0}, "float64"))           -- computed in float64, kept in float32
  w:sum():backward()
  t.equal(w.dtype, "float32")
  t.equal(z.grad, {0.25, 0.125})
end)

t.test("views and shapes carry gradients of halves", function()
  local x = embla.tensor({{1, 2}, {3, 4}}, {dtype = "bfloat16", requires_grad = true})
  local y = (x:t()[1] * 3 + x:reshape(4)[{{0, 2}}])
  y:sum():backward()
  t.equal(x.grad, embla.tensor({{1, 4}, {0, 3}}, "bfloat16"))
  x.grad = nil
  embla.cat({x, x:index_select(0, embla.tensor {1, 1})}):sum():backward()
  t.equal(x.grad, embla.tensor({{1, 1}, {3, 3}}, "bfloat16"))
end)

-- ---- tables ----------------------------------------------------------------------------------------------------

t.test("lookups in a table of halves", function()
  for _, d in ipairs(HALVES) do
    for _, sparse in ipairs {false, true} do
      local emb = nn.Embedding(5, 2, {dtype = d, sparse = sparse})
      t.equal(emb.weight.dtype, d)
      local weight = emb.weight:detach():clone()
      local y = emb(embla.tensor {{4, 1}, {1, 0}})
      t.equal(y.dtype, d)
      t.equal(y[{0, 0}], weight[4])
      t.equal(y[{1, 0}], weight[1])
      y:sum():backward()
      local grad = emb.weight.grad
      t.equal(grad.is_sparse, sparse)
      t.equal(grad.dtype, d)
      t.equal((sparse and grad:to_dense() or grad), embla.tensor({{1, 1}, {2, 2}, {0, 0}, {0, 0}, {1, 1}}, d))
    end
    local bag = nn.EmbeddingBag(5, 2, {dtype = d, mode = "sum"})
    t.equal(bag(embla.tensor {{0, 1}}).dtype, d)
  end
end)

t.test("a half table is looked up through strides too", function()
  local weight = embla.arange(6, {dtype = "float16"}):view(2, 3):t()
  t.equal(F.embedding(embla.tensor {2, 0}, weight), embla.tensor({{2, 5}, {0, 3}}, "float16"))
end)

t.test("max_norm and running statistics change tensors of halves in place", function()
  local bag_weight = embla.tensor({{3, 4}, {0.3, 0.4}}, "float16")
  F.embedding_bag(embla.tensor {{0, 1}}, bag_weight, nil, {max_norm = 1, mode = "sum"})
  t.close(bag_weight:float(), {{0.6, 0.8}, {0.3, 0.4}}, 1e-3)
  t.raises(function() F.embedding(embla.tensor {0}, bag_weight, {max_norm = 1}) end, "max_norm", "float16")
  local mean, var = embla.zeros(1, {dtype = "float16"}), embla.ones(1, {dtype = "float16"})
  F.batch_norm(embla.tensor({{1}, {3}}, "float16"), mean, var, nil, nil, {training = true, momentum = 0.5})
  t.equal(mean, embla.tensor({1}, "float16"))
  t.equal(var, embla.tensor({1.5}, "float16"))
end)

t.test("optimizers update parameters of halves", function()
  for _, sparse in ipairs {false, true} do
    local emb = nn.Embedding(3, 2, {dtype = "bfloat16", sparse = sparse})
    embla.no_grad(function() emb.weight:fill_(1) end)
    local opt = optim.SGD({emb.weight}, {lr = 0.5})
    emb(embla.tensor {2, 2}):sum():backward()
    t.equal(nn.utils.clip_grad_norm_(emb.weight, 100) > 2.8, true)
    opt:step()
    t.equal(emb.weight.dtype, "bfloat16")
    t.equal(emb.weight:detach(), embla.tensor({{1, 1}, {1, 1}, {0, 0}}, "bfloat16"))
  end
end)

t.test("row-sparse gradients of halves add up, scale and print", function()
  local g = embla.sparse_coo_tensor({0, 2, 0}, embla.tensor({{1, 2}, {3, 4}, {5, 6}}, "float16"), {3, 2})
  t.equal(g.dtype, "float16")
  t.equal(g:coalesce():values(), embla.tensor({{6, 8}, {3, 4}}, "float16"))
  t.equal((g * 0.5):to_dense(), embla.tensor({{3, 4}, {0, 0}, {1.5, 2}}, "float16"))
  t.equal((g + g):to_dense(), embla.tensor({{12, 16}, {0, 0}, {6, 8}}, "float16"))
  t.equal(g:to("float32"):to_dense(), {{6.0, 8.0}, {0.0, 0.0}, {3.0, 4.0}})
  t.equal(g:to("float32"):to("bfloat16"):to_dense(), embla.tensor({{6, 8}, {0, 0}, {3, 4}}, "bfloat16"))
end)

t.finish()
