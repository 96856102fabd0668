-- Norms of layers as functions.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F = embla.nn.functional

local function normalized(list, eps)
  local mean, var = 0, 0
  for _, x in ipairs(list) do mean = mean + x / #list end
  for _, x in ipairs(list) do var = var + (x - mean) ^ 2 / #list end
  local out = {}
  for i, x in ipairs(list) do out[i] = (x - mean) / math.sqrt(var + eps) end
  return out
end

local INF, NAN = math.huge, 0 / 0

local function grads(leaves, loss)
  for _, leaf in ipairs(leaves) do leaf.grad = nil end
  loss:sum():backward()
  local list = {}
  for i, leaf in ipairs(leaves) do list[i] = leaf.grad:tolist() end
  return table.unpack(list)
end

t.test("norms of layers take the arguments in PyTorch's order", function()
  local x = embla.tensor {{1.0, 2.0, 4.0}}
  t.close(F.layer_norm(x, {3}), {normalized({1, 2, 4}, 1e-5)})
  t.close(F.layer_norm(x, {3}, nil, embla.ones(3), {eps = 1}):sub(1), {normalized({1, 2, 4}, 1)})
  t.close(F.group_norm(x, 3, nil, embla.ones(3)), {{1, 1, 1}})
  t.close(F.rms_norm(x, {3}, nil, 0), {{1 / math.sqrt(7), 2 / math.sqrt(7), 4 / math.sqrt(7)}})
end)

t.test("batch_norm by running statistics: the slope where the input is infinite", function()
  local x = embla.tensor({{1.0, INF}, {NAN, -1.0}}, {requires_grad = true})
  local y = F.batch_norm(x, embla.zeros(2), embla.ones(2), embla.tensor {2.0, 3.0}, nil, {training = false, eps = 0})
  t.equal(grads({x}, y), {{2.0, 3.0}, {2.0, 3.0}})
  local long = embla.tensor({{{INF, 1.0}}}, {requires_grad = true})
  t.equal(grads({long}, F.batch_norm(long, embla.zeros(1), embla.ones(1), nil, nil, {eps = 0})), {{{1.0, 1.0}}})
end)

t.finish()
