-- io.csv: files of comma-separated values, by hand and beside pandas.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"
local embla = require "embla"
local csv = embla.io.csv

local NAN = 0 / 0

-- A frame out of text.
local function parse(text, opt)
  local frame
  process.with_file(text, function(path) frame = csv.read(path, opt) end)
  return frame
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

t.test("columns have the types of their cells", function()
  local f = parse "name,n,x,ok\nann,1,0.5,true\n\"b, c\",2,NA,false\n,3,1e3,true\n"
  t.equal(f.columns, {"name", "n", "x", "ok"})
  t.equal(#f, 3)
  t.equal(f.name, {"ann", "b, c", false})
  t.equal(f.n, embla.tensor({1, 2, 3}, "int64"))
  t.equal(f.x, embla.tensor({0.5, NAN, 1000}, "float64"))
  t.equal(f.ok, embla.tensor {true, false, true})
end)

t.test("separator and header are found out", function()
  t.equal(parse("a\tb\n1\t2\n").b:tolist(), {2})
  t.equal(parse("1;2\n3;4\n").columns, {"column_1", "column_2"})
  t.equal(parse("a b\n1   2\n").b:tolist(), {2})
  t.equal(parse("x;y\n1,5;2\n", {decimal = ","}).x:tolist(), {1.5})
  t.equal(parse('a#,"   \t\t"\n', {header = true}).columns, {"a#", "   \t\t"})      -- a tab would leave half a cell
end)

t.test("options are heeded", function()
  local text = "# made by hand\nid|when|x\n1|'a|b'|-9\n2|c|4\n3|d|5\n"
  local f = parse(text, {quote = "'", comment = "#", missing = {"-9"}, limit = 2, columns = {"x", 2}})
  t.equal(f.columns, {"x", "when"})
  t.equal(f.x:tolist(), {NAN, 4.0})
  t.equal(f.when, {"a|b", "c"})
  local types = {[1] = "text", column_3 = "number"}
  t.equal(parse(text, {sep = "|", quote = "'", skip = 2, header = false, types = types}).column_1, {"1", "2", "3"})
  t.equal(parse('a,b\n"x,y\n', {quote = false}).a, {'"x'})
  t.equal(parse("a,a,\n1,2,3\n").columns, {"a", "a.1", "column_3"})
end)

t.test("what does not fit is told", function()
  local function fails(text, opt, ...)
    local parts = {...}
    process.with_file(text, function(path)
      t.raises(function() csv.read(path, opt) end, path, table.unpack(parts))
    end)
  end
  fails("a,b\n1\n", nil, "line 2, column 2: too few cells in the row: expected 2")
  fails("a,b\n1,x\n", {types = {b = "integer"}}, "line 2, column 3: column 'b': expected a whole number, got 'x'")
  fails("a,b\n1,\"x\n", nil, "line 2, column 3: a quote that is not closed")
  local function refuses(opt, ...)
    local parts = {...}
    process.with_file("a,b\n1,2\n", function(path)
      for i, part in ipairs(parts) do parts[i] = part:gsub("PATH", path) end
      t.raises(function() csv.read(path, opt) end, "test_csv.lua", table.unpack(parts))
    end)
  end
  refuses({columns = {"c"}}, "option columns: there is no column 'c' (PATH has a, b)")
  refuses({columns = {3}}, "there is no column 3: PATH has 2")
  refuses({columns = {"a", 1}}, "'a' stands twice")
  refuses({columns = {true}}, "expected names and numbers of columns (from 1), got true")
  refuses({types = {a = "float"}}, 'expected one of number, integer, boolean, text, got "float"')
  refuses({sep = "ab"}, "option sep")
  refuses({sep = "e"}, "option sep")
  refuses({sep = ",", decimal = ","}, "options sep and decimal are both")
  refuses({missing = {1}}, "option missing: expected a list of strings, got 1 at 1")
  refuses({seperator = ","}, "unknown option 'seperator'")
  t.raises(function() csv.read(1) end, "csv.read: argument path")
  t.raises(function() csv.read "/no/such/file" end, "/no/such/file: No such file")
end)

t.test("a frame comes back as it was written", function()
  local path = os.tmpname()
  local f = embla.data.Frame({x = embla.tensor({0.1, NAN, -0.0}, "float64"), n = {1, 2, 3}, ok = {true, false, true},
                              s = {"a,b", false, 'q"\n'}}, {columns = {"s", "x", "n", "ok"}})
  csv.write(path, f)
  t.equal(read(path), 's,x,n,ok\n"a,b",0.1,1,true\n,,2,false\n"q""\n",-0.0,3,true\n')
  local g = csv.read(path)
  t.same_bits(g.x:narrow(0, 2, 1), f.x:narrow(0, 2, 1))
  t.equal(g.s, f.s)
  t.equal(g.n, f.n)
  t.equal(g.ok, f.ok)
  csv.write(path, f, {sep = "\t", header = false, missing = "NA"})
  t.equal(read(path), 'a,b\t0.1\t1\ttrue\nNA\tNA\t2\tfalse\n"q""\n"\t-0.0\t3\ttrue\n')
  t.raises(function() csv.write(path, {}) end, "csv.write: argument frame: expected a Frame")
  t.raises(function() csv.write("/no/such/folder/x", f) end, "/no/such/folder/x")
  t.raises(function() csv.write(path, embla.data.Frame {s = {"\xFF"}}) end, "not UTF-8")
  t.raises(function() csv.write(path, embla.data.Frame {["a\0b"] = {1}}) end, "the name of column 1: a zero byte")
  os.remove(path)
end)

t.test("packed files are unpacked on the way", function()
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write("a,b\n")
  for i = 1, 600000 do file:write(i, i < 600000 and ",2\n" or ",end\n") end
  file:close()
  local _, _, status = process.run(("gzip -1 <%s >%s.gz"):format(path, path))
  t.equal(status, 0)
  local f = csv.read(path .. ".gz")
  t.equal(#f, 600000)
  t.equal(f.b[600000], "end")
  t.equal(f.b[1], "2")
  os.remove(path)
  os.remove(path .. ".gz")
end)

-- ---- beside pandas ---------------------------------------------------------------------------------------------

local PYTHON = "/usr/bin/python3"
local has_pandas = select(3, process.run(PYTHON .. " -c 'import pandas'")) == 0

-- Files that are odd but sound, as pandas' C reader reads them with exact numbers: each column as its type and values.
local AWKWARD = {
  "a,b\n1,2\n3,4\n", "a,b\r\n1,\r\n,4\r\n", "a,b\n\"x,y\",\"p\"\"q\"\n\"line\nbreak\",z\n", "a,b\n\n1,2\n\n\n3,4\n",
  "a,b\n1,2\n3,4", "\xEF\xBB\xBFa,b\n1,x\n", "a,a,b\n1,2,3\n", "x,y\nNA,NaN\nnull,N/A\n", "x,y\n1,NA\n2.5,nan\n",
  "x\n0.1\n1e-320\n1.7976931348623157e308\n-0.0\n", "x\n9223372036854775807\n-9223372036854775808\n",
  "x,y\ninf,-inf\n1,2\n",
  "x,y\nTrue,false\nFALSE,true\n", "x,y\n\"1\",\"2.5\"\n", "x,y\nn\xC3\xA4h,\xE2\x82\xAC 5\n",
  "x,y\n1,it's\n2,5\" disk\n",
  "x,y\n2020-01-01,01\n2020-01-02,002\n", "a,b\r1,2\r3,4\r", "x,y\n1,0x10\n",
}

local PEER = [[
import sys, pandas
for path in sys.argv[1:]:
    f = pandas.read_csv(path, float_precision='round_trip')
    for name in f.columns:
        c = f[name]
        kind = {'i': 'int64', 'u': 'float64', 'f': 'float64', 'b': 'bool'}.get(c.dtype.kind, 'text')
        shown = []
        for v in c:
            if kind == 'text':
                shown.append('<NA>' if v != v else str(v).encode('utf-8').hex())
            elif kind == 'float64':
                shown.append('nan' if v != v else float(v).hex())
            else:
                shown.append(str(v).lower())
        print(name, kind, *shown)
    print('end')
]]

local function hex(text) return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

local function line_of(f, name)
  local values, kind = f:column(name), f:is_text(name) and "text" or f:column(name).dtype
  local shown = {name, kind}
  for _, v in ipairs(kind == "text" and values or values:tolist()) do
    shown[#shown + 1] = kind == "text" and (v and hex(v) or "<NA>") or kind ~= "float64" and tostring(v)
                        or v ~= v and "nan" or ("%.17g"):format(v)
  end
  return shown
end

t.test("awkward files are read as pandas reads them", function()
  if not has_pandas then return t.skip("beside pandas", "python3-pandas is not installed") end
  local paths, frames = {}, {}
  local script = os.tmpname()
  local file <close> = assert(io.open(script, "wb"))
  file:write(PEER)
  file:close()
  for i, text in ipairs(AWKWARD) do
    paths[i] = os.tmpname()
    local one <close> = assert(io.open(paths[i], "wb"))
    one:write(text)
    one:close()
    frames[i] = csv.read(paths[i], {sep = ",", header = true})
  end
  local out, err, status = process.run(("%s %s %s"):format(PYTHON, script, table.concat(paths, " ")))
  if status ~= 0 then t.fail(err) end
  local i, column = 1, 1
  for line in out:gmatch "[^\n]+" do
    if line == "end" then
      t.equal({AWKWARD[i], column - 1}, {AWKWARD[i], #frames[i].columns})
      i, column = i + 1, 1
    else
      local got, want = line_of(frames[i], frames[i].columns[column]), {}
      for word in line:gmatch "%S+" do want[#want + 1] = word end
      for k = 3, #want do
        if want[2] == "float64" and want[k] ~= "nan" then want[k] = ("%.17g"):format(tonumber(want[k]) or
                                                                     tonumber((want[k]:gsub("inf", "1e999")))) end
      end
      t.equal(AWKWARD[i] .. table.concat(got, " "), AWKWARD[i] .. table.concat(want, " "))
      column = column + 1
    end
  end
  t.equal(i - 1, #AWKWARD)
  for _, path in ipairs(paths) do os.remove(path) end
  os.remove(script)
end)

t.test("a name is a name, whatever it begins with, and a number a number", function()
  local text = "#1,=,2\n10,20,30\n"
  t.equal(parse(text, {columns = {"=", "#1"}, header = true}).columns, {"=", "#1"})
  local f = parse(text, {columns = {1, "2"}, types = {["2"] = "text"}, header = true})
  t.equal({f.columns, f["2"]}, {{"#1", "2"}, {"30"}})
  t.raises(function() parse(text, {columns = {"1"}}) end, "there is no column '1'")
  t.raises(function() parse(text, {columns = {"1\0"}}) end, "option columns: expected names and numbers")
end)

t.finish()
