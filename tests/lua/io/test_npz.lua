-- io.npz: archives of NumPy's, and archives that NumPy reads.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"
local embla = require "embla"

local npz = embla.io.npz
local PYTHON = "/usr/bin/python3"

t.test("archives that NumPy has written, stored and deflated", function()
  for _, kind in ipairs {"stored", "deflated"} do
    local arrays, names = npz.load("tests/data/npy/" .. kind .. ".npz")
    t.equal({arrays.x.dtype, arrays.x:tolist()}, {"float32", {{0, 1, 2}, {3, 4, 5}}})
    t.equal({arrays.ids.dtype, arrays.ids:tolist()}, {"int64", {7, -8}})
    t.equal(names, kind == "stored" and {"x", "ids"} or {"x", "ids", "many"})
    if arrays.many then t.equal({arrays.many.shape, arrays.many:sum():item()}, {{40, 50}, 0.0}) end
  end
end)

t.test("archives that gzip has packed, and that come through a pipe", function()
  local path = os.tmpname()
  os.execute(("gzip -c tests/data/npy/deflated.npz >%s"):format(path))
  t.equal(npz.load(path).ids:tolist(), {7, -8})
  os.remove(path)
  os.execute(("mkfifo %s"):format(path))
  os.execute(("cat tests/data/npy/stored.npz >%s &"):format(path))
  t.equal(npz.load(path).x:tolist(), {{0, 1, 2}, {3, 4, 5}})
  os.remove(path)
end)

t.test("only the arrays that are named are read", function()
  local arrays, names = npz.load("tests/data/npy/deflated.npz", {names = {"ids"}})
  t.equal({names, next(arrays, "ids")}, {{"ids"}})
end)

t.test("what is written comes back, and is the same bytes each time", function()
  local path = os.tmpname()
  local tensors = {b = embla.arange(6):reshape {2, 3}:t(), a = embla.zeros(1000), path = embla.tensor {true, false}}
  local function bytes(opt)
    npz.save(path, tensors, opt)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
  end
  local stored, deflated = bytes(), bytes {compressed = true}
  t.equal({stored == bytes(), deflated == bytes {compressed = true}, #deflated < 1000, #stored > 4000},
    {true, true, true, true})
  local back, names = npz.load(path)
  t.equal(names, {"a", "b", "path"})
  t.equal({back.b:tolist(), back.path:tolist()}, {{{0, 3}, {1, 4}, {2, 5}}, {true, false}})
  os.remove(path)
end)

t.test("bad input names the argument, or path and place", function()
  local path = os.tmpname()
  t.raises(function() npz.load(7) end, "io.npz.load: argument path: expected a path, got 7")
  t.raises(function() npz.save(path, 7) end, "argument tensors: expected a table of tensors by name, got 7")
  t.raises(function() npz.save(path, {7}) end, "io.npz.save: argument tensors: expected tensors by name, got [1] = 7")
  t.raises(function() npz.save(path, {a = "x"}) end, "expected tensors by name, got [")
  t.raises(function() npz.save(path, {a = embla.ones(1)}, {compresed = true}) end, "compressed")
  t.raises(function() npz.load("tests/data/npy/stored.npz", {names = {"y"}}) end, "there is no array called y")
  t.raises(function() npz.load("tests/data/npy/stored.npz", {names = "x"}) end, "names")
  t.raises(function() npz.load "tests/data/npy/little_f4.npy" end, "little_f4.npy: not a sound zip archive")
  os.remove(path)
end)

local _, _, status = process.run(PYTHON .. " -c 'import numpy'")
if status == 0 then
  t.test("NumPy reads what Embla writes", function()
    local path = os.tmpname()
    for _, compressed in ipairs {false, true} do
      npz.save(path, {x = embla.arange(6):reshape {2, 3}, ["ä.b"] = embla.ones(2, {dtype = "float16"}),
        s = embla.tensor(2.5), e = embla.zeros(0, 3)}, {compressed = compressed})
      local shown = process.run(PYTHON .. " -c 'import numpy as np, sys; a = np.load(sys.argv[1]); "
        .. "print([(k, a[k].dtype.str, a[k].shape, a[k].ravel().tolist()) for k in a.files])' " .. path)
      t.equal(shown, "[('e', '<f4', (0, 3), []), ('s', '<f4', (), [2.5]), "
        .. "('x', '<i8', (2, 3), [0, 1, 2, 3, 4, 5]), ('ä.b', '<f2', (2,), [1.0, 1.0])]\n")
    end
    os.remove(path)
  end)
else
  t.skip("NumPy reads what Embla writes", PYTHON .. " has no numpy")
end

t.finish()
