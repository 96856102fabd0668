-- Parameters: the tensors a module learns.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local spec = options.spec("Parameter", {
  {name = "requires_grad", type = "boolean", default = true, doc = "whether it is trained"},
})

--- Makes a tensor a parameter: assigned to a field of a module it is found by parameters(), saved and trained. What is
-- such a parameter already is given back as it is: two in one storage would both be trained.
-- @param tensor Tensor of any shape; the parameter shares its storage and has no history
-- @param opt    true (the default) or false: whether it requires grad; or the options
-- @return Tensor, a leaf
-- @raise if the argument is no tensor, or requires grad without being of a float dtype
local function Parameter(tensor, opt)
  if not core.is_tensor(tensor) then
    raise("Parameter: argument tensor: expected a tensor, got %s", options.show(tensor))
  end
  local o = spec.arguments(opt)
  if core.is_parameter(tensor) and tensor.requires_grad == o.requires_grad then return tensor end
  local parameter = tensor:detach()
  core.mark_parameter(parameter)
  parameter:requires_grad_(o.requires_grad)
  return parameter
end

return Parameter
