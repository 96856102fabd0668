-- Gradients against differences.

local core = require "embla.core"
local modes = require "embla.autograd.modes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local spec = options.spec("gradcheck", {
  {name = "eps", type = "number", default = 1e-6, range = "> 0", doc = "step of the differences"},
  {name = "atol", type = "number", default = 1e-5, range = ">= 0", doc = "absolute difference allowed"},
  {name = "rtol", type = "number", default = 1e-3, range = ">= 0", doc = "difference allowed, relative to the numeric"},
  {name = "raise_exception", type = "boolean", default = true, doc = "false: return false instead of an error"},
  {name = "nondet_tol", type = "number", default = 0, range = ">= 0", doc = "difference allowed between two backwards"},
})

-- The float tensors among the results of f, without those that no input leads to.
local function outputs_of(f, inputs)
  local list = {}
  for _, t in ipairs(table.pack(f(table.unpack(inputs, 1, inputs.n)))) do
    if core.is_tensor(t) and t.requires_grad then list[#list + 1] = t end
  end
  return list
end

-- Values of a result as a flat list.
local function values_of(t) return t:detach():reshape(-1):tolist() end

-- d result / d element at `i` of x, by a difference on both sides: one list for each result.
local function numeric_column(f, inputs, x, i, eps)
  local flat = x:detach():view(-1)
  local value = flat[i]
  local function at(moved)
    flat[i] = moved
    local lists = {}
    for k, y in ipairs(outputs_of(f, inputs)) do lists[k] = values_of(y) end
    return lists
  end
  local ok, above, below = pcall(function()
    return at(value + eps), at(value - eps)
  end)
  flat[i] = value
  if not ok then error(above, 0) end
  for k, list in ipairs(above) do
    if not below[k] or #below[k] ~= #list then
      raise("gradcheck: the function returned results of other shapes when it was called again")
    end
    for j, y in ipairs(list) do list[j] = (y - below[k][j]) / (2 * eps) end
  end
  return above
end

-- d element j of result k / d inputs: one flat list for each input.
local function analytic_row(f, inputs, checked, k, j, autograd)
  local y = outputs_of(f, inputs)[k]
  local one = core.ops.copy(y:detach(), 0)
  one:view(-1)[j] = 1
  local rows = {}
  for n, g in ipairs(autograd.grad(y, checked, one, {allow_unused = true})) do
    rows[n] = g and values_of(g.is_sparse and g:to_dense() or g) or false
  end
  return rows
end

local Mismatch = {}

local function differ(format, ...) error(setmetatable({text = format:format(...)}, Mismatch), 0) end

-- Whether they agree as torch.allclose has it.
local function near(a, n, o) return a == n or math.abs(a - n) <= o.atol + o.rtol * math.abs(n) end

local function check_input(f, inputs, checked, n, analytic, o)
  for i = 0, checked[n]:numel() - 1 do
    for k, column in ipairs(numeric_column(f, inputs, checked[n], i, o.eps)) do
      if not analytic[k] or #analytic[k] ~= #column then
        raise("gradcheck: the function returned results of other shapes when it was called again")
      end
      for j, numeric in ipairs(column) do
        local row = analytic[k][j][n]
        local a = row and row[i + 1] or 0
        if not near(a, numeric, o) then
          differ("gradcheck: result %d, element %d, input %d, element %d: numeric %.9g, analytic %.9g (elements count "
            .. "from 0)", k, j - 1, n, i, numeric, a)
        end
      end
    end
  end
end

local function check_repeats(f, inputs, checked, analytic, o, autograd)
  for k, rows in ipairs(analytic) do
    for j, first in ipairs(rows) do
      for n, list in ipairs(analytic_row(f, inputs, checked, k, j - 1, autograd)) do
        for i = 1, list and #list or 0 do
          if math.abs(list[i] - first[n][i]) > o.nondet_tol then
            differ("gradcheck: backward gives different gradients for the same call: input %d, element %d", n, i - 1)
          end
        end
      end
    end
    if #rows > 0 then return end        -- one result will do
  end
end

-- Each gradient is asked for through one result alone: the others have none, which backward has to bear.
local function check_all(f, inputs, checked, o, autograd)
  local analytic = {}
  for k, y in ipairs(outputs_of(f, inputs)) do
    analytic[k] = {}
    for j = 0, y:numel() - 1 do analytic[k][j + 1] = analytic_row(f, inputs, checked, k, j, autograd) end
  end
  if #analytic == 0 then raise("gradcheck: no result of the function requires grad") end
  for n in ipairs(checked) do check_input(f, inputs, checked, n, analytic, o) end
  check_repeats(f, inputs, checked, analytic, o, autograd)
end

--- Compares the gradients of a function with differences (f(x + eps) - f(x - eps)) / (2 eps), for every element of
-- every input that requires grad and of every result. Inputs should be float64: float32 is too coarse.
-- @param f      function of the inputs that returns tensors
-- @param inputs Tensor, or list of what f is called with
-- @param opt    the options
-- @return true, or false with raise_exception = false
-- @raise that names result, input, element, and both numbers; if no input requires grad, or one is not contiguous
local function gradcheck(f, inputs, opt)
  local autograd = require "embla.autograd"
  local o = spec.read(opt)
  local meta = getmetatable(f)
  if type(f) ~= "function" and not (type(meta) == "table" and meta.__call) then
    raise("gradcheck: argument f: expected a function, got %s", options.show(f))
  end
  if core.is_tensor(inputs) then inputs = {inputs} end
  if type(inputs) ~= "table" then
    raise("gradcheck: argument inputs: expected a tensor or a list, got %s", options.show(inputs))
  end
  inputs = table.pack(table.unpack(inputs))
  local checked = {}
  for i = 1, inputs.n do
    local x = inputs[i]
    if core.is_tensor(x) and x.requires_grad then
      if not x:is_contiguous() then raise("gradcheck: input %d is not contiguous", i) end
      checked[#checked + 1] = x
    end
  end
  if #checked == 0 then raise("gradcheck: no input requires grad") end
  local _ <close> = core.keep_values(checked)
  local ok, message = pcall(modes.with_grad, true, check_all, f, inputs, checked, o, autograd)
  if ok then return true end
  if getmetatable(message) ~= Mismatch then error(message, 0) end
  if not o.raise_exception then return false end
  raise("%s", message.text)
end

return gradcheck
