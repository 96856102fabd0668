-- Golden cases of tostring() for tensors, parameters, row-sparse tensors and modules: exact text.

local embla = require "embla"
local check = require "support.check"
local golden = require "support.golden"
local nn = embla.nn

local DEFAULTS = {precision = 4, threshold = 1000, edgeitems = 3, linewidth = 80}

local build = {}

function build.tensor(case)
  local tensor = golden.tensor(case.tensor)
  return case.requires_grad and tensor:requires_grad_() or tensor
end

-- start + step * i in row-major order, computed in float64.
function build.filled(case)
  local n = 1
  for _, size in ipairs(case.shape) do n = n * size end
  local start, step = case.fill.start, case.fill.step
  local data = {}
  for i = 1, n do data[i] = start + step * (i - 1) end
  return embla.tensor(data, {dtype = case.dtype}):reshape(table.unpack(case.shape))
end

function build.parameter(case)
  return nn.Parameter(golden.tensor(case.tensor))
end

function build.sparse(case)
  return golden.rows(case.indices, case.values, case.shape)
end

local function construct(name, args, options)
  local list = {table.unpack(args)}
  if next(options) then list[#list + 1] = golden.options(options) end
  if not nn[name] then check.fail("there is no nn." .. name) end
  return nn[name](table.unpack(list))
end

function build.module(case)
  if case.module == "Sequential(Embedding,Linear)" then
    check.equal(case.options, {})
    return nn.Sequential(construct("Embedding", case.args, {}), construct("Linear", {case.args[2], 2}, {}))
  end
  return construct(case.module, case.args, case.options)
end

local function run(case)
  local make = build[case.kind]
  if not make then check.fail("unknown kind " .. check.show(case.kind)) end
  local value = make(case)
  if case.print_options then embla.set_printoptions(case.print_options) end
  local text = tostring(value)
  embla.set_printoptions(DEFAULTS)
  check.equal(text, case.text)
end

local function subjects(case)
  if case.kind == "module" then return {{"modules", case.module:match("^%w+")}} end
  return {{"dtypes", case.dtype or case.tensor and case.tensor.dtype}}
end

return {
  printing = {
    routes = {run},
    subjects = subjects,
    exists = {
      modules = function(name) return nn[name] ~= nil end,
      dtypes = function(name) return (pcall(embla.zeros, 1, {dtype = name})) end,
    },
  },
}
