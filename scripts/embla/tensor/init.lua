-- What scripts do with tensors beside calling the core's operations. Each part adds the methods that it is about; what
-- is a function of `embla` alone comes back from here.

local arguments = require "embla.arguments"
local core = require "embla.core"
local ops = require "embla.ops"
require "embla.tensor.methods"
require "embla.tensor.kinds"
require "embla.tensor.elementwise"
require "embla.tensor.arranging"
require "embla.tensor.comparing"
require "embla.tensor.statistics"

local tensor = {set_printoptions = require("embla.tensor.print").set_printoptions}
for name, f in pairs(require "embla.tensor.creation") do tensor[name] = f end
for name, f in pairs(require "embla.tensor.sampling") do tensor[name] = f end
arguments.all(core.methods)
arguments.all(ops.functional)
return arguments.all(tensor)
