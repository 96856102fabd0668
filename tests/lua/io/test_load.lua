-- embla.load: files of others, structures that were tampered with, mapped tables. What save writes: test_save.lua.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local process = require "support.process"

local function compose(header, data) return ("<s8"):pack(header) .. data end

t.test("a file of tensors from elsewhere is a table of them", function()
  local header = '{"fc.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}'
  process.with_file(compose(header, ("<ff"):pack(1.5, 2)), function(path)
    t.equal(embla.load(path), {["fc.weight"] = embla.tensor {{1.5, 2}}})
    t.equal(embla.load(path, {map = true})["fc.weight"], {{1.5, 2}})
    local net = embla.nn.Sequential {}
    net.fc = embla.nn.Linear(2, 1, {bias = false})
    net:load_state_dict(embla.load(path))
    t.equal(net.fc.weight:tolist(), {{1.5, 2}})
  end)
end)

t.test("a file of another format names its reader", function()
  process.with_file("\0\0\8\1\0\0\0\2ab", function(path)
    t.raises(function() embla.load(path) end, "test_load.lua", path .. ": is a file of idx: embla.io.idx.load reads it")
  end)
  process.with_file("some text that is none of them", function(path)
    t.raises(function() embla.load(path) end, path .. ": byte 0")
  end)
  process.with_file("", function(path) t.raises(function() embla.load(path) end, path .. ": byte 0") end)
  t.raises(function() embla.load "/no/such/file" end, "/no/such/file: No such file")
  t.raises(function() embla.load "/tmp" end, "/tmp: Is a directory")
  t.raises(function() embla.load(7) end, "load: argument path: expected a path, got 7")
  t.raises(function() embla.load("x", {mapp = true}) end, "did you mean 'map'?")
end)

t.test("a structure that was tampered with is an error", function()
  local tensors = '"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' ..
                  '"i":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}'
  local function file_of(value)
    local text = embla.io.json.encode(value)
    return compose(('{"__metadata__":{"embla.value":%s},%s}'):format(text, tensors), ("<ffi8"):pack(1.5, 2, 1))
  end
  process.with_file(file_of '{"keys": ["x"], "values": [{"tensor": "x"}]}', function(path)
    t.equal(embla.load(path), {x = embla.tensor {1.5, 2}})
  end)
  for _, case in ipairs {
    {"{", "line 1, column"}, {'{"os": "exit"}', "an unknown kind of value"}, {"{}", "an unknown kind"},
    {"[null]", "null"},
    {'{"tensor": "y"}', 'a tensor that the file has not: "y"'}, {'{"tensor": 1}', "has not: 1"},
    {'{"tensor": "x", "shape": [3], "stride": [1], "offset": 0}', "a view beyond its tensor"},
    {'{"tensor": "x", "shape": [1], "stride": [1], "offset": 2}', "a view beyond its tensor"},
    {'{"tensor": "x", "shape": [1], "stride": [1], "offset": -1}', "a view beyond its tensor"},
    {'{"tensor": "x", "shape": [2], "stride": [-1], "offset": 1}', "a view beyond its tensor"},
    {'{"tensor": "x", "shape": [2, 9223372036854775807], "stride": [1, 9223372036854775807], "offset": 0}',
     "beyond its tensor"},
    {'{"tensor": "x", "shape": [2], "stride": [1, 1], "offset": 0}', "a view beyond its tensor"},
    {'{"tensor": "x", "shape": [2.5], "stride": [1], "offset": 0}', "a view without shape"},
    {'{"tensor": "x", "shape": [1], "stride": "a", "offset": 0}', "a view without stride"},
    {'{"tensor": "x", "shape": [1], "stride": [1]}', "a view without offset"},
    {'{"tensor": "i", "requires_grad": true}', "of integers that requires grad"},
    {'{"keys": ["a"], "values": []}', "other than so many keys"},
    {'{"keys": ["a", "a"], "values": [1, 2]}', "stands twice"},
    {'{"keys": [1.5], "values": [1]}', "a key that is neither"},
    {'{"keys": [[1]], "values": [1]}', "a key that is neither"},
    {'{"keys": 1, "values": 1}', "other than so many keys"}, {'{"float": "x"}', "an unknown float"},
    {'{"hex": "abc"}', "malformed string"},
    {'{"hex": "zz"}', "malformed string"}, {'{"bytes": "x"}', "other than uint8"}, {'{"bytes": "none"}', "has not"},
    {'{"rows": 1, "ids": "x", "entries": "x"}', "do not fit"},
    {'{"rows": -1, "ids": "i", "entries": "x"}', "do not fit"},
    {'{"rows": 1, "ids": "i", "entries": "i"}', "load"},
    {'{"class": "os", "value": 1}', "an object of an unknown class"},
    {'{"class": "Vocab", "value": 1}', "Vocab"}, {'{"same": 1}', "what has not come yet"},
    {'{"id": "a", "is": 1}', "an id"},
    {'[{"id": 1, "is": 1}, {"id": 1, "is": 2}]', "an id that stands twice"},
    {'{"class": "Vocab", "value": {"keys": ["words", "counts", "special", "unknown"], ' ..
     '"values": [["a"], {"tensor": "i"}, 9, 7]}}', "Vocab"},
  } do
    process.with_file(file_of(case[1]), function(path)
      local message = t.raises(function() embla.load(path) end, case[2])
      if not (case[2] == "Vocab" or case[2] == "load") then t.equal(message:find(path, 1, true) ~= nil, true) end
    end)
  end
end)

t.test("a frozen embedding works on a mapped table", function()
  local path = os.tmpname()
  embla.manual_seed(1)
  local weight = embla.randn(1000, 8)
  embla.save(path, {weight = weight})
  local mapped = embla.load(path, {map = true}).weight
  local net = embla.nn.Embedding.from_pretrained(mapped)
  local ids = embla.tensor {{5, 999}, {0, 5}}
  t.same_bits(net(ids), embla.nn.functional.embedding(ids, weight))
  os.remove(path)                                       -- the memory stays
  t.same_bits(net(ids), embla.nn.functional.embedding(ids, weight))
end)

t.test("a file that gzip has packed is unpacked on the way, but not mapped", function()
  local path = os.tmpname()
  local packed = path .. ".packed"
  embla.manual_seed(1)
  local weight = embla.randn(300, 40)
  embla.save(path, {weight = weight, step = 7})
  local offset = embla.io.safetensors.info(path)[1].offset
  os.execute(("gzip -c %s >%s"):format(path, packed))
  local value = embla.load(packed)
  t.same_bits(value.weight, weight)
  t.equal({value.step, embla.io.safetensors.info(packed)[1].offset}, {7, offset})
  local message = t.raises(function() embla.load(packed, {map = true}) end, "which cannot be mapped")
  t.equal(message:find(packed, 1, true) ~= nil, true)
  os.execute(("gzip -c %s >%s"):format(packed, path))
  t.raises(function() embla.load(path) end, "byte 0: is gzip-compressed; unpack it first")      -- it was packed twice
  os.execute(("head -c 20000 %s >%s"):format(packed, path))
  t.raises(function() embla.load(path) end, "the file ends in the middle of what gzip has packed")
  os.remove(path)
  os.remove(packed)
end)

t.finish()
