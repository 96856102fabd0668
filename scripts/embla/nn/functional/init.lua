-- nn.functional (F): every operation of the core, and the functions made of several, a subject a file.

local lazy = require "embla.base.lazy"
local ops = require "embla.tensor.operations"

local F = {}
for name, operation in pairs(ops.functional) do F[name] = operation end
for _, subject in ipairs {"activations", "convolution", "dropout", "losses", "normalization", "one_hot",
                          "similarity"} do
  for name, f in pairs(require("embla.nn.functional." .. subject)) do F[name] = f end
end

F.sample_candidates = require("embla.nn.losses.candidates").sample_candidates
F.sampled_softmax = require "embla.nn.losses.sampled_softmax"

return lazy(F, "embla.F.", {})
