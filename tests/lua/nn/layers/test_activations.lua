-- Activation layers: values and texts (PyTorch's), options by position and by name, refusals.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

-- class; arguments; text; values at -2.5, -0.75, 0.25, 1.5, 4
local CASES = {
  {"ReLU", {}, "ReLU()", {0, 0, 0.25, 1.5, 4}},
  {"ReLU6", {}, "ReLU6()", {0, 0, 0.25, 1.5, 4}},
  {"LeakyReLU", {}, "LeakyReLU(negative_slope=0.01)", {-0.025, -0.0075, 0.25, 1.5, 4}},
  {"LeakyReLU", {0.2}, "LeakyReLU(negative_slope=0.2)", {-0.5, -0.15, 0.25, 1.5, 4}},
  {"ELU", {}, "ELU(alpha=1.0)", {-0.917915, -0.527633, 0.25, 1.5, 4}},
  {"ELU", {0.5}, "ELU(alpha=0.5)", {-0.458958, -0.263817, 0.25, 1.5, 4}},
  {"SELU", {}, "SELU()", {-1.61379, -0.927632, 0.262675, 1.57605, 4.2028}},
  {"CELU", {2.0}, "CELU(alpha=2.0)", {-1.42699, -0.625421, 0.25, 1.5, 4}},
  {"GELU", {}, "GELU(approximate='none')", {-0.0155242, -0.169971, 0.149677, 1.39979, 3.99987}},
  {"GELU", {"tanh"}, "GELU(approximate='tanh')", {-0.0150843, -0.170039, 0.149675, 1.39957, 3.99993}},
  {"SiLU", {}, "SiLU()", {-0.189645, -0.240616, 0.140544, 1.22636, 3.92806}},
  {"Mish", {}, "Mish()", {-0.196816, -0.276495, 0.169572, 1.40338, 3.99741}},
  {"Softplus", {}, "Softplus(beta=1, threshold=20)", {0.0788897, 0.386871, 0.825939, 1.70141, 4.01815}},
  {"Softplus", {2, 3}, "Softplus(beta=2, threshold=3)", {0.00335767, 0.100707, 0.487038, 1.52429, 4}},
  {"Softsign", {}, "Softsign()", {-0.714286, -0.428571, 0.2, 0.6, 0.8}},
  {"Tanh", {}, "Tanh()", {-0.986614, -0.635149, 0.244919, 0.905148, 0.999329}},
  {"Tanhshrink", {}, "Tanhshrink()", {-1.51339, -0.114851, 0.00508134, 0.594852, 3.00067}},
  {"Sigmoid", {}, "Sigmoid()", {0.0758582, 0.320821, 0.562177, 0.817574, 0.982014}},
  {"LogSigmoid", {}, "LogSigmoid()", {-2.57889, -1.13687, -0.575939, -0.201413, -0.0181499}},
  {"Hardtanh", {}, "Hardtanh(min_val=-1.0, max_val=1.0)", {-1, -0.75, 0.25, 1, 1}},
  {"Hardtanh", {-2, 0.5}, "Hardtanh(min_val=-2, max_val=0.5)", {-2, -0.75, 0.25, 0.5, 0.5}},
  {"Hardsigmoid", {}, "Hardsigmoid()", {0.0833333, 0.375, 0.541667, 0.75, 1}},
  {"Hardswish", {}, "Hardswish()", {-0.208333, -0.28125, 0.135417, 1.125, 4}},
  {"Hardshrink", {}, "Hardshrink(0.5)", {-2.5, -0.75, 0, 1.5, 4}},
  {"Softshrink", {1.0}, "Softshrink(1.0)", {-1.5, 0, 0, 0.5, 3}},
  {"Threshold", {0.5, 7}, "Threshold(threshold=0.5, value=7)", {7, 7, 7, 1.5, 4}},
  {"Softmax", {0}, "Softmax(dim=0)", {0.00134746, 0.0077541, 0.0210778, 0.0735688, 0.896252}},
  {"Softmin", {0}, "Softmin(dim=0)", {0.795215, 0.138188, 0.0508364, 0.0145649, 0.00119556}},
  {"LogSoftmax", {0}, "LogSoftmax(dim=0)", {-6.60953, -4.85953, -3.85953, -2.60953, -0.109534}},
}

t.test("each computes and prints what PyTorch's does", function()
  local x = embla.tensor({-2.5, -0.75, 0.25, 1.5, 4}, "float64")
  for _, case in ipairs(CASES) do
    local class, arguments, text, values = table.unpack(case)
    local layer = nn[class](table.unpack(arguments))
    t.equal(tostring(layer), text)
    t.close(layer(x), values, 1e-5, 1e-6)
    t.equal(#layer:parameters(), 0)
  end
end)

t.test("options may be named", function()
  t.equal(nn.LeakyReLU {negative_slope = 0.5}(embla.tensor {-2.0}), {-1})
  t.equal(nn.Softmax {dim = 1}(embla.zeros(1, 4)), {{0.25, 0.25, 0.25, 0.25}})
  t.equal(nn.Hardtanh(-2, {max_val = 3})(embla.tensor {-5.0, 5.0}), {-2, 3})
end)

t.test("inplace writes over the input", function()
  local x = embla.tensor {-1.0, 2.0}
  local layer = nn.ReLU {inplace = true}
  layer(x)
  t.equal(x, {0, 2})
  t.equal(tostring(layer), "ReLU(inplace=True)")
  x = embla.tensor {-1.0, 2.0}
  nn.LeakyReLU(0.5, true)(x)
  t.equal(x, {-0.5, 2})
  t.equal(tostring(nn.ELU {inplace = true}), "ELU(alpha=1.0, inplace=True)")
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.Softmax() end, "Softmax: option dim is required")
  t.raises(function() nn.Softmax {dim = "last"} end, "Softmax: option dim: expected integer", "last")
  t.raises(function() nn.LogSoftmax {dims = 1} end, "LogSoftmax", "dims", "did you mean 'dim'")
  t.raises(function() nn.LeakyReLU {slope = 1} end, "LeakyReLU", "slope", "options: negative_slope, inplace")
  t.raises(function() nn.Tanh(1) end, "Tanh", "1 arguments", "at most 0")
  t.raises(function() nn.GELU "exact" end, "GELU", "approximate", "none, tanh", "exact")
  t.raises(function() nn.Threshold(1) end, "Threshold", "value", "required")
  t.raises(function() nn.ReLU()("x") end, "relu", "x")
  t.raises(function() nn.Softmax(3)(embla.zeros(2)) end, "softmax", "3")
end)

t.finish()
