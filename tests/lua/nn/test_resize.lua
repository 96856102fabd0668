-- resize: the table grows and shrinks in mid-training; rows that stay go on as if nothing had happened.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local core = require "embla.core"
local nn, optim = embla.nn, embla.optim

local WIDTH = 3

-- Rows 0 .. 4 alone are looked up, so what the table holds beyond them makes no difference.
local function train(emb, opt, from, to)
  for n = from, to do
    opt:zero_grad()
    emb(embla.tensor {n % 5, 1, n * n % 5}):pow(2):sum():backward()
    opt:step()
  end
end

local function new_table(rows, options)
  embla.manual_seed(4)
  local big = embla.randn(20, WIDTH)
  local emb = nn.Embedding(rows, WIDTH, options)
  emb.weight:detach():copy_(big:narrow(0, 0, rows))
  return emb
end

for _, rule in ipairs(core.rules()) do
  for _, mode in ipairs {"lazy", "exact"} do
    t.test(("%s, %s: optimizers go on"):format(rule.name, mode), function()
      local options = {lr = 0.05, sparse_mode = mode, weight_decay = rule.doc:find "weight_decay" and 0.1 or nil}
      local still, moving = new_table(8, {sparse = true}), new_table(8, {sparse = true})
      local a, b = optim[rule.name]({still.weight}, options), optim[rule.name]({moving.weight}, options)
      local weight = moving.weight
      train(still, a, 1, 12)
      train(moving, b, 1, 4)
      moving:resize(12)
      train(moving, b, 5, 8)
      moving:resize(6)
      train(moving, b, 9, 12)
      t.equal({moving.weight == weight, weight.shape, moving.num_embeddings}, {true, {6, WIDTH}, 6})
      t.same_bits(weight:detach(), still.weight:detach():narrow(0, 0, 6):clone())
      local got, want = b:state_dict().state[1], a:state_dict().state[1]
      for key, value in pairs(want) do
        if t.is_tensor(value) and value:dim() > 0 then value = value:narrow(0, 0, 6):clone() end
        if t.is_tensor(value) then t.same_bits(got[key], value) else t.equal(got[key], value) end
      end
    end)
  end
end

t.test("new rows are drawn as by the constructor, and begin with fresh state", function()
  local emb = nn.Embedding(3, WIDTH, {sparse = true, init = function(w) nn.init.constant_(w, 7) end})
  local opt = optim.Adagrad({emb.weight}, {lr = 0.1, initial_accumulator_value = 0.5})
  emb(embla.tensor {0, 1, 2}):sum():backward()
  opt:step()
  emb:resize(5)
  t.equal(emb.weight:detach():narrow(0, 3, 2), {{7.0, 7.0, 7.0}, {7.0, 7.0, 7.0}})
  t.equal(opt:state_dict().state[1].sum, {{1.5, 1.5, 1.5}, {1.5, 1.5, 1.5}, {1.5, 1.5, 1.5}, {0.5, 0.5, 0.5},
                                          {0.5, 0.5, 0.5}})
  local drawn = nn.EmbeddingBag(1, 1000, {std = 0.1}):resize(3).weight:detach()
  t.close(drawn:std():item(), 0.1, 0.1)
  t.equal(drawn.shape, {3, 1000})
end)

t.test("rows that went and came back between two steps begin with fresh state", function()
  local emb = new_table(3)
  local opt = optim.Adagrad({emb.weight}, {lr = 0.1})
  emb(embla.tensor {0, 1, 2}):sum():backward()
  opt:step()
  emb:resize(1):resize(4):resize(2)
  t.equal(opt:state_dict().state[1].sum, {{1.0, 1.0, 1.0}, {0.0, 0.0, 0.0}})
  emb:resize(3)
  emb.weight.grad = embla.ones(3, WIDTH)
  opt:step()
  t.equal(opt:state_dict().state[1].sum, {{2.0, 2.0, 2.0}, {1.0, 1.0, 1.0}, {1.0, 1.0, 1.0}})
end)

t.test("an optimizer whose script has put the table into its group follows too", function()
  local emb = new_table(2)
  local opt = optim.SGD({embla.ones(1):requires_grad_()}, {lr = 1, momentum = 0.5})
  table.insert(opt.param_groups[1].params, emb.weight)
  emb.weight.grad = embla.ones(2, WIDTH)
  opt:step()
  emb:resize(1)
  t.equal(opt:state_dict().state[2].momentum_buffer, {{1.0, 1.0, 1.0}})
end)

t.test("gradients keep their rows", function()
  for _, sparse in ipairs {true, false} do
    local emb = new_table(4, {sparse = sparse})
    emb(embla.tensor {3, 1, 3}):sum():backward()
    emb:resize(6)
    local grad = emb.weight.grad
    t.equal(grad.is_sparse, sparse)
    t.equal((sparse and grad:to_dense() or grad):sum(1), {0.0, 3.0, 0.0, 6.0, 0.0, 0.0})
    emb(embla.tensor {5}):sum():backward()
    emb:resize(3)
    grad = emb.weight.grad
    t.equal((sparse and grad:to_dense() or grad):sum(1), {0.0, 3.0, 0.0})
    optim.SGD({emb.weight}, {lr = 1}):step()
  end
end)

t.test("frozen rows stay frozen, several optimizers are told, LBFGS starts anew", function()
  local emb = new_table(6)
  emb:freeze_rows {1, 5}
  local first, second = optim.SGD({emb.weight}, {lr = 0.1, momentum = 0.9}), optim.LBFGS({emb.weight}, {max_iter = 2})
  local before = emb.weight:detach():clone()
  train(emb, first, 1, 2)
  local function closure()
    second:zero_grad()
    local loss = emb(embla.tensor {0, 1, 2}):pow(2):sum()
    loss:backward()
    return loss
  end
  second:step(closure)
  emb:resize(9)
  t.equal(emb:frozen_rows(), {1, 5})
  second:step(closure)
  train(emb, first, 3, 4)
  t.same_bits(emb.weight:detach()[5], before[5])
  t.equal(emb:resize(3):frozen_rows(), {1})
  train(emb, optim.Adam({nn.Embedding(5, WIDTH).weight}), 1, 0)
  t.same_bits(emb.weight:detach()[1], before[1])
  t.equal(first:state_dict().state[1].momentum_buffer.shape, {3, WIDTH})
end)

t.test("graphs and views from before keep the old table", function()
  local emb = new_table(4)
  local row, sum = emb.weight:detach()[3], emb(embla.tensor {3}):sum()
  local value = row:clone()
  emb:resize(2)
  t.same_bits(row, value)
  sum:backward()
  t.raises(function() optim.SGD({emb.weight}, {lr = 1}):step() end, "(2, 3), its gradient (4, 3)")
  emb:freeze_rows {0}
  sum = emb(embla.tensor {1}):sum()
  emb:resize(5)
  t.raises(function() sum:backward() end, "it was resized since")
  local plain = embla.zeros(3, 2)
  local view = plain[1]
  core.replace_rows(plain, embla.zeros(1, 2))
  t.raises(function() view:mul_(embla.ones(2):requires_grad_()) end, "a table that was resized since")
end)

t.test("empty and back", function()
  local emb = new_table(2, {sparse = true})
  local opt = optim.SGD({emb.weight}, {lr = 1, momentum = 0.5})
  train(emb:resize(5), opt, 1, 2)
  emb:resize(0)
  t.equal(emb.weight.shape, {0, WIDTH})
  emb:resize(5)
  train(emb, opt, 3, 4)
end)

t.test("lookups tied to the table follow, clones of them too", function()
  local net = nn.Module()
  net.one, net.bag, net.other = nn.Embedding(4, 2), nn.EmbeddingBag(4, 2), nn.Embedding(4, 2, {padding_idx = 2})
  net.bag.weight, net.other.weight = net.one.weight, net.one.weight
  local apart = nn.Embedding(4, 2)
  for _, one in ipairs {net, net:clone()} do
    one.other:resize(6)
    t.equal({one.one.num_embeddings, one.bag.num_embeddings, one.other.num_embeddings, apart.num_embeddings},
            {6, 6, 6, 4})
    t.equal(tostring(one.one), "Embedding(6, 2)")
    t.equal(one.one:freeze_rows({5}):frozen_rows(), {5})
    t.raises(function() one.one:resize(2) end, "resize: padding_idx 2 would be out of range for num_embeddings = 2")
    t.equal({one.one.num_embeddings, one.one.weight.shape}, {6, {6, 2}})
  end
  local word_table = nn.Embedding.from_pretrained(apart.weight, {freeze = false})
  apart:resize(3)
  t.equal(word_table.num_embeddings, 3)
end)

t.test("what does not fit is refused, and nothing changes", function()
  local emb = nn.Embedding(4, 2, {padding_idx = 3})
  t.raises(function() emb:resize(3) end, "resize: padding_idx 3 would be out of range for num_embeddings = 3")
  t.raises(function() emb:resize(-1) end, "Embedding: argument num_embeddings: expected integer >= 0, got -1")
  t.raises(function() emb:resize() end, "expected integer >= 0, got nil")
  t.equal({emb.num_embeddings, emb.weight.shape}, {4, {4, 2}})
  local whole = nn.Embedding.from_pretrained(embla.LongTensor {{1, 2}})
  t.raises(function() whole:resize(2) end, "resize: weight: expected a table of float dtype, got int64")
  t.raises(function() core.replace_rows(emb.weight, embla.zeros(4, 3)) end, "cannot become float32")
  t.raises(function() core.replace_rows(emb.weight * 1, embla.zeros(4, 2)) end, "only a dense leaf")
end)

t.finish()
