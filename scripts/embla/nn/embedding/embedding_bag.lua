-- nn.EmbeddingBag: sums, means or maxima of looked-up vectors, bag by bag.

local core = require "embla.core"
local Lookup = require "embla.nn.embedding.lookup"

local rawget = rawget                                   -- of options that are mostly nil: classes are not asked
local lookup = core.ops.embedding_bag

local MODE = {name = "mode", choices = {"sum", "mean", "max"}, default = "mean", doc = "what a bag's vectors become"}
local LAST = {name = "include_last_offset", type = "boolean", default = false,
              doc = "offsets end with the end of the last bag"}
local spec = Lookup.spec_of("EmbeddingBag", {"max_norm", "norm_type", "scale_grad_by_freq", MODE, "sparse",
  "_weight", LAST, "padding_idx"})
local pretrained = Lookup.pretrained_spec_of("EmbeddingBag", {"max_norm", "norm_type", "scale_grad_by_freq", MODE,
  "sparse", LAST, "padding_idx"})

--- A table of vectors looked up by bags of ids: the sum, mean or maximum of each bag, zeros for an empty one.
-- ids (B, L), or ids (T) with offsets (B) -> (B, D). Source: PyTorch's nn.EmbeddingBag.
local EmbeddingBag = Lookup:extend "EmbeddingBag"
EmbeddingBag.spec = spec

--- Makes the table.
-- @param num_embeddings rows N >= 0
-- @param embedding_dim  columns D >= 0
-- @param ...            the options, by position or by name
-- @raise for sizes, options or a _weight that do not fit
function EmbeddingBag:init(num_embeddings, embedding_dim, ...)
  local o = spec.arguments(...)
  self.mode, self.include_last_offset = o.mode, o.include_last_offset
  self:prepare(num_embeddings, embedding_dim, o)
end

--- Makes an EmbeddingBag of a given table.
-- @param weight Tensor (N, D), shared; a Parameter with freeze = false stays that parameter, tied to its other uses
-- @param ...    the options, by position or by name
-- @return EmbeddingBag; its table is not trained unless freeze = false
-- @raise if the table is not two-dimensional or an option does not fit
function EmbeddingBag.from_pretrained(weight, ...)
  return Lookup.of_table(EmbeddingBag, weight, pretrained.arguments(...))
end

--- Looks bags up.
-- @param ids                Tensor (B, L), or (T) with offsets; any integer dtype; or a table of integers
-- @param offsets            where each bag begins in ids (B), from 0; nil for ids (B, L)
-- @param per_sample_weights Tensor like ids: factors of the vectors, or nil
-- @return Tensor (B, D)
-- @raise for ids out of range, offsets that are missing, decrease or pass the end, weights of another shape
function EmbeddingBag:forward(ids, offsets, per_sample_weights)
  return lookup(ids, self.weight, offsets, per_sample_weights, self.mode, self.include_last_offset,
                rawget(self, "padding_idx"), rawget(self, "max_norm"), self.norm_type, self.scale_grad_by_freq,
                self.sparse)
end

function EmbeddingBag:extra_repr()
  return self:options_repr {"max_norm", "norm_type", "scale_grad_by_freq", "mode", "sparse", "include_last_offset",
                            "padding_idx"}
end

return EmbeddingBag
