-- Specs of named options: defaults, checks, what the errors say and where they point.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" ..
               (arg[0]:match("^(.-)tests/lua/") or "") .. "scripts/?.lua;" .. package.path
local t = require "support.check"
local options = require "embla.arguments.options"

local sgd = options.spec("SGD", {
  {name = "lr", type = "number", required = true, range = ">= 0", doc = "step size"},
  {name = "momentum", type = "number", default = 0, range = "[0, 1)", doc = "velocity decay"},
  {name = "betas", type = "numbers", default = {0.9, 0.999}, range = "[0, 1)"},
  {name = "nesterov", type = "boolean", default = false},
  {name = "mode", choices = {"sum", "mean", "max"}, default = "mean"},
  {name = "padding_idx", type = "integer"},
  {name = "even", type = "integer", range = "even", check = function(v) return v % 2 == 0 end},
  {name = "dtype", type = "dtype"},
  {name = "size", type = "integer|integers"},
})

t.test("read fills in defaults and leaves the given table alone", function()
  local given = {lr = 0.5}
  local o = sgd.read(given)
  t.equal(o, {lr = 0.5, momentum = 0, betas = {0.9, 0.999}, nesterov = false, mode = "mean"})
  t.equal(given, {lr = 0.5})
  o.betas[1] = 7
  t.equal(sgd.read({lr = 1}).betas, {0.9, 0.999})
end)

t.test("a required option must be given", function()
  t.raises(function() sgd.read() end, "SGD: option lr is required", "number >= 0")
  t.raises(function() sgd.read({}) end, "SGD: option lr is required")
end)

t.test("an unknown key names itself, the nearest and all", function()
  t.raises(function() sgd.read({lr = 1, momentun = 0.9}) end, "SGD: unknown option 'momentun'",
           "did you mean 'momentum'?", "(options: lr, momentum, betas, nesterov, mode, padding_idx, even, dtype, size)")
  local text = t.raises(function() sgd.read({lr = 1, learning_rate = 0.9}) end, "unknown option 'learning_rate'")
  t.equal(text:find("did you mean"), nil)
  t.raises(function() sgd.read({lr = 1, 5}) end, "unknown option '1'")
  t.raises(function() options.spec("None", {}).read({a = 1}) end, "None: unknown option 'a' (it has no options)")
end)

t.test("values are checked", function()
  local cases = {
    {{lr = -1}, "SGD: option lr: expected number >= 0, got -1"},
    {{lr = 0 / 0}, "option lr: expected number >= 0, got "},
    {{lr = "fast"}, 'option lr: expected number >= 0, got "fast"'},
    {{lr = {}}, "option lr: expected number >= 0, got a table"},
    {{lr = 1, momentum = 1}, "option momentum: expected number in [0, 1), got 1"},
    {{lr = 1, betas = {0.9, 1.5}}, "option betas: expected a list of numbers in [0, 1), got a table"},
    {{lr = 1, betas = {0.9, x = 0.5}}, "option betas"},
    {{lr = 1, nesterov = 1}, "option nesterov: expected boolean, got 1"},
    {{lr = 1, mode = "min"}, 'option mode: expected one of sum, mean, max, got "min"'},
    {{lr = 1, mode = 3}, "option mode: expected one of sum, mean, max, got 3"},
    {{lr = 1, padding_idx = 1.5}, "option padding_idx: expected integer, got 1.5"},
    {{lr = 1, padding_idx = true}, "option padding_idx: expected integer, got true"},
    {{lr = 1, padding_idx = "1"}, 'option padding_idx: expected integer, got "1"'},
    {{lr = 1, even = 3}, "option even: expected integer even, got 3"},
    {{lr = 1, dtype = "float"},
     'option dtype: expected a dtype (float32, float64, float16, bfloat16, int64, int32, uint8 or bool), got "float"'},
    {{lr = 1, size = {1, 2.5}}, "option size: expected integer or a list of integers, got a table"},
    {5, "SGD: expected a table of options, got 5"},
    {io.stdout, "SGD: expected a table of options"},
  }
  for _, case in ipairs(cases) do t.raises(function() sgd.read(case[1]) end, case[2]) end
end)

t.test("integral floats become integers", function()
  t.equal(math.type(sgd.read({lr = 1, padding_idx = 2.0}).padding_idx), "integer")
end)

t.test("errors point at the script's line", function()
  local line = debug.getinfo(1, "l").currentline + 1
  local text = t.raises(function() sgd.read({lr = -1}) end, "SGD: option lr: expected number >= 0, got -1")
  t.equal(tonumber(text:match("test_options%.lua:(%d+): SGD")), line)
end)

t.test("arguments go by position, then by name", function()
  local dropout = options.spec("Dropout", {
    {name = "p", type = "number", default = 0.5, range = "[0, 1]"},
    {name = "inplace", type = "boolean", default = false},
  })
  t.equal(dropout.arguments(), {p = 0.5, inplace = false})
  t.equal(dropout.arguments(0.25), {p = 0.25, inplace = false})
  t.equal(dropout.arguments(0.25, true), {p = 0.25, inplace = true})
  t.equal(dropout.arguments({p = 0.25}), {p = 0.25, inplace = false})
  t.equal(dropout.arguments(0.25, {inplace = true}), {p = 0.25, inplace = true})
  t.equal(dropout.arguments(nil, true), {p = 0.5, inplace = true})
  t.raises(function() dropout.arguments(0.25, {p = 0.5}) end, "Dropout: option p is given twice")
  t.raises(function() dropout.arguments(0.25, true, 1) end, "Dropout: 3 arguments given, at most 2 expected")
  t.raises(function() dropout.arguments(2) end, "Dropout: option p: expected number in [0, 1], got 2")
  t.raises(function() dropout.arguments({q = 1}) end, "Dropout: unknown option 'q'")
  t.equal(sgd.arguments(1, nil, {0.5, 0.25}).betas, {0.5, 0.25})
end)

t.test("operations give their spec as text", function()
  local spec = options.from_op("sum", {
    {name = "dim", kind = "ints", initial = "", doc = "dims to sum"},
    {name = "keepdim", kind = "bool", initial = "false"},
    {name = "dtype", kind = "dtype", initial = ""},
    {name = "eps", kind = "number", initial = "1e-8"},
    {name = "mode", kind = "enum", initial = "mean", choices = {"sum", "mean"}},
    {name = "count", kind = "int", initial = "-1"},
    {name = "sizes", kind = "ints", initial = "0 -1"},
  })
  t.equal(spec.read(), {keepdim = false, eps = 1e-8, mode = "mean", count = -1, sizes = {0, -1}})
  local given = {dim = {1}, keepdim = true, dtype = "float64", eps = 1, mode = "sum", count = 2, sizes = {}}
  t.equal(spec.read(given), given)
  t.raises(function() spec.read {mode = "max"} end, "sum: option mode: expected one of sum, mean")
  local required = options.from_op("clamp", {{name = "min", kind = "number", initial = "!"}})
  t.raises(function() required.read {} end, "clamp: option min is required")
end)

t.test("given puts options in order, and leaves defaults and checks to the core", function()
  t.equal(table.pack(options.given(sgd, {momentum = 0.5, size = {1, 2}})), {nil, 0.5, [9] = {1, 2}, n = 9})
  t.equal(table.pack(options.given(sgd, {})), {n = 9})
  t.equal(table.pack(options.given(sgd, {momentum = 2, padding_idx = false})), {nil, 2, n = 9})
  t.raises(function() options.given(sgd, {momentun = 2}) end, "SGD: unknown option 'momentun', did you mean")
end)

t.test("extend puts further rows after, or in place of, the shared ones", function()
  local base = options.spec("base", {{name = "a", default = 1}, {name = "b", default = 2}})
  local spec = options.extend("more", base, {{name = "b", default = 3}, {name = "c", default = 4}})
  t.equal(spec.names, {"a", "b", "c"})
  t.equal(spec.read(), {a = 1, b = 3, c = 4})
  t.equal(base.read(), {a = 1, b = 2})
end)

t.test("a spec can be listed", function()
  t.equal(sgd.rows[1].doc, "step size")
  t.equal(sgd.by_name.momentum.default, 0)
  local text = sgd.describe()
  t.equal(text:match("lr%s+number >= 0, required: step size") ~= nil, true)
  t.equal(text:match("mode%s+one of sum, mean, max, default \"mean\"") ~= nil, true)
end)

t.test("nearest wants a near name", function()
  t.equal(options.nearest("momentun", {"lr", "momentum"}), "momentum")
  t.equal(options.nearest("wieght_decay", {"lr", "weight_decay"}), "weight_decay")
  t.equal(options.nearest("p", {"lr"}), nil)
  t.equal(options.nearest("abc", {"xyz"}), nil)
end)

t.test("None is written false: an option left out", function()
  local spec = options.spec("Net", {
    {name = "max_norm", type = "number", range = "> 0"}, {name = "p", type = "number", default = 2},
    {name = "momentum", type = "number|boolean", default = 0.1}, {name = "lr", type = "number", required = true}})
  local o = spec.read {max_norm = false, momentum = false, lr = 1}
  t.equal({o.max_norm, o.momentum, o.p}, {nil, false, 2})
  t.equal(spec.arguments(false, 3, {lr = 1}).max_norm, nil)
  t.raises(function() spec.read {p = false, lr = 1} end, "Net: option p: expected number, got false")
  t.raises(function() spec.read {lr = false} end, "Net: option lr: expected number, got false")
  local embla = require "embla"
  t.equal(tostring(embla.nn.Embedding(3, 2, {max_norm = false, padding_idx = false})), "Embedding(3, 2)")
  t.equal(embla.F.max_pool1d(embla.ones(1, 4), 2, {stride = false}), {{1.0, 1.0}})
  t.raises(function() embla.F.max_pool1d(embla.ones(1, 4), 2, {padding = false}) end, "max_pool1d", "padding", "false")
end)

t.test("a range may exclude one number", function()
  local spec = options.spec("celu", {{name = "alpha", type = "number", default = 1, range = "~= 0"}})
  t.equal(spec.read({alpha = -1}).alpha, -1)
  t.raises(function() spec.read {alpha = 0} end, "celu: option alpha: expected number ~= 0, got 0")
end)

t.test("what a list of integers is", function()
  for _, list in ipairs {{}, {1}, {1, 2.0, -3}} do t.equal(options.is_integers(list), true) end
  for _, other in ipairs {{1.5}, {"1"}, {1, nil, 3}, {n = 1}, 7, "1", false} do
    t.equal(options.is_integers(other), false)
  end
end)

t.finish()
