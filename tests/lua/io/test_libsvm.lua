-- io.libsvm: rows and what embedding_bag makes of them; texts made at random beside a naive reader.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local F, libsvm = embla.nn.functional, embla.io.libsvm
local path = os.tmpname()

local function put(bytes)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
end

t.test("rows are what embedding_bag takes: the product of a sparse matrix and a weight", function()
  put "1 1:2 3:3\n-1\n1 2:4\n"
  local rows = libsvm.load(path)
  t.equal({rows.labels:tolist(), rows.offsets:tolist(), rows.ids:tolist()}, {{1, -1, 1}, {0, 2, 2, 3}, {0, 2, 1}})
  local weight = embla.tensor {{1.0, 10}, {2, 20}, {3, 30}}
  local y = F.embedding_bag(rows.ids, weight, rows.offsets,
    {mode = "sum", include_last_offset = true, per_sample_weights = rows.values})
  t.equal(y:tolist(), {{11, 110}, {0, 0}, {8, 80}})
  local dense = libsvm.load(path, {dense = true, features = 3})
  t.equal(dense.data:tolist(), {{2, 0, 3}, {0, 0, 0}, {0, 4, 0}})
  t.equal(libsvm.load(path, {zero_based = true}).ids:tolist(), {1, 3, 2})
  t.equal(libsvm.load(path, {zero_based = false}).ids:tolist(), {0, 2, 1})
end)

t.test("what is written comes back", function()
  local rows = {labels = embla.tensor {0.1, -2}, offsets = embla.tensor {0, 1, 3}, ids = embla.tensor {4, 0, 2},
    values = embla.tensor {0.1, 1e-30, 3}, qid = embla.tensor {1, 2}}
  libsvm.save(path, rows)
  local back = libsvm.load(path)
  for name, tensor in pairs(rows) do
    local same = name == "labels" and back.labels:float() or back[name]        -- labels come back as float64
    t.equal({name, same:tolist()}, {name, tensor:tolist()})
  end
  libsvm.save(path, {labels = embla.tensor {1, 2}, data = embla.tensor {{0.0, 1}, {2, 0}}}, {zero_based = false})
  local file <close> = assert(io.open(path, "rb"))
  t.equal(file:read "a", "1 2:1\n2 1:2\n")
end)

t.test("labels of a dtype come back as it, whole ones too", function()
  local data = embla.tensor {{1.0}, {1}}
  libsvm.save(path, {labels = embla.tensor({1, -2}, "float64"), data = data})
  t.equal(libsvm.load(path).labels.dtype, "float64")
  libsvm.save(path, {labels = embla.tensor({1, -2}, "int64"), data = data})
  t.equal(libsvm.load(path).labels.dtype, "int64")
end)

t.test("bad input names the argument, or path, line and column", function()
  t.raises(function() libsvm.load() end, "test_libsvm.lua", "io.libsvm.load: argument path: expected a path, got nil")
  t.raises(function() libsvm.save(path, 7) end, "io.libsvm.save: argument rows: expected a table of tensors, got 7")
  t.raises(function() libsvm.save(path, {7}) end, "io.libsvm.save: argument rows: expected tensors by name, got 1")
  t.raises(function() libsvm.load(path, {zero_based = "yes"}) end, "zero_based")
  t.raises(function() libsvm.load(path, {dense = true}) end, "option features")
  put "1 1:1\n1 2:x\n"
  t.raises(function() libsvm.load(path) end, path .. ": line 2, column 5: a number was expected, got x")
end)

-- ---- a naive reader --------------------------------------------------------------------------------------------

local function number_of(text)
  local mantissa, exponent = text:match "^[+-]?([%d.]+)(.*)$"
  if not mantissa or not (mantissa:find "^%d+%.?%d*$" or mantissa:find "^%.%d+$") then return nil end
  if exponent ~= "" and not exponent:find "^[eE][+-]?%d+$" then return nil end
  return tonumber((text:gsub("^%+", ""))) * 1.0
end

local function integer_of(text)
  return text:find "^[+-]?%d+$" and math.tointeger(tonumber((text:gsub("^%+", "")))) or nil
end

-- Labels, ids and values as the file has them, or nil.
local function naive(text)
  local labels, offsets, ids, values = {}, {0}, {}, {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local first, last = true, -1
    for word in line:gsub("#.*", ""):gmatch "%S+" do
      if first then
        labels[#labels + 1] = number_of(word)
        if not number_of(word) then return nil end
        first = false
      else
        local id, value = word:match "^([^:]*):([^:]*)$"
        id, value = id and integer_of(id), value and number_of(value)
        if not id or not value or id <= last then return nil end
        ids[#ids + 1], values[#values + 1], last = id, value, id
      end
    end
    if not first then offsets[#offsets + 1] = #ids end
  end
  return labels, offsets, ids, values
end

local function random_text()
  local parts = {}
  for _ = 1, math.random(0, 4) do
    parts[#parts + 1] = tostring(math.random(-2, 2))
    local id = -1
    for _ = 1, math.random(0, 4) do
      id = id + math.random(3)
      parts[#parts + 1] = (" "):rep(math.random(2)) .. id .. ":"
      parts[#parts + 1] = ("%.3g"):format(math.random() * 10 ^ math.random(-9, 9))
    end
    parts[#parts + 1] = math.random(4) == 1 and " # 7:7\n" or "\n"
  end
  return table.concat(parts)
end

t.test("random texts, cut or with a byte changed: what a naive reader reads, or an error where it finds one", function()
  math.randomseed(17)
  local alphabet = "0123456789.:+-e# \n\tq,"
  local read, refused = 0, 0
  for _ = 1, 3000 do
    local text = random_text()
    local how = math.random(3)
    if how == 2 then text = text:sub(1, math.random(0, #text)) end
    if how == 3 and #text > 0 then
      local at, k = math.random(#text), math.random(#alphabet)
      text = text:sub(1, at - 1) .. alphabet:sub(k, k) .. text:sub(at + 1)
    end
    put(text)
    local labels, offsets, ids, values = naive(text)
    local fine, rows = pcall(libsvm.load, path, {zero_based = true, dtype = "float64"})
    if labels then
      t.equal({text, fine}, {text, true})
      t.equal({text, rows.labels:tolist(), rows.offsets:tolist(), rows.ids:tolist(), rows.values:tolist()},
        {text, labels, offsets, ids, values})
      read = read + 1
    else
      t.equal({text, fine}, {text, false})
      t.equal(tostring(rows):find(path .. ": line %d+, column %d+: ") ~= nil, true)
      refused = refused + 1
    end
  end
  t.equal({read > 1000, refused > 300}, {true, true})
end)
os.remove(path)

t.finish()
