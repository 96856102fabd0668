-- io.safetensors: files composed here, byte for byte, and by NumPy; what is written; what is damaged.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local process = require "support.process"
local safetensors = embla.io.safetensors

local function compose(header, data) return ("<s8"):pack(header) .. data end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
end

t.test("a file of another writer is read", function()
  local header = '{"b":{"dtype":"F32","shape":[2,2],"data_offsets":[1,17]},"__metadata__":{"format":"pt"},' ..
                 '"a":{"dtype":"I8","shape":[],"data_offsets":[0,1]},' ..
                 '"z":{"dtype":"F64","shape":[0,3],"data_offsets":[17,17]}}'
  process.with_file(compose(header, ("<bffff"):pack(-3, 1, 2, 0.5, -4)), function(path)
    for _, map in ipairs {false, true} do
      local tensors, metadata, widened = safetensors.load(path, {map = map})
      t.equal(tensors.a, embla.tensor(-3, {dtype = "int32"}))
      t.equal(tensors.b, {{1, 2}, {0.5, -4}})
      t.equal(tensors.z.shape, {0, 3})
      t.equal({tensors.a.dtype, tensors.b.dtype, tensors.z.dtype}, {"int32", "float32", "float64"})
      t.equal(metadata, {format = "pt"})
      t.equal(widened, {a = "I8"})
      local some = safetensors.load(path, {names = {"b"}, map = map})
      t.equal(some.a, nil)
      t.equal(some.b[1], {0.5, -4})
    end
    local list, metadata = safetensors.info(path)
    local base = 8 + #header
    t.equal(list, {{name = "a", dtype = "I8", shape = {}, offset = base, bytes = 1},
                   {name = "b", dtype = "F32", shape = {2, 2}, offset = base + 1, bytes = 16},
                   {name = "z", dtype = "F64", shape = {0, 3}, offset = base + 17, bytes = 0}})
    t.equal(metadata, {format = "pt"})
    t.raises(function() safetensors.load(path, {names = {"c"}}) end, "test_safetensors.lua", "has no tensor 'c'")
    t.equal(embla.load(path).b[0], {1, 2})
  end)
end)

t.test("every dtype and shape comes back, mapped and read", function()
  local path = os.tmpname()
  embla.manual_seed(1)
  local dict = {}
  for _, dtype in ipairs {"float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool"} do
    for i, shape in ipairs {{}, {0}, {1}, {3, 5}, {2, 0, 4}, {2, 3, 1, 2, 1, 1, 2, 1}} do
      dict[dtype .. i] = (embla.rand(shape) * 100):to(dtype)
    end
    dict[dtype .. "/turned"] = (embla.rand(4, 3) * 100):to(dtype):t()
    dict[dtype .. "/part"] = (embla.rand(40) * 100):to(dtype)[{{3, 30, 3}}]
  end
  dict.wide = embla.ones(1):expand(1000)
  safetensors.save(path, dict, {metadata = {author = "é\n", [""] = "empty"}})
  for _, map in ipairs {false, true} do
    local got, metadata = safetensors.load(path, {map = map})
    for name, tensor in pairs(dict) do
      t.same_bits(got[name], tensor)
      t.equal(got[name].dtype, tensor.dtype)
      t.equal(got[name].shape, tensor.shape)
      got[name] = nil
    end
    t.equal(next(got), nil)
    t.equal(metadata, {author = "é\n", [""] = "empty"})
  end
  os.remove(path)
end)

t.test("what does not fit is refused, and the old file stays", function()
  process.with_file("old", function(path)
    local x = embla.ones(2)
    t.raises(function() safetensors.save(path, {x}) end, "expected tensors by name, got 1 = ")
    t.raises(function() safetensors.save(path, {x = 1}) end, 'got "x" = 1')
    t.raises(function() safetensors.save(path, x) end, "argument dict: expected tensors by name")
    t.raises(function() safetensors.save(path, {["\xFF"] = x}) end, "a tensor's name is not UTF-8")
    t.raises(function() safetensors.save(path, {["a\0b"] = x}) end, "zero byte")
    t.raises(function() safetensors.save(path, {__metadata__ = x}) end, "no tensor may be called __metadata__")
    t.raises(function() safetensors.save(path, {x = x}, {metadata = {k = 1}}) end, 'texts by name, got "k" = 1')
    t.raises(function() safetensors.save(path, {x = x}, {metadata = {k = "\xFF"}}) end, "a text is not UTF-8")
    t.raises(function() safetensors.save(path, {x = x}, {metadta = {}}) end, "did you mean 'metadata'?")
    local rows = embla.sparse_coo_tensor and embla.sparse_coo_tensor({{0}}, embla.ones(1, 2), {3, 2})
    if rows then t.raises(function() safetensors.save(path, {g = rows}) end, "'g' is row-sparse") end
    t.equal(read(path), "old")
  end)
  t.raises(function() safetensors.load "/no/such/file" end, "/no/such/file: No such file")
  t.raises(function() safetensors.load "/tmp" end, "/tmp: Is a directory")
  t.raises(function() safetensors.load(nil) end, "argument path: expected a path, got nil")
end)

-- Random changes of a file without a checksum: an error with path and byte, or what stands there.
local SIZES = {F64 = 8, I64 = 8, U64 = 8, F32 = 4, I32 = 4, U32 = 4, F16 = 2, BF16 = 2, I16 = 2, U16 = 2, I8 = 1,
               U8 = 1, BOOL = 1}

local function check_against_bytes(path, bytes, tensors)
  local list = safetensors.info(path)
  local at = 8 + ("<I8"):unpack(bytes)
  for _, item in ipairs(list) do
    local count = 1
    for _, size in ipairs(item.shape) do count = count * size end
    t.equal({item.offset, item.bytes}, {at, count * SIZES[item.dtype]})
    t.equal(tensors[item.name].shape, item.shape)
    if tensors[item.name]:tobytes():len() == item.bytes then
      t.equal(tensors[item.name]:tobytes(), bytes:sub(at + 1, at + item.bytes))
    end
    at = at + item.bytes
  end
  t.equal(at, #bytes)
end

t.test("any bytes are an error, or what they say", function()
  local header = '{"b":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]},' ..
                 '"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}  '
  local good = compose(header, ("x"):rep(24))
  local pieces = {"0", "1", "-", ".", "9", '"', "[", "]", "{", "}", ",", ":", " ", "\0", "\xFF", "F64", "I16",
                  "\\u0061", "4294967296", '"a"', "null"}
  local path, loaded = os.tmpname(), 0
  math.randomseed(1)
  for _ = 1, 3000 do
    local bytes = good
    for _ = 1, math.random(3) do
      local at, way = math.random(#bytes), math.random(3)
      local put = math.random(2) == 1 and string.char(math.random(0, 255)) or pieces[math.random(#pieces)]
      bytes = bytes:sub(1, at - 1) .. (way == 1 and "" or put) .. bytes:sub(at + (way == 2 and 0 or 1))
    end
    if math.random(2) == 1 and #bytes > 24 + 8 then             -- a length that fits
      bytes = ("<I8"):pack(#bytes - 32) .. bytes:sub(9)
    end
    write(path, bytes)
    local ok, result = pcall(safetensors.load, path)
    if ok then
      loaded = loaded + 1
      check_against_bytes(path, bytes, result)
    elseif not result:find(path .. ": byte %d") then
      t.fail(result)
    end
  end
  t.equal(loaded > 50, true)
  os.remove(path)
end)

local NUMPY = [==[/usr/bin/python3 -c 'import numpy, json, struct, sys
a = {"fc.weight": numpy.arange(6, dtype="<f4").reshape(2, 3), "fc.bias": numpy.array([0.5, -1], dtype="<f8"),
     "ids": numpy.array([[1], [-2]], dtype="<i8"), "half": numpy.array(1.5, dtype="<f2"),
     "m": numpy.array([True, False])}
names = {"<f4": "F32", "<f8": "F64", "<i8": "I64", "<f2": "F16", "|b1": "BOOL"}
h, at, data = {"__metadata__": {"format": "pt"}}, 0, b""
for k, v in a.items():
    h[k] = {"dtype": names[v.dtype.str], "shape": list(v.shape), "data_offsets": [at, at + v.nbytes]}
    at += v.nbytes; data += v.tobytes()
h = json.dumps(h).encode()
open(sys.argv[1], "wb").write(struct.pack("<Q", len(h)) + h + data)' ]==]

local BACK = [==[/usr/bin/python3 -c 'import numpy, json, struct, sys
b = open(sys.argv[1], "rb").read()
n = struct.unpack("<Q", b[:8])[0]
h = json.loads(b[8:8 + n])
def get(k, t): o = h[k]["data_offsets"]; return numpy.frombuffer(b[8 + n + o[0]:8 + n + o[1]], t).reshape(h[k]["shape"])
print(get("a", "<f4").tolist(), get("b", "<i8").tolist(), h["__metadata__"]["k"], (8 + n) % 64)' ]==]

if os.execute "/usr/bin/python3 -c 'import numpy' 2>/dev/null" then
  t.test("files of NumPy's making are read, and those written here by it", function()
    local path = os.tmpname()
    process.run(NUMPY .. path)
    local got = embla.load(path)
    t.equal(got["fc.weight"], {{0, 1, 2}, {3, 4, 5}})
    t.equal(got["fc.bias"], embla.tensor({0.5, -1}, {dtype = "float64"}))
    t.equal(got.ids, {{1}, {-2}})
    t.equal(got.half:item(), 1.5)
    t.equal(got.m, {true, false})
    safetensors.save(path, {a = embla.tensor {{1, 2}, {3, 4.5}}, b = embla.tensor {7, -8}}, {metadata = {k = "v"}})
    t.equal((process.run(BACK .. path)), "[[1.0, 2.0], [3.0, 4.5]] [7, -8] v 0\n")
    os.remove(path)
  end)
else
  t.skip("files of NumPy's making are read, and those written here by it", "no /usr/bin/python3 with NumPy")
end

t.finish()
