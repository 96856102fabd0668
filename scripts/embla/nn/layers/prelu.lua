-- nn.PReLU: a leaky relu whose slope is learned.

local dtypes = require "embla.arguments.dtypes"
local F = require "embla.nn.functional"
local Module = require "embla.nn.module"
local options = require "embla.arguments.options"
local weights = require "embla.nn.weights"

local spec = options.spec("PReLU", {
  {name = "num_parameters", type = "integer", default = 1, range = ">= 1", doc = "1, or one for each channel"},
  {name = "init", type = "number", default = 0.25, doc = "first value of the slopes"},
  {name = "dtype", type = "dtype", choices = dtypes.FLOATS, doc = "of the slopes"},
})

--- x above 0, weight x below. (N, C, *) -> (N, C, *). Source: PyTorch's nn.PReLU, He et al. 2015.
local PReLU = Module:extend "PReLU"
PReLU.spec = spec

--- Makes the slopes.
-- @param ... the options, by position or by name
function PReLU:init(...)
  local o = spec.arguments(...)
  self.num_parameters, self.first_value = o.num_parameters, o.init
  self.weight = weights.new(o.dtype, o.num_parameters)
  self:reset_parameters()
end

--- Sets the slopes to their first value again.
function PReLU:reset_parameters() self.weight:detach():fill_(self.first_value) end

--- Applies the function.
-- @param input Tensor (N, C, *)
-- @return Tensor of the same shape
-- @raise if there are several slopes and C is another number
function PReLU:forward(input) return F.prelu(input, self.weight) end

function PReLU:extra_repr() return "num_parameters=" .. self.num_parameters end

return PReLU
