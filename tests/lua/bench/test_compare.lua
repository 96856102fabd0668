-- scripts/bench/compare.lua and what it stands on, with peers that are shell scripts: lines, medians over the rounds,
-- failures that show, the limits' program, the drawing, the table for the README.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;scripts/bench/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"
local accesses = require "accesses"
local results = require "results"
local sides = require "sides"

local PROGRAM = process.quote(arg[-1])

-- A folder for this test's files.
local FOLDER = process.run("mktemp -d"):match "[^\n]+"
local function path_of(name) return FOLDER .. "/" .. name end

local function write(name, text)
  local file <close> = assert(io.open(path_of(name), "w"))
  file:write(text)
end

local function bench(script, ...)
  local words = {PROGRAM, "scripts/bench/" .. script}
  for _, word in ipairs {...} do words[#words + 1] = process.quote(word) end
  return process.run(table.concat(words, " "))
end

-- A script that lists two cases, and does `body` when it is to time.
local function write_peer(body)
  write("peer.sh", [[#!/bin/sh
for word; do [ "$word" = --list ] && { printf 'tiny_add\tquick\ntiny_emb_fwd\n'; exit; }; done
folder=]] .. process.quote(FOLDER) .. "\n" .. body)
  process.run("chmod +x " .. process.quote(path_of "peer.sh"))
end

-- Rows by "case threads".
local function compare(...)
  local shown, complaints, status = bench("compare.lua", "--peer", path_of "peer.sh", "--csv", path_of "ratios.csv",
                                          "--budget", "0", ...)
  local rows = {}
  for _, row in ipairs(results.read(path_of "ratios.csv")) do rows[row.case .. " " .. row.threads] = row end
  return rows, shown, complaints, status
end

t.test("both are timed, the median of the rounds is told", function()
  write_peer [[
echo x >>$folder/calls; calls=$(wc -l <$folder/calls)
printf 'tiny_add\t1\t%s\tn=7\n' $(echo 1 4 9 | cut -d' ' -f$calls)]]
  local rows, shown, _, status = compare("--case", "tiny_add", "--threads", "1", "--rounds", "3")
  local row = rows["tiny_add 1"]
  t.equal(status, 0)
  t.equal(row.peer_seconds, 4)
  if not (row.embla_seconds > 0 and row.embla_seconds < 1) then t.fail("a sum takes no " .. row.embla_seconds) end
  t.equal(row.scaling, nil)
  t.equal(row.problem, nil)
  if not shown:find "\ntiny_add +1 +%S+ .s +4%.00 s +%d+x[^%d]" then t.fail(shown) end
end)

t.test("a line that others disturbed says so", function()
  write_peer [[printf 'tiny_add\t2\t1\tp10=1 n=7 other=1.50\n']]
  local rows, shown = compare("--case", "tiny_add", "--threads", "2", "--rounds", "1")
  if rows["tiny_add 2"].others < 1.5 then t.fail(rows["tiny_add 2"].others) end
  if not shown:find "others used %d+%.%d CPUs\n" then t.fail(shown) end
end)

t.test("the scaling from one thread is told", function()
  write_peer [[
case "$*" in *"--threads 1"*) s=6;; *) s=4;; esac
printf 'tiny_add\t1\t%s\tn=7\n' $s]]
  local row = compare("--case", "tiny_add", "--rounds", "1")["tiny_add 2"]
  t.close(row.peer_scaling, 1.5)
  t.close(row.ratio * row.embla_seconds, 4, 1e-3)
  if row.scaling <= 0 then t.fail("no scaling") end
end)

t.test("a case that fails says so with its message, others go on", function()
  write_peer [[echo "# tiny_emb_fwd: RuntimeError: broken, badly" >&2; printf 'tiny_add\t2\t1\tn=7\n']]
  local rows, shown, complaints, status = compare("--case", "tiny_add,tiny_emb_fwd,tiny_mul", "--threads", "2",
                                                  "--rounds", "1", "--batch", "3")
  t.equal(status, 1)
  t.equal(rows["tiny_add 2"].problem, nil)
  t.equal(rows["tiny_add 2"].peer_seconds, 1)
  t.equal(rows["tiny_emb_fwd 2"].problem, "PyTorch: RuntimeError: broken; badly")
  t.equal(rows["tiny_mul_recording 2"].problem, nil)
  t.equal(rows["tiny_mul_recording 2"].peer_seconds, nil)
  if not shown:find "tiny_emb_fwd .*failed: PyTorch: RuntimeError: broken, badly\n" then t.fail(shown) end
  if not complaints:find "1 lines failed" then t.fail(complaints) end
end)

t.test("the limit stands beside the case", function()
  local row = compare("--case", "matmul/64x64x64", "--threads", "1", "--rounds", "1")["matmul/64x64x64 1"]
  t.equal(row.limit, "sgemm/M64xK64xN64")
  t.close(row.share_of_limit * row.embla_seconds, row.limit_seconds, 1e-3)
end)

t.test("a peer that dies is told with its last words", function()
  write_peer [[echo "out of patience" >&2; exit 3]]
  local row = compare("--case", "tiny_add", "--threads", "1", "--rounds", "1")["tiny_add 1"]
  t.equal(row.problem, "PyTorch: exit status 3; out of patience")
end)

t.test("a peer that cannot tell its cases is left out", function()
  write("peer.sh", "#!/bin/sh\necho 'no such module' >&2\nexit 1\n")
  local rows, _, complaints, status = compare("--case", "tiny_add", "--threads", "1", "--rounds", "1")
  t.equal(status, 0)
  t.equal(rows["tiny_add 1"].peer_seconds, nil)
  if not complaints:find "peer%.sh is left out: exit status 1, no such module\n" then t.fail(complaints) end
end)

t.test("the budget and the choice are handed to the peer", function()
  write_peer [[printf '%s\n' "$*" >$folder/words; printf 'tiny_add\t2\t1\tn=7\n']]
  compare("--case", "tiny_add", "--threads", "2", "--rounds", "1", "--quick")
  local words = process.run("cat " .. process.quote(path_of "words"))
  t.equal(words, "--threads 2 --quick --budget 0 --case tiny_add\n")
end)

-- ---- limits ----------------------------------------------------------------------------------------------------

t.test("a case's access is the least that must move", function()
  local wanted = {
    ["emb_fwd/N8192/d64/V100k/zipf"] = "gather/N8192/d64/V100k/zipf",
    ["emb_fwd/N32/d64/V100k/zipf"] = false,
    ["emb_fwdbwd_sparse/N1024/d64/V10k/uniform"] = "gather/N1024/d64/V10k/uniform",
    ["emb_fwdbwd_dense/N1024/d64/V10k/uniform"] = false,
    ["step_sgd_sparse/N8192/d64/V1M/uniform"] = "update1/N8192/d64/V1M/uniform",
    ["step_adagrad_sparse/N8192/d64/V1M/uniform"] = "update2/N8192/d64/V1M/uniform",
    ["step_sparseadam/N65536/d64/V1M/uniform"] = "update3/N65536/d64/V1M/uniform",
    ["step_adam_dense/N8192/d64/V1M/uniform"] = "sweep3/d64/V1M/uniform",
    ["step_sgd_dense/N8192/d64/V1M/uniform"] = false,
    ["bag_fwd_max/B1024/L50/d128/V1M/zipf"] = "read/N51200/d128/V1M/zipf",
    ["bag_step_adagrad_sparse/B1024/L10/d64/V100k/zipf"] = "update2/N10240/d64/V100k/zipf",
    ["coalesce/N8192/d64/V100k/zipf"] = "read/N8192/d64/V8192/uniform",
    ["softmax_layer_fwdbwd/B128/d100/C10k"] =
      "sgemm/M128xK100xN10000nt+sgemm/M128xK10000xN100+sgemm/M10000xK128xN100tn",
    ["matmul/128x100x10000"] = "sgemm/M128xK100xN10000",
    ["linear_fwdbwd/B1024/128x64"] = "sgemm/M1024xK128xN64nt+sgemm/M1024xK64xN128+sgemm/M64xK1024xN128tn",
    ["lstm_fwdbwd/B32/T35/E200/H200/L1"] = false,
    ["tiny_add"] = false,
  }
  for name, access in pairs(wanted) do t.equal({name, accesses.of(name) or false}, {name, access}) end
end)

local LIMITS = "limits.c measures each access, and refuses others"
local function test_limits()
  local program = process.quote(path_of "limits")
  t.equal(sides.compile("scripts/bench/limits.c", path_of "limits", "-O1 -Wall -Wextra -Wshadow"), "")
  -- What a call moves in bytes, or computes: numbers worked out by hand. All rows of a small table are drawn.
  local moved = {
    ["copy/N10k"] = 2 * 4 * 10000, ["gather/N1000/d16/V50/uniform"] = 2 * 4 * 1000 * 16,
    ["read/N1000/d12/V50/zipf"] = 4 * 1000 * 12, ["update2/N4000/d16/V10/uniform"] = 2 * 2 * 4 * 10 * 16,
    ["sweep3/d16/V1k"] = 3 * 2 * 4 * 1000 * 16, ["sgemm/M10xK20xN30nt+sgemm/M30xK10xN20tn"] = 2 * 2 * 6000,
  }
  for access, amount in pairs(moved) do
    local shown = process.run(("%s '%s' 2"):format(program, access))
    local name, seconds, rate = shown:match "^(%S+)\t2\t(%S+)\tp10=%S+ n=31 G%a+/s=(%S+)\n$"
    t.equal(name, access)
    t.close(tonumber(rate) * 1e9 * tonumber(seconds), amount, 1e-2)
  end
  for _, words in ipairs {"jump/N10 2", "gather/N10 2", "sgemm/M10xN10 1", "copy/N10 0", "copy/N10",
                          "update9/N9/d4/V9 1"} do
    local shown, _, status = process.run(program .. " " .. words)
    t.equal({words, shown, status}, {words, "", 2})
  end
end
if sides.has_openblas() then
  t.test(LIMITS, test_limits)
else
  t.skip(LIMITS, "OpenBLAS is not installed")
end

-- ---- what becomes of the numbers -------------------------------------------------------------------------------

t.test("numbers have three digits", function()
  local times = {[3.14159e-7] = "314 ns", [9.996e-7] = "1.00 us", [1.2345e-5] = "12.3 us", [0.5] = "500 ms",
                 [2] = "2.00 s"}
  for seconds, text in pairs(times) do t.equal(results.time(seconds), text) end
  t.equal({results.times(0.756), results.times(12.34), results.times(123.4)}, {"0.76x", "12.3x", "123x"})
  t.equal({results.percent(0.847), results.percent(nil), results.time(nil)}, {"85 %", "", ""})
end)

local ROWS = {
  {case = "tiny_add", threads = 1, embla_seconds = 3e-7, peer_seconds = 1.2e-6, ratio = 4},
  {case = "tiny_add", threads = 2, embla_seconds = 3e-7, peer_seconds = 1.2e-6, ratio = 4, scaling = 1},
  {case = "matmul/64x64x64", threads = 2, embla_seconds = 8e-6, peer_seconds = 6e-6, ratio = 0.75,
   limit = "sgemm/M64xK64xN64", limit_seconds = 6e-6, share_of_limit = 0.75, scaling = 1.25, peer_scaling = 2},
  {case = "tiny_emb_fwd", threads = 2, problem = "PyTorch: no, not so"},
}
do
  local lines = {results.header()}
  for _, row in ipairs(ROWS) do lines[#lines + 1] = results.line(row) end
  write("known.csv", table.concat(lines))
end

t.test("rows are read as they were written", function()
  local rows = results.read(path_of "known.csv")
  t.equal(rows[4].problem, "PyTorch: no; not so")
  rows[4].problem = ROWS[4].problem
  t.equal(rows, ROWS)
  write("other.csv", "a,b\n1,2\n")
  t.raises(function() results.read(path_of "other.csv") end, "other.csv is not a file of compare.lua")
end)

t.test("the README's table names cases in words, or by name", function()
  t.equal((bench("markdown.lua", path_of "known.csv")), [[
| case | Embla | PyTorch | ratio | of the limit | from 1 thread |
|---|---|---|---|---|---|
| sum of two tensors of 4 elements | 300 ns | 1.20 us | 4.00x |  | 1.00x |
]])
  t.equal((bench("markdown.lua", path_of "known.csv", "--case", "matmul")), [[
| case | Embla | PyTorch | ratio | of the limit | from 1 thread |
|---|---|---|---|---|---|
| `matmul/64x64x64` | 8.00 us | 6.00 us | 0.75x | 75 % | 1.25x |
]])
end)

local _, _, no_gnuplot = process.run("command -v gnuplot")
if no_gnuplot == 0 then
  t.test("the drawing is a PNG file", function()
    local _, complaints, status = bench("draw.lua", path_of "known.csv", path_of "known.png")
    t.equal({complaints, status}, {"", 0})
    local file <close> = assert(io.open(path_of "known.png", "rb"))
    t.equal(file:read(8), "\137PNG\r\n\26\n")
    _, complaints, status = bench("draw.lua", path_of "known.csv", path_of "none.png", "--case", "emb")
    t.equal(status, 1)
    if not complaints:find "no case with a ratio to draw" then t.fail(complaints) end
  end)
else
  t.skip("the drawing is a PNG file", "no gnuplot")
end

process.run("rm -r " .. process.quote(FOLDER))
t.finish()
