-- embla.optim: its classes, each of which goes downhill.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local core = require "embla.core"
local optim = embla.optim

t.test("every update rule of the core has its class", function()
  for _, rule in ipairs(core.rules()) do
    local class = optim[rule.name]
    t.equal({class.__name, rawequal(class.super, optim.Optimizer)}, {rule.name, true})
  end
end)

t.test("every class that takes steps finds the least of a parabola", function()
  local tried = 0
  for name, class in pairs(optim) do
    if name ~= "Optimizer" and name ~= "EMA" and name ~= "lr_scheduler" then
      tried = tried + 1
      local table_of = embla.nn.Embedding(1, 2, {_weight = embla.tensor {{1.0, -1.0}}, sparse = name == "SparseAdam"})
      local opt = class(table_of:parameters(), {lr = name == "Adadelta" and 5 or 0.05})
      local function loss()
        opt:zero_grad()
        local value = table_of({0}):square():sum()
        value:backward()
        return value
      end
      local first = loss():item()
      for _ = 1, 60 do opt:step(loss) end
      t.equal(first, 2)
      t.equal({name, loss():item() < 0.5}, {name, true})
    end
  end
  t.equal(tried, #core.rules() + 1)                     -- and L-BFGS
end)

t.test("another name is refused with the nearest", function()
  t.raises(function() return optim.Adan end, "embla.optim has no 'Adan', did you mean 'Adam'?")
end)

t.finish()
