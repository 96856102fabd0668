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

-- What a refusal speaks of, by a phrase of PyTorch's. Texts are the library's own, but the fault they tell must be the
-- one that PyTorch found.
local SPEAKS_OF = {
  {"Index 1 is out of bounds", "at position [1] is out of range"}, {"but found idx to be 6", "index 6 at position"},
  {"out of range in self", "is out of range for"}, {"select(): index", "is out of range for"},
  {"indexing axis dim should be positive", "index 0 at position [0] is out of range"},
  {"for dimension 1 with size 3", "is out of range for the size of dim 1"},
  {"Target", "target"}, {"out of bounds.", "is out of range for"}, {"target batch_size", "does not fit input of shape"},
  {"padding_idx must be within", "padding_idx"}, {"Padding_idx must be within", "padding_idx"},
  {"offsets[0] has to be 0", "offsets[0] must be 0"}, {"can not be greater than input's length", "lies beyond the"},
  {"1D Tensor but got None", "needs offsets"}, {"offsets has to be None", "takes no offsets"},
  {"offsets has to be a 1D Tensor", "offsets"}, {"has to be 1D or 2D", "input must have 1 or 2 dims, got shape"},
  {"scalar types: Long, Int", "input must be of an integer dtype"},
  {"type Long but found Float", "target must be of an integer dtype"},
  {"mode has to be one of", "option mode: expected one of"},
  {"same shape as the input", "per_sample_weights has shape"},
  {"type as tensor for argument #1 'per_sample_weights'", "per_sample_weights must be of the table's dtype"},
  {"include_last_offset", "include_last_offset needs at least 1 offset"},
  {"'weight' must be 2-D", "weight must have 2 dims"},
  {"Shape of weight does not match", "_weight: expected shape"}, {"negative dimension", "expected integer >= 0, got -"},
  {"expected to be 2-dimensional", "weight: expected a tensor of 2 dimensions"},
  {"between 0 and 1", "expected probabilities, 0 to 1"}, {"different to the input size", "expected the same"},
  {"valid value for reduction", "option reduction: expected one of"}, {"size of tensor a", "do not broadcast"},
  {"shapes cannot be multiplied", "cannot be multiplied"}, {"input.numel() == 0", "no element to choose from"},
  {"must match except in dimension 0", "expected the same but for dim 0"},
  {"is invalid for input of size", "does not fit"},
  {"Invalid learning rate", "lr must be"}, {"Invalid beta parameter at index 0", "betas[0] must be"},
  {"Invalid beta parameter at index 1", "betas[1] must be"}, {"Invalid epsilon value", "eps must be"},
  {"Invalid weight_decay value", "weight_decay must be"}, {"Invalid lr_decay value", "lr_decay must be"},
  {"Invalid momentum value", "momentum must be"}, {"Invalid alpha value", "alpha must be"},
  {"Invalid rho value", "rho must be"}, {"Invalid eta values", "etas[0] must be"},
  {"Invalid initial_accumulator_value", "initial_accumulator_value must be"},
  {"Nesterov momentum", "requires a momentum and zero dampening"},
  {"dense gradients", "does not support dense gradients"},
  {"empty parameter list", "empty parameter list"},
}

-- Every refusal stands at a line of a script. Cases of another folder may hold phrases that are not listed.
local function texts_of(case)
  local texts = {".lua:"}
  if os.getenv "EMBLA_GOLDEN" then return texts end
  for _, pair in ipairs(SPEAKS_OF) do
    if case.error.message:find(pair[1], 1, true) then texts[#texts + 1] = pair[2] end
  end
  if #texts == 1 then t.fail("SPEAKS_OF has no phrase for " .. case.error.message) end
  return texts
end

-- A refusal is the library's own sentence, not a stumble of the interpreter on the way.
local function refuse(kind, case)
  local texts = texts_of(case)
  for _, route in ipairs(kind.routes) do
    local text = t.raises(function() route(case) end, table.unpack(texts))
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
