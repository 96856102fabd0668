-- Each optimizer against its recurrence, worked out here number by number: dense, sparse on touched rows, sparse exact.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local optim = embla.optim

-- One element: e.p and the state; g the gradient, o the options, n the step.
local function adam_moments(e, g, o)
  e.m = o.betas[1] * (e.m or 0) + (1 - o.betas[1]) * g
  e.v = o.betas[2] * (e.v or 0) + (1 - o.betas[2]) * g * g
end

local function sign(x) return x > 0 and 1 or x < 0 and -1 or 0 end

local by_hand = {}

function by_hand.SGD(e, g, o, n)
  g = g + o.weight_decay * e.p
  if o.momentum ~= 0 then
    e.b = n == 1 and g or o.momentum * e.b + (1 - o.dampening) * g
    g = o.nesterov and g + o.momentum * e.b or e.b
  end
  e.p = e.p - o.lr * g
end

function by_hand.Adagrad(e, g, o, n)
  g = g + o.weight_decay * e.p
  e.sum = (e.sum or o.initial_accumulator_value) + g * g
  e.p = e.p - o.lr / (1 + (n - 1) * o.lr_decay) * g / (math.sqrt(e.sum) + o.eps)
end

function by_hand.SparseAdam(e, g, o, n)
  adam_moments(e, g, o)
  local size = o.lr * math.sqrt(1 - o.betas[2] ^ n) / (1 - o.betas[1] ^ n)
  e.p = e.p - size * e.m / (math.sqrt(e.v) + o.eps)
end

local function adam(e, g, o, n)
  adam_moments(e, g, o)
  e.top = math.max(e.top or 0, e.v)
  local over = math.sqrt((o.amsgrad and e.top or e.v) / (1 - o.betas[2] ^ n)) + o.eps
  e.p = e.p - o.lr * e.m / (1 - o.betas[1] ^ n) / over
end

function by_hand.Adam(e, g, o, n) adam(e, g + o.weight_decay * e.p, o, n) end

function by_hand.AdamW(e, g, o, n)
  e.p = e.p * (1 - o.lr * o.weight_decay)
  adam(e, g, o, n)
end

function by_hand.RMSprop(e, g, o)
  g = g + o.weight_decay * e.p
  e.v = o.alpha * (e.v or 0) + (1 - o.alpha) * g * g
  e.a = o.alpha * (e.a or 0) + (1 - o.alpha) * g
  e.b = o.momentum * (e.b or 0) + g / (math.sqrt(o.centered and e.v - e.a ^ 2 or e.v) + o.eps)
  e.p = e.p - o.lr * e.b
end

function by_hand.Adadelta(e, g, o)
  g = g + o.weight_decay * e.p
  e.v = o.rho * (e.v or 0) + (1 - o.rho) * g * g
  local d = math.sqrt((e.u or 0) + o.eps) / math.sqrt(e.v + o.eps) * g
  e.u = o.rho * (e.u or 0) + (1 - o.rho) * d * d
  e.p = e.p - o.lr * d
end

function by_hand.Adamax(e, g, o, n)
  e.m = o.betas[1] * (e.m or 0) + (1 - o.betas[1]) * g
  e.u = math.max(o.betas[2] * (e.u or 0), math.abs(g) + o.eps)
  e.p = e.p - o.lr / (1 - o.betas[1] ^ n) * e.m / e.u
end

function by_hand.NAdam(e, g, o, n)
  local function mu(k) return o.betas[1] * (1 - 0.5 * 0.96 ^ (k * o.momentum_decay)) end
  local product = 1
  for k = 1, n do product = product * mu(k) end
  adam_moments(e, g, o)
  local d = math.sqrt(e.v / (1 - o.betas[2] ^ n)) + o.eps
  e.p = e.p - o.lr * ((1 - mu(n)) / (1 - product) * g + mu(n + 1) / (1 - product * mu(n + 1)) * e.m) / d
end

function by_hand.RAdam(e, g, o, n)
  adam_moments(e, g, o)
  local power = o.betas[2] ^ n
  local most = 2 / (1 - o.betas[2]) - 1
  local rho, size = most - 2 * n * power / (1 - power), o.lr / (1 - o.betas[1] ^ n)
  if rho <= 5 then
    e.p = e.p - size * e.m
  else
    local r = math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    e.p = e.p - size * e.m * r * math.sqrt(1 - power) / (math.sqrt(e.v) + o.eps)
  end
end

function by_hand.ASGD(e, g, o, n)
  local eta = n == 1 and o.lr or o.lr / (1 + o.lambd * o.lr * (n - 1)) ^ o.alpha
  e.p = e.p * (1 - o.lambd * eta) - eta * g
end

function by_hand.Rprop(e, g, o)
  local turn = sign(g * (e.prev or 0))
  e.s = math.min(math.max((e.s or o.lr) * ({[0] = 1, [1] = o.etas[2], [-1] = o.etas[1]})[turn], o.step_sizes[1]),
                 o.step_sizes[2])
  if turn < 0 then g = 0 end
  e.p, e.prev = e.p - sign(g) * e.s, g
end

function by_hand.RowWiseAdagrad(e, g, o, _, mean_square)
  e.sum = (e.sum or o.initial_accumulator_value) + mean_square
  e.p = e.p - o.lr * g / (math.sqrt(e.sum) + o.eps)
end

local CASES = {
  SGD = {{lr = 0.1}, {lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.1}},
  Adagrad = {{}, {lr = 0.1, lr_decay = 0.1, initial_accumulator_value = 0.5}},
  SparseAdam = {{}, {lr = 0.1, betas = {0.5, 0.9}, eps = 0.01}},
  Adam = {{}, {lr = 0.1, weight_decay = 0.1, amsgrad = true}}, AdamW = {{}, {lr = 0.1, weight_decay = 0.5}},
  RMSprop = {{}, {lr = 0.1, momentum = 0.9, centered = true, eps = 0.01}}, Adadelta = {{}, {rho = 0.5}},
  Adamax = {{}, {lr = 0.1, betas = {0.5, 0.5}}}, NAdam = {{}, {lr = 0.1, momentum_decay = 0.1}},
  RAdam = {{}, {lr = 0.1, betas = {0.5, 0.7}}}, ASGD = {{}, {lr = 0.1, lambd = 0.1}},
  Rprop = {{}, {lr = 0.1, etas = {0.3, 1.5}}}, RowWiseAdagrad = {{}, {lr = 0.1, initial_accumulator_value = 0.1}},
}

local ROWS, WIDTH, STEPS = 5, 3, 5

-- The same gradient for rows 4, 1 and 2 by turns: as a table of sums, and as a sparse tensor with row 1 twice.
local function gradient(n)
  local rows, ids, values = {}, {}, {}
  for k, id in ipairs {4, 1, n % 2 == 0 and 1 or 2} do
    ids[k], values[k] = id, {}
    for d = 1, WIDTH do values[k][d] = math.sin(n * 7 + k * 3 + d) end
    rows[id] = rows[id] or {}
    for d = 1, WIDTH do rows[id][d] = (rows[id][d] or 0) + values[k][d] end
  end
  return rows, ids, values
end

local function dense_gradient(rows)
  local list = {}
  for r = 0, ROWS - 1 do list[r + 1] = rows[r] or {0.0, 0.0, 0.0} end
  return embla.tensor(list, "float64")
end

local function start()
  local elements, values = {}, {}
  for r = 0, ROWS - 1 do
    elements[r], values[r + 1] = {}, {}
    for d = 1, WIDTH do
      values[r + 1][d] = math.cos(r * 5 + d)
      elements[r][d] = {p = values[r + 1][d]}
    end
  end
  return embla.tensor(values, "float64"):requires_grad_(), elements
end

local function step_by_hand(name, elements, rows, o, n, touched_only)
  for r = 0, ROWS - 1 do
    local g = rows[r] or not touched_only and {0, 0, 0}
    if g then
      local mean_square = (g[1] ^ 2 + g[2] ^ 2 + g[3] ^ 2) / 3
      for d = 1, WIDTH do by_hand[name](elements[r][d], g[d], o, n, mean_square) end
    end
  end
end

local function compare(name, options, kind)
  local p, elements = start()
  local opt = optim[name]({p}, options)
  local group = opt.param_groups[1]
  if group.sparse_mode then group.sparse_mode = kind == "exact" and "exact" or "lazy" end
  for n = 1, STEPS do
    local rows, ids, values = gradient(n)
    p.grad = kind == "dense" and dense_gradient(rows) or embla.sparse_coo_tensor(
      embla.tensor({ids}, "int64"), embla.tensor(values, "float64"), {ROWS, WIDTH})
    opt:step()
    step_by_hand(name, elements, rows, group, n, kind == "lazy")
    local want = {}
    for r = 0, ROWS - 1 do
      want[r + 1] = {}
      for d = 1, WIDTH do want[r + 1][d] = elements[r][d].p end
    end
    t.close(p, want, 1e-7, 1e-9)         -- some rules keep a number in float32
  end
end

local function can(name, kind)
  return kind ~= "dense" or name ~= "SparseAdam"
end

for name, list in pairs(CASES) do
  for i, options in ipairs(list) do
    for _, kind in ipairs {"dense", "lazy", "exact"} do
      if can(name, kind) then
        t.test(("%s %d %s"):format(name, i, kind), function() compare(name, options, kind) end)
      end
    end
  end
end

t.test("every rule is here", function()
  for _, rule in ipairs(require("embla.core").rules()) do t.equal(CASES[rule.name] ~= nil, true) end
end)

t.finish()
