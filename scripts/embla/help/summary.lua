-- embla.summary: the layers of a network with the shapes of their results and the number of their parameters.

local autograd = require "embla.autograd"
local core = require "embla.core"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

-- ---- shapes ----------------------------------------------------------------------------------------------------

-- "(2, 3)" of a tensor, "{(2, 3), (2, 3)}" of a table of tensors.
local function shape_of(value)
  if core.is_tensor(value) then return "(" .. table.concat(value.shape, ", ") .. ")" end
  if type(value) ~= "table" then return type(value) end
  local parts = {}
  for i, member in ipairs(value) do parts[i] = shape_of(member) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function shapes_of(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = shape_of((select(i, ...))) end
  return table.concat(parts, ", ")
end

-- Runs the network as in evaluation and notes what each module returns: table module -> text. Whatever happens, the
-- modules are afterwards as they were.
local function watch(network, ...)
  local before, seen = {}, {}
  local guard = setmetatable({}, {__close = function()
    for module, was in pairs(before) do
      rawset(module, "forward", was.forward)
      rawset(module, "training", was.mode)
    end
  end})
  local _ <close> = guard
  local _ <close> = guard               -- once more, should Ctrl-C come in the middle of it
  for _, module in ipairs(network:modules()) do
    before[module] = {mode = module.training, forward = rawget(module, "forward")}
    local forward = module.forward
    rawset(module, "training", false)
    rawset(module, "forward", function(...)
      local results = table.pack(forward(...))
      seen[module] = shapes_of(table.unpack(results, 1, results.n))
      return table.unpack(results, 1, results.n)
    end)
  end
  autograd.no_grad(network, ...)
  return seen
end

-- ---- parameters ------------------------------------------------------------------------------------------------

-- Elements of the parameters that are a module's own, those counted before left out; whether some were.
local function count(module, counted)
  local total, trained, tied = 0, 0, false
  for _, parameter in ipairs(Module.own_parameters(module)) do
    if counted[parameter] then
      tied = true
    else
      counted[parameter] = true
      total = total + parameter:numel()
      if parameter.requires_grad then trained = trained + parameter:numel() end
    end
  end
  return total, trained, tied
end

-- ---- the table -------------------------------------------------------------------------------------------------

local Summary = {__name = "summary"}
Summary.__index = Summary

-- 1234567 as "1,234,567".
local function grouped(n)
  local text = tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

--- The table as text: a line a module, and the totals.
-- @return text
function Summary:__tostring()
  local cells, widths = {{"layer", "result", "parameters"}}, {}
  for _, row in ipairs(self.rows) do
    local label = row.name == "" and row.class or ("%s: %s"):format(row.name:match "[^.]*$", row.class)
    local number = row.parameters > 0 and grouped(row.parameters) or row.tied and "tied" or "-"
    cells[#cells + 1] = {("  "):rep(row.depth) .. label, row.result or row.computes and "not called" or "-", number}
  end
  for _, cell in ipairs(cells) do
    for k, text in ipairs(cell) do widths[k] = math.max(widths[k] or 0, #text) end
  end
  local form, lines = ("%%-%ds  %%-%ds  %%%ds"):format(table.unpack(widths)), {}
  for i, cell in ipairs(cells) do lines[i] = form:format(table.unpack(cell)) end
  table.insert(lines, 2, ("-"):rep(#lines[1]))
  lines[#lines + 1] = lines[2]
  lines[#lines + 1] = ("%s parameters, %s of them trained"):format(grouped(self.parameters), grouped(self.trained))
  return table.concat(lines, "\n")
end

--- The layers of a network, the shapes of their results, and how many parameters each has of its own; a parameter used
-- in several places counts once, where it comes first. The network is called once, as in evaluation, without gradients.
-- @param network Module
-- @param ...     what it is called with: an input, and perhaps more
-- @return a table that tostring shows: rows, a sequence of {name, class, depth, result = shapes as text, or nil if it
--         was not called, parameters, trained, tied, computes = false for a bare list}; parameters and trained, the
--         totals
-- @raise if it is no module, or the call fails
local function summary(network, ...)
  if not Module.is_instance(network) then
    raise("summary: argument network: expected a module, got %s", options.show(network))
  end
  local seen, counted = watch(network, ...), {}
  local all = setmetatable({rows = {}, parameters = 0, trained = 0}, Summary)
  for name, module in network:named_modules() do
    local total, trained, tied = count(module, counted)
    local _, dots = name:gsub("%.", "")
    all.rows[#all.rows + 1] = {
      name = name, class = module.__name, depth = name == "" and 0 or dots + 1, result = seen[module],
      parameters = total, trained = trained, tied = tied, computes = module.forward ~= Module.forward,
    }
    all.parameters, all.trained = all.parameters + total, all.trained + trained
  end
  return all
end

return summary
