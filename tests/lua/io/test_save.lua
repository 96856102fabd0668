-- embla.save: what is kept comes back, shared where it was shared; what cannot be kept is told; damage is found.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local core = require "embla.core"
local ordered = require "embla.base.ordered"

local path = os.tmpname()

local function read(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

local function write(name, bytes)
  local file <close> = assert(io.open(name, "wb"))
  file:write(bytes)
end

local function there_and_back(value, opt)
  embla.save(path, value)
  return embla.load(path, opt)
end

-- ---- values ----------------------------------------------------------------------------------------------------

t.test("numbers, strings and booleans come back as they were", function()
  for _, x in ipairs {0, 1, -7, math.maxinteger, math.mininteger, 1.0, -0.0, 0.1, 2.0 ^ 63, -2.0 ^ 63, 5e-324, 1e308,
                      math.huge, -math.huge} do
    local got = there_and_back(x)
    t.same_bits(got, x)
    t.equal(math.type(got), math.type(x))
  end
  local nan = there_and_back(0 / 0)
  t.equal(nan ~= nan, true)
  local every = {}
  for byte = 0, 255 do every[byte + 1] = string.char(byte) end
  for _, text in ipairs {"", "a", "é\0\n\"\\", "\xFF", table.concat(every), ("ab\xFF"):rep(5000),
                         ("é"):rep(5000), true, false} do
    t.equal(there_and_back(text), text)
    t.equal(there_and_back({[tostring(text)] = text})[tostring(text)], text)
  end
end)

t.test("tables of any keys and nesting come back", function()
  local deep = {}
  for _ = 1, 250 do deep = {deep} end
  for _, value in ipairs {
    {}, {1, 2, 3}, {a = 1}, {[0] = 1}, {[-5] = "x", [3] = {}}, {1, nil, 3}, {1, 2, x = {y = {1.5}}},
    {[math.mininteger] = 1},
    {["1"] = "text", [1] = "number"}, {[""] = 1}, {{{}}, {}},
    {keys = {1}, values = {2}, tensor = "x", id = 1, same = 2},
    deep,
  } do
    t.equal(there_and_back(value), value)
  end
end)

t.test("an ordered table keeps its order", function()
  local o = ordered()
  for _, key in ipairs {"z", "a", 7, "m"} do o[key] = key end
  local keys = {}
  for key in pairs(there_and_back {o}[1]) do keys[#keys + 1] = key end
  t.equal(keys, {"z", "a", 7, "m"})
end)

-- ---- tensors ---------------------------------------------------------------------------------------------------

local function check_tensor(got, want)
  t.same_bits(got, want)
  t.equal({got.dtype, got.shape}, {want.dtype, want.shape})
end

t.test("tensors of every dtype and shape come back", function()
  for _, dtype in ipairs {"float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool"} do
    local base = (embla.rand(4, 6) * 100):to(dtype)
    for _, x in ipairs {base, base:t(), base[1], base[{{}, {1, 5, 2}}], base[0][0], embla.zeros(0, 3, {dtype = dtype}),
                        embla.tensor(1, {dtype = dtype}), embla.tensor(1, {dtype = dtype}):expand(3, 1000)} do
      if core.is_tensor(x) then
        for _, map in ipairs {false, true} do
          check_tensor(there_and_back(x, {map = map}), x)
          check_tensor(there_and_back({a = {x}}, {map = map}).a[1], x)
        end
      end
    end
  end
  embla.save(path, embla.tensor(1.5):expand(1000000))
  t.equal(#read(path) < 2000, true)                     -- an expanded tensor is kept as what there is of it
end)

t.test("parameters stay parameters", function()
  local free, frozen = embla.nn.Parameter(embla.ones(2)), embla.nn.Parameter(embla.ones(2), false)
  local leaf = embla.ones(2):requires_grad_()
  local got = there_and_back {free, frozen, leaf, leaf * 2}
  for i, want in ipairs {{true, true}, {true, false}, {false, true}, {false, false}} do
    t.equal({core.is_parameter(got[i]), got[i].requires_grad}, want)
    t.equal(got[i].is_leaf, true)
  end
end)

t.test("row-sparse tensors come back", function()
  local e = embla.nn.Embedding(6, 2, {sparse = true})
  e(embla.tensor {4, 1, 4}):sum():backward()
  local g = e.weight.grad
  for _, sparse in ipairs {g, g:coalesce(), e.weight.grad * 2} do
    local got = there_and_back {g = sparse}.g
    t.equal({got.is_sparse, got.shape, got:is_coalesced()}, {true, {6, 2}, sparse:is_coalesced()})
    t.same_bits(got:to_dense(), sparse:to_dense())
    t.same_bits(got:_indices(), sparse:_indices())
  end
end)

-- ---- what is shared --------------------------------------------------------------------------------------------

t.test("what occurs twice comes back as one", function()
  local x, list = embla.ones(1000, 10), {1}
  local got = there_and_back {a = x, b = {x, list}, c = list}
  t.equal(rawequal(got.a, got.b[1]), true)
  t.equal(rawequal(got.c, got.b[2]), true)
  t.equal(#read(path) < 41000, true)
end)

t.test("tensors that show one memory still do", function()
  local table_, flat = embla.arange(12):reshape(3, 4), embla.arange(10)
  for _, map in ipairs {false, true} do
    local got = there_and_back({w = table_, row = table_[1], turned = table_:t(), same = table_:detach(),
                                low = flat[{{0, 6}}], high = flat[{{4, 10}}], alone = flat[{{0, 2}}]}, {map = map})
    got.w:fill_(7)
    t.equal(got.row, {7, 7, 7, 7})
    t.equal(got.turned[3], {7, 7, 7})
    t.equal(got.same, got.w)
    t.equal(got.high, {4, 5, 6, 7, 8, 9})
    got.low:fill_(-1)
    t.equal(got.high, {-1, -1, 6, 7, 8, 9})
    t.equal(got.alone, {-1, -1})
  end
  local names = {}
  for _, item in ipairs(embla.io.safetensors.info(path)) do names[item.name] = item.shape end
  t.equal(names, {row = {3, 4}, alone = {10}})          -- named for the first of them
end)

t.test("views of no elements and of no dims come back", function()
  local x = embla.arange(4)
  local got = there_and_back {a = x, b = x[{{2, 2}}], c = x[{{1, 3}}], d = x[{{1, 2}}]:reshape {}}
  t.equal({got.b.shape, got.d.shape, got.d:item()}, {{0}, {}, 1})
  got.a:fill_(9)
  t.equal({got.c[1], got.d:item()}, {9, 9})
end)

t.test("parts of one memory that do not meet are kept alone", function()
  local x = embla.arange(100000)
  local got = there_and_back {x[{{0, 2}}], x[{{99998, 100000}}]}
  t.equal(got, {embla.tensor {0, 1}, embla.tensor {99998, 99999}})
  t.equal(#read(path) < 2000, true)
end)

t.test("tied weights stay tied", function()
  local net = embla.nn.Embedding(5, 3)
  local head = embla.nn.Linear(3, 5, {bias = false})
  head.weight = net.weight
  local got = there_and_back {embedding = net:state_dict(), head = head:state_dict(), p = net.weight}
  got.embedding.weight:fill_(2)
  t.equal(got.head.weight[4], {2, 2, 2})
  t.equal(got.p[0]:tolist(), {2, 2, 2})
end)

-- ---- names in the file -----------------------------------------------------------------------------------------

t.test("tensors lie under their dotted names", function()
  local x = function(i) return embla.tensor {i} end
  local value = {model = {embedding = {weight = x(1)}, ["embedding.weight"] = x(2), [3] = x(3)}, ["a\0\xFF"] = x(4),
                 __metadata__ = x(5), [""] = x(6)}
  t.equal(there_and_back(value), value)
  local names = {}
  for _, item in ipairs(embla.io.safetensors.info(path)) do names[item.name] = true end
  t.equal(names, {["model.embedding.weight"] = true, ["model.embedding.weight~2"] = true, ["model.3"] = true,
                  ["a__"] = true, ["__metadata__~2"] = true, [""] = true})
  t.equal(embla.io.safetensors.load(path)["model.embedding.weight"], {1})
end)

t.test("the same value gives the same file", function()
  local function value(order)
    local v = {}
    for _, key in ipairs(order) do v[key] = embla.ones(2) end
    return v
  end
  embla.save(path, value {"a", "b", "c", 1, 2})
  local first = read(path)
  embla.save(path, value {2, "c", "a", 1, "b"})
  t.equal(read(path) == first, true)
end)

-- ---- objects ---------------------------------------------------------------------------------------------------

t.test("a vocabulary comes back", function()
  local vocab = embla.text.Vocab({"b", "a", "b", "\xFF", ""}, {specials = {"<pad>", "<unk>"}, unknown = "<unk>"})
  local got = there_and_back {v = vocab}.v
  t.equal(got:words(), vocab:words())
  t.equal(got:counts(), vocab:counts())
  t.equal({got:id "b", got:id "nowhere", got.unknown, #got}, {2, 1, "<unk>", 6})
  core.vocab_trim(got.handle, 2, -1)                    -- special words are still special
  t.equal(got:words(), {"<pad>", "<unk>", "b"})
end)

-- ---- what cannot be kept ---------------------------------------------------------------------------------------

t.test("what cannot be saved is told, and the old file stays", function()
  local cycle, deep = {a = {}}, {}
  cycle.a.b = cycle
  for _ = 1, 301 do deep = {deep} end
  local Point = require "embla.base.class" "Point"
  write(path, "old")
  for _, case in ipairs {
    {{model = {hook = print}}, "save: value.model.hook: a function cannot be saved"},
    {{1, {coroutine.create(print)}}, "save: value[2][1]: a coroutine cannot be saved"},
    {{["a b"] = io.stdout}, 'save: value["a b"]: a userdata cannot be saved'},
    {cycle, "save: value.a.b: a cycle"}, {deep, "more than 300 levels"},
    {{x = {[1.5] = 1}}, "save: value.x: a float as a key: 1.5"}, {{[true] = 1}, "a boolean as a key: true"},
    {{[{}] = 1}, "a table as a key"}, {{[embla.ones(1)] = 1}, "a userdata as a key"},
    {{net = embla.nn.Linear(1, 1)}, "save: value.net: a Linear cannot be saved: save its state_dict()"},
    {embla.optim.SGD({embla.ones(1):requires_grad_()}, {lr = 1}), "save its state_dict()"},
    {{p = Point()}, "save: value.p: a Point cannot be saved"},
    {setmetatable({}, {__index = function() error "never asked" end}), "a table with a metatable cannot be saved"},
    {print, "save: value: a function cannot be saved"}, {nil, "save: value: a nil cannot be saved"},
  } do
    t.raises(function() embla.save(path, case[1]) end, case[1] == deep and "save" or "test_save.lua", case[2])
  end
  t.raises(function() embla.save(nil, 1) end, "save: argument path: expected a path, got nil")
  t.raises(function() embla.save("/no/such/folder/f", 1) end, "/no/such/folder/f: No such file")
  t.raises(function() embla.save("a\0b", 1) end, "zero byte")
  t.equal(read(path), "old")
end)

t.test("a refused allocation leaves the old file, and nothing behind", function()
  local value = {a = embla.ones(3), b = {embla.zeros(2, 2):t(), "x"}, c = ("y"):rep(5000)}
  write(path, "old")
  local failed = 0
  for count = 0, 200 do
    core.fail_after(count, true)
    local ok, message = pcall(embla.save, path, value)
    core.fail_after(-1)
    if ok then break end
    failed = failed + 1
    t.equal(message:find "not enough memory" ~= nil, true)
    t.equal(read(path), "old")
  end
  t.equal(failed > 5, true)
  t.equal(embla.load(path).b[1], {{0, 0}, {0, 0}})
  for count = 0, 200 do
    core.fail_after(count, true)
    local ok, message = pcall(embla.load, path)
    core.fail_after(-1)
    if ok then break end
    t.equal(message:find "not enough memory" ~= nil, true)
  end
end)

-- ---- damage ----------------------------------------------------------------------------------------------------

t.test("every flipped bit and every cut is found", function()
  embla.save(path, {w = embla.tensor {{1, 2}}, n = {1, 2.5, "x"}})
  local good = read(path)
  for at = 1, #good do
    local bit = 1 << at % 8                             -- one of each byte; the core's tests turn all
    write(path, good:sub(1, at - 1) .. string.char(good:byte(at) ~ bit) .. good:sub(at + 1))
    t.raises(function() embla.load(path) end, path .. ": ")
    write(path, good:sub(1, at - 1))
    t.raises(function() embla.load(path) end, path .. ": ")
  end
  write(path, good)
  t.equal(embla.load(path).n, {1, 2.5, "x"})
end)

t.test("a mapped file has its header checked alone", function()
  embla.save(path, {w = embla.tensor {1.5, 2}})
  local good = read(path)
  write(path, good:sub(1, -2) .. "\0")
  t.raises(function() embla.load(path) end, "the checksum of tensor 'w' does not match")
  t.equal(embla.load(path, {map = true}).w:numel(), 2)
  write(path, (good:gsub('"data_offsets"', '"data_offsetz"')))
  t.raises(function() embla.load(path, {map = true}) end, path .. ": byte ")
end)

os.remove(path)
t.finish()
