-- nn.Embedding: a table of vectors looked up by id.

local core = require "embla.core"
local Lookup = require "embla.nn.embedding.lookup"

local lookup = core.ops.embedding

local ORDER = {"padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"}
local spec = Lookup.spec_of("Embedding", ORDER)
local pretrained = Lookup.pretrained_spec_of("Embedding", ORDER)

--- A table of num_embeddings vectors of embedding_dim numbers, drawn from N(0, 1), looked up by ids from 0.
-- ids (*) -> (*, D). Source: PyTorch's nn.Embedding.
local Embedding = Lookup:extend "Embedding"
Embedding.spec = spec

--- Makes the table.
-- @param num_embeddings rows N >= 0
-- @param embedding_dim  columns D >= 0
-- @param ...            the options, by position or by name
-- @raise for sizes, options or a _weight that do not fit
function Embedding:init(num_embeddings, embedding_dim, ...)
  self:prepare(num_embeddings, embedding_dim, spec.arguments(...))
end

--- Makes an Embedding of a given table.
-- @param weight Tensor (N, D), shared; a Parameter with freeze = false stays that parameter, tied to its other uses
-- @param ...    the options, by position or by name
-- @return Embedding; its table is not trained unless freeze = false
-- @raise if the table is not two-dimensional or an option does not fit
function Embedding.from_pretrained(weight, ...)
  return Lookup.of_table(Embedding, weight, pretrained.arguments(...))
end

--- Looks rows up.
-- @param ids Tensor (*) of any integer dtype, or a nested table of integers
-- @return Tensor (*, D)
-- @raise if an id is not in 0 .. N-1, with its value and position
function Embedding:forward(ids)
  local given = self._place                             -- mostly these two are nil: the classes need not be asked
  return lookup(ids, self.weight, given.padding_idx and self.padding_idx, given.max_norm and self.max_norm,
                self.norm_type, self.scale_grad_by_freq, self.sparse)
end

function Embedding:extra_repr() return self:options_repr(ORDER) end

return Embedding
