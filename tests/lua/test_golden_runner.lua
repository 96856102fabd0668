-- The golden runner must not be fooled: cases that are wrong, malformed, unknown or not run make it fail.
local root = arg[0]:match("^(.-)tests/lua/") or ""
package.path = root .. "tests/?.lua;" .. package.path
local t = require "support.check"

local function program()
  local i = 0
  while arg[i - 1] do i = i - 1 end
  return arg[i]
end

-- Runs the runner on a folder with one golden file; returns its output and exit status.
local function run(name, text)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute(("mkdir '%s'"):format(folder)))
  local path = ("%s/%s.lua"):format(folder, name)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  local runner = root .. "tests/lua/test_golden.lua"
  local pipe = assert(io.popen(("EMBLA_GOLDEN='%s' '%s' '%s' %s 2>&1"):format(folder, program(), runner, name)))
  local output = pipe:read("a")
  local _, _, status = pipe:close()
  os.remove(path)
  os.remove(folder)
  return output, status
end

-- The runner must fail on these cases and say `part`.
local function fails(name, text, part)
  local output, status = run(name, text)
  if status == 0 then t.fail("the runner was content: " .. output) end
  if not output:find(part, 1, true) then t.fail(("%q is not in: %s"):format(part, output)) end
end

local function value_case(more)
  return ([[{{name="one", kind="value", clip_value=1.0, grads={{data={2.0, -0.5}, shape={2}}},
    grads_after={{data={1.0, -0.5}, shape={2}}}%s}}]]):format(more or "")
end

local function loss_case(fields)
  return ([[return {{name="one", loss="mse_loss",
    inputs={input={data=2.0, shape={}}, target={data=0.0, shape={}}}, %s}}]]):format(fields)
end

t.test("a right case passes", function()
  local output, status = run("clip_grad", "return " .. value_case())
  t.equal(output, "1 passed, 0 failed, 0 skipped\n")
  t.equal(status, 0)
end)

t.test("a wrong value, shape or dtype fails", function()
  fails("clip_grad", "return " .. value_case():gsub("data={1.0,", "data={1.1,"), "grad 1")
  fails("clip_grad", "return " .. value_case():gsub("grads_after={{data={1.0, %-0.5}, shape={2}}}",
    "grads_after={{data={{1.0, -0.5}}, shape={1,2}}}"), "shape")
  fails("clip_grad", "return " .. value_case():gsub("shape={2}}}$", 'shape={2}, dtype="float64"}}')
    :gsub("grads_after={{data", 'grads_after={{dtype="float64", data'), "dtype")
end)

t.test("a field nobody reads fails", function()
  fails("clip_grad", "return " .. value_case(", extra=1"), "extra")
end)

t.test("an unknown kind of case or file fails", function()
  fails("clip_grad", "return " .. value_case():gsub('"value"', '"volume"'), "volume")
  fails("recipes", "return {}", "recipes")
  fails("ops", 'return {{name="one", op="frobnicate", params={}, inputs={}, output={}}}', "frobnicate")
end)

t.test("a refusal that does not come fails", function()
  local refusal = 'options={}, error={type="ValueError", message="no"}'
  fails("losses", loss_case(refusal), "accepted")
end)

t.test("a fault of the interpreter is no refusal", function()
  local no_inputs = 'return {{name="one", loss="mse_loss", options={}, error={message="no"}}}'
  fails("losses", no_inputs, "fault")
end)

t.test("a wrong gradient fails", function()
  local function case(grad)
    return loss_case(([[options={}, output={data=4.0, shape={}}, grad_output={data=1.0, shape={}},
      grads={input={data=%s, shape={}}}]]):format(grad))
  end
  t.equal(run("losses", case("4.0")), "1 passed, 0 failed, 0 skipped\n")
  fails("losses", case("4.1"), "grad of input")
end)

t.test("a file of which nothing runs fails", function()
  fails("clip_grad", "return {}", "no case")
end)

t.finish()
