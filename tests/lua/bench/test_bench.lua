-- scripts/bench/bench.lua: its cases run, a case that fails is named, names are those of the PyTorch scripts.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local PROGRAM, BENCH = process.quote(arg[-1]), "scripts/bench/bench.lua"

local function bench(options) return process.run(("%s %s %s"):format(PROGRAM, BENCH, options)) end

local function names_of(text)
  local names = {}
  for name in text:gmatch "([^\t\n]+)[^\n]*\n" do names[#names + 1] = name end
  return names
end

local all = names_of((bench "--list"))

-- The first of each kind, which is the smallest: "emb_fwd/N1/…".
local function smallest()
  local seen, names = {}, {}
  for _, name in ipairs(all) do
    local kind = name:match "^[^/]+"
    if not seen[kind] then names[#names + 1] = name end
    seen[kind] = true
  end
  return names
end

t.test("a name stands once", function()
  local seen = {}
  for _, name in ipairs(all) do
    if seen[name] then t.fail(name .. " stands twice") end
    seen[name] = true
  end
end)

t.test("one case of each kind runs and prints its line", function()
  local names = smallest()
  local shown, complaints, status = bench("--once --case " .. process.quote(table.concat(names, ",")))
  t.equal(complaints, "")
  t.equal(status, 0)
  local seconds = {}
  for line in shown:gmatch "[^\n]+" do
    local name, threads, median = line:match "^(%S+)\t(%d+)\t(%S+)\tp10=%S+ n=1"
    if not name then t.fail("not a line of the form: " .. line) end
    seconds[name] = tonumber(threads) > 0 and tonumber(median)
  end
  for _, name in ipairs(names) do
    if not (seconds[name] and seconds[name] > 0) then t.fail(name .. " has no time") end
  end
end)

t.test("a case is timed until its budget is spent, in 7 samples at least", function()
  local shown = bench "--budget 0 --case tiny_add"
  t.equal(shown:match "^tiny_add\t%d+\t%d%.%d+e%-%d+\tp10=%S+ n=(%d+) other=%d+%.%d+\n$", "7")
end)

t.test("cases are chosen by a part of their name, or by a glob", function()
  t.equal(names_of((bench "--list --case matmul/64x,tiny_mlp_f")), {"tiny_mlp_fwd_8_16_4", "matmul/64x64x64"})
  t.equal(names_of((bench "--list --case 'emb_fwd/N1/d?6/*/zipf'")),
          {"emb_fwd/N1/d16/V10k/zipf", "emb_fwd/N1/d16/V100k/zipf", "emb_fwd/N1/d16/V1M/zipf"})
  local quick = names_of((bench "--list --quick"))
  t.equal(quick[1], "calib_copy_64MB")
  if #quick > 60 then t.fail(#quick .. " cases are not quick") end
end)

t.test("a case that fails is named, and the others go on", function()
  local broken = [[package.preload["cases.small"] = function()
    return function(case)
      case("breaks", true, function() return function() error("no luck", 0) end end)
      case("works", true, function() return function() end, {bits = 8}, {MB = 3} end)
    end
  end]]
  local shown, complaints, status = process.run(("%s -e %s %s --once --case breaks,works"):format(
    PROGRAM, process.quote(broken), BENCH))
  t.equal(complaints, "# breaks: no luck\n")
  t.equal(shown:match "^(works)\t.* MB=3\n$", "works")
  t.equal(status, 1)
end)

t.test("an option that is not known is refused with those that are", function()
  local _, complaints, status = bench "--quik"
  t.equal(status, 1)
  local wanted = "unknown option '--quik' (options: --budget …, --case …, --list, --once, --quick)"
  if not complaints:find(wanted, 1, true) then t.fail(complaints) end
end)

-- ---- PyTorch's side --------------------------------------------------------------------------------------------

local PYTHON = "/usr/bin/python3"
local PEER = (os.getenv "EMBLA_DATA" or "../shared/data") .. "/../bench/peer_torch.py"

-- name -> true; quick ones apart.
local function listed(command)
  local shown, _, status = process.run(command .. " --list")
  if status ~= 0 then return nil end
  local names = {}
  for line in shown:gmatch "[^\n]+" do names[line] = true end
  return names
end

local theirs = listed(PYTHON .. " " .. process.quote(PEER))
local own = listed(PYTHON .. " scripts/bench/more_torch.py")

if theirs and own then
  t.test("PyTorch's scripts have the same names, and the same quick ones", function()
    local ours = listed(PROGRAM .. " " .. BENCH)
    for name in pairs(ours) do
      if not theirs[name] and not own[name] then t.fail(name .. " has no peer") end
    end
    for name in pairs(theirs) do
      if not ours[name] then t.fail(name .. " is only in " .. PEER) end
    end
    for name in pairs(own) do
      if not ours[name] then t.fail(name .. " is only in more_torch.py") end
    end
  end)
else
  t.skip("PyTorch's scripts have the same names", "no Python with PyTorch, or no " .. PEER)
end

t.finish()
