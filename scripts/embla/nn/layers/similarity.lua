-- nn.CosineSimilarity and nn.PairwiseDistance: how alike, how far apart vectors are.

local F = require "embla.nn.functional"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"

local similarity = {}

local cosine_spec = options.spec("CosineSimilarity", {
  {name = "dim", type = "integer", default = 1, doc = "dim of the vectors"},
  {name = "eps", type = "number", default = 1e-8, range = ">= 0", doc = "least norm; a smaller one counts as this"},
})

--- Cosine of the angle between vectors: (*, D, *), (*, D, *) -> (*, *). Source: PyTorch's nn.CosineSimilarity.
local CosineSimilarity = Module:extend "CosineSimilarity"
similarity.CosineSimilarity, CosineSimilarity.spec = CosineSimilarity, cosine_spec

--- Makes the layer.
-- @param ... the options, by position or by name
function CosineSimilarity:init(...)
  local o = cosine_spec.arguments(...)
  self.dim, self.eps = o.dim, o.eps
end

--- Compares vectors.
-- @param x1 Tensor
-- @param x2 Tensor that broadcasts with it
-- @return Tensor without dim
function CosineSimilarity:forward(x1, x2) return F.cosine_similarity(x1, x2, self.dim, self.eps) end

local distance_spec = options.spec("PairwiseDistance", {
  {name = "p", type = "number", default = 2.0, doc = "which norm"},
  {name = "eps", type = "number", default = 1e-6, doc = "added to each component of the difference"},
  {name = "keepdim", type = "boolean", default = false, doc = "keep the last dim, of size 1"},
})

--- p-norm of differences: (N, D), (N, D) -> (N). Source: PyTorch's nn.PairwiseDistance.
local PairwiseDistance = Module:extend "PairwiseDistance"
similarity.PairwiseDistance, PairwiseDistance.spec = PairwiseDistance, distance_spec

--- Makes the layer.
-- @param ... the options, by position or by name
function PairwiseDistance:init(...)
  local o = distance_spec.arguments(...)
  self.norm, self.eps, self.keepdim = o.p, o.eps, o.keepdim
end

--- Measures distances.
-- @param x1 Tensor (N, D) or (D)
-- @param x2 Tensor that broadcasts with it
-- @return Tensor (N) or ()
function PairwiseDistance:forward(x1, x2) return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim) end

return similarity
