-- nn.utils: clipping over dense and sparse gradients, parameters as a vector, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn
local utils = nn.utils

-- A dense parameter with gradient (3, 4) and a sparse table whose gradient is 1, 1, ... in `n` entries of row 0.
local function parameters(n)
  local dense = nn.Parameter(embla.zeros(2))
  dense.grad = embla.tensor {3.0, 4.0}
  local emb = nn.Embedding(3, 1, {sparse = true})
  local ids = {}
  for i = 1, n do ids[i] = 0 end
  emb(embla.LongTensor(ids)):sum():backward()
  return {dense, emb.weight, nn.Parameter(embla.ones(1))}
end

t.test("clip_grad_norm_ scales dense and sparse gradients by one factor", function()
  local list = parameters(12)                              -- 5^2 + 12^2 = 13^2
  t.close(utils.clip_grad_norm_(list, 6.5), 13)
  t.close(list[1].grad, {1.5, 2})
  t.close(list[2].grad:to_dense(), {{6}, {0}, {0}})
  t.equal(list[3].grad, nil)
  t.close(utils.clip_grad_norm_(list, 100), 6.5)
  t.close(list[1].grad, {1.5, 2})
end)

t.test("other norms", function()
  t.close(utils.clip_grad_norm_(parameters(12), 1, 1), 19)
  t.close(utils.clip_grad_norm_(parameters(12), 1, {norm_type = math.huge}), 12)
  t.close(utils.clip_grad_norm_(parameters(12)[1], 10), 5)
  t.equal(utils.clip_grad_norm_({}, 1), 0)
end)

t.test("error_if_nonfinite", function()
  local list = parameters(1)
  list[1].grad = embla.tensor {math.huge, 1.0}
  t.raises(function() utils.clip_grad_norm_(list, 1, {error_if_nonfinite = true}) end, "clip_grad_norm_", "inf")
  t.equal(list[1].grad:tolist(), {math.huge, 1})
end)

t.test("clip_grad_value_ clamps", function()
  local list = parameters(12)
  utils.clip_grad_value_(list, 3.5)
  t.close(list[1].grad, {3, 3.5})
  t.close(list[2].grad:to_dense(), {{3.5}, {0}, {0}})
end)

t.test("parameters to a vector and back", function()
  local layer = nn.Linear(2, 2)
  local vector = utils.parameters_to_vector(layer:parameters())
  t.equal(vector.shape, {6})
  utils.vector_to_parameters(embla.arange(6) * 1.0, layer:parameters())
  t.equal(layer.weight:detach(), {{0, 1}, {2, 3}})
  t.equal(layer.bias:detach(), {4, 5})
  t.equal(layer.weight.is_leaf, true)
end)

t.test("what stands before the names of a state is taken off in place", function()
  local state = {["module.weight"] = embla.ones(1), ["head.module.bias"] = embla.zeros(1), [1] = 2}
  local weight = state["module.weight"]
  utils.consume_prefix_in_state_dict_if_present(state, "module.")
  t.equal({rawequal(state.weight, weight), state["module.weight"]}, {true})
  t.equal({state["head.module.bias"]:item(), state[1]}, {0, 2})
  utils.consume_prefix_in_state_dict_if_present(state, "module.")
  utils.consume_prefix_in_state_dict_if_present(state, "")
  t.equal(rawequal(state.weight, weight), true)
  local net = nn.Sequential(nn.Linear(1, 1))
  local own = net:state_dict()
  utils.consume_prefix_in_state_dict_if_present(own, "0.")
  local names = {}
  for name in pairs(own) do names[#names + 1] = name end
  t.equal(names, {"weight", "bias"})
  local both = {["module.a"] = 1, a = 2, ["module.b"] = 3}
  t.raises(function() utils.consume_prefix_in_state_dict_if_present(both, "module.") end,
           "consume_prefix_in_state_dict_if_present: argument state: it holds module.a and a")
  t.equal(both, {["module.a"] = 1, a = 2, ["module.b"] = 3})
  t.raises(function() utils.consume_prefix_in_state_dict_if_present(1, "a") end, "argument state", "table", "1")
  t.raises(function() utils.consume_prefix_in_state_dict_if_present({}, 1) end, "argument prefix", "text", "1")
end)

t.test("what does not fit is refused", function()
  local list = parameters(1)
  t.raises(function() utils.clip_grad_norm_(list) end, "clip_grad_norm_: option max_norm is required")
  t.raises(function() utils.clip_grad_norm_(list, "1") end, "max_norm", "number")
  t.raises(function() utils.clip_grad_norm_(list, 1, {norm_typ = 1}) end, "norm_typ", "did you mean 'norm_type'")
  t.raises(function() utils.clip_grad_norm_(5, 1) end, "clip_grad_norm_", "sequence of tensors", "5")
  t.raises(function() utils.clip_grad_norm_({1}, 1) end, "position 1", "1")
  t.raises(function() utils.clip_grad_value_(list) end, "clip_grad_value_", "clip_value", "nil")
  t.raises(function() utils.vector_to_parameters(embla.ones(3), list) end, "3", "6")
  t.raises(function() utils.vector_to_parameters(embla.ones(3, 2), list) end, "1 dimension, got one of 2")
  t.raises(function() utils.vector_to_parameters({1, 2}, list) end, "1 dimension, got a table")
  t.raises(function() utils.parameters_to_vector {} end,
           "parameters_to_vector: argument parameters: expected a sequence of tensors")
  t.raises(function() utils.parameters_to_vector {list[1], 1} end, "parameters_to_vector", "position 2", "1")
end)

t.finish()
