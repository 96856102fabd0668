-- LBFGS against numbers that PyTorch 1.13 gives in double; convergence, state, refusals.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local optim = embla.optim

local function vector(...) return embla.tensor({...}, "float64"):requires_grad_() end

local function rosenbrock(x)
  local a, b = x:select(0, 0), x:select(0, 1)
  return (1 - a) ^ 2 + 100 * (b - a ^ 2) ^ 2
end

-- A closure that minimizes f(x), and a count of its calls.
local function closure(opt, f, x)
  local calls = {n = 0}
  return function()
    opt:zero_grad()
    local loss = f(x)
    loss:backward()
    calls.n = calls.n + 1
    return loss
  end, calls
end

-- For each step: calls of the closure so far, where it led, the loss before it.
local RECORDED = {
  {name = "line search, 4 iterations", options = {max_iter = 4, line_search_fn = "strong_wolfe"},
   {5, {-1.4201365045001701, 2.023710425144713}, 12.5},
   {10, {-1.3536960480482616, 1.7977327472576072}, 5.861853124644989},
   {15, {-0.9629098925080448, 0.9154087570839007}, 5.660712537635334}},
  {name = "line search, 20 iterations", options = {max_iter = 20, line_search_fn = "strong_wolfe"},
   {25, {-0.08511855589862088, -0.028757058413776328}, 12.5},
   {50, {0.9995835472530445, 0.9991550319579069}, 1.3070983150501583},
   {53, {0.9999979943196414, 0.9999973438921667}, 1.8840481372787713e-07}},
  {name = "fixed step length", options = {lr = 0.1, max_iter = 5},
   {5, {-1.422704506882964, 2.0240334188679774}, 12.5},
   {10, {-1.419900377141577, 2.021170689601138}, 5.869497426825734},
   {15, {-1.4150083583808064, 2.0130458780729557}, 5.85847173127243}},
  {name = "short memory", options = {lr = 0.5, max_iter = 5, history_size = 2},
   {5, {-1.4141718053411954, 2.0353877895787726}, 12.5},
   {10, {-1.4220483345793666, 2.0285345358656057}, 5.954292360532204},
   {15, {-1.3054338688404938, 1.6649869495304315}, 5.870303620303062}},
}

for _, case in ipairs(RECORDED) do
  t.test("PyTorch's numbers: " .. case.name, function()
    local x = vector(-1.5, 2)
    local opt = optim.LBFGS({x}, case.options)
    local f, calls = closure(opt, rosenbrock, x)
    for _, want in ipairs(case) do
      t.close(opt:step(f):item(), want[3], 1e-8, 1e-12)
      t.equal(calls.n, want[1])
      t.close(x:detach(), want[2], 1e-9, 1e-9)
    end
  end)
end

t.test("several parameters, one without a gradient", function()
  local a, b, c = embla.tensor({{1, 2}, {3, -4}}, "float64"):requires_grad_(), vector(0.5), vector(7)
  local opt = optim.LBFGS({a, b, c}, {lr = 0.8, max_iter = 3, line_search_fn = "strong_wolfe"})
  local f = closure(opt, function() return (a:sin() * b):sum() + (a ^ 2):sum() * 0.3 + (b ^ 4):sum() end)
  opt:step(f)
  t.close(a:detach(), {{0.6625916815873508, 1.096234665171374}, {1.623382719832571, -2.4377555714636614}}, 1e-9, 1e-9)
  t.close(b:detach(), {-0.951453185004626}, 1e-9)
  opt:step(f)
  t.close(a:detach(), {{0.7186993517312422, 0.4757120875862024}, {0.0997956337499658, -0.47472734596923266}}, 1e-9)
  t.close(b:detach(), {-0.6827297324978641}, 1e-9)
  t.equal(c:detach(), {7.0})
end)

t.test("Rosenbrock converges, in float32 too", function()
  for _, dtype in ipairs {"float64", "float32"} do
    local x = embla.tensor({-1.2, 1}, dtype):requires_grad_()
    local opt = optim.LBFGS({x}, {max_iter = 100, line_search_fn = "strong_wolfe"})
    opt:step((closure(opt, rosenbrock, x)))
    t.close(x:detach(), {1, 1}, 1e-3, 1e-3)
  end
end)

t.test("a row-sparse gradient counts as the dense one", function()
  local ends = {}
  for i, sparse in ipairs {true, false} do
    embla.manual_seed(1)
    local table_ = embla.nn.Embedding(5, 2, {sparse = sparse})
    local opt = optim.LBFGS(table_:parameters(), {max_iter = 6})
    local ids = embla.tensor {1, 3, 1}
    opt:step((closure(opt, function() return (table_(ids) ^ 2):sum() end)))
    ends[i] = table_.weight:detach()
  end
  t.close(ends[1], ends[2]:tolist(), 1e-6)
end)

t.test("state there and back: the same bits afterwards", function()
  local function start()
    local x = vector(-1.5, 2)
    local opt = optim.LBFGS({x}, {max_iter = 4, line_search_fn = "strong_wolfe"})
    return x, opt, (closure(opt, rosenbrock, x))
  end
  local x, opt, f = start()
  for _ = 1, 2 do opt:step(f) end
  local y, other, g = start()
  y:detach():copy_(x:detach())
  other:load_state_dict(opt:state_dict())
  for _ = 1, 3 do
    opt:step(f)
    other:step(g)
  end
  t.same_bits(x:detach(), y:detach())
  t.equal(other:state_dict().state[1].func_evals, opt:state_dict().state[1].func_evals)
end)

t.test("a closure that fails leaves parameters and state as they were", function()
  local x = vector(-1.5, 2)
  local opt = optim.LBFGS({x}, {max_iter = 4})
  local f, calls = closure(opt, rosenbrock, x)
  opt:step(f)
  local before, state = x:detach():clone(), opt:state_dict().state[1]
  t.raises(function()
    opt:step(function()
      if calls.n == 6 then error("no more") end
      return f()
    end)
  end, "no more")
  t.equal(calls.n, 6)
  t.equal(x:detach(), before:tolist())
  t.equal(opt:state_dict().state[1].n_iter, state.n_iter)
end)

t.test("what does not fit is refused", function()
  local x = vector(1)
  local opt = optim.LBFGS({x})
  t.raises(function() opt:step() end, "LBFGS: step: argument closure: expected one")
  t.raises(function() opt:step(function() return "low" end) end, "LBFGS: the closure must return the loss")
  t.raises(function() optim.LBFGS({{params = {x}}, {params = {vector(2)}}}) end, "all parameters are in one group")
  t.raises(function() optim.LBFGS({x}, {line_search_fn = "wolfe"}) end, "LBFGS: option line_search_fn: expected one of")
  t.raises(function() optim.LBFGS({x}, {max_iter = 0}) end, "LBFGS: option max_iter: expected integer > 0, got 0")
  t.raises(function() optim.LBFGS({x}, {momentum = 1}) end, "LBFGS: unknown option 'momentum'")
  local dict = optim.LBFGS({vector(1, 2)}):state_dict()
  dict.state[1] = {n_iter = 1, func_evals = 1, t = 1, H_diag = 1, old_dirs = {}, old_stps = {},
                   d = embla.zeros(2), prev_flat_grad = embla.zeros(2)}
  t.raises(function() opt:load_state_dict(dict) end, "LBFGS: load_state_dict: state d: expected a tensor of shape (1)")
end)

t.test("a hostile state is refused, and nothing is changed", function()
  local x = vector(-1.5, 2)
  local opt = optim.LBFGS({x}, {max_iter = 4})
  opt:step((closure(opt, rosenbrock, x)))
  local before = opt:state_dict()
  local function refuses(change, message)
    local dict = opt:state_dict()
    change(dict.state[1], dict)
    t.raises(function() opt:load_state_dict(dict) end, "LBFGS: " .. message)
    t.same_bits(opt:state_dict().state[1], before.state[1])
    t.equal(opt.param_groups[1].max_iter, 4)
  end
  refuses(function(s) s.n_iter = -1 end, "load_state_dict: state n_iter: expected an integer >= 0, got -1")
  refuses(function(s) s.func_evals = 0 / 0 end, "load_state_dict: state func_evals: expected an integer >= 0")
  refuses(function(s) s.t = math.huge end, "load_state_dict: state t: expected a number, got inf")
  refuses(function(s) s.t = nil end, "load_state_dict: state t: expected a number, got nil")
  refuses(function(s) s.H_diag = "x" end, 'load_state_dict: state H_diag: expected a number, got "x"')
  refuses(function(s) s.d = nil end, "load_state_dict: state d: expected a tensor of shape (2), got nil")
  refuses(function(s) s.d = s.d:long() end, "load_state_dict: state d: expected a dense tensor of float")
  refuses(function(s) s.old_dirs = 1 end, "load_state_dict: state old_dirs is no list")
  refuses(function(s) table.remove(s.old_stps) end, "load_state_dict: state old_dirs has ")
  refuses(function(_, d) d.state[1] = 3 end, "load_state_dict: state of parameter 1: expected a table, got 3")
  refuses(function(_, d) d.param_groups[1].max_iter = -3 end, "option max_iter: expected integer > 0, got -3")
  refuses(function(_, d) d.param_groups[1].lr = "x" end, "option lr: expected number")
end)

t.test("parameters without a gradient stay where they are", function()
  local x, y = vector(3), vector(5)
  local opt = optim.LBFGS({x, y}, {lr = 0.5, max_iter = 3})
  local function loss()
    opt:zero_grad()
    local l = x:pow(2):sum()
    l:backward()
    return l
  end
  opt:step(loss)
  t.equal(y:tolist(), {5})
  t.equal(x:detach():abs():item() < 3, true)
  t.equal(optim.LBFGS({vector(5)}):step(function() return 1 end), 1)      -- no gradient at all
  t.raises(function() optim.LBFGS({x, x}) end, "some parameters appear more than once")
  t.raises(function() optim.LBFGS({}) end, "LBFGS: optimizer got an empty parameter list")
end)

t.finish()
