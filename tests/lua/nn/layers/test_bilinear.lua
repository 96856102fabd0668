-- nn.Bilinear: against its definition, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

t.test("Bilinear by its definition", function()
  embla.manual_seed(4)
  local layer = nn.Bilinear(2, 3, 4, {dtype = "float64"})
  local x1, x2 = embla.randn(5, 2, {dtype = "float64"}), embla.randn(5, 3, {dtype = "float64"})
  local a, b, w, c = x1:tolist(), x2:tolist(), layer.weight:detach():tolist(), layer.bias:detach():tolist()
  local want = {}
  for n = 1, 5 do
    want[n] = {}
    for k = 1, 4 do
      local sum = c[k]
      for i = 1, 2 do
        for j = 1, 3 do sum = sum + a[n][i] * w[k][i][j] * b[n][j] end
      end
      want[n][k] = sum
    end
  end
  t.close(layer(x1, x2):detach(), want, 1e-12, 1e-12)
  t.raises(function() layer(x2, x1) end, "bilinear", "(5, 3)", "(5, 2)")
  t.equal(tostring(layer), "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)")
end)

t.finish()
