-- Tensors joined side by side, and the grids that lists span.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local list_of = require("embla.base.list").of
local ops = require "embla.tensor.operations"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local joining = {}
local op = core.ops

-- Tensors with at least so many dims: new ones in front, or for `behind` at the end.
local function with_dims(list, least, behind)
  local made = {}
  for i, t in ipairs(list) do
    while t:dim() < least do t = op.unsqueeze(t, behind and t:dim() > 0 and -1 or 0) end
    made[i] = t
  end
  return made
end

--- Tensors side by side: along dim 1, those of at most 1 dim along dim 0.
-- @param tensors list of Tensors
-- @return Tensor
-- @raise if they do not fit
function joining.hstack(tensors)
  local list = with_dims(expect.tensors("hstack", "tensors", tensors), 1)
  return op.cat(list, list[1]:dim() == 1 and 0 or 1)
end

--- Tensors below one another, along dim 0; those of at most 1 dim are rows.
-- @param tensors list of Tensors
-- @return Tensor
-- @raise if they do not fit
function joining.vstack(tensors) return op.cat(with_dims(expect.tensors("vstack", "tensors", tensors), 2), 0) end

--- Tensors behind one another, along dim 2; (N) counts as (1, N, 1), (N, M) as (N, M, 1).
-- @param tensors list of Tensors
-- @return Tensor
-- @raise if they do not fit
function joining.dstack(tensors)
  local list = with_dims(expect.tensors("dstack", "tensors", tensors), 2)
  return op.cat(with_dims(list, 3, true), 2)
end

--- Columns side by side; a tensor of at most 1 dim is one column.
-- @param tensors list of Tensors
-- @return Tensor
-- @raise if they do not fit
function joining.column_stack(tensors)
  local list = {}
  for i, t in ipairs(expect.tensors("column_stack", "tensors", tensors)) do
    list[i] = t:dim() < 2 and op.reshape(t, {-1, 1}) or t
  end
  return op.cat(list, 1)
end

local grid_spec = options.spec("meshgrid", {
  {name = "indexing", choices = {"ij", "xy"}, default = "ij", doc = "xy: the first two dims exchanged"},
})

--- The coordinates of a grid: of each tensor one, which varies along a dim of its own.
-- @param ... tensors (n_k), or a list of them, and perhaps the options
-- @return list of Tensors (n_1, n_2, …), views
-- @raise if a tensor has more than 1 dim
function joining.meshgrid(...)
  local list = {...}
  local last = list[#list]
  local opt
  if type(last) == "table" and #last == 0 and #list > 0 then opt, list[#list] = last, nil end
  if type(list[1]) == "table" then list = list[1] end
  expect.tensors("meshgrid", "tensors", list)
  local xy = grid_spec.arguments(opt).indexing == "xy" and #list > 1
  local grid, sizes = {}, {}
  for i, t in ipairs(list) do
    if t:dim() > 1 then
      raise("meshgrid: argument tensors: expected at most 1 dim, got shape (%s)", table.concat(t.shape, ", "))
    end
    sizes[i] = t:numel()
  end
  if xy then sizes[1], sizes[2] = sizes[2], sizes[1] end
  for i, t in ipairs(list) do
    local shape = {}
    for d = 1, #list do shape[d] = 1 end
    shape[xy and i < 3 and 3 - i or i] = -1
    grid[i] = op.expand(op.reshape(t, shape), sizes)
  end
  return list_of(grid)
end

for name, f in pairs(joining) do ops.functional[name] = f end
for alias, name in pairs {concat = "cat", concatenate = "cat", row_stack = "vstack"} do
  ops.functional[alias] = joining[name] or op[name]
end
core.methods.concat, core.methods.concatenate = core.methods.cat, core.methods.cat

return joining
