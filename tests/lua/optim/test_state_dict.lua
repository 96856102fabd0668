-- State there and back in the middle of a training: the same bits afterwards.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local optim = embla.optim

local OPTIONS = {SGD = {lr = 0.1, momentum = 0.9}, Adam = {lr = 0.1, amsgrad = true},
                 RMSprop = {centered = true, momentum = 0.5}}
local SIZES = {{4, 3}, {4, 1}}

local function gradients(n, sparse)
  local list = {}
  for k, size in ipairs(SIZES) do
    local values = {}
    for i = 1, 3 do
      values[i] = {}
      for d = 1, size[2] do values[i][d] = math.sin(n * 11 + k * 5 + i * 3 + d) end
    end
    local g = embla.sparse_coo_tensor(embla.tensor({{n % 4, 2, n % 4}}, "int64"), embla.tensor(values), size)
    list[k] = sparse and g or g:to_dense()
  end
  return list
end

local function new_params()
  return {embla.ones(4, 3):requires_grad_(), embla.ones(4, 1):requires_grad_()}
end

local function train(opt, params, from, to, sparse)
  for n = from, to do
    local grads = gradients(n, sparse)
    params[1].grad, params[2].grad = grads[1], n > 2 and grads[2] or nil
    opt:step()
  end
end

local function values(params)
  return {params[1]:tolist(), params[2]:tolist()}
end

local function groups_of(params) return {{params = {params[1]}}, {params = {params[2]}, lr = 0.05}} end

local function resume(name, sparse)
  local class, options = optim[name], OPTIONS[name] or {}
  local straight, first, second = new_params(), new_params(), new_params()
  train(class(groups_of(straight), options), straight, 1, 7, sparse)
  local opt = class(groups_of(first), options)
  train(opt, first, 1, 4, sparse)
  local dict = opt:state_dict()
  train(opt, first, 5, 7, sparse)                       -- the snapshot stays what it was
  t.same_bits(values(first), values(straight))
  train(class(groups_of(second), options), second, 1, 4, sparse)
  local other = class(groups_of(second), {lr = 0.7})    -- the options come back too
  other:load_state_dict(dict)
  train(other, second, 5, 7, sparse)
  t.same_bits(values(second), values(straight))
end

for _, rule in ipairs(require("embla.core").rules()) do
  t.test(rule.name .. " resumes, sparse gradients", function() resume(rule.name, true) end)
  if rule.name ~= "SparseAdam" then
    t.test(rule.name .. " resumes, dense gradients", function() resume(rule.name, false) end)
  end
end

t.test("the layout is PyTorch's, counted from 1", function()
  local params = new_params()
  local opt = optim.Adam(groups_of(params), {lr = 0.1})
  train(opt, params, 1, 3, false)
  local dict = opt:state_dict()
  t.equal({dict.param_groups[1].params, dict.param_groups[2].params}, {{1}, {2}})
  t.equal({dict.param_groups[1].lr, dict.param_groups[2].lr}, {0.1, 0.05})
  t.equal({dict.state[1].step, dict.state[2].step}, {3, 1})
  t.equal({dict.state[1].exp_avg.shape, dict.state[2].exp_avg_sq.shape}, {{4, 3}, {4, 1}})
  t.equal(dict.state[1].max_exp_avg_sq, nil)
  dict.param_groups[1].betas[1] = 0                     -- a copy
  t.equal(opt.param_groups[1].betas, {0.9, 0.999})
end)

t.test("step may come as a float or a tensor, and state in another dtype", function()
  local params = new_params()
  local opt = optim.Adagrad({params[1]})
  local dict = opt:state_dict()
  dict.state[1] = {step = embla.tensor(3.0), sum = embla.ones(4, 3, {dtype = "float64"})}
  opt:load_state_dict(dict)
  local back = opt:state_dict().state[1]
  t.equal({back.step, back.sum.dtype, back.sum:tolist()[1]}, {3, "float32", {1.0, 1.0, 1.0}})
end)

t.test("a state that does not fit is refused and changes nothing", function()
  local params = new_params()
  local opt = optim.SGD(groups_of(params), {lr = 0.1, momentum = 0.9})
  train(opt, params, 1, 3, false)
  local before = opt:state_dict()
  local function broken(change)
    local dict = opt:state_dict()
    return function() opt:load_state_dict(change(dict) or dict) end
  end
  t.raises(broken(function() return 3 end), "SGD: load_state_dict: argument dict: expected a table")
  t.raises(broken(function(d) table.remove(d.param_groups) end), "different number of parameter groups")
  t.raises(broken(function(d) d.param_groups[2].params = {} end), "doesn't match the size of optimizer's group 2")
  t.raises(broken(function(d) d.param_groups[1].lr = -1 end), "Invalid learning rate")
  t.raises(broken(function(d) d.state[2].momentum_buffer = embla.zeros(2) end),
           "is float32 (2), expected float32 (4, 1)")
  t.raises(broken(function(d) d.state[2].momentum_buffer = "x" end), "state momentum_buffer is no tensor")
  t.raises(broken(function(d) d.state[2].step = 1.5 end), "load_state_dict: step")
  for _, step in ipairs {-1, math.mininteger, 1 << 53, math.maxinteger} do
    t.raises(broken(function(d) d.state[2].step = step end), "load_state_dict: step of parameter",
             "expected an integer from 0 to 2^53 - 1, got " .. step)
  end
  t.same_bits(opt:state_dict(), before)
end)

t.test("a hostile state is refused, and nothing is changed", function()
  local params = new_params()
  local opt = optim.Adam(groups_of(params), {lr = 0.1})
  train(opt, params, 1, 3, false)
  local before, rates = opt:state_dict(), {opt.param_groups[1].lr, opt.param_groups[2].lr}
  local function refuses(change, ...)
    local dict = opt:state_dict()
    change(dict.state, dict.param_groups)
    t.raises(function() opt:load_state_dict(dict) end, ...)
    t.same_bits(opt:state_dict().state, before.state)
    t.equal({opt.param_groups[1].lr, opt.param_groups[2].lr}, rates)
  end
  local step = "Adam: load_state_dict: step of parameter 2: expected an integer from 0 to 2^53 - 1, got "
  for _, value in ipairs {-1, math.mininteger, math.maxinteger, (1 << 53) + 1, 1.5, 0 / 0, 1 / 0, "3", {}, true} do
    refuses(function(s) s[2].step = value end, step)
  end
  refuses(function(s) s[2].step = nil end, step .. "nil")
  refuses(function(s) s[2].step = embla.tensor {1, 2} end, step .. "a tensor")
  refuses(function(s) s[2].step = embla.tensor(-3.0) end, step .. "-3")
  refuses(function(s) s[2] = 7 end, "Adam: load_state_dict: state of parameter 2: expected a table, got 7")
  refuses(function(s) s[2].exp_avg_sq = nil end, "Adam: load_state_dict: state of parameter 2: exp_avg_sq is missing")
  refuses(function(s) s[2].exp_avg = embla.zeros(3, 1) end, "is float32 (3, 1), expected float32 (4, 1)")
  refuses(function(s) s[2].exp_avg = embla.zeros(4, 1, {dtype = "int64"}) end, "is int64 (4, 1), expected float32")
  refuses(function(s) s[2].exp_avg = gradients(1, true)[2] end, "expected float32 (4, 1)")
  refuses(function(_, g) g[2].lr = nil end, "Adam: load_state_dict: param_groups[2]: lr is missing")
  refuses(function(_, g) g[2].lr = 0 / 0 end, "lr")
  refuses(function(_, g) g[2].betas = {0.9} end, "betas")
  refuses(function(_, g) g[2].amsgrad = 1 end, "amsgrad")
  refuses(function(_, g) g[2].initial_lr = "x" end, "option initial_lr: expected number")
  refuses(function(_, g) g[2].params = {1} end, "param_groups[2].params: parameter 1 comes twice")
  refuses(function(_, g) g[2].params = {"x"} end, 'param_groups[2].params: expected numbers of parameters, got "x"')
end)

t.test("an option that a state lacks stays as it is", function()
  local params = new_params()
  local opt = optim.SGD({params[1]}, {lr = 0.1, momentum = 0.9})
  local dict = opt:state_dict()
  dict.param_groups[1].momentum, dict.param_groups[1].lr = nil, 0.2
  opt:load_state_dict(dict)
  t.equal({opt.param_groups[1].lr, opt.param_groups[1].momentum}, {0.2, 0.9})
end)

t.finish()
