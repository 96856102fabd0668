-- Arithmetic of row-sparse tensors, by hand: an optimizer's step can be written with it.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F, nn = embla.F, embla.nn

-- Rows 0, 2, 0 of 3; dense {{-4, 8}, {0, 0}, {3, 4}}.
local function sparse()
  return embla.sparse_coo_tensor(embla.tensor {{0, 2, 0}}, embla.tensor {{1.0, 2.0}, {3.0, 4.0}, {-5.0, 6.0}}, {3, 2})
end

local DENSE = {{-4.0, 8.0}, {0.0, 0.0}, {3.0, 4.0}}

t.test("sums with dense tensors, alpha included", function()
  local ones = embla.ones(3, 2)
  t.equal(ones + sparse(), {{-3.0, 9.0}, {1.0, 1.0}, {4.0, 5.0}})
  t.equal(ones - 0.5 * sparse(), {{3.0, -3.0}, {1.0, 1.0}, {-0.5, -1.0}})
  t.equal(ones:add(sparse(), {alpha = 2}), {{-7.0, 17.0}, {1.0, 1.0}, {7.0, 9.0}})
  t.equal(F.sub(ones, sparse(), 2), {{9.0, -15.0}, {1.0, 1.0}, {-5.0, -7.0}})
  t.equal((sparse():sub(sparse(), {alpha = 3})):to_dense(), {{8.0, -16.0}, {0.0, 0.0}, {-6.0, -8.0}})
  local w = embla.ones(3, 2):requires_grad_()
  ;(w - sparse()):sum():backward()
  t.equal(w.grad, embla.ones(3, 2))
end)

t.test("in place into a dense tensor", function()
  local w = embla.ones(3, 2)
  t.equal(rawequal(w:add_(sparse(), {alpha = -0.5}), w), true)
  t.equal(w, {{3.0, -3.0}, {1.0, 1.0}, {-0.5, -1.0}})
  t.equal(w:sub_(sparse()), {{7.0, -11.0}, {1.0, 1.0}, {-3.5, -5.0}})
  t.equal(embla.zeros(2, 3):t():add_(sparse()), DENSE)
  local x = embla.ones(3, 2):requires_grad_()
  ;(x * 2):add_(sparse()):sum():backward()
  t.equal(x.grad, {{2.0, 2.0}, {2.0, 2.0}, {2.0, 2.0}})
end)

t.test("SGD by hand", function()
  local emb = nn.Embedding(4, 2, {sparse = true})
  local before = emb.weight:detach():clone()
  emb(embla.tensor {1, 1, 3}):sum():backward()
  t.equal(emb.weight.grad.is_sparse, true)
  t.raises(function() emb.weight:sub_(emb.weight.grad) end, "leaf that requires grad")
  embla.no_grad(function() emb.weight:sub_(emb.weight.grad, {alpha = 0.5}) end)
  emb.weight.data:add_(emb.weight.grad, -0.5)
  t.close(before - emb.weight:detach(), {{0, 0}, {2, 2}, {0, 0}, {1, 1}}, 1e-6, 1e-6)
  emb.weight.grad:mul_(2)
  emb.weight.grad:add_(emb.weight.grad)
  t.equal(emb.weight.grad:to_dense(), {{0.0, 0.0}, {8.0, 8.0}, {0.0, 0.0}, {4.0, 4.0}})
  emb.weight.grad:zero_()
  t.equal(emb.weight.grad:to_dense(), embla.zeros(4, 2))
end)

t.test("a gradient that refers to its table is read before the table is written", function()
  local w = embla.tensor({{1.0, 2.0}, {3.0, 4.0}, {0.0, 0.0}}, {requires_grad = true})
  F.embedding_distance(embla.ones(1, 2), embla.tensor {{0, 1, 1}}, w, {sparse = true}):sum():backward()
  local want = w:detach() - w.grad:to_dense()
  embla.no_grad(function() w:sub_(w.grad) end)
  t.close(w:detach(), want, 1e-6, 1e-6)
  local rows = embla.tensor {{1.0}, {2.0}}
  t.equal(rows:add_(embla.sparse_coo_tensor(embla.tensor {{1, 0}}, rows, {2, 1})), {{3.0}, {3.0}})
end)

t.test("norms, sums, and functions of each entry, those of one row added first", function()
  t.close(sparse():norm(), math.sqrt(16 + 64 + 9 + 16))
  t.equal({sparse():norm(1):item(), sparse():norm {p = math.huge}:item(), sparse():norm("fro"):item() > 10},
          {19.0, 8.0, true})
  t.equal(sparse():sum(), embla.tensor(11.0))
  t.equal(sparse():abs():to_dense(), {{4.0, 8.0}, {0.0, 0.0}, {3.0, 4.0}})
  t.equal(sparse():pow(2):to_dense(), {{16.0, 64.0}, {0.0, 0.0}, {9.0, 16.0}})
  t.equal((sparse() ^ 2):is_coalesced(), true)
  t.close(sparse():relu():sqrt():to_dense(), {{0, math.sqrt(8)}, {0, 0}, {math.sqrt(3), 2}}, 1e-6, 1e-6)
  local g = sparse()
  g:mul_(2):div_(4):neg_()
  t.equal(g:to_dense(), {{2.0, -4.0}, {0.0, 0.0}, {-1.5, -2.0}})
end)

t.test("what would not stay sparse, or does not fit, is refused", function()
  t.raises(function() sparse():exp() end, "exp", "to_dense()")
  t.raises(function() sparse():pow(0) end, "pow", "to_dense()")
  t.raises(function() sparse():norm(2, 0) end, "norm", "to_dense()")
  t.raises(function() sparse():add_(embla.ones(3, 2)) end, "add_", "to_dense()")
  t.raises(function() embla.ones(3, 2):mul_(sparse()) end, "mul_", "to_dense()")
  t.raises(function() sparse():mul_(embla.ones(3, 2)) end, "mul_", "a number only")
  t.raises(function() embla.ones(2, 2):add_(sparse()) end, "shapes (3, 2) and (2, 2)")
  t.raises(function() embla.ones(3, 2):add(sparse(), {alpha = 2, beta = 1}) end, "beta")
end)

t.test("sums without a row-sparse operand are refused", function()
  local core = require "embla.core"
  local x = embla.ones(2, 2)
  t.raises(function() core.sparse_add(x, x, 1) end, "add: only for row-sparse tensors, this one is dense")
  t.raises(function() core.sparse_add_(x, x, 1) end, "add_: only for row-sparse tensors, this one is dense")
end)

t.finish()
