-- The test framework of all Lua tests: named tests, exact and close comparison, error texts.
--
--   local t = require "support.check"
--   t.test("two and two", function() t.equal(2 + 2, 4) end)
--   t.finish()
--
-- Requiring it forbids globals: reading an undefined one or making a new one is an error.

local check = {}

local counts = {passed = 0, failed = 0, skipped = 0}
local finished = false
local THIS_FILE = debug.getinfo(1, "S").source

setmetatable(_G, {
  __index = function(_, name) error("global '" .. tostring(name) .. "' is not defined", 2) end,
  __newindex = function(_, name) error("global '" .. tostring(name) .. "' must not be made", 2) end,
})

-- A file that ends without finish() would look green; its last breath says otherwise.
check.guard = setmetatable({}, {__gc = function()
  if not finished then
    io.stderr:write("the test file ended without finish()\n")
    os.exit(1)
  end
end})

-- ---- showing values --------------------------------------------------------------------------------------------

local function is_tensor(value)
  return type(value) == "userdata" and type(value.shape) == "table"
end
check.is_tensor = is_tensor

local function show_number(x)
  if math.type(x) == "integer" then return tostring(x) end
  local short = ("%.9g"):format(x)
  return tonumber(short) == x and short or ("%.17g"):format(x)
end

local function show_table(value, depth, seen)
  if seen[value] or depth > 6 then return "{...}" end
  seen[value] = true
  local parts, list = {}, #value
  for i = 1, math.min(list, 40) do parts[i] = check.show(value[i], depth + 1, seen) end
  if list > 40 then parts[#parts + 1] = "... (" .. list .. ")" end
  local keys = {}
  for key in pairs(value) do
    if math.type(key) ~= "integer" or key < 1 or key > list then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do parts[#parts + 1] = tostring(key) .. "=" .. check.show(value[key], depth + 1, seen) end
  seen[value] = nil
  return "{" .. table.concat(parts, ", ") .. "}"
end

--- A value as text for a message.
function check.show(value, depth, seen)
  if type(value) == "number" then return show_number(value) end
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) == "table" then return show_table(value, depth or 0, seen or {}) end
  return tostring(value)
end

-- ---- failing ---------------------------------------------------------------------------------------------------

-- "file:line" of the innermost caller outside this file.
local function caller()
  for level = 3, 50 do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    if info.currentline > 0 and info.source ~= THIS_FILE then return info.short_src .. ":" .. info.currentline end
  end
  return "?"
end

local Failure = {__tostring = function(self) return self.where .. ": " .. self.message end}

--- Fails the running test with a message.
function check.fail(message)
  error(setmetatable({where = caller(), message = message}, Failure), 0)
end

local function fail_compare(path, got, want, note)
  local where = #path > 0 and "at [" .. table.concat(path, ", ") .. "] " or ""
  note = note and " (" .. note .. ")" or ""
  check.fail(("%sgot %s, want %s%s"):format(where, check.show(got), check.show(want), note))
end

-- ---- comparing -------------------------------------------------------------------------------------------------

local function same_exact(got, want)
  return got == want or (got ~= got and want ~= want)
end

-- Scalars by `same`, tables key by key. `path` is where we are; positions in a tensor's data count from 0 (`base` 1).
local compare

local function compare_tables(got, want, same, path, base)
  for key, wanted in pairs(want) do
    path[#path + 1] = math.type(key) == "integer" and key - base or tostring(key)
    compare(got[key], wanted, same, path, base)
    path[#path] = nil
  end
  for key, extra in pairs(got) do
    if want[key] == nil then
      path[#path + 1] = math.type(key) == "integer" and key - base or tostring(key)
      fail_compare(path, extra, nil)
    end
  end
end

local function dense(tensor)
  return tensor.is_sparse and tensor:to_dense() or tensor
end

local function compare_tensors(got, want, same, path)
  if is_tensor(want) then
    if got.dtype ~= want.dtype then fail_compare(path, got.dtype, want.dtype, "dtype") end
    compare(got.shape, want.shape, same_exact, {"shape"}, 0)
    want = dense(want):tolist()
  end
  compare(dense(got):tolist(), want, same, path, 1)
end

function compare(got, want, same, path, base)
  if is_tensor(got) then return compare_tensors(got, want, same, path) end
  if type(got) == "table" and type(want) == "table" then return compare_tables(got, want, same, path, base) end
  if not same(got, want) then fail_compare(path, got, want) end
end

--- Exact equality: numbers, strings, nested tables, tensors (against a tensor or a nested table). NaN equals NaN.
function check.equal(got, want)
  compare(got, want, same_exact, {}, 0)
end

--- |got - want| <= atol + rtol |want| for every number; NaN equals NaN, infinities themselves, integers exactly.
-- @param rtol relative tolerance, 1e-5 if left out
-- @param atol absolute tolerance, 1e-6 if left out
function check.close(got, want, rtol, atol)
  rtol, atol = rtol or 1e-5, atol or 1e-6
  compare(got, want, function(a, b)
    if same_exact(a, b) then return true end
    if type(a) ~= "number" or type(b) ~= "number" then return false end
    if math.type(a) == "integer" and math.type(b) == "integer" then return false end
    if a - a ~= 0 or b - b ~= 0 then return false end      -- an infinity or NaN that is not matched by itself
    return math.abs(a - b) <= atol + rtol * math.abs(b)
  end, {}, 0)
end

-- Floats by their bytes: tells -0.0 from 0.0 and one NaN from another.
local function same_number_bits(got, want)
  if math.type(got) == "float" and math.type(want) == "float" then
    return string.pack("<d", got) == string.pack("<d", want)
  end
  return math.type(got) == math.type(want) and got == want
end

--- Equality of every bit, signs of zeros included.
function check.same_bits(got, want)
  compare(got, want, same_number_bits, {}, 0)
end

--- Runs `fn`, which must raise a string holding every further argument, at least one, as a plain substring. Returns
-- the text.
function check.raises(fn, ...)
  local ok, err = pcall(fn)
  if ok then check.fail("no error was raised; wanted one with " .. check.show({...})) end
  if type(err) ~= "string" then
    if getmetatable(err) == Failure then error(err, 0) end
    check.fail("the error is a " .. type(err) .. ", not a string: " .. check.show(err))
  end
  -- Without a text to look for, a misspelt name in `fn` would pass for the error that was meant.
  if select("#", ...) == 0 then check.fail(("raises needs a text to look for; the error was %q"):format(err)) end
  for _, part in ipairs {...} do
    if not err:find(part, 1, true) then check.fail(("error %q lacks %q"):format(err, part)) end
  end
  return err
end

-- ---- running ---------------------------------------------------------------------------------------------------

-- An unexpected error is shown with its traceback, down to the test function.
local function on_error(err)
  if getmetatable(err) == Failure then return tostring(err) end
  local text = debug.traceback(type(err) == "string" and err or "error value: " .. check.show(err), 2)
  return (text:gsub("\n%s*%[C%]: in function 'xpcall'.*", ""))
end

--- Runs one test. A failure is printed and counted; later tests still run.
function check.test(name, fn)
  local ok, message = xpcall(fn, on_error)
  if ok then
    counts.passed = counts.passed + 1
  else
    counts.failed = counts.failed + 1
    print(("FAIL %s\n  %s"):format(name, (message:gsub("\n", "\n  "))))
  end
end

--- Counts a test as skipped, for a reason that is printed.
function check.skip(name, reason)
  counts.skipped = counts.skipped + 1
  print(("skip %s: %s"):format(name, reason))
end

--- Prints the totals and ends the program: status 0 only if something ran and nothing failed.
function check.finish()
  finished = true
  local ran = counts.passed + counts.failed
  if ran == 0 then print("no test ran") end
  print(("%d passed, %d failed, %d skipped"):format(counts.passed, counts.failed, counts.skipped))
  os.exit(ran > 0 and counts.failed == 0, true)
end

return check
