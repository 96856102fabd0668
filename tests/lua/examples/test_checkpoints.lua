-- The examples that save and resume: one that is stopped and gone on with prints what one without a stop does.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"

local ROOT = arg[0]:match("^(.-)tests/lua/") or ""

-- The program that runs this test, whatever options it was given.
local program = arg[-1]
for i = -2, -20, -1 do program = arg[i] or program end

local function run(script, options)
  return process.run(("%s %sscripts/examples/%s.lua %s"):format(process.quote(program), ROOT, script, options))
end

-- Files that hold a text and, for word2vec, what it writes; a folder of checkpoints.
local function with_files(use)
  local words = {}
  for i = 1, 4000 do words[i] = ("w%d w%d\n\n"):format(i % 7, i % 31) end
  process.with_file(table.concat(words), function(path)
    local ok, message = pcall(use, path, path .. ".d")
    os.execute(("rm -rf %s.d %s.out"):format(path, path))
    if not ok then error(message, 0) end
  end)
end

local WRITER = "FILE --layers 1 --width 16 --context 8 --batch 4 --sample 20 --threads 1 --steps 23 --every 5"
local VECTORS = "FILE --dim 8 --epochs 2 --sample 1 --batch 100 --out FILE.out --every "

local CASES = {
  {name = "gpt", options = WRITER .. " --heads 2 --warmup 5", steps = {15, 20, 23}},
  {name = "char_lstm", options = WRITER .. " --dropout 0.2 --layers 2", steps = {15, 20, 23}},
  {name = "countries", options = "--epochs 3 --every 1 --dim 4", steps = {1, 2, 3}},
  {name = "word2vec", options = VECTORS .. "40 --steps 130", steps = {40, 80, 120}},
  {name = "word2vec", options = VECTORS .. "1 --fused --epochs 30", steps = {1, 2, 3}},
}

-- Without the lines of the epochs, of which one that goes on has not those before it.
local function result(out) return (out:gsub("epoch[^\n]*\n", "")) end

for _, case in ipairs(CASES) do
  t.test(("%s %s goes on"):format(case.name, case.options), function()
    with_files(function(path, folder)
      local options = case.options:gsub("FILE", path)
      local want, err, status = run(case.name, options)
      if status ~= 0 then t.fail(err) end
      local saving = ("%s --save %s"):format(options, folder)
      for stop = 3, 0, -1 do                            -- behind which of the steps it was stopped
        t.equal(run(case.name, saving), want)
        for i, step in ipairs(case.steps) do
          local path_of = ("%s/step-%09d.safetensors"):format(folder, step)
          t.equal({step, io.open(path_of) ~= nil}, {step, true})
          if i > stop then os.remove(path_of) end
        end
        t.equal(result(run(case.name, saving .. " --resume")), result(want))
        process.run("rm -r " .. folder)
      end
    end)
  end)
end

t.test("a folder with a training is not begun anew, and --resume wants a folder", function()
  with_files(function(path, folder)
    local options = WRITER:gsub("FILE", path)
    run("gpt", options .. " --heads 2 --save " .. folder)
    local _, err, status = run("gpt", options .. " --heads 2 --save " .. folder)
    t.equal({status, err:find("has a training of 23 steps: --resume goes on with it", 1, true) ~= nil}, {1, true})
    _, err, status = run("gpt", options .. " --resume")
    t.equal({status, err:find("--resume: expected --save FOLDER beside it", 1, true) ~= nil}, {1, true})
    _, err, status = run("gpt", options .. " --heads 2 --width 32 --save " .. folder .. " --resume")
    t.equal({status, err:find("restore: .-: model: GPT: load_state_dict: .-shape %(%d+, 16%) given") ~= nil}, {1, true})
  end)
end)

t.finish()
