-- Every name of the contract (tests/contract.lua) exists, and help knows something about it.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local contract = require "contract"
local embla = require "embla"
local help = require "embla.help"

local later = {}
for _, name in ipairs(contract.later) do later[name] = true end

-- ---- objects that methods are looked for on --------------------------------------------------------------------

local x = embla.ones(2, {requires_grad = true})
local made = x * 2
local optimizer = embla.optim.SGD({x}, {lr = 0.1})
local HOMES = {
  embla = embla, nn = embla.nn, F = embla.F, optim = embla.optim, t = x, module = embla.nn.Linear(1, 1),
  optimizer = optimizer, scheduler = embla.optim.lr_scheduler.StepLR(optimizer, {step_size = 1}),
  scope = embla.scope(),
}

-- What a path leads to; nil if there is no such thing. Fields of a tensor are their own description.
local function find(path)
  local home, rest = path:match "^(%w+)[.:](.+)$"
  local value = assert(HOMES[home], path)
  for name in rest:gmatch "[%w_]+" do
    if value == nil then return nil end
    value = value[name]
  end
  return value
end

local OPERATORS = {
  ["+x"] = function(a) return a + 1 end, ["x+y"] = function(a) return a + a end, ["x-y"] = function(a) return 1 - a end,
  ["x*y"] = function(a) return 2 * a end, ["x/y"] = function(a) return a / 2 end,
  ["x^y"] = function(a) return a ^ 2 end,
  ["-x"] = function(a) return -a end, ["x//y"] = function(a) return a // 2 end, ["x%y"] = function(a) return a % 2 end,
  ["#x"] = function(a) return #a end, ["tostring(x)"] = tostring,
}

-- Fields that are nil at first.
local function field_exists(name)
  local core = require "embla.core"
  return core.getters[name] ~= nil
end

local function exists(path)
  if OPERATORS[path] then return pcall(OPERATORS[path], embla.ones(2)) end
  if path:match "^t%." then return field_exists(path:sub(3)) end
  return find(path) ~= nil
end

local function text_of(path)
  if path:match "^t[.:]" then
    return help.text(path) or type(made[path:sub(3)]) == "function" and help.text(made[path:sub(3)]) or nil
  end
  local value = find(path)
  if type(value) == "table" and path == "optimizer.param_groups" then return help.text(path) end
  return help.text(value)
end

-- ---- the tests -------------------------------------------------------------------------------------------------

for section, lists in pairs(contract) do
  if section ~= "later" then
    t.test(section .. ": every name exists, or is named as coming later", function()
      local wrong = {}
      for _, list in ipairs(lists) do
        for _, path in ipairs(list) do
          if not exists(path) and not later[path] then wrong[#wrong + 1] = path .. " is missing" end
          if exists(path) and later[path] then wrong[#wrong + 1] = path .. " is there: take it off `later`" end
        end
      end
      if #wrong > 0 then t.fail(table.concat(wrong, "\n")) end
    end)
    t.test(section .. ": help tells about every name", function()
      local silent = {}
      for _, list in ipairs(lists) do
        for _, path in ipairs(list) do
          if not OPERATORS[path] and exists(path) then
            local text = text_of(path)
            if not text or not text:find "\n" then silent[#silent + 1] = path end
          end
        end
      end
      if #silent > 0 then t.fail(table.concat(silent, " ")) end
    end)
  end
end

t.test("`later` names only what the contract has", function()
  local known = {}
  for section, lists in pairs(contract) do
    for _, list in ipairs(section == "later" and {} or lists) do
      for _, path in ipairs(list) do known[path] = true end
    end
  end
  for name in pairs(later) do
    if not known[name] then t.fail(name) end
  end
end)

HOMES.scope:close()
t.finish()
