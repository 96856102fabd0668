-- No option is ignored in silence: every public function, method and class is called with a table of options that holds
-- a name it cannot know, and must raise an error with that name. Without its first argument it may miss that first.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local embla = require "embla"
local nn = embla.nn

local NAME = "no_such_option"
local function unknown() return {[NAME] = 1} end

-- Their arguments are another's (f and what it is called with), any value, or a table that is what they work on.
local DATA = {
  ["embla.no_grad"] = true, ["embla.enable_grad"] = true, ["embla.help"] = true, ["embla.is_tensor"] = true,
  ["autograd.no_grad"] = true, ["autograd.enable_grad"] = true, ["autograd.detect_anomaly"] = true,
  ["utils.checkpoint"] = true, ["nn.Identity"] = true, ["nn.Sequential"] = true, ["nn.Module"] = true,
  ["nn.ModuleDict"] = true, ["nn.ModuleList"] = true, ["autograd.Function"] = true, ["data.Dataset"] = true,
  ["optim.Optimizer"] = true,
}

local function is_class(value) return type(value) == "table" and rawget(value, "__index") == value end

-- `alone`: its first argument is missing.
local function must_refuse(name, alone, f, ...)
  local ok, message = pcall(f, ...)
  if ok then t.fail(name .. " takes it") end
  if type(message) == "string" and not message:find("attempt to", 1, true)
     and (message:find(NAME, 1, true) or alone and (message:find "argument" or message:find "missing")) then
    return
  end
  t.fail(("%s says: %s"):format(name, tostring(message)))
end

local function walk(prefix, home, first)
  local names = {}
  for name, f in pairs(home) do
    if type(name) == "string" and name:sub(1, 1) ~= "_" and not DATA[prefix .. name]
       and (type(f) == "function" or is_class(f)) then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    t.test(("%s%s refuses an option that it does not know"):format(prefix, name), function()
      must_refuse(prefix .. name, true, home[name], unknown())
      if first then must_refuse(prefix .. name, false, home[name], first(name), unknown()) end
    end)
  end
end

local LISTS = {cat = true, concat = true, concatenate = true, stack = true}

local function x(name) return LISTS[name] and {embla.rand(2, 3)} or embla.rand(2, 3) end

walk("embla.", embla)
walk("F.", nn.functional, x)
walk("t:", core.methods, x)
walk("nn.", nn)
walk("nn.init.", nn.init, x)
walk("nn.utils.", nn.utils)
walk("nn.utils.rnn.", nn.utils.rnn)
walk("data.", embla.data)
walk("text.", embla.text)
walk("io.", embla.io)
walk("autograd.", embla.autograd)
walk("utils.", embla.utils)
walk("optim.", embla.optim)
walk("lr_scheduler.", embla.optim.lr_scheduler)
t.finish()
