-- How a Frame prints.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local show = require "embla.data.frame_show"
local Frame = embla.data.Frame

local function shown(f, width) return show(f._names, f._parts, #f, width) end

t.test("numbers are below each other by their points", function()
  local f = Frame({name = {"ann", false, "caf\u{e9}"}, x = {1.5, 0 / 0, -20.25}, n = {1, 20, 300},
                   ok = {true, false, true}},
                  {columns = {"name", "x", "n", "ok"}})
  t.equal(shown(f, 80), table.concat({
    "   name       x    n     ok",
    "0  ann     1.50    1   true",
    "1  <NA>     NaN   20  false",
    "2  caf\u{e9}  -20.25  300   true",
    "[3 rows x 4 columns]"}, "\n"))
end)

t.test("very large numbers are as they are", function()
  t.equal(shown(Frame {x = {1e20, 0.5}}, 80), "       x\n0  1e+20\n1    0.5\n[2 rows x 1 columns]")
end)

t.test("long tables show their ends", function()
  local values = {}
  for i = 1, 21 do values[i] = i end
  local lines = {}
  for line in shown(Frame {x = values}, 80):gmatch "[^\n]+" do lines[#lines + 1] = line end
  t.equal(#lines, 13)
  t.equal({lines[2], lines[6], lines[7], lines[8], lines[12], lines[13]},
          {"  0    1", "  4    5", "...  ...", " 16   17", " 20   21", "[21 rows x 1 columns]"})
  table.remove(values)
  t.equal(select(2, shown(Frame {x = values}, 80):gsub("\n", "")), 21)
end)

t.test("columns that do not fit are named", function()
  local f = Frame({aaaaaaaa = {1}, bbbbbbbb = {2}, cccccccc = {3}, dddddddd = {4}},
                  {columns = {"aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"}})
  t.equal(shown(f, 30), "   aaaaaaaa  ...  dddddddd\n0         1  ...         4\n" ..
          "[1 rows x 4 columns]  2 columns left out: bbbbbbbb, cccccccc")
  for width = 10, 60 do
    for line in shown(f, width):gmatch "[^\n]+" do
      if not line:find "rows" and width >= 16 and #line > width then t.fail(("%d wide at %d"):format(#line, width)) end
    end
  end
end)

t.test("a description has all its columns, in blocks led by the names", function()
  local f = Frame({a = {1, 2, 3}, b = {-10, 0, 1000}}, {columns = {"a", "b"}}):describe()
  t.equal(show(f._names, f._parts, #f, 36, true), table.concat({
    "   name  count  mean      std  min",
    "0  a         3     2    1.000    1",
    "1  b         3   330  580.259  -10",
    "   name   25%  50%    75%   max",
    "0  a      1.5    2    2.5     3",
    "1  b     -5.0    0  500.0  1000",
    "[2 rows x 9 columns]"}, "\n"))
  t.equal(show(f._names, f._parts, #f, 80, true), shown(f, 80))
  t.equal(select(2, show(f._names, f._parts, #f, 5, true):gsub("name", "")), 8)         -- a column a block, at least
  local wide = Frame {[("x"):rep(30)] = {1e6 + 0.123, 2e6 + 0.456, 4e6 + 0.789}}
  local text, columns = tostring(wide:describe()), tonumber(os.getenv "COLUMNS") or 80
  t.equal({text:find "left out" == nil, text:find " std" ~= nil, text:find " max" ~= nil}, {true, true, true})
  for line in text:gmatch "[^\n]+" do t.equal(columns < 80 or #line <= columns, true) end
end)

t.test("long texts are cut and control characters are blanks", function()
  local text = shown(Frame {s = {("x"):rep(40), "a\nb"}}, 80)
  t.equal(text, "   s\n0  " .. ("x"):rep(27) .. "...\n1  a b\n[2 rows x 1 columns]")
  t.equal(shown(Frame {}, 80), "\n[0 rows x 0 columns]")
end)

t.finish()
