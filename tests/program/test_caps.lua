-- Under a cap on addresses (ulimit -v) what is garbage is collected before an allocation fails, and what cannot be had
-- is told: nothing spins, and no library ends the process.
package.path = (arg[0]:match("^(.-)tests/program/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local EMBLA = process.quote(assert(arg[1], "usage: test_caps.lua PROGRAM"))

-- Output, complaints and status of code under a cap of so many MB; what spins is ended.
local function capped(megabytes, code, options)
  return process.run(("ulimit -v %d; ulimit -t 60; exec env -u OMP_NUM_THREADS OPENBLAS_NUM_THREADS=1 %s %s -e %s")
    :format(megabytes * 1024, EMBLA, options or "", process.quote(code)))
end

-- Addresses that the program takes by itself, in MB: each processor's buffer of BLAS among them.
local function addresses()
  local text = process.run(EMBLA .. " -e 'for l in io.lines \"/proc/self/status\" do print(l) end'")
  return tonumber(text:match "VmPeak:%s*(%d+)") // 1024
end
local BARE = addresses()

-- A sanitizer's shadow takes more addresses than there is memory.
local function test(name, fn)
  if BARE > 1 << 20 then return t.skip(name, "a sanitizer takes the addresses") end
  t.test(name, fn)
end

local HEAD = "local embla = require 'embla' "

test("a cap that is too low to start is told at once", function()
  for _, megabytes in ipairs {100, BARE - 100} do
    local out, err, status = capped(megabytes, "print(1)")
    t.equal({out, status}, {"", 1})
    t.equal(err:match "^embla: not enough memory to start: OpenBLAS wants 128 MB" ~= nil, true)
  end
end)

test("a loop whose temporaries are garbage needs room for those that it still names", function()
  local out, err = capped(BARE + 560, HEAD .. [[
    local x = embla.ones(40000000)                      -- 160 MB; the last y is named until there is the next
    for i = 1, 12 do local y = x + i end
    print((x * 2)[0], "done")]])
  t.equal({out, err}, {"2.0\tdone\n", ""})
end)

test("so does training", function()
  local out, err = capped(BARE + 620, HEAD .. [[
    local w = embla.nn.Parameter(embla.ones(30000000))  -- 120 MB; a step takes three more
    for _ = 1, 8 do
      w.grad = nil
      ;(w * 2):sum():backward()
    end
    print(w.grad[5])]])
  t.equal({out, err}, {"2.0\n", ""})
end)

-- A few small steps of the collector, after which a tensor counts as old.
local AGE = "for i = 1, 20 do local y = embla.ones(1000000) * i end "

test("garbage that has grown old is found", function()
  local out, err = capped(BARE + 600, HEAD .. "local kept = {embla.ones(100000000)} " .. AGE .. [[
    kept = nil
    print(embla.ones(80000000)[0])]])
  t.equal({out, err}, {"1.0\n", ""})
end)

test("also in the middle of a backward", function()
  local out, err = capped(BARE + 530, HEAD .. [[
    local w, kept = embla.nn.Parameter(embla.ones(30000000)), {embla.ones(30000000)}]] .. AGE .. [[
    local y = w:exp():sum()
    kept = nil
    y:backward()
    print(("%.4f"):format(w.grad[0]))]])
  t.equal({out, err}, {"2.7183\n", ""})
end)

test("what a finalizer lets go of is found too", function()
  local out, err = capped(BARE + 400, HEAD .. [[
    for i = 1, 6 do
      local held = {embla.ones(40000000)}
      setmetatable({held}, {__gc = function(self) self[1][1] = nil end})
    end
    print(embla.ones(40000000)[0])]])
  t.equal({out, err}, {"1.0\n", ""})
end)

test("the memory of small tensors serves large ones", function()
  local out, err = capped(BARE + 420, HEAD .. [[
    local kept = {}
    for i = 1, 200000 do kept[i] = embla.zeros(100) end
    kept = nil
    print(embla.ones(80000000)[0])]])
  t.equal({out, err}, {"1.0\n", ""})
end)

test("what does not fit is an error, after which all goes on", function()
  local out, err = capped(BARE + 400, HEAD .. [[
    local x = embla.ones(40000000)
    local ok, message = pcall(embla.ones, 200000000)
    print(ok, message:match "not enough memory %(%d+ bytes for a tensor's elements%)")
    print((x + 1)[0])]])
  t.equal({out, err}, {"false\tnot enough memory (800000000 bytes for a tensor's elements)\n2.0\n", ""})
end)

test("a product without room for BLAS's buffers is an error", function()
  local out, err = capped(BARE + 60, HEAD .. [[
    local a = embla.eye(300)
    local ok, message = pcall(a.matmul, a, a)
    print(ok, message:match "not enough memory %(%d+ bytes for the buffers in which BLAS multiplies, one a thread%)")
    ]], "-t 2")
  t.equal({out, err},
    {"false\tnot enough memory (268435456 bytes for the buffers in which BLAS multiplies, one a thread)\n", ""})
end)

test("a team that the system does not grant is an error", function()
  local out, err = capped(BARE + 400, HEAD .. [[
    embla.set_num_threads(2)
    local ok, message = pcall(embla.set_num_threads, 256)
    print(ok, message:match "set_num_threads: not enough memory: the system grants no team of 256 threads")
    print(embla.get_num_threads(), embla.ones(1000000):sum():item())]])
  t.equal({out, err}, {"false\tset_num_threads: not enough memory: the system grants no team of 256 threads\n" ..
                       "2\t1000000.0\n", ""})
  local _, complaint, status = capped(BARE + 400, "print(1)", "-t 250")
  t.equal({complaint:match "^embla: %-t: not enough memory" ~= nil, status}, {true, 1})
end)

t.finish()
