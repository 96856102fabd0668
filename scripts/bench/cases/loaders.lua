-- An epoch of batches: rows of a table and their classes, in a new order each time.

local embla = require "embla"

local N, D, B = 60000, 64, 128

return function(case)
  case(("loader_epoch/N%d/d%d/B%d"):format(N, D, B), false, function()
    local dataset = embla.data.TensorDataset(embla.randn(N, D), embla.randint(0, 10, {N}))
    local loader = embla.data.DataLoader(dataset, {batch_size = B, shuffle = true, seed = 1})
    return function()
      for x, y in loader do assert(x:size(0) == y:size(0)) end
    end, {["Msamples/s"] = N / 1e6}
  end)
end
