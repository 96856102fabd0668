-- The examples that learn to write, char_lstm.lua and gpt.lua: they learn, and they run on a fresh clone.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local ROOT = arg[0]:match("^(.-)tests/lua/") or ""
local DATA = (os.getenv "EMBLA_DATA" or ROOT .. "../shared/data") .. "/tinyshakespeare/input.txt"

local SMALL = {
  char_lstm = "--layers 1 --width 24 --context 16 --batch 8 --sample 40 --threads 1",
  gpt = "--layers 1 --width 24 --context 16 --batch 8 --sample 40 --threads 1 --heads 2 --warmup 5",
}

-- The program that runs this test, whatever options it was given.
local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end

local function command(name, options)
  return ("%s %sscripts/examples/%s.lua %s %s"):format(process.quote(program), ROOT, name, SMALL[name], options)
end

-- Runs an example; returns the validation loss, the text it wrote, and all it printed.
local function run(name, options)
  local out, err, status = process.run(command(name, options))
  if status ~= 0 then t.fail(err) end
  return tonumber(out:match "validation loss (%S+)"), out:match "validation loss [^\n]*\n(.*)\n$", out
end

for _, name in ipairs {"char_lstm", "gpt"} do
  t.test(name .. " learns a text that repeats itself", function()
    process.with_file(("the cat sat on a mat; "):rep(150), function(path)
      local first = run(name, path .. " --steps 1")
      local loss, written = run(name, path .. " --steps 300 --lr 0.01")
      t.close(first, math.log(13), 0, 0.4)                     -- 13 characters, none known to be likelier
      t.equal(loss < 0.5, true)
      t.equal(written:find("cat sat on", 1, true) ~= nil, true)
    end)
  end)

  t.test(name .. " runs on Embla's own sources", function()
    local loss, written, out = run(name, "--steps 2")
    t.equal(loss > 2 and loss < 6, true)
    t.equal(utf8.len(written), 41)
    t.equal(out:find("^%d+ characters, %d+ of them different\n") ~= nil, true)
  end)

  local file = io.open(DATA)
  if file then
    file:close()
    t.test(name .. " begins to learn Shakespeare", function()
      local loss, _, out = run(name, process.quote(DATA) .. " --steps 60")
      t.equal(out:match "^[^\n]*", "1115394 characters, 65 of them different")
      t.equal(loss < 3.6, true)                                -- log 65 = 4.17
    end)
  else
    t.skip(name .. " begins to learn Shakespeare", "no " .. DATA .. "; set EMBLA_DATA")
  end

  t.test(name .. " explains its options, and refuses one that it does not know", function()
    local _, err, status = process.run(command(name, "--step 5"))
    t.equal({status, err:match "unknown option.*%-%-steps%?"}, {1, "unknown option --step, did you mean --steps?"})
    local out
    out, err, status = process.run(command(name, "--help"))
    t.equal({err, status, out:match "^usage: embla [^\n]*"},
            {"", 0, ("usage: embla %sscripts/examples/%s.lua [FILE] [options]"):format(ROOT, name)})
    t.equal(out:match "%-%-steps N +[^\n]*", "--steps N      batches to learn from (default 2000)")
  end)
end

t.finish()
