-- The example that learns CoDEx, on a folder of a few facts: it trains each model and prints ranks; help; bad options.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local ROOT = arg[0]:match("^(.-)tests/lua/") or ""

-- The program that runs this test, whatever options it was given.
local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end

local function run(folder, options)
  return process.run(("EMBLA_DATA=%s %s %sscripts/examples/codex.lua %s"):format(process.quote(folder),
    process.quote(program), ROOT, options))
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

-- A ring of six entities; one of its facts is held out.
local function with_ring(use)
  process.with_file("", function(path)
    local folder = path .. ".d"
    os.execute(("mkdir -p %s/ring"):format(folder))
    local facts = {}
    for i = 0, 5 do facts[i + 1] = ("n%d\tnext\tn%d\n"):format(i, (i + 1) % 6) end
    write(folder .. "/ring/test.txt", table.remove(facts, 3))
    write(folder .. "/ring/train.txt", table.concat(facts))
    local ok, message = pcall(use, folder)
    os.execute("rm -r " .. folder)
    if not ok then error(message, 0) end
  end)
end

t.test("each model is trained and ranked", function()
  with_ring(function(folder)
    for _, model in ipairs {"ComplEx", "DistMult", "SimplE", "RESCAL", "TransE", "RotatE"} do
      local out, err, status = run(folder, "--data ring --epochs 2 --dim 4 --model " .. model)
      t.equal({model, status, err}, {model, 0, ""})
      t.equal(out:match "^[^\n]+", "6 entities, 1 relations, 5 facts")
      t.equal(select(2, out:gsub("epoch +%d", "")), 2)
      local mrr = tonumber(out:match(model .. " test: MRR ([%d.]+)"))
      t.equal(mrr ~= nil and mrr >= 1 / 6 and mrr <= 1, true)
    end
  end)
end)

t.test("help and what does not fit", function()
  local out, _, status = run("none", "--help")
  t.equal({status, out:find("--model", 1, true) ~= nil}, {0, true})
  local _, err, code = run("none", "--model Bilinear")
  t.equal({code ~= 0, err:find("Bilinear", 1, true) ~= nil}, {true, true})
  _, err, code = run("none", "--data ring")
  t.equal({code ~= 0, err:find("none/ring", 1, true) ~= nil}, {true, true})
end)

t.finish()
