-- What scripts do with tensors beside calling the core's operations. Each part adds the methods that it is about; what
-- is a function of `embla` alone comes back from here.

local arguments = require "embla.arguments.by_name"
local core = require "embla.core"
local options = require "embla.arguments.options"
local ops = require "embla.tensor.operations"
local raise = require "embla.errors.raise"
require "embla.tensor.methods"
require "embla.tensor.queries"
require "embla.tensor.elementwise"
require "embla.tensor.shape"
require "embla.tensor.joining"
require "embla.tensor.indexing"
require "embla.tensor.comparing"
require "embla.tensor.statistics"
require "embla.tensor.norms"
require "embla.tensor.products"
require "embla.tensor.sparse"

local tensor = {set_printoptions = require("embla.tensor.print").set_printoptions}
for name, f in pairs(require "embla.tensor.creation") do tensor[name] = f end
for name, f in pairs(require "embla.tensor.sampling") do tensor[name] = f end
core.set_missing(function(name)
  local names = {}
  for _, home in ipairs {core.methods, core.getters} do
    for known in pairs(home) do names[#names + 1] = known end
  end
  table.sort(names)
  local near = options.nearest(name, names)
  raise("a tensor has no field or method '%s'%s", name, near and (", did you mean '%s'?"):format(near) or "")
end)

arguments.all(core.methods)
arguments.all(ops.functional)
return arguments.all(tensor)
