-- New weights of layers: the checks of their sizes, and tensors that reset_parameters then fills.

local dtypes = require "embla.arguments.dtypes"
local embla_core = require "embla.core"
local options = require "embla.arguments.options"
local Parameter = require "embla.nn.parameter"
local raise = require "embla.errors.raise"

local weights = {}

--- The option that says what the weights of a layer are.
weights.DTYPE = {name = "dtype", type = "dtype", choices = dtypes.FLOATS, doc = "of the weights"}

--- A size given to a layer, checked.
-- @param owner the layer's name, for the message
-- @param name  the argument's
-- @param value what was given
-- @return integer >= 0
-- @raise if it is no integer >= 0
function weights.size(owner, name, value)
  if type(value) == "table" and #value == 1 then value = value[1] end         -- {3}, as PyTorch writes sizes of windows
  local size = type(value) == "number" and math.tointeger(value)
  if not size or size < 0 then
    raise("%s: argument %s: expected integer >= 0, got %s", owner, name, options.show(value))
  end
  return size
end

--- A parameter that is not filled yet.
-- @param dtype one of dtypes.FLOATS; nil: the default dtype
-- @param ...   sizes
-- @return Parameter
function weights.new(dtype, ...)
  return Parameter(embla_core.empty({...}, dtype or embla_core.get_default_dtype()))
end

return weights
