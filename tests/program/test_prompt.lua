-- The prompt, on a terminal of its own (script, from bsdutils).
package.path = (arg[0]:match("^(.-)tests/program/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local EMBLA = assert(arg[1], "usage: test_prompt.lua PROGRAM")

-- Types each line after a pause, in a fresh home; returns what the terminal shows, without the echo's control codes,
-- the exit status, and the history that is left.
local function type_in(lines, options)
  local home = process.run("mktemp -d"):match("[^\n]+")
  local typing = {}
  for _, line in ipairs(lines) do typing[#typing + 1] = "sleep 0.15; printf %b " .. process.quote(line) end
  typing[#typing + 1] = "sleep 0.3"
  local program = process.quote(process.quote(EMBLA) .. " " .. (options or ""))
  local command = ("(sleep 0.3; %s) | env -u XDG_STATE_HOME HOME=%s TERM=dumb COLUMNS=80 script -qec %s /dev/null")
    :format(table.concat(typing, "; "), home, program)
  local shown, _, status = process.run(command)
  local history = process.run("cat " .. home .. "/.embla_history 2>/dev/null; rm -rf " .. home)
  return shown:gsub("\r", ""):gsub("\27%[[%d;?]*%a", ""), status, history
end

local function shows(text, part)
  if not text:find(part, 1, true) then t.fail(("the terminal shows %s, without %q"):format(t.show(text), part)) end
end

t.test("values are printed, statements are run", function()
  local text, status = type_in {"6 * 7, 'seven'\\n", "x = 5\\n", "x + 1\\n", "\\004"}
  shows(text, "42\tseven\n")
  shows(text, "\n6\n")
  t.equal(status, 0)
end)

t.test("a statement may take several lines", function()
  local text = type_in {"for i = 1, 2 do\\n", "print('line', i)\\n", "end\\n", "\\004"}
  shows(text, "line\t1\nline\t2\n")
  shows(text, ">> ")
end)

t.test("an error is shown and the prompt goes on", function()
  local text, status = type_in {"error('boom')\\n", "local = 1\\n", "'still here'\\n", "\\004"}
  shows(text, "boom")
  shows(text, "<name> expected near '='")
  shows(text, "still here\n")
  t.equal(status, 0)
end)

t.test("Ctrl-C drops the line, and stops what runs", function()
  local text, status = type_in {"x = {\\n", "\\003", "while true do end\\n", "\\003", "'still here'\\n", "\\004"}
  shows(text, "^C")
  shows(text, "interrupted!")
  shows(text, "still here\n")
  t.equal(status, 0)
end)

t.test("statements are remembered", function()
  local _, _, history = type_in {"a = 1\\n", "b = 2\\n", "\\004"}
  shows(history, "a\\040=\\0401\nb\\040=\\0402\n")
end)

t.test("-i prompts after the script", function()
  local text = type_in({"y\\n", "\\004"}, "-i -e 'y = \"set before\"'")
  shows(text, "set before\n")
end)

t.test("print may be replaced, also by something broken", function()
  local text = type_in {
    "print = function(...) io.write('<', ..., '>\\\\n') end\\n", "'a'\\n", "print = nil\\n", "'b'\\n", "\\004"}
  shows(text, "<a>\n")
  shows(text, "attempt to call a nil value")
end)

t.finish()
