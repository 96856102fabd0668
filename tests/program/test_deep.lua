-- Structures that scripts can make long or deep: made, used, shown, saved and freed on a stack of 256 KB.
package.path = (arg[0]:match("^(.-)tests/program/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local EMBLA = process.quote(assert(arg[1], "usage: test_deep.lua PROGRAM"))

local START = [[
local embla = require "embla"
local F, nn = embla.F, embla.nn
local function leaf(v) return embla.tensor(v or {1.0}, {requires_grad = true}) end
local function free() for _ = 1, 3 do collectgarbage() end end
]]

local function runs(name, code)
  t.test(name, function()
    local out, err, status = process.run(("ulimit -s 256; %s -e %s"):format(EMBLA, process.quote(START .. code)))
    t.equal({out, err, status}, {"ok\n", "", 0})
  end)
end

runs("gradients of gradients", [[
  local a = leaf()
  local first = a
  for _ = 1, 200000 do local b = leaf() a.grad = b a = b end
  a, first = nil, nil
  free()
  -- and each of them the result of something
  local y = leaf() * 2
  for _ = 1, 50000 do local z = leaf() * 2 z.grad = y y = z end
  y = nil
  free()
  print "ok"]])

runs("a graph", [[
  local x = leaf()
  local y = x
  for _ = 1, 100000 do y = y + 1 end
  y:sum():backward()
  assert(x.grad:item() == 1)
  y = nil
  free()
  print "ok"]])

runs("views of views, changed in place", [[
  local x = leaf {1.0, 2.0}
  local y = x * 1
  local v = y
  for i = 1, 50000 do v = v:view(2) if i % 100 == 0 then v:add_(1) end end
  v:sum():backward()
  assert(x.grad:sum():item() == 2 and y[0] == 501)
  local base = v
  y, v, base = nil, nil, nil
  free()
  print "ok"]])

runs("hooks along a graph, functions, and their cycles", [[
  local Twice = embla.autograd.Function:extend "Twice"
  function Twice.forward(ctx, x) ctx.x = x return x * 1 end
  function Twice.backward(ctx, dy) return dy end
  local x = leaf()
  local y, calls = x, 0
  for i = 1, 20000 do
    y = i % 2 == 0 and Twice.apply(y) or y + 0
    local own = y
    y:register_hook(function() calls = calls + 1 return nil, own end)
  end
  y:sum():backward()
  assert(calls == 20000 and x.grad:item() == 1)
  y = nil
  free()
  local f = function(g) return g end
  for _ = 1, 100000 do local inner = f f = function(g) return inner ~= nil and g end end
  local z = x * 1
  z:register_hook(f)
  z:sum():backward()
  f, z = nil, nil
  free()
  print "ok"]])

runs("row-sparse gradients of many parts", [[
  local w = embla.ones(4, 2, {requires_grad = true})
  for _ = 1, 1000 do F.embedding(embla.tensor {1}, w, {sparse = true}):sum():backward() end
  assert(w.grad:to_dense():sum():item() == 2000)
  local g = w.grad
  for _ = 1, 20 do g = g + w.grad * 0 end
  assert(#tostring(w.grad) > 0)
  w.grad, g = nil, nil
  free()
  print "ok"]])

runs("cat of a long list", [[
  local list = {}
  for i = 1, 100000 do list[i] = leaf() end
  local y = F.cat(list, 0)
  y:sum():backward()
  assert(list[1].grad:item() == 1 and list[100000].grad:item() == 1)
  list, y = nil, nil
  free()
  print "ok"]])

runs("modules in modules", [[
  local net = nn.Sequential(nn.Linear(2, 2))
  for _ = 1, 1000 do net = nn.Sequential(net) end
  local y = net(embla.ones(1, 2))
  y:sum():backward()
  assert(#net:parameters() == 2 and #net:modules() == 1002)
  local text = tostring(net)
  assert(text:find("Linear(", 1, true))
  local state = net:state_dict()
  net:load_state_dict(state)
  net:apply(function() end)
  net:train():eval():to "float64"
  local copy = net:clone()
  assert(#copy:parameters() == 2)
  net:zero_grad()
  local ok, message = pcall(net, embla.ones(1, 3):double())
  assert(not ok and message:find("(in Sequential.0.0.0.", 1, true), message)
  net, copy, state = nil, nil, nil
  free()
  print "ok"]])

runs("checkpoints in checkpoints", [[
  local x = leaf()
  local function nest(depth, v)
    if depth == 0 then return v * 2 end
    return embla.utils.checkpoint(function(u) return nest(depth - 1, u) + 0 end, v)
  end
  local y = nest(12, x)
  y:backward()
  assert(x.grad:item() == 2)
  -- deeper than Lua calls C: an error, not a crash
  local ok, message = pcall(nest, 400, x)
  assert(not ok and message:find "overflow", message)
  assert(embla.is_grad_enabled())
  local z = (x * 3):sum()
  x.grad = nil
  z:backward()
  assert(x.grad:item() == 3)
  print "ok"]])

runs("checkpoints along a chain", [[
  local x = leaf()
  local y = x
  for _ = 1, 2000 do y = embla.utils.checkpoint(function(u) return u * 1 end, y) end
  y:backward()
  assert(x.grad:item() == 1)
  y = nil
  free()
  print "ok"]])

runs("tables in tables, as data", [[
  local deep = {1}
  for _ = 1, 100000 do deep = {deep} end
  local ok, message = pcall(embla.tensor, deep)
  assert(not ok and message:find "nested more than 8 deep", message)
  local round = {}
  round[1] = round
  assert(not pcall(embla.tensor, round))
  for _, f in ipairs {
    function() embla.nn.Linear(deep, 2) end, function() F.cat(deep, 0) end, function() F.relu(deep) end,
    function() embla.optim.SGD(deep, {lr = 1}) end, function() embla.nn.Sequential(deep) end,
    function() nn.Linear(2, 2):load_state_dict(deep) end, function() embla.zeros(2)[deep] = 1 end,
    function() embla.text.Vocab(round) end, function() embla.nn.utils.clip_grad_norm_(deep, 1) end,
  } do
    local done, err = pcall(f)
    assert(not done and type(err) == "string")
  end
  print "ok"]])

t.finish()
