-- Losses as functions: what they read and what they do not.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.nn.functional

local NAN = 0 / 0

local function grads(leaves, loss)
  for _, leaf in ipairs(leaves) do leaf.grad = nil end
  loss:sum():backward()
  local list = {}
  for i, leaf in ipairs(leaves) do list[i] = leaf.grad:tolist() end
  return table.unpack(list)
end

t.test("gaussian_nll_loss: one variance a row", function()
  local x, zeros = embla.tensor {{1.0, 2.0}, {3.0, 4.0}}, embla.zeros(2, 2)
  -- by rows: (1 + 4) / 2 + 2 (log 4) / 2 + (9 + 16) / 8, over 4
  local want = (2.5 + math.log(4) + 25 / 8) / 4
  for _, var in ipairs {embla.tensor {1.0, 4.0}, embla.tensor {{1.0}, {4.0}}, embla.tensor {{1.0, 1.0}, {4.0, 4.0}}} do
    t.close(F.gaussian_nll_loss(x, zeros, var):item(), want, 1e-6, 1e-6)
    t.close(nn.GaussianNLLLoss()(x, zeros, var):item(), want, 1e-6, 1e-6)
  end
  t.close(F.gaussian_nll_loss(x, zeros, embla.tensor(1.0)):item(), 30 / 8)
  t.raises(function() F.gaussian_nll_loss(x, zeros, embla.ones(1, 2)) end, "gaussian_nll_loss: argument var", "(1, 2)")
  t.raises(function() F.gaussian_nll_loss(x, zeros, embla.ones(3)) end, "gaussian_nll_loss: argument var", "(3)")
end)

t.test("classes to ignore, padding rows and masked places are not read, be they NaN", function()
  local scores = embla.tensor({{NAN, 1.0, 2.0}, {0.0, 0.0, 0.0}}, {requires_grad = true})
  local ids = embla.tensor {-100, 1}
  local third = 1 / 3
  local loss = F.cross_entropy(scores, ids)
  t.close(loss:item(), math.log(3), 1e-6, 1e-6)
  t.close(grads({scores}, loss), {{0, 0, 0}, {third, third - 1, third}}, 1e-6, 1e-6)
  t.equal(grads({scores}, F.nll_loss(scores, ids)), {{0.0, 0.0, 0.0}, {0.0, -1.0, 0.0}})
  local w = embla.tensor({{NAN, NAN}, {1.0, 2.0}, {3.0, 4.0}}, {requires_grad = true})
  for _, mode in ipairs {"sum", "mean", "max"} do
    local bags = F.embedding_bag(embla.tensor {{0, 1}, {2, 0}}, w, {mode = mode, padding_idx = 0})
    t.equal(bags:detach(), {{1.0, 2.0}, {3.0, 4.0}})
    t.equal(grads({w}, bags), {{0.0, 0.0}, {1.0, 1.0}, {1.0, 1.0}})
  end
  local mask = embla.tensor {{true, true}, {false, false}, {false, false}}
  t.equal(grads({w}, w:masked_fill(mask, 0)), {{0.0, 0.0}, {1.0, 1.0}, {1.0, 1.0}})
  t.equal(grads({w}, embla.where(mask, 0, w)), {{0.0, 0.0}, {1.0, 1.0}, {1.0, 1.0}})
end)

t.finish()
