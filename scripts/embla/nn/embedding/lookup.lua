-- What Embedding and EmbeddingBag share: a table of vectors, a row for each id.

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local init = require "embla.nn.initializers"
local Module = require "embla.nn.module"
local Parameter = require "embla.nn.parameter"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local repr = require "embla.base.python_repr"
local weights = require "embla.nn.weights"

-- The options of both that say where the table comes from; they come after PyTorch's own.
local SOURCE = {
  {name = "_weight", type = "tensor", doc = "the table itself (N, D), shared and not drawn; a Parameter stays it"},
  {name = "dtype", type = "dtype", choices = dtypes.FLOATS, doc = "of the table that is drawn"},
  {name = "std", type = "number", default = 1, range = ">= 0", doc = "the table is drawn from N(0, std)"},
  {name = "init", type = "function", doc = "function(weight) that fills the table in place of the draw"},
}

local FREEZE_PADDING = {name = "freeze_padding", type = "boolean", default = false,
                        doc = "the row of padding_idx stays as it is under any optimizer, see freeze_rows"}
SOURCE[#SOURCE + 1] = FREEZE_PADDING

-- The options of both that say how rows are looked up; each class puts them into PyTorch's order.
local USE = {
  padding_idx = {name = "padding_idx", type = "integer",
                 doc = "id whose vector starts as zeros and gets no gradient; negative counts from the end"},
  max_norm = {name = "max_norm", type = "number", doc = "rows looked up that are longer are shortened to it, in place"},
  norm_type = {name = "norm_type", type = "number", default = 2.0, doc = "p of the norm that max_norm measures"},
  scale_grad_by_freq = {name = "scale_grad_by_freq", type = "boolean", default = false,
                        doc = "divide gradients by how often their id occurs in the call"},
  _weight = SOURCE[1],
  sparse = {name = "sparse", type = "boolean", default = false, doc = "make the gradient of the table row-sparse"},
}

--- A table of vectors, a row for each id: the base of Embedding and EmbeddingBag.
local Lookup = Module:extend "Lookup"

local living = setmetatable({}, {__mode = "k"})         -- every lookup: who shares a table that gets other rows

function Lookup:allocate()
  local lookup = Module.allocate(self)
  living[lookup] = true
  return lookup
end

--- The spec of a lookup class, for its constructor.
-- @param owner the class's name
-- @param order names of USE rows, or whole rows of the class's own, in PyTorch's order
-- @return spec
function Lookup.spec_of(owner, order)
  local rows = {}
  for i, row in ipairs(order) do rows[i] = USE[row] or row end
  return options.extend(owner, {rows = rows}, SOURCE)
end

--- The spec of a class's from_pretrained: freeze, then the options of use.
-- @param owner the class's name
-- @param order as for spec_of
-- @return spec
function Lookup.pretrained_spec_of(owner, order)
  local rows = {{name = "freeze", type = "boolean", default = true, doc = "whether the table stays as it is"}}
  for _, row in ipairs(order) do rows[#rows + 1] = USE[row] or row end
  rows[#rows + 1] = FREEZE_PADDING
  return options.spec(owner .. ".from_pretrained", rows)
end

-- The padding id counted from 0.
local function wrap_padding(owner, padding_idx, rows)
  if padding_idx == nil then return nil end
  if padding_idx < -rows or padding_idx >= rows then
    raise("%s: option padding_idx: %d is out of range for num_embeddings = %d", owner, padding_idx, rows)
  end
  return padding_idx < 0 and padding_idx + rows or padding_idx
end

-- The given table as a parameter, of the right shape. A parameter stays the one it is: the modules share it.
local function adopt(owner, weight, rows, columns)
  local shape = weight.shape
  if #shape ~= 2 or shape[1] ~= rows or shape[2] ~= columns then
    raise("%s: option _weight: expected shape (%d, %d), got (%s)", owner, rows, columns, table.concat(shape, ", "))
  end
  return core.is_parameter(weight) and weight or Parameter(weight, weight.dtype:find "float" ~= nil)
end

--- Sets the fields from the constructor's arguments and makes the table.
-- @param num_embeddings rows N >= 0
-- @param embedding_dim  columns D >= 0
-- @param o              options as the class's spec read them
function Lookup:prepare(num_embeddings, embedding_dim, o)
  local owner = self.__name
  self.num_embeddings = weights.size(owner, "num_embeddings", num_embeddings)
  self.embedding_dim = weights.size(owner, "embedding_dim", embedding_dim)
  self.padding_idx = wrap_padding(owner, o.padding_idx, self.num_embeddings)
  self.max_norm, self.norm_type = o.max_norm, o.norm_type
  self.scale_grad_by_freq, self.sparse = o.scale_grad_by_freq, o.sparse
  self._std, self._init = o.std, o.init
  if o._weight then
    self.weight = adopt(owner, o._weight, self.num_embeddings, self.embedding_dim)
  else
    self.weight = weights.new(o.dtype, self.num_embeddings, self.embedding_dim)
    self:reset_parameters()
  end
  if o.freeze_padding then
    if not self.padding_idx then raise("%s: option freeze_padding: there is no padding_idx", owner) end
    self:freeze_rows {self.padding_idx}
  end
end

--- Draws the table anew, from N(0, std) or by `init`; the padding row becomes zeros.
function Lookup:reset_parameters()
  if self._init then
    self._init(self.weight:detach())
  else
    init.normal_(self.weight, 0, self._std)
  end
  if self.padding_idx then self.weight:detach():select(0, self.padding_idx):zero_() end
end

-- ---- frozen rows -----------------------------------------------------------------------------------------------

-- Ids of rows, as a tensor, all in range.
local function read_ids(self, name, ids)
  if type(ids) == "table" then ids = core.tensor(ids, #ids == 0 and "int64" or nil, name .. ": ids") end
  if not core.is_tensor(ids) or ids.dtype:find "float" or ids.dtype == "bool" then
    raise("%s: %s: argument ids: expected ids of rows, a tensor of integers or a table of them, got %s", self.__name,
          name, core.is_tensor(ids) and "a tensor of " .. ids.dtype or options.show(ids))
  end
  ids = ids:to("int64"):reshape(-1)
  for at, id in ipairs(ids:tolist()) do
    if id < 0 or id >= self.num_embeddings then
      raise("%s: %s: id %d at position %d is out of range for num_embeddings = %d (ids count from 0)", self.__name,
            name, id, at - 1, self.num_embeddings)
    end
  end
  return ids
end

-- Marks rows in the table's mask, or unmarks them.
local function mark_rows(self, name, ids, frozen)
  local mask = core.frozen_rows(self.weight) or core.zeros({self.num_embeddings}, "bool")
  ids = read_ids(self, name, ids)
  mask[ids] = frozen
  core.set_frozen_rows(self.weight, mask:any():item() and mask or nil)
end

--- Keeps rows as they are: they get no gradient (so clip_grad_norm_ does not count them), every optimizer passes them
-- and their state over, with whatever decay, momentum or sparse_mode, and max_norm does not shorten them. Calls add
-- up. The script may still write to the rows. Not part of state_dict; kept by to() and clone().
-- @param ids ids of rows from 0: a Tensor of integers or a table of them
-- @return the module
-- @raise if ids are no integers or out of range
function Lookup:freeze_rows(ids)
  mark_rows(self, "freeze_rows", ids, true)
  return self
end

--- Lets rows be trained again; their optimizer state is what it was when they were frozen.
-- @param ids ids of rows from 0: a Tensor of integers or a table of them; nil: all rows
-- @return the module
-- @raise if ids are no integers or out of range
function Lookup:unfreeze_rows(ids)
  if ids == nil then
    core.set_frozen_rows(self.weight, nil)
  else
    mark_rows(self, "unfreeze_rows", ids, false)
  end
  return self
end

--- The rows that are frozen.
-- @return Tensor (n) int64, ids ascending
function Lookup:frozen_rows()
  local mask = core.frozen_rows(self.weight) or core.zeros({self.num_embeddings}, "bool")
  return core.arange("int64", 0, 1, self.num_embeddings)[mask]
end

-- ---- other sizes -----------------------------------------------------------------------------------------------

-- The first n rows, and zeros where there are not so many: a dense one.
local function dense_rows(tensor, n)
  local kept = math.min(n, tensor:size(0))
  local rest = core.zeros({n - kept, table.unpack(tensor.shape, 2)}, tensor.dtype)
  return core.ops.cat({tensor:detach():narrow(0, 0, kept), rest}, 0)
end

-- The same of a row-sparse one: without the entries of rows that go.
local function sparse_rows(grad, n)
  local whole = grad:coalesce()
  local ids, values = whole:indices()[0], whole:values()
  local stay = ids:lt(n)
  return core.sparse_new(ids[stay], values[stay], n)
end

-- n rows as the constructor makes them.
local function new_rows(self, n)
  local rows = core.empty({n, self.embedding_dim}, self.weight.dtype)
  if self._init then self._init(rows) else init.normal_(rows, 0, self._std) end
  return rows
end

-- The lookups of a table, of which it may be one of several tied together. Its padding row must be in each.
local function users_of(weight, n)
  local users = {}
  for lookup in next, living do
    if rawequal(rawget(lookup, "weight"), weight) then users[#users + 1] = lookup end
  end
  for _, lookup in ipairs(users) do
    local id = rawget(lookup, "padding_idx")
    if id and id >= n then
      raise("%s: resize: padding_idx %d would be out of range for num_embeddings = %d", lookup.__name, id, n)
    end
  end
  return users
end

--- Grows or shrinks the table. It stays the same parameter, so optimizers go on with it, and lookups that it is tied to
-- follow: rows that stay keep their values, gradient, optimizer state and whether they are frozen; new rows are drawn
-- as the constructor does, and begin with fresh state. Views of the table made before, and a tensor given as _weight,
-- keep the old rows; call it between a step and the next forward.
-- @param num_embeddings rows from now on, >= 0
-- @return the module
-- @raise if that is no integer >= 0, would leave a padding_idx out, or the table is not of a float dtype
function Lookup:resize(num_embeddings)
  local n, weight = weights.size(self.__name, "num_embeddings", num_embeddings), self.weight
  local users = users_of(weight, n)
  if not weight.dtype:find "float" then
    raise("%s: resize: weight: expected a table of float dtype, got %s", self.__name, weight.dtype)
  end
  local kept = math.min(n, weight:size(0))
  local parts = {weight:detach():narrow(0, 0, kept), new_rows(self, n - kept)}
  local grad, mask = weight.grad, core.frozen_rows(weight)
  if grad then grad = grad.is_sparse and sparse_rows(grad, n) or dense_rows(grad, n) end
  core.replace_rows(weight, core.ops.cat(parts, 0), grad, mask and dense_rows(mask, n))
  for _, lookup in ipairs(users) do lookup.num_embeddings = n end
  return self
end

--- Makes a lookup of a given table.
-- @param class  Embedding or EmbeddingBag
-- @param weight Tensor (N, D), shared
-- @param o      options as pretrained_spec_of's spec read them
-- @return Module
-- @raise if the table is not two-dimensional
function Lookup.of_table(class, weight, o)
  if not core.is_tensor(weight) then
    raise("%s.from_pretrained: argument weight: expected a tensor, got %s", class.__name, options.show(weight))
  end
  if weight:dim() ~= 2 then
    raise("%s.from_pretrained: argument weight: expected a tensor of 2 dimensions, got %d", class.__name, weight:dim())
  end
  local freeze = o.freeze
  -- A parameter that others train cannot itself be frozen here: the lookup then has one that shares its storage.
  local tied = core.is_parameter(weight) and not (freeze and weight.requires_grad)
  o.freeze, o._weight = nil, tied and weight or Parameter(weight, not freeze)
  local module = class(weight:size(0), weight:size(1), o)
  module.weight:requires_grad_(not freeze)
  return module
end

--- The options that differ from their defaults, as PyTorch shows them.
-- @param names option names in order; `mode` is always shown
-- @return text
function Lookup:options_repr(names)
  local text = ("%d, %d"):format(self.num_embeddings, self.embedding_dim)
  local initial = {norm_type = 2, scale_grad_by_freq = false, sparse = false, include_last_offset = false}
  for _, name in ipairs(names) do
    if self[name] ~= nil and self[name] ~= initial[name] then
      text = ("%s, %s=%s"):format(text, name, repr(self[name]))
    end
  end
  return text
end

return Lookup
