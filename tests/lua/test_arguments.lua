-- No argument makes the library stumble: every function, class and method, called with odd values, works or refuses in
-- its own words, at the script's line. EMBLA_ROUNDS sets how often (default 30).
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

local ROUNDS = tonumber(os.getenv "EMBLA_ROUNDS" or 30)
local HERE = "^[^\n]*test_arguments%.lua:%d+: "

-- ---- odd values ------------------------------------------------------------------------------------------------

local VALUES = {
  function() return nil end, function() return true end, function() return false end, function() return 0 end,
  function() return 1 end, function() return -1 end, function() return 3 end, function() return 2.5 end,
  function() return 0 / 0 end, function() return math.huge end, function() return 2 ^ 53 end,
  function() return "x" end, function() return "" end, function() return {} end, function() return {1, 2} end,
  function() return {{1, 2}, {3}} end, function() return {a = 1} end, function() return {dim = 1} end,
  function() return {reduction = "sum"} end, function() return print end, function() return io.stdout end,
  function() return coroutine.create(print) end, function() return embla.zeros(0) end,
  function() return embla.rand(3) end, function() return embla.rand(2, 3) end,
  function() return embla.rand(2, 3, 4):requires_grad_() end, function() return embla.LongTensor {0, 1, 2} end,
  function() return embla.tensor(1.5) end, function() return embla.BoolTensor {true, false, true} end,
  function() return nn.Parameter(embla.rand(3, 3)) end, function() return nn.Linear(3, 3) end,
  function() return embla.zeros(2, 0, 3) end, function() return embla.rand(2, 3, {dtype = "float64"}) end,
  function() return embla.sparse_coo_tensor({0, 1}, {{1.0}, {2.0}}, {3, 1}) end,
}

local function odd_arguments()
  local list = {n = math.random(0, 4)}
  for i = 1, list.n do list[i] = VALUES[math.random(#VALUES)]() end
  return list
end

-- ---- what is called --------------------------------------------------------------------------------------------

-- These print, change the machine's use, or hand their argument to print.
local LEFT_OUT = {help = true, set_num_threads = true, no_grad = true, enable_grad = true, progress = true,
                  requires_grad_ = true}

local function is_class(value) return type(value) == "table" and rawget(value, "__index") == value end

-- Functions and classes of a table, as {name, function} in order.
local function callables(prefix, home)
  local list = {}
  for name, value in pairs(home) do
    if type(name) == "string" and not name:match "^_" and not LEFT_OUT[name] and
       (type(value) == "function" or is_class(value)) then
      list[#list + 1] = {prefix .. name, value}
    end
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

-- Calls f with odd arguments; an error must be the library's own.
local function try(name, f, ...)
  local given = odd_arguments()
  local first = table.pack(...)
  local all = table.move(given, 1, given.n, first.n + 1, first)
  local ok, result = pcall(function()
    local value = f(table.unpack(all, 1, first.n + given.n))
    return value
  end)
  if ok then return result end
  if type(result) ~= "string" or result:find("attempt to ", 1, true) or result:find("bad argument", 1, true)
     or not result:find(HERE) then
    t.fail(("%s given %s: %s"):format(name, t.show(given), tostring(result)))
  end
end

-- Runs every callable of a home, a test each; `more` sees what it returned.
local function try_all(prefix, home, more)
  for _, entry in ipairs(callables(prefix, home)) do
    local name, f = entry[1], entry[2]
    t.test(name .. " works or refuses", function()
      for _ = 1, ROUNDS do
        local made = try(name, f)
        if made ~= nil and more and is_class(f) then more(name, made) end
      end
    end)
  end
end

-- A layer that could be made is called, shown, listed, loaded.
local function try_module(name, module)
  try(name .. "()", module.__call and module or module.forward)
  try(name .. ":load_state_dict", module.load_state_dict, module)
  try(name .. ":to", module.to, module)
  t.equal(type(tostring(module)), "string")
  t.equal(type(module:parameters()), "table")
end

math.randomseed(1)
embla.manual_seed(1)
try_all("embla.", embla)
try_all("F.", nn.functional)
try_all("nn.init.", nn.init)
try_all("nn.utils.", nn.utils)
try_all("nn.", nn, try_module)
try_all("data.", embla.data)
t.finish()
