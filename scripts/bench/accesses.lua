-- Which bare access of memory, or which bare products, a case cannot do without, in the words of limits.c.
--
-- An access is the least that must move, so a share of its speed is on the careful side: of a step it counts only the
-- rows that change, in the table and in the optimizer's; not the lookup, the grouping of the ids, or the sums. Lookups
-- of less than a thousand ids have none: calls take their time, not memory.

local accesses = {}

local STATES = {sgd_sparse = 1, adagrad_sparse = 2, sparseadam = 3}        -- tables a step changes, its own included

local function numbers_of(text)
  local number = {}
  for letter, digits, scale in text:gmatch "/?(%a)(%d+)([kM]?)" do
    number[letter] = tonumber(digits) * (scale == "k" and 1000 or scale == "M" and 1000000 or 1)
  end
  return number
end

-- The products of a linear layer, forward and both gradients.
local function linear(B, from, to)
  return ("sgemm/M%dxK%dxN%dnt+sgemm/M%dxK%dxN%d+sgemm/M%dxK%dxN%dtn"):format(B, from, to, B, to, from, to, B, from)
end

-- Of the part of a name before the first slash, the rest, and its numbers by letter.
local RULES = {
  {"^calib_copy_64MB$", function() return "copy/N16777216" end},
  {"^calib_mm_512$", function() return "sgemm/M512xK512xN512" end},
  {"^emb_fwd$", function(_, rest) return "gather" .. rest end},
  {"^emb_fwdbwd_sparse$", function(_, rest) return "gather" .. rest end},
  {"^step_adam_dense$", function(_, rest) return "sweep3" .. rest:gsub("^/N%d+", "") end},
  {"^step_([%w_]+)$", function(kind, rest) return STATES[kind] and ("update%d%s"):format(STATES[kind], rest) end},
  {"^bag_fwd_", function(_, rest, n) return ("read/N%d%s"):format(n.B * n.L, rest:match "/d.*") end},
  {"^bag_step_([%w_]+)$", function(kind, rest, n)
    return ("update%d/N%d%s"):format(STATES[kind], n.B * n.L, rest:match "/d.*")
  end},
  {"^coalesce$", function(_, _, n) return ("read/N%d/d%d/V%d/uniform"):format(n.N, n.d, n.N) end},
  {"^matmul$", function(_, rest) return "sgemm" .. rest:gsub("(%d+)x(%d+)x(%d+)", "M%1xK%2xN%3") end},
  {"^linear_fwdbwd$", function(_, rest, n) return linear(n.B, rest:match "/(%d+)x(%d+)") end},
  {"^softmax_layer_fwdbwd$", function(_, _, n) return linear(n.B, n.d, n.C) end},
}

--- The access of a case.
-- @param name text, the case's
-- @return text, or nil where neither memory nor products alone bound it
function accesses.of(name)
  local kind, rest = name:match "^([^/]+)(.*)$"
  local numbers = numbers_of(rest)
  if numbers.N and numbers.N < 1000 then return nil end
  for _, rule in ipairs(RULES) do
    local found = kind:match(rule[1])
    if found then return rule[2](found, rest, numbers) end
  end
end

return accesses
