-- The prompt, on a terminal of its own (script, from bsdutils).
package.path = (arg[0]:match("^(.-)tests/program/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local EMBLA = assert(arg[1], "usage: test_prompt.lua PROGRAM")

-- Where the system lends no pseudo-terminal, script ends at once, and there is nothing to wait for.
local _, complaint, without_terminal = process.run "script -qefc true /dev/null"
if without_terminal ~= 0 then
  t.skip("the prompt", "no pseudo-terminal here: " .. (complaint:match "[^\n]+" or "script failed"))
  t.finish()
  return
end

-- Until the terminal shows a line that begins with this, at most 20 s.
local function wait_for(text)
  local seen = "grep -q " .. process.quote("^" .. text) .. " $H/shown"
  return ("for try in $(seq 400); do %s && break; sleep 0.05; done"):format(seen)
end

-- Types each line, or waits for {text}, in a fresh home; returns what the terminal shows, without the echo's control
-- codes, the exit status, and the history that is left. Ctrl-C discards what was typed and not yet read, so before it
-- comes a wait.
local function type_in(lines, options)
  local home = process.run("mktemp -d"):match("[^\n]+")
  local typing = {}
  for _, line in ipairs(lines) do
    typing[#typing + 1] = type(line) == "table" and wait_for(line[1]) or "printf %b " .. process.quote(line)
    typing[#typing + 1] = "sleep 0.1"
  end
  -- exec: a shell that waits would itself die of the Ctrl-C, whatever the program ends with.
  local program = process.quote("exec " .. process.quote(EMBLA) .. " " .. (options or ""))
  local command = ("ulimit -t 20; H=%s; touch $H/shown; (%s; %s; sleep 0.2) | " ..
    "env -u XDG_STATE_HOME HOME=$H TERM=dumb script -qefc %s $H/shown")
    :format(home, wait_for("Embla"), table.concat(typing, "; "), program)
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
  local text, status = type_in {
    "x = {\\n", {">>"}, "\\003", {".*^C"}, "print('busy') while true do end\\n", {"busy"}, "\\003", {".*interrupted!"},
    "'still here'\\n", {"still here"}, "\\004"}
  shows(text, "^C")
  shows(text, "interrupted!")
  shows(text, "still here\n")
  t.equal(status, 0)
end)

t.test("the locals of a line are there in the next, and only there", function()
  local text = type_in {
    "local x, y = 5, 6\\n", "x * y\\n", "local function f() return x end\\n", "x = 8\\n", "f()\\n",
    "_G.x == nil\\n", "local table = 3\\n", "embla.tensor {table}\\n",
    "for i = 1, 2 do\\n", "local inner = i\\n", "end\\n", "'inner', inner\\n",
    "local z = 9 -- a comment\\n", "'z', z\\n", "local w = 2 return w + 10\\n", "'w', w\\n", "\\004"}
  local parts = {"\n30\n", "\n8\n", "\ntrue\n", "\ntensor([3])\n", "inner\tnil\n", "z\t9\n", "\n12\n", "w\tnil\n"}
  for _, part in ipairs(parts) do shows(text, part) end
  t.equal(select(2, text:gsub("a local is kept for the lines that follow", "")), 1)
end)

t.test("what is to be closed is closed once, where its block ends", function()
  local text = type_in {
    "function closing(name) return setmetatable({}, {__close = function() print('closed ' .. name) end}) end\\n",
    "local a <close>, b = closing 'a', 'kept'\\n", "'after a', a, b\\n",
    "do\\n", "local c <close> = closing 'c'\\n", "print 'in c'\\n", "end\\n", "'after c'\\n", "\\004"}
  shows(text, "closed a\n")
  shows(text, "after a\tnil\tkept\n")
  shows(text, "in c\nclosed c\n")
  shows(text, "<close> closes at the end of its line")
  t.equal(select(2, text:gsub("\nclosed ", "")), 2)
end)

-- The README's tour: its first two blocks of code.
t.test("the README's tour works as pasted", function()
  local file <close> = assert(io.open("README.md", "rb"))
  local tour = {}
  for block in file:read "a":gmatch "```lua\n(.-)```" do tour[#tour + 1] = block end
  local lines = {}
  for line in (tour[1] .. tour[2]):gmatch "([^\n]*)\n" do lines[#lines + 1] = line:gsub("\\", "\\\\") .. "\\n" end
  local text = type_in {table.concat(lines), "print('ends', net.out.weight.grad.shape[1], l, ids.shape[2])\\n",
                        {"ends"}, "\\004"}
  shows(text, "ends\t4\tnil\t4\n")
  shows(text, "tensor(indices=")
  t.equal(text:find "stack traceback" == nil, true)
end)

t.test("statements are remembered", function()
  local _, _, history = type_in {"a = 1\\n", "b = 2\\n", "\\004"}
  shows(history, "a\\040=\\0401\nb\\040=\\0402\n")
end)

t.test("what is piped is not remembered", function()
  local home = process.run("mktemp -d"):match("[^\n]+")
  local shown = process.run(("echo 'print(6 * 7)' | env -u XDG_STATE_HOME HOME=%s %s -i"):format(home,
                                                                                              process.quote(EMBLA)))
  shows(shown, "42")
  t.equal(process.run(("ls -A %s; rm -rf %s"):format(home, home)), "")
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
