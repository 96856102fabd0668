-- io.jsonl: JSON lines.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local jsonl = embla.io.jsonl
local process = require "support.process"

local function all(text)
  local values, numbers = {}, {}
  process.with_file(text, function(path)
    for value, number in jsonl.lines(path) do values[#values + 1], numbers[#numbers + 1] = value, number end
  end)
  return values, numbers
end

t.test("each line is a value", function()
  local values, numbers = all('{"a": 1}\n\n  \t\r\n[2.0, "x"]\r\n"end"')
  t.equal(values, {{a = 1}, {2.0, "x"}, "end"})
  t.equal(numbers, {1, 4, 5})
  t.equal(all "", {})
  t.equal(all "\n\n", {})
  t.equal(#all(("[1]\n"):rep(30000)), 30000)
end)

t.test("null and false are values", function()
  local values = all "null\nfalse\n1\n"
  t.equal(values[1] == embla.io.json.null, true)
  t.equal({values[2], values[3]}, {false, 1})
end)

t.test("a malformed line is told, after those before it", function()
  process.with_file('1\n2\n{"a" 1}\n', function(path)
    local seen = {}
    t.raises(function()
      for value in jsonl.lines(path) do seen[#seen + 1] = value end
    end, "test_jsonl.lua", path .. ": line 3, column")
    t.equal(seen, {1, 2})
  end)
end)

t.test("a loop may be left, and an iterator called behind its end", function()
  process.with_file("1\n2\n", function(path)
    for value in jsonl.lines(path) do
      if value == 1 then break end
    end
    local following = jsonl.lines(path)
    t.equal({following(), (following()), following()}, {1, 2})
    t.equal(following(), nil)
  end)
  t.raises(function() jsonl.lines "/no/such/file" end, "/no/such/file: No such file")
  t.raises(function() jsonl.lines(1) end, "jsonl.lines: argument path: expected a path, got 1")
end)

t.finish()
