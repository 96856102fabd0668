-- freeze_rows: chosen rows hold still under every optimizer, the others do as without; what backward, clipping and
-- max_norm make of them.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local core = require "embla.core"
local nn, optim = embla.nn, embla.optim

local ROWS, WIDTH = 8, 3
local FROZEN = {[0] = true, [5] = true}

local function new_table(options)
  embla.manual_seed(2)
  return nn.Embedding(ROWS, WIDTH, options)
end

-- Every row but 3 is looked up, the frozen ones too; row 0 is also reached by another use of the weight.
local function train(emb, opt, steps, options)
  for n = 1, steps do
    local loss = emb(embla.tensor {0, 1, 2, 5, 4, 5, n % 2 + 6}):pow(2):sum()
    if options.tied then loss = loss + emb.weight:pow(2):sum() end
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
end

local function options_of(rule)
  local has = {}
  for _, opt in ipairs(rule.opts) do has[opt.name] = true end
  return {weight_decay = has.weight_decay and 0.1 or nil, momentum = has.momentum and 0.9 or nil, lr = 0.05}
end

for _, rule in ipairs(core.rules()) do
  for _, kind in ipairs {"dense", "lazy", "exact", "tied"} do
    local sparse = kind ~= "dense" and kind ~= "tied"
    if sparse or rule.name ~= "SparseAdam" then
      t.test(("%s, %s: frozen rows hold still, others do not notice"):format(rule.name, kind), function()
        local ends = {}
        for k = 1, 2 do
          local emb = new_table {sparse = sparse}
          local start = emb.weight:detach():clone()
          if k == 1 then emb:freeze_rows {0, 5} end
          local options = options_of(rule)
          options.sparse_mode = kind == "exact" and "exact" or "lazy"
          local opt = optim[rule.name]({emb.weight}, options)
          train(emb, opt, 6, {tied = kind == "tied"})
          ends[k] = {now = emb.weight:detach(), start = start, state = opt:state_dict().state[1]}
        end
        for r = 0, ROWS - 1 do
          t.same_bits(ends[1].now[r], FROZEN[r] and ends[1].start[r] or ends[2].now[r])
          for key, value in pairs(ends[2].state) do
            if t.is_tensor(value) and value:dim() == 2 and not FROZEN[r] then
              t.same_bits(ends[1].state[key][r], value[r])
            end
          end
        end
      end)
    end
  end
end

t.test("LBFGS and a net with other parameters", function()
  local emb, out = new_table(), nn.Linear(WIDTH, 1)
  emb:freeze_rows {1}
  local before, params = emb.weight:detach():clone(), emb:parameters()
  table.move(out:parameters(), 1, 2, 2, params)
  local opt = optim.LBFGS(params, {max_iter = 5, line_search_fn = "strong_wolfe"})
  opt:step(function()
    opt:zero_grad()
    local loss = (out(emb(embla.tensor {0, 1, 2})) - 1):pow(2):sum()
    loss:backward()
    return loss
  end)
  t.same_bits(emb.weight:detach()[1], before[1])
  t.equal((emb.weight:detach()[2] - before[2]):abs():max():item() > 0, true)
end)

t.test("they get no gradient, so clipping does not count them", function()
  for _, sparse in ipairs {true, false} do
    local emb = new_table {sparse = sparse}
    emb:freeze_rows {5}
    emb(embla.tensor {5, 1, 5}):sum():backward()
    local grad = sparse and emb.weight.grad:to_dense() or emb.weight.grad
    t.equal(grad:sum(1), {0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0})
    if sparse then t.equal(emb.weight.grad:indices(), {{1}}) end
    t.close(nn.utils.clip_grad_norm_({emb.weight}, 100), math.sqrt(3))
    local given = embla.grad(emb(embla.tensor {5}):sum(), emb.weight)
    t.equal((t.is_tensor(given) and given or given[1]).is_sparse, sparse)
  end
end)

t.test("max_norm leaves them", function()
  local emb = new_table {max_norm = 0.1}
  emb:freeze_rows {5}
  local before = emb.weight:detach():clone()
  t.same_bits(emb(embla.tensor {5, 1})[0], before[5])
  t.close(emb.weight:detach()[1]:norm():item(), 0.1, 1e-5)
end)

t.test("freezing and unfreezing in mid-training", function()
  local emb = new_table {sparse = true}
  local opt = optim.SGD({emb.weight}, {lr = 0.5, weight_decay = 0.5})         -- exact: deferred rows are frozen
  train(emb, opt, 2, {})
  local want = emb.weight:detach():clone()
  emb:freeze_rows {3}
  train(emb, opt, 3, {})
  t.same_bits(emb.weight:detach()[3], want[3])
  emb:unfreeze_rows()
  train(emb, opt, 2, {})
  t.close(emb.weight:detach()[3], (want[3] * 0.75 ^ 2):tolist(), 1e-6)
end)

t.test("the padding row can be kept", function()
  local emb = new_table {padding_idx = -1, freeze_padding = true}
  emb.weight:detach()[ROWS - 1] = embla.tensor {1.0, 2.0, 3.0}
  local opt = optim.AdamW({emb.weight}, {lr = 0.1, weight_decay = 0.5})
  train(emb, opt, 3, {tied = true})
  t.equal(emb.weight:detach()[ROWS - 1], {1.0, 2.0, 3.0})
  t.equal(emb:frozen_rows(), {ROWS - 1})
  local bag = nn.EmbeddingBag(4, 2, {padding_idx = 0, freeze_padding = true})
  t.equal(bag:frozen_rows(), {0})
  local given = nn.Embedding.from_pretrained(embla.ones(3, 2), {freeze = false, padding_idx = 2, freeze_padding = true})
  t.equal(given:frozen_rows(), {2})
end)

t.test("they add up, come off, and go along with copies and conversions", function()
  local emb = new_table()
  t.equal(emb:frozen_rows():tolist(), {})
  t.equal(emb:freeze_rows({1}):freeze_rows(embla.tensor {6, 1}):frozen_rows(), {1, 6})
  t.equal(emb:clone():frozen_rows(), {1, 6})
  t.equal(emb:unfreeze_rows({1}):frozen_rows(), {6})
  t.equal(emb:double():frozen_rows(), {6})
  t.equal(emb:freeze_rows({}):frozen_rows(), {6})
  t.equal(emb:unfreeze_rows():frozen_rows():tolist(), {})
end)

t.test("what does not fit is refused", function()
  local emb = new_table()
  t.raises(function() emb:freeze_rows {8} end, "Embedding: freeze_rows: id 8 at position 0 is out of range for num_emb")
  t.raises(function() emb:freeze_rows {0, -1} end, "id -1 at position 1")
  t.raises(function() emb:freeze_rows {0.5} end, "expected ids of rows", "float32")
  t.raises(function() emb:freeze_rows(3) end, "expected ids of rows", "got 3")
  t.raises(function() emb:unfreeze_rows("all") end, "Embedding: unfreeze_rows: argument ids: expected ids of rows")
  t.raises(function() nn.Embedding(3, 2, {freeze_padding = true}) end, "freeze_padding: there is no padding_idx")
  t.equal(emb:frozen_rows():tolist(), {})
  t.raises(function() core.set_frozen_rows(emb.weight, embla.zeros(8)) end, "the mask must be bool")
  t.raises(function() core.set_frozen_rows(emb.weight, embla.zeros(3, {dtype = "bool"})) end, "must have shape (8)")
  t.raises(function() core.set_frozen_rows(emb.weight * 2, nil) end, "only a leaf has them")
end)

t.finish()
