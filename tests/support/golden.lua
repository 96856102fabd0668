-- Golden cases: reading them, building their tensors, comparing with them. The format is tests/golden/README.md.

local embla = require "embla"
local check = require "support.check"

local golden = {}

-- Tolerances of tests/golden/README.md.
golden.GENERAL = {rtol = 1e-5, atol = 1e-6}
golden.LOOSE = {rtol = 1e-4, atol = 1e-5}
golden.DOUBLE = {rtol = 1e-9, atol = 1e-12}

-- ---- reading ---------------------------------------------------------------------------------------------------

--- The cases of a file: a list. The file is data; it sees nothing but `math`.
function golden.load(path)
  local chunk = assert(loadfile(path, "t", {math = {huge = math.huge}}))
  return chunk()
end

local readers = setmetatable({}, {__mode = "k"})

-- A view of a table that remembers which of its fields were asked for.
local function watch(raw, where)
  local reader = {raw = raw, where = where, read = {}, children = {}}
  local view = setmetatable({}, {__index = function(_, key)
    reader.read[key] = true
    return raw[key]
  end})
  readers[view] = reader
  return view
end
golden.watch = watch

--- Loops over a list field of a watched case, watching every entry: for i, step in golden.each(case, "steps") do
function golden.each(view, field)
  local reader = readers[view]
  local list = view[field]
  local i = 0
  return function()
    i = i + 1
    if list[i] == nil then return nil end
    local entry = watch(list[i], ("%s[%d]."):format(field, i))
    reader.children[#reader.children + 1] = entry
    return i, entry
  end
end

--- Counts fields of a watched case as read.
function golden.note(view, ...)
  for _, key in ipairs {...} do readers[view].read[key] = true end
end

--- Fails if a field of a watched case was never read: nothing in a case may go unnoticed.
function golden.all_read(view)
  local reader = readers[view]
  for key in pairs(reader.raw) do
    local field = (reader.where or "") .. key
    if not reader.read[key] then check.fail("field '" .. field .. "' of the case was not used") end
  end
  for _, child in ipairs(reader.children) do golden.all_read(child) end
end

-- ---- building --------------------------------------------------------------------------------------------------

function golden.is_tensor(value)
  return type(value) == "table" and value.shape ~= nil
end

local function count(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

--- The tensor a case describes.
-- @param dtype takes the place of the described one
function golden.tensor(spec, dtype)
  if not spec then check.fail("the case has no tensor here: a call that must be refused was accepted") end
  dtype = dtype or spec.dtype or "float32"
  if count(spec.shape) == 0 then
    return embla.zeros(table.unpack(spec.shape)):to(dtype)      -- nested data cannot tell (0, 3) from (0)
  end
  return embla.tensor(spec.data, {dtype = dtype})
end

--- The same as a leaf that gathers gradients.
function golden.leaf(spec)
  return golden.tensor(spec):requires_grad_()
end

--- nil stays nil, everything else becomes a tensor.
function golden.maybe(spec)
  return spec and golden.tensor(spec)
end

--- Options as the library takes them: described tensors are built, lists copied.
-- @param extra further options, which win
function golden.options(options, extra)
  local out = {}
  for key, value in pairs(options or {}) do
    out[key] = golden.is_tensor(value) and golden.tensor(value) or value
  end
  for key, value in pairs(extra or {}) do out[key] = value end
  return out
end

--- Row-sparse tensor from a list of rows and a described tensor of values.
function golden.rows(indices, values, shape, dtype)
  local ids = #indices > 0 and embla.tensor({indices}, {dtype = "int64"}) or embla.zeros(1, 0, {dtype = "int64"})
  return embla.sparse_coo_tensor(ids, golden.tensor(values, dtype), shape)
end

--- A number, also from a tensor that holds one.
function golden.number(value)
  return check.is_tensor(value) and value:item() or value
end

-- ---- comparing -------------------------------------------------------------------------------------------------

local function match_dense(label, got, want, tolerance)
  local dtype = want.dtype or "float32"
  check.equal({[label .. " dtype"] = got.dtype}, {[label .. " dtype"] = dtype})
  check.equal({[label .. " shape"] = got.shape}, {[label .. " shape"] = want.shape})
  if count(want.shape) == 0 then return end
  if dtype == "float64" then tolerance = golden.DOUBLE end
  check.close({[label] = got:tolist()}, {[label] = want.data}, tolerance.rtol, tolerance.atol)
end

local function match_sparse(label, got, want, tolerance)
  check.equal({[label .. " is_sparse"] = got.is_sparse}, {[label .. " is_sparse"] = true})
  check.equal({[label .. " shape"] = got.shape}, {[label .. " shape"] = want.shape})
  local sum = got:coalesce()
  check.equal({[label .. " is_coalesced"] = sum:is_coalesced()}, {[label .. " is_coalesced"] = true})
  check.equal({[label .. " nnz"] = sum:nnz()}, {[label .. " nnz"] = want.nnz})
  local ids, values = sum:indices(), sum:values()
  check.equal({[label .. " indices shape"] = ids.shape}, {[label .. " indices shape"] = {1, want.nnz}})
  check.equal({[label .. " indices dtype"] = ids.dtype}, {[label .. " indices dtype"] = "int64"})
  if want.nnz == 0 then return end
  check.equal({[label .. " indices"] = ids:tolist()[1]}, {[label .. " indices"] = want.indices})
  if got.dtype == "float64" then tolerance = golden.DOUBLE end
  check.close({[label .. " values"] = values:tolist()}, {[label .. " values"] = want.values},
    tolerance.rtol, tolerance.atol)
end

--- Compares a tensor with a described one: kind, dtype, shape, values. `want` nil means there is nothing to compare.
function golden.match(label, got, want, tolerance)
  if want == nil then return end
  tolerance = tolerance or golden.GENERAL
  if not check.is_tensor(got) then check.fail(("%s: got %s, want a tensor"):format(label, check.show(got))) end
  if want.sparse then return match_sparse(label, got, want, tolerance) end
  if got.is_sparse then check.fail(label .. ": got a sparse tensor, want a dense one") end
  match_dense(label, got, want, tolerance)
end

--- Compares a list of numbers.
function golden.match_numbers(label, got, want, tolerance)
  check.close({[label] = got}, {[label] = want}, tolerance.rtol, tolerance.atol)
end

--- Sends the gradients of several results back at once; `false` entries get none.
function golden.backward(outputs, grads)
  if #grads == 1 then return outputs[1]:backward(golden.tensor(grads[1])) end
  local total
  for i, grad in ipairs(grads) do
    if grad then
      local part = (outputs[i] * golden.tensor(grad)):sum()
      total = total and total + part or part
    end
  end
  total:backward()
end

return golden
