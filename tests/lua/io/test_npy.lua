-- io.npy: files of NumPy's, files that NumPy reads, and headers made at random.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"
local embla = require "embla"

local npy = embla.io.npy
local PYTHON = "/usr/bin/python3"
local FOLDER = "tests/data/npy/"

local DTYPES = {
  f2 = "float16", f4 = "float32", f8 = "float64", i1 = "int32", i2 = "int32", i4 = "int32", i8 = "int64", u1 = "uint8",
  u2 = "int32", u4 = "int64", u8 = "int64", b1 = "bool",
}

t.test("files that NumPy has written: each type in both orders of bytes", function()
  for kind, dtype in pairs(DTYPES) do
    local want = {}
    for i = 0, 1 do
      want[i + 1] = {}
      for j = 0, 2 do
        local n = 3 * i + j
        local value = kind == "b1" and n % 2 == 1 or kind:find "^u" and n or -n
        if kind == "b1" then value = n % 2 == 1 end
        want[i + 1][j + 1] = value
      end
    end
    for _, order in ipairs {"little_", "big_"} do
      local x = npy.load(FOLDER .. order .. kind .. ".npy")
      t.equal({kind, x.dtype, x:tolist()}, {kind, dtype, want})
    end
  end
end)

t.test("files that NumPy has written: Fortran's order, no dims, no elements, versions", function()
  local x = npy.load(FOLDER .. "fortran.npy")
  t.equal({x.shape, x:is_contiguous(), x:flatten():tolist()},
    {{2, 3, 4}, true, embla.arange(24, {dtype = "float32"}):tolist()})
  x = npy.load(FOLDER .. "scalar.npy")
  t.equal({x.shape, x.dtype, x:item()}, {{}, "float64", 2.5})
  x = npy.load(FOLDER .. "empty.npy")
  t.equal({x.shape, x.dtype}, {{3, 0}, "int64"})
  t.equal(npy.load(FOLDER .. "version2.npy"):tolist(), {0, 1, 2, 3})
  t.equal(npy.load(FOLDER .. "version3.npy"):tolist(), {0, 1, 2, 3})
end)

t.test("files that NumPy has written and that are no tensors", function()
  t.raises(function() npy.load(FOLDER .. "complex.npy") end, "byte 20: the header should have a descr of one number")
  t.raises(function() npy.load(FOLDER .. "text.npy") end, "but has: '<U2'")
  t.raises(function() npy.load(FOLDER .. "structured.npy") end, "but has: [('a', '<f4'), ('b', '<i4')]")
end)

t.test("a descr of two zero bytes is none", function()
  local file <close> = assert(io.open(FOLDER .. "little_f4.npy", "rb"))
  local path = os.tmpname()
  local copy = assert(io.open(path, "wb"))
  copy:write((file:read("a"):gsub("<f4", "<\0\0")))
  copy:close()
  t.raises(function() npy.load(path) end, "a descr of one number")
  os.remove(path)
end)

t.test("bad input names the argument, or the path", function()
  t.raises(function() npy.load() end, "test_npy.lua", "io.npy.load: argument path: expected a path, got nil")
  t.raises(function() npy.save("x", 7) end, "io.npy.save: argument tensor: expected a tensor, got 7")
  t.raises(function() npy.save("/no/such/file", embla.ones(1)) end, "/no/such/file: No such file")
  t.raises(function() npy.load "/usr" end, "/usr: Is a directory")
end)

-- ---- headers made at random, whose meaning is known ------------------------------------------------------------

local function pick(list) return list[math.random(#list)] end

local function header_of(descr, fortran, shape)
  local function blank() return (" "):rep(math.random(0, 2)) end
  local function quoted(text)
    local quote = pick {"'", '"'}
    return quote .. text .. quote
  end
  local sizes = {}
  for i, size in ipairs(shape) do sizes[i] = blank() .. size .. pick {"", "L"} .. blank() end
  local tuple = table.concat(sizes, ",") .. (#shape == 1 and "," or #shape > 0 and pick {"", ","} or "")
  local parts = {
    quoted "descr" .. blank() .. ":" .. blank() .. quoted(descr),
    quoted "fortran_order" .. ":" .. blank() .. (fortran and "True" or "False"),
    quoted "shape" .. ": (" .. tuple .. ")",
  }
  for i = 3, 2, -1 do
    local j = math.random(i)
    parts[i], parts[j] = parts[j], parts[i]
  end
  return "{" .. blank() .. table.concat(parts, blank() .. "," .. blank()) .. pick {"", ", "} .. "}" .. blank() .. "\n"
end

local PACK = {i1 = "i1", i2 = "i2", i4 = "i4", i8 = "i8", u1 = "I1", u2 = "I2", u4 = "I4", f4 = "f", f8 = "d"}

-- A file, and what its elements are in our order.
local function random_file()
  local kind, big, fortran = pick {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "f4", "f8"}, pick {"<", ">"},
    pick {true, false}
  local shape, count = {}, 1
  for d = 1, math.random(0, 4) do
    shape[d] = math.random(0, 3)
    count = count * shape[d]
  end
  local want, place = {}, {}
  for at = 0, count - 1 do
    want[at + 1] = math.random(0, 127)
    local rest, index, there = at, {}, 0
    for d = #shape, 1, -1 do
      index[d], rest = rest % shape[d], rest // shape[d]
    end
    for k = 1, #shape do
      local d = fortran and #shape + 1 - k or k
      there = there * shape[d] + index[d]
    end
    place[there + 1] = (big .. PACK[kind]):pack(want[at + 1])
  end
  local header, version = header_of(big .. kind, fortran, shape), math.random(3)
  local before = "\x93NUMPY" .. (version == 1 and ("<BBs2"):pack(1, 0, header) or ("<BBs4"):pack(version, 0, header))
  return before .. table.concat(place), #before, shape, want
end

local path = os.tmpname()
local function put(bytes)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
end

t.test("random headers mean what they say; cut or longer ones are errors", function()
  math.randomseed(13)
  for _ = 1, 400 do
    local bytes, before, shape, want = random_file()
    put(bytes)
    local x = npy.load(path)
    t.equal({x.shape, x:flatten():tolist()}, {shape, want})
    put(bytes:sub(1, math.random(0, #bytes - 1)))
    t.raises(function() npy.load(path) end, path .. ": byte ")
    put(bytes .. "x")
    t.raises(function() npy.load(path) end, ": byte " .. #bytes .. ": more follows than the header says")
    -- any byte before the elements: an error, or as many elements of some type as there are bytes
    local at = math.random(before)
    put(bytes:sub(1, at - 1) .. string.char(math.random(0, 255)) .. bytes:sub(at + 1))
    local fine, got = pcall(npy.load, path)
    if fine then
      local left = #bytes - before
      t.equal(got:numel() == 0 and left == 0 or left % got:numel() == 0 and left // got:numel() <= 8, true)
    else
      t.equal(tostring(got):find(path .. ": byte ", 1, true) ~= nil, true)
    end
  end
end)

-- ---- NumPy reads ------------------------------------------------------------------------------------------------

local _, _, status = process.run(PYTHON .. " -c 'import numpy'")
if status == 0 then
  t.test("NumPy reads what Embla writes", function()
    local known = {float32 = "<f4", float64 = "<f8", float16 = "<f2", bfloat16 = "<f4", int64 = "<i8", int32 = "<i4",
      uint8 = "|u1", bool = "|b1"}
    for dtype, descr in pairs(known) do
      npy.save(path, embla.tensor({{1, 0, 1}, {0, 1, 1}}, {dtype = dtype}):t())
      local shown = process.run(PYTHON .. " -c 'import numpy as np, sys; a = np.load(sys.argv[1]); "
        .. "print(a.dtype.str, a.flags.c_contiguous, (a * 1).astype(int).tolist())' " .. path)
      t.equal({dtype, shown}, {dtype, descr .. " True [[1, 0], [0, 1], [1, 1]]\n"})
    end
  end)
else
  t.skip("NumPy reads what Embla writes", PYTHON .. " has no numpy")
end
os.remove(path)

t.finish()
