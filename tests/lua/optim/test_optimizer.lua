-- What all optimizers share: groups, options, steps, gradients, refusals.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local optim = embla.optim

local function param(...) return embla.tensor({...}, "float32"):requires_grad_() end

local function with_grad(values, grad)
  local p = embla.tensor(values, "float32"):requires_grad_()
  p.grad = embla.tensor(grad, "float32")
  return p
end

local function sparse(ids, values, size)
  return embla.sparse_coo_tensor(embla.tensor({ids}, "int64"), embla.tensor(values, "float32"), size)
end

-- ---- groups and options ----------------------------------------------------------------------------------------

t.test("one list of tensors is one group with the rule's defaults", function()
  local p = param(1)
  local opt = optim.SGD({p})
  t.equal(#opt.param_groups, 1)
  local group = opt.param_groups[1]
  t.equal(group.params[1] == p, true)
  t.equal({group.lr, group.momentum, group.nesterov, group.sparse_mode}, {1e-3, 0.0, false, "exact"})
  t.equal(optim.Adam({p}).param_groups[1].betas, {0.9, 0.999})
end)

t.test("options of a group win over the optimizer's, and neither table is written to", function()
  local groups, options = {{params = {param(1)}, lr = 0.5}, {params = {param(2)}}}, {lr = 0.1, momentum = 0.9}
  local opt = optim.SGD(groups, options)
  t.equal({opt.param_groups[1].lr, opt.param_groups[2].lr}, {0.5, 0.1})
  t.equal({opt.param_groups[1].momentum, opt.param_groups[2].momentum}, {0.9, 0.9})
  t.equal(groups[2].lr, nil)
  t.equal(options, {lr = 0.1, momentum = 0.9})
end)

t.test("the learning rate may come by position", function()
  t.equal(optim.SGD({param(1)}, 0.25).param_groups[1].lr, 0.25)
  t.equal(optim.SGD({param(1)}, 0.25, {momentum = 0.5}).param_groups[1].momentum, 0.5)
end)

t.test("a group may hold one tensor, and more groups may come later", function()
  local opt = optim.SGD({param(1)}, {lr = 0.1})
  opt:add_param_group {params = param(2), lr = 0.2}
  t.equal(#opt.param_groups, 2)
  t.equal(opt.param_groups[2].lr, 0.2)
end)

t.test("tostring shows the groups", function()
  local text = tostring(optim.Adam({param(1)}, {lr = 0.5}))
  t.equal(text:match("^Adam %(\nParameter Group 1\n    amsgrad: false\n    betas: %(0.9, 0.999%)\n") ~= nil, true)
end)

-- ---- steps -----------------------------------------------------------------------------------------------------

t.test("options changed between steps count", function()
  local p = with_grad({1}, {1})
  local opt = optim.SGD({p}, {lr = 0.5})
  opt:step()
  t.equal(p, {0.5})
  opt.param_groups[1].lr = 0.25
  opt:step()
  t.equal(p, {0.25})
end)

t.test("each group moves by its own options", function()
  local p, q = with_grad({1}, {1}), with_grad({1}, {1})
  optim.SGD({{params = {p}, lr = 0.5}, {params = {q}, maximize = true}}, {lr = 0.25}):step()
  t.equal({p:tolist(), q:tolist()}, {{0.5}, {1.25}})
end)

t.test("parameters without gradient rest, and their steps are not counted", function()
  local p, q = with_grad({1}, {1}), param(1)
  local opt = optim.Adam({p, q})
  opt:step()
  t.equal(q, {1.0})
  local state = opt:state_dict().state
  t.equal({state[1].step, state[2]}, {1, nil})
end)

t.test("step runs the closure with gradients on and returns its loss", function()
  local p = with_grad({1}, {1})
  local opt = optim.SGD({p}, {lr = 0.5})
  local seen
  local loss = embla.no_grad(function()
    return opt:step(function()
      seen = embla.is_grad_enabled()
      return "loss"
    end)
  end)
  t.equal({loss, seen}, {"loss", true})
  t.equal(p, {0.5})
  t.equal(opt:step(), nil)
end)

t.test("a parameter added to a group's list is trained too", function()
  local p, q = with_grad({1}, {1}), with_grad({1}, {1})
  local opt = optim.SGD({p}, {lr = 0.5, momentum = 0.5})
  opt:step()
  table.insert(opt.param_groups[1].params, 1, q)
  opt:step()
  t.equal({p:tolist(), q:tolist()}, {{-0.25}, {0.5}})      -- p goes on with its momentum
end)

t.test("a step is taken whole or not at all", function()
  local p, q = with_grad({1}, {1}), with_grad({1}, {1})
  local opt = optim.SparseAdam({p, q})
  p.grad = sparse({0}, {1}, {1})
  t.raises(function() opt:step() end, "SparseAdam does not support dense gradients, please consider Adam instead")
  t.equal(p, {1.0})
  t.equal(opt:state_dict().state, {})
end)

t.test("dense and sparse gradients go through one optimizer", function()
  local table_ = embla.zeros(4, 2):requires_grad_()
  local p = with_grad({1, 1}, {1, -1})
  table_.grad = sparse({3, 1, 3}, {{1, 2}, {3, 4}, {5, 6}}, {4, 2})
  optim.SGD({table_, p}, {lr = 0.5}):step()
  t.equal(table_, {{0.0, 0.0}, {-1.5, -2.0}, {0.0, 0.0}, {-3.0, -4.0}})
  t.equal(p, {0.5, 1.5})
end)

t.test("a sparse gradient without entries counts a step and moves nothing", function()
  for _, name in ipairs {"SGD", "Adagrad", "SparseAdam", "Adam", "RowWiseAdagrad"} do
    local p = embla.ones(3, 2):requires_grad_()
    local opt = optim[name]({p})
    p.grad = embla.sparse_coo_tensor(embla.zeros(1, 0, {dtype = "int64"}), embla.zeros(0, 2), {3, 2})
    opt:step()
    t.equal(p, embla.ones(3, 2))
    t.equal(opt:state_dict().state[1].step, 1)
  end
end)

t.test("a long training does not grow", function()
  local p = embla.zeros(100, 8):requires_grad_()
  local opt = optim.Adam({p})
  local function go(n)
    for _ = 1, n do
      p.grad = sparse({1, 5}, {{1, 1, 1, 1, 1, 1, 1, 1}, {2, 2, 2, 2, 2, 2, 2, 2}}, {100, 8})
      opt:step()
      opt:zero_grad()
    end
    collectgarbage()
    collectgarbage()
    return collectgarbage("count")
  end
  local before = go(50)
  t.equal(go(2000) < before + 50, true)
end)

t.test("a step that runs out of memory changes nothing", function()
  local core = require "embla.core"
  for _, name in ipairs {"SGD", "Adagrad", "SparseAdam", "RowWiseAdagrad"} do
    local p = embla.ones(4, 2):requires_grad_()
    p.grad = sparse({3, 1, 3}, {{1, 2}, {3, 4}, {5, 6}}, {4, 2})
    local opt = optim[name]({p}, {lr = 0.5})
    local failures = 0
    for k = 0, 50 do
      core.fail_after(k)
      local ok, err = pcall(opt.step, opt)
      core.fail_after(-1)
      if ok then break end
      failures = failures + 1
      t.equal(err:find("not enough memory", 1, true) ~= nil, true)
      t.equal(p, embla.ones(4, 2))
      t.equal(opt:state_dict().state, {})
    end
    t.equal(failures >= 3, true)
    t.equal(p[0], {1.0, 1.0})
    t.equal(p[1][0] < 1, true)
  end
end)

-- ---- zero_grad -------------------------------------------------------------------------------------------------

t.test("zero_grad forgets, or zeroes", function()
  local p, q = with_grad({1, 2}, {3, 4}), embla.zeros(3, 2):requires_grad_()
  q.grad = sparse({1}, {{1, 1}}, {3, 2})
  local opt = optim.SGD({p, q})
  opt:zero_grad {set_to_none = false}
  t.equal(p.grad, {0.0, 0.0})
  t.equal({q.grad.is_sparse, q.grad:nnz(), q.grad.shape}, {true, 0, {3, 2}})
  opt:step()
  opt:zero_grad()
  t.equal({p.grad, q.grad}, {})
  t.raises(function() opt:zero_grad {set_to_nil = true} end, "zero_grad: unknown option 'set_to_nil'")
end)

-- ---- refusals --------------------------------------------------------------------------------------------------

local function refuses(name, params, options, ...)
  local parts = {...}
  t.test(name, function()
    t.raises(function() return optim.SGD(params(), options) end, table.unpack(parts))
  end)
end

refuses("no parameters", function() return {} end, {}, "SGD: optimizer got an empty parameter list")
refuses("no parameters in a group", function() return {{params = {}}} end, {}, "empty parameter list")
refuses("a group alone", function() return {params = {}} end, {}, "got a single group: write {group}")
refuses("parameters by name", function() return {weight = embla.ones(1)} end, {},
        "got a table by name: write net:parameters()")
refuses("one parameter in two groups", function()
  local p = embla.ones(1):requires_grad_()
  return {{params = {p}}, {params = p}}
end, {},
        "some parameters appear more than once: parameter 1 of group 2 is also parameter 1 of group 1")
refuses("nothing", function() return nil end, {}, "SGD: params must be a sequence of tensors or of groups, got nil")
refuses("a bare tensor", function() return param(1) end, {}, "got a tensor: write {t}")
refuses("a module", function() return embla.nn.Identity() end, {}, "got a module: write net:parameters()")
refuses("a number among tensors", function() return {param(1), 2} end, {}, "parameter 2 of group 1 must be a tensor")
refuses("a group without params", function() return {{lr = 1}} end, {}, "a parameter group is a table {params")
refuses("an unknown option", function() return {param(1)} end, {momentun = 0.9}, "unknown option 'momentun'",
        "did you mean 'momentum'?")
refuses("an unknown option of a group", function() return {{params = {param(1)}, lrr = 1}} end, {}, "'lrr'")
refuses("an option of the wrong type", function() return {param(1)} end, {nesterov = 1},
        "SGD: option nesterov: expected boolean, got 1")
refuses("an option of the wrong type of a group", function() return {{params = {param(1)}, lr = "x"}} end, {},
        'SGD: option lr: expected number >= 0, got "x"')
refuses("a table for a number", function() return {param(1)} end, {lr = {1}},
        "SGD: option lr: expected number >= 0, got a table")
refuses("a negative rate", function() return {param(1)} end, {lr = -1}, "SGD: Invalid learning rate: -1")
refuses("a negative rate of a group", function() return {{params = {param(1)}, lr = -1}} end, {}, "Invalid learning")
refuses("an unknown sparse_mode", function() return {param(1)} end, {sparse_mode = "eager"}, "one of lazy, exact")
refuses("nesterov without momentum", function() return {param(1)} end, {nesterov = true}, "Nesterov momentum requires")

t.test("a pair must be two numbers in range", function()
  local p = param(1)
  t.raises(function() optim.Adam({p}, {betas = {0.9}}) end, "Adam: option betas")
  t.raises(function() optim.Adam({p}, {betas = 0.9}) end, "Adam: option betas")
  t.raises(function() optim.Adam({p}, {betas = {1, 0.9}}) end, "Invalid beta parameter at index 0: 1")
end)

t.test("a parameter given twice", function()
  local p, q = param(1), param(2)
  t.raises(function() optim.SGD({p, q, p}) end, "some parameters appear more than once", "parameter 3 of group 1")
  t.raises(function() optim.SGD({{params = {p}}, {params = {p}}}) end, "parameter 1 of group 2 is also parameter 1")
  local opt = optim.SGD({p})
  t.raises(function() opt:add_param_group {params = {p}} end, "some parameters appear")
  t.equal(#opt.param_groups, 1)
end)

t.test("errors begin with the script's line, once", function()
  local function starts(line, text, f)
    local _, message = pcall(f)
    local wanted = ("%s:%d: %s"):format(debug.getinfo(1, "S").short_src, line, text)
    t.equal(message:sub(1, #wanted), wanted)
  end
  local p = with_grad({1}, {1})
  local line = debug.getinfo(1, "l").currentline + 1
  starts(line, "SGD: Invalid learning rate: -1", function() optim.SGD({p}, {lr = -1}) end)
  local opt = optim.SGD({p})
  opt.param_groups[1].lr = -1
  starts(line + 3, "SGD: Invalid learning rate: -1", function() opt:step() end)
end)

t.test("a tensor that was computed", function()
  local p = param(1)
  t.raises(function() optim.SGD({p + 1}) end, "SGD: can't optimize a non-leaf Tensor: parameter 1 of group 1")
end)

t.test("options spoilt between steps", function()
  local p = with_grad({1}, {1})
  local opt = optim.Adam({p})
  local group = opt.param_groups[1]
  for _, case in ipairs {{"lr", "0.1", "Adam: lr of param_groups[1]: expected a number, got 0.1"},
                         {"lr", -1, "Invalid learning rate: -1"}, {"amsgrad", 1, "expected true or false"},
                         {"betas", {0.9}, "betas[1] of param_groups[1]"}, {"betas", 3, "betas[0] of param_groups[1]"},
                         {"sparse_mode", "x", "expected one of: lazy exact, got x"},
                         {"params", 1, "params is no table"},
                         {"params", {1}, "param_groups[1].params[1] is no tensor"}} do
    local before = group[case[1]]
    group[case[1]] = case[2]
    t.raises(function() opt:step() end, case[3])
    group[case[1]] = before
  end
  t.equal(p, {1.0})
  opt.param_groups = {1}
  t.raises(function() opt:step() end, "param_groups[1] is no table")
end)

-- The ids of one lookup are grouped for all tables that it looks up in one step.
t.test("tables looked up by the same ids, or by others as many, get what each would get alone", function()
  local same, other = embla.tensor {3, 1, 3, 0, 2, 3}, embla.tensor {0, 0, 4, 1, 4, 2}
  local function tables()
    embla.manual_seed(3)
    local function table_of(width) return embla.nn.Embedding(5, width, {sparse = true}) end
    return {table_of(3), table_of(1), table_of(2)}
  end
  local function backward(embs)
    embs[1](same):mul(2):sum():backward()
    embs[2](same:view(2, 3)):pow(2):sum():backward()
    embs[3](other):pow(3):sum():backward()
  end
  local together, alone = tables(), tables()
  local opt = optim.Adagrad({together[1].weight, together[2].weight, together[3].weight}, {lr = 0.1})
  for _ = 1, 3 do
    opt:zero_grad()
    backward(together)
    opt:step()
  end
  for _, emb in ipairs(alone) do emb.opt = optim.Adagrad(emb:parameters(), {lr = 0.1}) end
  for _ = 1, 3 do
    for _, emb in ipairs(alone) do emb.opt:zero_grad() end
    backward(alone)
    for _, emb in ipairs(alone) do emb.opt:step() end
  end
  for i = 1, 3 do t.equal(together[i].weight, alone[i].weight:tolist()) end
end)

t.finish()
