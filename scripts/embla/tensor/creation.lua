-- Functions that make tensors.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local note = require("embla.help.notes").note
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local read_sizes = require "embla.tensor.sizes"

local creation = {}

local function rows(dtype)
  return {
    {name = "dtype", type = "dtype", default = dtype, doc = "of the elements"},
    {name = "requires_grad", type = "boolean", default = false, doc = "whether gradients are wanted for it"},
  }
end

local function finish(t, o)
  if o.requires_grad then t:requires_grad_() end
  return t
end

-- ---- from data -------------------------------------------------------------------------------------------------

local NONE = {}
local tensor_spec = options.spec("tensor", rows(nil))

--- A tensor from a number, a boolean or a nested table. Lua floats make float32, integers int64, booleans bool.
-- @param data number, boolean, nested table, or a tensor to copy
-- @param opt  the options, or the dtype alone
-- @return Tensor
-- @raise if the table is ragged or holds anything else
function creation.tensor(data, opt)
  local o = opt ~= nil and tensor_spec.arguments(opt) or NONE
  if data == nil then raise("tensor: argument data: expected a number, a boolean or a nested table, got nil") end
  return finish(core.tensor(data, o.dtype), o)
end

for name, dtype in pairs {LongTensor = "int64", IntTensor = "int32", FloatTensor = "float32", DoubleTensor = "float64",
                          BoolTensor = "bool", ByteTensor = "uint8", HalfTensor = "float16",
                          BFloat16Tensor = "bfloat16"} do
  creation[name] = function(data) return core.tensor(data, dtype, name .. ": data") end
  note(creation[name], name .. "(data)", "A tensor of " .. dtype .. ".",
       "@param data number, boolean, or nested table of them", "@return Tensor")
end

-- ---- from sizes ------------------------------------------------------------------------------------------------

local FILLED = {
  empty = {core.empty, "A tensor whose elements may be anything."},
  zeros = {core.zeros, "A tensor of zeros."},
  ones = {function(sizes, dtype) return core.empty(sizes, dtype):fill_(1) end, "A tensor of ones."},
  rand = {function(sizes, dtype) return core.empty(sizes, dtype):uniform_() end,
          "Numbers drawn evenly from [0, 1)."},
  randn = {function(sizes, dtype) return core.empty(sizes, dtype):normal_() end,
           "Numbers drawn from the standard normal distribution."},
}

for name, row in pairs(FILLED) do
  local fill, text = row[1], row[2]
  local spec = options.spec(name, rows())
  creation[name] = function(...)
    local sizes, o = read_sizes(name, spec, ...)
    return finish(fill(sizes, o.dtype or core.get_default_dtype()), o)
  end
  note(creation[name], name .. "(..., opt)", text, "@param ... sizes: integers >= 0, or one table of them",
       "@param opt the options, or the dtype alone, which is the default dtype unless given", "@return Tensor")
end

local full_spec = options.spec("full", rows(nil))

local function dtype_of(value)
  if type(value) == "boolean" then return "bool" end
  return math.type(value) == "integer" and "int64" or core.get_default_dtype()
end

local function check_value(owner, value)
  if type(value) ~= "number" and type(value) ~= "boolean" then
    raise("%s: argument value: expected a number or a boolean, got %s", owner, options.show(value))
  end
end

--- A tensor of one value.
-- @param sizes table of sizes
-- @param value number or boolean; its kind decides the dtype unless one is given
-- @param opt   the options, or the dtype alone
-- @return Tensor
function creation.full(sizes, value, opt)
  if type(sizes) ~= "table" then raise("full: argument sizes: expected a table, got %s", options.show(sizes)) end
  check_value("full", value)
  local o = full_spec.arguments(opt)
  return finish(core.empty(sizes, o.dtype or dtype_of(value)):fill_(value), o)
end

local randint_spec = options.spec("randint", rows "int64")

--- Integers drawn from [low, high).
-- @param low   least value; may be left out, and is 0 then
-- @param high  upper bound, not drawn
-- @param sizes table of sizes
-- @param opt   the options, or the dtype alone
-- @return Tensor
function creation.randint(low, high, sizes, opt)
  if type(high) == "table" then low, high, sizes, opt = 0, low, high, sizes end          -- randint(high, sizes)
  if type(sizes) ~= "table" then raise("randint: argument sizes: expected a table, got %s", options.show(sizes)) end
  local o = randint_spec.arguments(opt)
  return finish(core.empty(sizes, o.dtype):random_(low, high), o)
end

local randperm_spec = options.spec("randperm", rows "int64")

--- 0 .. n-1 in random order.
-- @param n   integer >= 0
-- @param opt the options, or the dtype alone
-- @return Tensor (n)
function creation.randperm(n, opt)
  local o = randperm_spec.arguments(opt)
  return finish(core.randperm(n):to(o.dtype), o)
end

-- ---- ranges ----------------------------------------------------------------------------------------------------

local range_spec = options.spec("arange", rows(nil))

local ORDER = {"start", "stop", "step"}                  -- a single number is stop

-- Numbers by position, or by the names of `names` in the table of options behind them; and those options.
local function numbers_and_options(owner, names, spec, ...)
  local given = table.pack(...)
  local opt
  if type(given[given.n]) == "table" or type(given[given.n]) == "string" then
    opt, given[given.n], given.n = given[given.n], nil, given.n - 1
  end
  local rest = opt
  if type(opt) == "table" and next(opt) ~= nil then
    rest = {}
    for key, value in next, opt do
      local at = names[key]
      if not at then
        rest[key] = value
      elseif given[at] ~= nil then
        raise("%s: argument %s is given twice, by position and by name", owner, key)
      else
        given[at], given.n = value, math.max(given.n, at)
      end
    end
  end
  for i = 1, given.n do
    if given[i] ~= nil and type(given[i]) ~= "number" then
      raise("%s: argument %s: expected a number, got %s", owner, given.n == 1 and "stop" or ORDER[i] or i,
            options.show(given[i]))
    end
  end
  return given, spec.arguments(rest)
end

-- a / b as integers without sign, b not 0.
local function unsigned_quotient(a, b)
  if b < 0 then return math.ult(a, b) and 0 or 1 end
  if a >= 0 then return a // b end
  local q = ((a >> 1) // b) << 1
  return math.ult(a - q * b, b) and q or q + 1
end

-- How many integers lie between two ends, step by step: exactly, where the distance may be longer than an integer.
local function count_steps(start, stop, step)
  if step < 0 then start, stop, step = stop, start, -step end
  if start >= stop then return 0 end
  return unsigned_quotient(stop - start - 1, step) + 1
end
local RANGE = {start = 1, stop = 2, ["end"] = 2, step = 3}

--- start, start + step, … below stop.
-- @param ... [start = 0,] stop [, step = 1] [, the options], by position or name; all integers make int64, else float32
-- @return Tensor (n)
-- @raise if step is 0 or leads away from stop
function creation.arange(...)
  local given, o = numbers_and_options("arange", RANGE, range_spec, ...)
  local start, stop, step = given[1], given[2], given[3] or 1
  if given.n < 1 or given.n > 3 then raise("arange: expected [start,] stop [, step], got %d numbers", given.n) end
  if stop == nil then start, stop = 0, start end
  start = start or 0
  if stop == nil then raise("arange: expected [start,] stop [, step], got no stop") end
  if step == 0 then raise("arange: argument step must not be 0") end
  local steps = (stop + 0.0 - start) / step
  if not (steps >= 0 and steps < 2 ^ 62) then
    raise("arange: from %s to %s with a step of %s", start, stop, step)
  end
  local whole = math.type(start) == "integer" and math.type(stop) == "integer" and math.type(step) == "integer"
  local dtype = o.dtype or (whole and "int64" or core.get_default_dtype())
  return finish(core.arange(dtype, start, step, whole and count_steps(start, stop, step) or math.ceil(steps)), o)
end

local linspace_spec = options.spec("linspace", rows())

-- Evenly spaced integers that a double does not hold: start + i * (stop - start) / (steps - 1), cut off at the point.
local function integers_between(start, stop, steps)
  local list, down = {}, stop < start
  local distance, parts = down and start - stop or stop - start, math.max(steps - 1, 1)
  local each = unsigned_quotient(distance, parts)
  local rest = distance - each * parts
  for i = 0, steps - 1 do
    local part = i * rest
    local x = down and start - (i * each + part // parts) or start + (i * each + part // parts)
    if part % parts ~= 0 and (down and x > 0 or not down and x < 0) then x = down and x - 1 or x + 1 end
    list[i + 1] = x
  end
  return list
end

local EXACT = 1 << 53
local function is_large(x) return math.type(x) == "integer" and (x > EXACT or x < -EXACT) end

--- `steps` numbers from start to stop, both included, evenly spaced.
-- @param start first
-- @param stop  last
-- @param steps how many
-- @param opt   the options, or the dtype alone, which is the default dtype unless given
-- @return Tensor (steps)
function creation.linspace(start, stop, steps, opt)
  if type(start) ~= "number" or type(stop) ~= "number" then
    raise("linspace: expected numbers start and stop, got %s and %s", options.show(start), options.show(stop))
  end
  steps = expect.integer("linspace", "steps", steps, 0)
  local o = linspace_spec.arguments(opt)
  local dtype = o.dtype or core.get_default_dtype()
  core.tensor({start, stop}, dtype, "linspace")         -- fails if one does not fit
  if dtype == "int64" and (is_large(start) or is_large(stop)) and math.tointeger(start) and math.tointeger(stop) then
    return finish(core.tensor(integers_between(math.tointeger(start), math.tointeger(stop), steps), "int64"), o)
  end
  local t = core.arange("float64", start + 0.0, steps > 1 and (stop + 0.0 - start) / (steps - 1) or 0.0, steps)
  if steps > 1 then t[steps - 1] = stop end
  return finish(t:to(dtype), o)
end

local logspace_spec = options.spec("logspace", {
  {name = "base", type = "number", default = 10.0, doc = "whose powers they are"}, rows()[1], rows()[2],
})

--- `steps` numbers from base^start to base^stop, both included, whose logarithms are evenly spaced.
-- @param start exponent of the first
-- @param stop  exponent of the last
-- @param steps how many
-- @param ...   the options, by position or by name
-- @return Tensor (steps)
function creation.logspace(start, stop, steps, ...)
  expect.number("logspace", "start", start)
  expect.number("logspace", "stop", stop)
  steps = expect.integer("logspace", "steps", steps, 0)
  local o = logspace_spec.arguments(...)
  local dtype = o.dtype or core.get_default_dtype()
  core.tensor({o.base ^ start, o.base ^ stop}, dtype, "logspace")       -- fails if one does not fit
  return finish(core.ops.pow(o.base, creation.linspace(start, stop, steps, "float64")):to(dtype), o)
end

local eye_spec = options.spec("eye", rows())

--- The identity matrix, or its first columns.
-- @param n       rows
-- @param columns n if left out
-- @param opt     the options, or the dtype alone
-- @return Tensor (n, columns)
function creation.eye(n, columns, opt)
  if type(columns) == "table" or type(columns) == "string" then columns, opt = nil, columns end
  local o = eye_spec.arguments(opt)
  n = expect.integer("eye", "n", n, 0)
  columns = expect.integer("eye", "columns", columns or n, 0)
  local t = core.zeros({n, columns}, o.dtype or core.get_default_dtype())
  for i = 0, math.min(n, columns) - 1 do t[{i, i}] = 1 end
  return finish(t, o)
end

-- ---- like another ----------------------------------------------------------------------------------------------

for filled, row in pairs(FILLED) do
  local fill, text, name = row[1], row[2], filled .. "_like"
  local spec = options.spec(name, rows(nil))
  creation[name] = function(input, opt)
    expect.tensor(name, "input", input)
    local o = spec.arguments(opt)
    return finish(fill(input.shape, o.dtype or input.dtype), o)
  end
  note(creation[name], name .. "(input, opt)", text, "@param input Tensor, of whose shape and dtype it is",
       "@param opt the options, or the dtype alone, which is input's unless given", "@return Tensor of input's shape")
end

local full_like_spec = options.spec("full_like", rows(nil))

--- A tensor of another's shape and dtype, of one value.
-- @param input Tensor
-- @param value number or boolean
-- @param opt   the options, or the dtype alone, which is input's unless given
-- @return Tensor
function creation.full_like(input, value, opt)
  expect.tensor("full_like", "input", input)
  check_value("full_like", value)
  local o = full_like_spec.arguments(opt)
  return finish(core.empty(input.shape, o.dtype or input.dtype):fill_(value), o)
end

-- ---- row-sparse ------------------------------------------------------------------------------------------------

--- A row-sparse tensor: entries for some rows of a table.
-- @param indices (1, n) or (n) of an integer dtype, or a table of integers
-- @param values  (n, …) of a float dtype
-- @param size    table of sizes (V, …); the number of rows may be given alone
-- @return Tensor, not coalesced
-- @raise if the shapes do not fit or an index is outside 0 .. V-1
function creation.sparse_coo_tensor(indices, values, size)
  if type(indices) == "table" then indices = core.tensor(indices, "int64", "sparse_coo_tensor: indices") end
  if type(values) == "table" then values = core.tensor(values, "float32", "sparse_coo_tensor: values") end
  if not core.is_tensor(indices) or not core.is_tensor(values) then
    raise("sparse_coo_tensor: expected tensors of indices and values, got %s and %s", options.show(indices),
          options.show(values))
  end
  if indices:dim() == 2 and indices:size(0) ~= 1 then
    raise("sparse_coo_tensor: indices must have one sparse dim, got %d", indices:size(0))
  end
  local rows_of = type(size) == "table" and size[1] or size
  if type(rows_of) ~= "number" or not math.tointeger(rows_of) then
    raise("sparse_coo_tensor: argument size: expected a table of sizes, got %s", options.show(size))
  end
  if type(size) == "table" then
    for d = 2, math.max(#size, values:dim()) do
      if d > values:dim() or values:size(d - 1) ~= size[d] then
        raise("sparse_coo_tensor: values of shape (%s) do not fit size {%s}", table.concat(values.shape, ", "),
              table.concat(size, ", "))
      end
    end
  end
  return core.sparse_new(indices, values, rows_of)
end

return creation
