-- What Module:load_state_dict takes, refuses and changes. Files of PyTorch: test_state_dict_files.lua.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn = embla.nn

-- A net with a parameter and a buffer of its own, and a child.
local Net = nn.Module:extend "Net"

function Net:init()
  self.scale = nn.Parameter(embla.ones(2))
  self:register_buffer("mean", embla.zeros(2))
  self.first = nn.Linear(3, 2)
end

-- A state that fits, in numbers that no other module has.
local function state_of_net()
  return {scale = embla.full({2}, 9.0), mean = embla.full({2}, 8.0), ["first.weight"] = embla.full({2, 3}, 7.0),
          ["first.bias"] = embla.full({2}, 6.0)}
end

local function values_of(net)
  local values = {}
  for name, tensor in pairs(net:state_dict()) do values[name] = tensor:tolist() end
  return values
end

-- Loading must fail with an error that holds the texts in their order, and leave the module as it was.
local function refused(net, state, options, ...)
  local before = values_of(net)
  local text, at = t.raises(function() net:load_state_dict(state, options) end, "load_state_dict: argument state: "), 1
  for _, part in ipairs {...} do
    local first, last = text:find(part, at, true)
    if not first then t.fail(("%q lacks %q, or has it too early"):format(text, part)) end
    at = last + 1
  end
  t.equal(values_of(net), before)
  return text
end

-- ---- what fits -------------------------------------------------------------------------------------------------

t.test("every tensor is copied into the module's own", function()
  local net, state = Net(), state_of_net()
  local weight = net.first.weight
  t.equal(net:load_state_dict(state), {missing_keys = {}, unexpected_keys = {}})
  t.equal(values_of(net), {scale = {9, 9}, mean = {8, 8}, ["first.weight"] = {{7, 7, 7}, {7, 7, 7}},
                           ["first.bias"] = {6, 6}})
  t.equal({rawequal(net.first.weight, weight), weight.requires_grad}, {true, true})
  state.scale:zero_()
  t.equal(net.scale:detach():tolist(), {9, 9})
end)

t.test("a plain table fits, and what it holds is converted", function()
  local net = nn.Linear(1, 1)
  net:load_state_dict({weight = embla.tensor({{2.5}}, "float64"), bias = embla.LongTensor {3}})
  t.equal(net.weight:detach():tolist(), {{2.5}})
  t.equal(net.bias:detach():tolist(), {3})
  t.equal(net.bias.dtype, "float32")
end)

t.test("strict = false passes over missing and unexpected names and reports them", function()
  for _, options in ipairs {false, {strict = false}} do
    local net = nn.Linear(1, 1)
    local result = net:load_state_dict({weight = embla.tensor {{5.0}}, zeta = embla.ones(1), alpha = embla.ones(1)},
                                       options)
    t.equal(result, {missing_keys = {"bias"}, unexpected_keys = {"alpha", "zeta"}})
    t.equal(net.weight:detach():tolist(), {{5}})
  end
end)

t.test("of a tensor with two names one is enough, and neither is missing", function()
  local net = nn.Module()
  net.a = nn.Linear(1, 1, {bias = false})
  net.b = nn.Linear(1, 1, {bias = false})
  net.b.weight = net.a.weight
  for _, name in ipairs {"a.weight", "b.weight"} do
    local result = net:load_state_dict({[name] = embla.full({1, 1}, 4.0)}, {strict = false})
    t.equal(result, {missing_keys = {}, unexpected_keys = {}})
    t.equal(net.a.weight:item(), 4)
    net:load_state_dict {[name] = embla.full({1, 1}, 5.0)}
    t.equal(net.b.weight:item(), 5)
  end
  refused(net, {}, nil, "missing: ", "a.weight", "b.weight")
end)

t.test("what a file's reader returns after its tensors is no option", function()
  local net = nn.Linear(1, 1)
  local function read() return {weight = embla.ones(1, 1), bias = embla.ones(1)}, {format = "pt"}, {bias = "I16"} end
  net:load_state_dict(read())
  t.equal(net.bias:detach():tolist(), {1})
  local function read_half() return {weight = embla.ones(1, 1)}, {strict = "no"}, {} end
  t.raises(function() net:load_state_dict(read_half()) end, "missing: bias")
end)

-- ---- what does not ---------------------------------------------------------------------------------------------

t.test("all that is wrong is named at once, and nothing is changed", function()
  local state = state_of_net()
  state.scale, state.mean = nil, nil
  state["first.weight"], state["first.bias"] = embla.ones(3, 2), embla.ones(3)
  state.zeta, state.alpha = embla.ones(1), embla.ones(1)
  refused(Net(), state, nil, "missing: scale, mean; ", "unexpected: alpha, zeta; ",
          "first.weight: shape (3, 2) given, (2, 3) expected; ", "first.bias: shape (3) given, (2) expected")
end)

t.test("what does not fit is refused without strict too", function()
  local state = state_of_net()
  state["first.bias"], state.scale = embla.ones(3), nil
  local text = refused(Net(), state, {strict = false}, "first.bias: shape (3) given, (2) expected")
  t.equal(text:find "missing", nil)
end)

t.test("shapes are equal only if they are the same", function()
  for _, shape in ipairs {{}, {1}, {2, 1}, {1, 2}, {0}} do
    local state = state_of_net()
    state.mean = embla.ones(shape)
    refused(Net(), state, nil, ("mean: shape (%s) given, (2) expected"):format(table.concat(shape, ", ")))
  end
end)

t.test("what is no dense tensor is refused", function()
  local net = nn.Embedding(3, 2, {sparse = true})
  net(embla.LongTensor {1}):sum():backward()
  refused(net, {weight = net.weight.grad}, nil, "weight: expected a dense tensor, got a sparse one")
  refused(net, {weight = {{1}}}, nil, "weight: expected a tensor, got")
  refused(net, {weight = false}, nil, "weight: expected a tensor, got false")
end)

t.test("a module's tensor that cannot be written to is found before anything is", function()
  local net = Net()
  net.first:register_buffer("wide", embla.zeros(1):expand(2))
  local state = state_of_net()
  state["first.wide"] = embla.ones(2)
  refused(net, state, nil, "first.wide: the module's tensor is expanded and cannot be written to")
end)

t.test("what is no state, and options that there are not", function()
  local net = nn.Linear(1, 1)
  t.raises(function() net:load_state_dict("model.pt") end, "load_state_dict", "table", "model.pt")
  t.raises(function() net:load_state_dict() end, "load_state_dict", "table", "nil")
  t.raises(function() net:load_state_dict({}, {strikt = false}) end, "strikt", "strict")
  t.raises(function() net:load_state_dict({}, true, 5) end, "2 arguments")
  refused(net, {[1] = embla.ones(1)}, nil, "missing: weight, bias; ", "unexpected: 1")
end)

-- ---- what stands before names ----------------------------------------------------------------------------------

local function behind(prefix, state)
  local longer = {}
  for name, tensor in pairs(state) do longer[prefix .. name] = tensor end
  return longer
end

t.test("a state whose names have more before them says so, and how to take it off", function()
  for _, prefix in ipairs {"module.", "model.", "_orig_mod.", "a.0."} do
    local net, state = Net(), behind(prefix, state_of_net())
    refused(net, state, nil, "missing: scale, ", "unexpected: ", prefix, "the missing names are there behind",
            ("nn.utils.consume_prefix_in_state_dict_if_present(state, %q)"):format(prefix))
    nn.utils.consume_prefix_in_state_dict_if_present(state, prefix)
    net:load_state_dict(state)
    t.equal(net.scale:detach():tolist(), {9, 9})
  end
end)

t.test("beside the names of another part too", function()
  local state = behind("model.", state_of_net())
  state["lm_head.weight"] = embla.ones(1)
  refused(Net(), state, nil, "unexpected: lm_head.weight, model.first.bias", 'behind "model."')
end)

t.test("a state of a part of the module says of which", function()
  local whole = nn.Module()
  whole.body = Net()
  refused(whole, state_of_net(), nil, "missing: body.scale, ", "unexpected: first.bias, ",
          'the state is that of the module\'s part "body"')
end)

t.test("nothing is advised where only some names are found, or a part of a word stands before them", function()
  for name in pairs(state_of_net()) do
    local state = behind("module.", state_of_net())
    state["module." .. name] = nil
    t.equal(refused(Net(), state, nil, "missing: scale, "):find("consume_prefix", 1, true), nil)
  end
  local net = nn.PReLU()
  t.equal(refused(net, {overweight = embla.ones(1)}, nil, "missing: weight; "):find("consume_prefix", 1, true), nil)
end)

t.finish()
