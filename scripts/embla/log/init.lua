-- log: records of training runs. The table is called too: embla.log(x) is the natural logarithm.

local lazy = require "embla.base.lazy"
local methods = require("embla.core").methods

local log = lazy({}, "embla.log.", {run = "Run read"})
getmetatable(log).__call = function(_, ...) return methods.log(...) end

return log
