-- Lists that the library returns: ordinary sequences that print as what they are.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local list = require "embla.base.list"
local nn = embla.nn

local x = embla.ones(2, 3)

t.test("shapes, strides, numbers and parameters print as what they are", function()
  t.equal(tostring(x.shape), "{2, 3}")
  t.equal(tostring(x:size()), "{2, 3}")
  t.equal(tostring(x:stride()), "{3, 1}")
  t.equal("shape " .. x.shape, "shape {2, 3}")
  t.equal(tostring(embla.tensor(1).shape), "{}")
  t.equal(tostring(embla.tensor({{1, 2}, {3, 4}}):tolist()), "{{1, 2}, {3, 4}}")
  t.equal(tostring(nn.Linear(2, 3):parameters()), "{Parameter (3, 2) float32, Parameter (3) float32}")
  t.equal(tostring(nn.Linear(2, 3):state_dict()),
          "{\n  weight = tensor (3, 2) float32,\n  bias = tensor (3) float32,\n}")
  t.equal(tostring(x:unbind()), "{tensor (3) float32, tensor (3) float32}")
  local opt = embla.optim.SGD({embla.zeros(1, {requires_grad = true})}, {lr = 0.5})
  t.equal(tostring(opt.param_groups):find("lr = 0.5", 1, true) ~= nil, true)
  t.equal(tostring(embla.optim.lr_scheduler.ConstantLR(opt, {factor = 0.5}):get_last_lr()), "{0.25}")
end)

t.test("they are ordinary sequences", function()
  local shape = x.shape
  t.equal({#shape, shape[1], shape[2], shape[3] == nil, rawlen(shape)}, {2, 2, 3, true, 2})
  t.equal({table.unpack(shape)}, {2, 3})
  t.equal(table.concat(shape, "x"), "2x3")
  local seen = {}
  for i, n in ipairs(shape) do seen[i] = n end
  for key, n in pairs(shape) do seen[key] = seen[key] + n end
  t.equal({seen, next(shape)}, {{4, 6}, 1, 2})
  shape[#shape + 1] = 4
  table.insert(shape, 5)
  table.sort(shape, function(a, b) return a > b end)
  t.equal({shape[1], x.shape}, {5, {2, 3}})
  t.equal(embla.zeros(x.shape).shape, {2, 3})
  t.equal(x:reshape(embla.zeros(3, 2).shape).shape, {3, 2})
end)

t.test("long ones are cut, deep and hostile ones end", function()
  local long = {}
  for i = 1, 1000 do long[i] = i end
  t.equal(tostring(list.of(long)):find("... (1000)", 1, true) ~= nil, true)
  local loop = list.of {}
  loop[1] = loop
  t.equal(tostring(loop), "{{{{{{...}}}}}}")
end)

t.test("states print what they hold", function()
  local p = nn.Parameter(embla.ones(2))
  local opt = embla.optim.SGD({p}, {lr = 0.5, momentum = 0.5})
  p:sum():backward()
  opt:step()
  local state = opt:state_dict()
  t.equal(tostring(state.state), "{{momentum_buffer = tensor (2) float32, step = 1}}")
  t.equal(tostring(state), table.concat({
    "{",
    "  param_groups = {",
    "    {",
    "      dampening = 0.0,",
    "      lr = 0.5,",
    "      maximize = false,",
    "      momentum = 0.5,",
    "      nesterov = false,",
    "      params = {1},",
    '      sparse_mode = "exact",',
    "      weight_decay = 0.0",
    "    }",
    "  },",
    "  state = {{momentum_buffer = tensor (2) float32, step = 1}}",
    "}"}, "\n"))
  local schedule = embla.optim.lr_scheduler.ExponentialLR(opt, {gamma = 0.5})
  t.equal(tostring(schedule:state_dict().groups), "{{lr = 0.5}}")
  t.equal(tostring(schedule:state_dict()):match "gamma = [%d.]+", "gamma = 0.5")
  t.equal(tostring(embla.optim.EMA({p}, 0.5):state_dict()),
          "{averages = {tensor (2) float32}, decay = 0.5, num_updates = 0, warmup = false}")
  t.equal(tostring(nn.Linear(1, 1):load_state_dict({other = p}, {strict = false})),
          '{missing_keys = {"weight", "bias"}, unexpected_keys = {"other"}}')
end)

t.test("a copy of a module has lists of its own", function()
  local net = nn.Module()
  net.sizes = x.shape
  local copy = net:clone()
  copy.sizes[1] = 7
  t.equal({net.sizes[1], copy.sizes[1]}, {2, 7})
end)
t.finish()
