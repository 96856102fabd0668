-- Runs every case of one golden file: embla tests/lua/test_golden.lua NAME. The folder of the files comes from
-- EMBLA_GOLDEN, by default tests/golden.
local root = arg[0]:match("^(.-)tests/lua/") or ""
package.path = root .. "tests/?.lua;" .. package.path
local t = require "support.check"
local golden = require "support.golden"
local later = require "golden_later"

-- ---- kinds of files --------------------------------------------------------------------------------------------

-- Each kind of file lives in tests/support/golden_<family>.lua, which says how a case is run:
--   routes    ways through the library, each of which must give the golden values
--   subjects  function of a case: the names it is about, as {category, name}, which golden_later.lua may hold
--   exists    for each category, a function that tells whether a name is there
local FAMILY = {
  embedding_forward = "embedding", embedding_backward = "embedding", embedding_bag = "embedding",
  optim_sparse = "optim", optim_dense = "optim", clip_grad = "optim", schedulers = "optim",
  losses = "losses", ops = "ops", modules = "modules", printing = "printing", training = "training",
}

-- embedding_forward, embedding_forward_more, ... : the longest kind the name begins with.
local function kind_of(name)
  local best
  for kind in pairs(FAMILY) do
    if name:sub(1, #kind) == kind and #kind > #(best or "") then best = kind end
  end
  if not best then error("no kind of golden file is called '" .. name .. "'", 0) end
  return require("support.golden_" .. FAMILY[best])[best]
end

-- ---- later -----------------------------------------------------------------------------------------------------

-- "ops celu" if a case is about something that is to come later.
local function later_subject(kind, case)
  for _, subject in ipairs(kind.subjects and kind.subjects(case) or {}) do
    local category, name = subject[1], subject[2]
    for _, listed in ipairs(later[category]) do
      if listed == name then return category .. " " .. name end
    end
  end
end

-- The listed names that are there after all.
local function stale_names(kind)
  local stale = {}
  for category, exists in pairs(kind.exists or {}) do
    for _, name in ipairs(later[category]) do
      if exists(name) then stale[#stale + 1] = category .. " " .. name end
    end
  end
  return stale
end

-- ---- cases -----------------------------------------------------------------------------------------------------

local function run(kind, case)
  for _, route in ipairs(kind.routes) do route(case) end
end

-- A refusal is the library's own sentence, not a stumble of the interpreter on the way.
local function refuse(kind, case)
  for _, route in ipairs(kind.routes) do
    local text = t.raises(function() route(case) end)
    if text:find("attempt to ", 1, true) or text:find("bad argument #", 1, true) then
      t.fail("not a refusal but a fault: " .. text)
    end
  end
end

local function run_case(kind, raw)
  t.test(raw.name, function()
    local case = golden.watch(raw)
    golden.note(case, "name", "source", "optional")
    if case.error then refuse(kind, case) else run(kind, case) end
    golden.all_read(case)
  end)
end

-- PyTorch refuses these only for want of an implementation. Where the call works there is nothing to compare with.
local function is_accepted(kind, case)
  local ok, err = pcall(run, kind, case)
  return ok or type(err) ~= "string"        -- a failed check, not a refusal: the case has no result to check
end

-- Returns how many cases were run.
local function run_file(kind, path)
  local ran = 0
  for _, raw in ipairs(golden.load(path)) do
    local subject = later_subject(kind, raw)
    if subject then
      t.skip(raw.name, "later: " .. subject)
    elseif raw.optional and is_accepted(kind, golden.watch(raw)) then
      t.skip(raw.name, "optional, and supported: PyTorch refuses it (" .. raw.error.message .. ")")
    else
      ran = ran + 1
      run_case(kind, raw)
    end
  end
  return ran
end

-- A complaint that is not about one case.
local function complain(name, message)
  t.test(name, function() t.fail(message) end)
end

if #arg ~= 1 then error("usage: test_golden.lua NAME", 0) end
local name = arg[1]:match("([^/]+)%.lua$") or arg[1]
local kind = kind_of(name)
local stale = stale_names(kind)
if #stale > 0 then complain("golden_later.lua", "take off the list, they exist: " .. table.concat(stale, ", ")) end
local folder = os.getenv("EMBLA_GOLDEN") or root .. "tests/golden"
if run_file(kind, folder .. "/" .. name .. ".lua") == 0 then complain(name, "no case of this file was run") end
t.finish()
