-- embla.io.json: what is written is JSON, numbers come back as they were, and what JSON has not is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local json = embla.io.json
local ordered = require "embla.base.ordered"
local process = require "support.process"

t.test("values are written as RFC 8259 has them", function()
  for _, case in ipairs {
    {"text", '"text"'}, {"", '""'}, {true, "true"}, {false, "false"}, {json.null, "null"}, {7, "7"}, {-3, "-3"},
    {{}, "{}"}, {json.array {}, "[]"}, {json.array {1, "b"}, '[1, "b"]'}, {{{}, {1}}, "[{}, [1]]"},
    {{b = 1, a = {x = true}, ["c d"] = json.null}, '{"a": {"x": true}, "b": 1, "c d": null}'},
  } do
    t.equal(json.encode(case[1]), case[2])
  end
  local o = ordered()
  o.z, o.a = 1, 2
  t.equal(json.encode(o), '{"a": 2, "z": 1}')
end)

t.test("integers stay integers, floats floats, with no more digits than they need", function()
  for _, case in ipairs {
    {2, "2"}, {2.0, "2.0"}, {-0.0, "-0.0"}, {0.1, "0.1"}, {1e20, "1e+20"}, {1e-7, "1e-07"},
    {0.1 + 0.2, "0.30000000000000004"},
    {math.maxinteger, "9223372036854775807"}, {math.mininteger, "-9223372036854775808"}, {1 / 3, "0.3333333333333333"},
    {9007199254740993.0, "9007199254740992.0"}, {5e-324, "4.94065645841247e-324"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
  } do
    t.equal(json.encode(case[1]), case[2])
  end
  local seed = 1
  for _ = 1, 2000 do                                    -- of any bits
    seed = seed * 6364136223846793005 + 1442695040888963407
    local x = string.unpack("<d", string.pack("<i8", seed))
    if x == x and x - x == 0 then
      local text = json.encode(x)
      t.same_bits(tonumber(text), x)
      t.equal(math.type(tonumber(text)), "float")
    end
  end
end)

local here = os.setlocale()
if os.setlocale "de_DE.UTF-8" then
  t.test("another locale's decimal point is not written", function()
    t.equal(json.encode {0.5, 1e20, 2.0}, "[0.5, 1e+20, 2.0]")
    os.setlocale(here)
  end)
else
  t.skip("another locale's decimal point is not written", "no locale de_DE.UTF-8")
end

t.test("strings are escaped, and stay UTF-8", function()
  t.equal(json.encode 'a"b\\c/\b\f\n\r\t\0\31\127é€𝄞', '"a\\"b\\\\c/\\b\\f\\n\\r\\t\\u0000\\u001f\127é€𝄞"')
  t.equal(json.encode {['k"\n'] = 1}, '{"k\\"\\n": 1}')
end)

t.test("indentation puts every member on a line of its own", function()
  t.equal(json.encode({a = {1, 2}, b = {}, c = {d = json.array {}}}, {indent = 2}),
          '{\n  "a": [\n    1,\n    2\n  ],\n  "b": {},\n  "c": {\n    "d": []\n  }\n}')
  t.raises(function() json.encode({}, {indent = -1}) end, "json.encode: option indent: expected integer in [0, 16]")
  t.raises(function() json.encode({}, {indend = 1}) end, "did you mean 'indent'?")
end)

t.test("NaN and infinities are refused, or written as told", function()
  local values = {0 / 0, math.huge, -math.huge}
  t.equal(json.encode(values, {nonfinite = "string"}), '["NaN", "Infinity", "-Infinity"]')
  t.equal(json.encode(values, {nonfinite = "null"}), "[null, null, null]")
  t.raises(function() json.encode {a = {1, math.huge}} end, "test_json.lua",
           "json.encode: value.a[2]: expected a finite number, got inf")
end)

t.test("what JSON has not is refused, naming where it is", function()
  local cycle, deep, same = {a = {}}, {}, {1}
  cycle.a.b = cycle
  for _ = 1, 1001 do deep = {deep} end
  for _, case in ipairs {
    {print, "json.encode: value: expected a table, string, number, boolean or json.null, got a function"},
    {{a = {x = {[1] = print}}}, "value.a.x[1]: expected"},
    {{["b c"] = embla.ones(1)}, 'value["b c"]: expected', "a tensor"},
    {embla.nn.Linear(1, 1), "value: expected a plain table, got a Linear"}, {cycle, "value.a.b: a cycle"},
    {deep, "more than 1000 levels"}, {{"a", x = 1}, 'both names and positions: "x"'}, {{[3] = 1}, "got the key 3"},
    {{[1.5] = 1}, "got the key 1.5"}, {{a = {[true] = 1}}, "value.a: expected names", "got the key true"},
    {{n = "a\xFFb"}, "value.n: a string that is not UTF-8, at byte 2"}, {{"\xED\xA0\x80"}, "value[1]", "byte 1"},
    {{["\xC3"] = 1}, "not UTF-8"}, {{a = {["b\0c"] = 1}}, 'value.a["b\\0c"]: a name with a zero byte'},
  } do
    t.raises(function() json.encode(case[1]) end, table.unpack(case, 2))
  end
  t.equal(json.encode {same, same}, "[[1], [1]]")       -- twice is no cycle
end)

local PYTHON = [[python3 -c 'import json, sys
v = json.loads(sys.stdin.read())
print(v["text"] == "a\"\\\n\x00\u20ac\U0001d11e", v["n"] == [1, 2.5, -0.0], type(v["n"][0]), v["none"], v["d"] == {})']]

if os.execute "python3 -c 'import json' 2>/dev/null" then
  t.test("Python reads what is written", function()
    for indent = 0, 4, 2 do
      local text = json.encode({text = 'a"\\\n\0€𝄞', n = {1, 2.5, -0.0}, none = json.null, d = {}}, {indent = indent})
      t.equal((process.run(PYTHON, text)), "True True <class 'int'> None True\n")
    end
  end)
else
  t.skip("Python reads what is written", "no python3")
end

-- ---- reading -----------------------------------------------------------------------------------------------------

t.test("values are read, integers apart from floats", function()
  for _, case in ipairs {
    {"7", 7, "integer"}, {"-0", 0, "integer"}, {"7.0", 7.0, "float"}, {"-0.0", -0.0, "float"}, {"1e2", 100.0, "float"},
    {"9223372036854775807", math.maxinteger, "integer"}, {"-9223372036854775808", math.mininteger, "integer"},
    {"9223372036854775808", 2.0 ^ 63, "float"}, {"-9223372036854775809", -2.0 ^ 63, "float"},
    {"123456789012345678901234567890", 123456789012345678901234567890.0, "float"},
  } do
    local got = json.decode(case[1])
    t.same_bits(got, case[2])
    t.equal(math.type(got), case[3])
  end
  t.equal(json.decode ' [1, "a\\u0000\\ud834\\udd1e", {"x": [], "y": {}}, true, false] ',
          {1, "a\0𝄞", {x = {}, y = {}}, true, false})
  t.equal(json.decode "[null]"[1] == json.null, true)
  t.equal(json.decode "null" == json.null, true)
end)

t.test("what is written is read as it was", function()
  local value = {a = {1, 2.0, -0.0, 1e300, 0.1, math.mininteger}, ["b€"] = {json.null, json.array {}, {}},
                 c = "\0\31"}
  local text = json.encode(value)
  t.equal(json.encode(json.decode(text)), text)
end)

t.test("what is malformed is told with line and column", function()
  for _, case in ipairs {
    {"", "line 1, column 1"}, {"[1,\n 2,\n x]", "line 3, column 2"}, {'{"a": 1, "a": 2}', "duplicate"},
    {"[1] 2", "end of file expected"}, {'"\xFF"', "unable to decode byte 0xff"}, {'"\\ud834"', "invalid Unicode"},
    {'{"a\\u0000": 1}', "NUL byte in object key"}, {("["):rep(5000), "depth"}, {"[1e400]", "overflow"},
  } do
    t.raises(function() json.decode(case[1]) end, "test_json.lua", "json.decode: line ", case[2])
  end
  t.raises(function() json.decode {} end, "json.decode: argument text: expected a string, got a table")
end)

t.test("a file is read in one piece", function()
  process.with_file('{"a": [1, 2]}\n', function(path) t.equal(json.load(path), {a = {1, 2}}) end)
  process.with_file('{"a":\n [1, 2}', function(path)
    t.raises(function() json.load(path) end, path .. ": line 2, column")
  end)
  t.raises(function() json.load "/no/such/file" end, "/no/such/file: No such file")
  t.raises(function() json.load(nil) end, "json.load: argument path: expected a path, got nil")
end)

t.finish()
