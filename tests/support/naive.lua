-- Layers worked out by plain loops over tables of numbers: a second truth beside the kernels.

local naive = {}

local function sigmoid(x) return 1 / (1 + math.exp(-x)) end
local function tanh(x) return 2 * sigmoid(2 * x) - 1 end
local function relu(x) return math.max(x, 0) end

--- W x + b, b may be nil.
function naive.affine(W, x, b)
  local y = {}
  for k, row in ipairs(W) do
    y[k] = b and b[k] or 0
    for i, w in ipairs(row) do y[k] = y[k] + w * x[i] end
  end
  return y
end

-- Each step takes the input's and the state's part of all gates, h and c before; returns h and c after.
naive.step = {}

local function elman(f)
  return function(x, rec)
    local h = {}
    for k = 1, #x do h[k] = f(x[k] + rec[k]) end
    return h
  end
end
naive.step.RNN, naive.step.RNN_relu = elman(tanh), elman(relu)

function naive.step.LSTM(x, rec, before, c_before)
  local H, h, c = #before, {}, {}
  for k = 1, H do
    local function gate(g) return x[g * H + k] + rec[g * H + k] end
    c[k] = sigmoid(gate(1)) * c_before[k] + sigmoid(gate(0)) * tanh(gate(2))
    h[k] = sigmoid(gate(3)) * tanh(c[k])
  end
  return h, c
end

function naive.step.GRU(x, rec, before)
  local H, h = #before, {}
  for k = 1, H do
    local r, z = sigmoid(x[k] + rec[k]), sigmoid(x[H + k] + rec[H + k])
    h[k] = (1 - z) * tanh(x[2 * H + k] + r * rec[2 * H + k]) + z * before[k]
  end
  return h
end

--- One direction of one layer over the steps of one sample.
-- @param step one of naive.step
-- @param w    {ih, hh, bias_ih or nil, bias_hh or nil}, nested tables
-- @param xs   list of inputs
-- @param h,c  lists, the first state
-- @return list of states in the order of xs, last h, last c
function naive.direction(step, w, xs, h, c, reverse)
  local ys = {}
  for s = 1, #xs do
    local t = reverse and #xs + 1 - s or s
    h, c = step(naive.affine(w[1], xs[t], w[3]), naive.affine(w[2], h, w[4]), h, c)
    ys[t] = h
  end
  return ys, h, c
end

--- softmax(scale q k^T + bias) v for one head; allowed(i, j) tells whether query i sees key j.
-- @return list of results, list of rows of weights
function naive.attention(q, k, v, scale, allowed)
  local ys, weights = {}, {}
  for i, query in ipairs(q) do
    local p, sum = {}, 0
    for j, key in ipairs(k) do
      local score = 0
      for e, x in ipairs(query) do score = score + scale * x * key[e] end
      p[j] = allowed(i, j) and math.exp(score) or 0
      sum = sum + p[j]
    end
    ys[i], weights[i] = {}, p
    for j = 1, #k do p[j] = p[j] / sum end
    for e = 1, #v[1] do
      ys[i][e] = 0
      for j = 1, #k do ys[i][e] = ys[i][e] + p[j] * v[j][e] end
    end
  end
  return ys, weights
end

--- Convolution of one sample: x (C, T), weight (O, C / groups, K), bias (O) or nil; `at(row, t)` reads the padded input
-- at any t.
function naive.conv1d(x, weight, bias, o, at)
  local C, T, O, K = #x, #x[1], #weight, #weight[1][1]
  local c, per_group, y = C // o.groups, O // o.groups, {}
  local length = (T + o.before + o.behind - o.dilation * (K - 1) - 1) // o.stride + 1
  for out = 1, O do
    y[out] = {}
    for t = 1, length do
      local sum = bias and bias[out] or 0
      for i = 1, c do
        local row = x[(out - 1) // per_group * c + i]
        for k = 1, K do
          sum = sum + weight[out][i][k] * at(row, (t - 1) * o.stride - o.before + (k - 1) * o.dilation)
        end
      end
      y[out][t] = sum
    end
  end
  return y
end

return naive
