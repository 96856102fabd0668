-- The word2vec example: it learns which words go together, says so, and saves the vectors.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

local EXAMPLE = (arg[0]:match("^(.-)tests/lua/") or "") .. "scripts/examples/word2vec.lua"

-- Runs the example with these arguments; returns the lines it printed.
local function run(...)
  local lines, words = {}, arg
  local env = setmetatable({print = function(line) lines[#lines + 1] = line end}, {__index = _G})
  arg = {[0] = EXAMPLE, ...}                                                          -- luacheck: ignore
  local ok, err = pcall(assert(loadfile(EXAMPLE, "t", env)))
  arg = words                                                                         -- luacheck: ignore
  if not ok then error(err, 0) end
  return lines
end

-- Sentences of two subjects, each with its own twelve words, and some words in common.
local function two_subjects()
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  local seed = 1
  local function draw(n)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed // 65536 % n
  end
  for _ = 1, 3000 do
    local subject = draw(2) == 0 and "fruit" or "metal"
    for _ = 1, 8 do
      file:write(draw(4) == 0 and "common" .. ("abc"):sub(draw(3) + 1)
                 or subject .. string.char(97 + draw(12)), " ")
    end
    file:write "\n\n"
  end
  return path
end

local function share_of_own_subject(vocab, vectors)
  local unit = vectors / vectors:norm(2, 1, true)
  local hits, all = 0, 0
  for id, word in ipairs(vocab:words()) do
    if not word:match "^common" then
      local best, best_score
      for other, score in ipairs(unit:mv(unit[id - 1]):tolist()) do
        if other ~= id and score > (best_score or -2) then best, best_score = vocab:word(other - 1), score end
      end
      hits, all = hits + (best:sub(1, 5) == word:sub(1, 5) and 1 or 0), all + 1
    end
  end
  return hits / all
end

t.test("words of one subject end up together", function()
  local path, out = two_subjects(), os.tmpname()
  local lines = run(path, "--dim", "16", "--epochs", "20", "--window", "4", "--sample", "1", "--batch", "256",
                    "--out", out)
  t.equal(lines[1]:match "^24000 words, %d+ of them different, in 3000 paragraphs$" ~= nil, true)
  t.equal(lines[#lines], "vectors saved to " .. out)
  local kv = embla.io.word2vec.load(out)
  local vocab, vectors = kv.vocab, kv.matrix
  t.equal(vectors.shape, {#vocab, 16})
  t.equal(share_of_own_subject(vocab, vectors) > 0.95, true)
  os.remove(path)
  os.remove(out)
end)

-- Stretches of two words that alternate: summed over a batch, their gradients are hundreds of times those of others.
t.test("words that come in bursts throw nothing off", function()
  local path, out = two_subjects(), os.tmpname()
  local file <close> = assert(io.open(path, "ab"))
  for _ = 1, 5 do file:write(("fruita metala "):rep(1000), "\n\n", ("commona "):rep(2000), "\n\n") end
  file:flush()
  run(path, "--dim", "16", "--epochs", "8", "--window", "4", "--sample", "1", "--batch", "1024", "--out", out)
  local kv = embla.io.word2vec.load(out)
  local vocab, vectors = kv.vocab, kv.matrix
  t.equal(vectors:norm(2, 1):max():item() < 20, true)
  t.equal(share_of_own_subject(vocab, vectors) > 0.85, true)
  os.remove(path)
  os.remove(out)
end)

t.test("steps and words can be chosen, and a run repeats itself", function()
  local path, out = two_subjects(), os.tmpname()
  local first = run(path, "--steps", "3", "--sample", "1", "--words", "fruita,nosuch", "--seed", "5", "--out", out)
  t.equal(first[2]:match "over 3072 pairs$" ~= nil, true)
  t.equal(first[3]:match "^fruita  +%a+ %-?%d%.%d%d," ~= nil, true)
  t.equal(first[4]:match "^nosuch  +%(no vector%)$" ~= nil, true)
  t.equal(run(path, "--steps", "3", "--sample", "1", "--words", "fruita,nosuch", "--seed", "5", "--out", out), first)
  os.remove(path)
  os.remove(out)
end)

t.test("what does not fit is refused", function()
  t.raises(function() run("--stepz", "3") end, "word2vec.lua: unknown option --stepz, did you mean --steps?")
  t.raises(function() run("--steps", "three") end, 'option --steps: expected integer >= 1, got "three"')
  t.raises(function() run "/no/such/file" end, "/no/such/file: No such file")
end)

t.finish()
