-- nn.GLU: one half gates the other.

local F = require "embla.nn.functional"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"

local spec = options.spec("GLU", {{name = "dim", type = "integer", default = -1, doc = "dim that is halved"}})

--- The first half of x times the sigmoid of the second. (*, 2 D, *) -> (*, D, *). Source: PyTorch's nn.GLU,
-- Dauphin et al. 2017.
local GLU = Module:extend "GLU"
GLU.spec = spec

--- Makes the layer.
-- @param ... the options, by position or by name
function GLU:init(...) self.dim = spec.arguments(...).dim end

--- Gates.
-- @param input Tensor (*, 2 D, *)
-- @return Tensor (*, D, *)
-- @raise if the dim's size is odd
function GLU:forward(input) return F.glu(input, self.dim) end

function GLU:extra_repr() return "dim=" .. self.dim end

return GLU
