-- How good word vectors are: Spearman's rank correlation with ratings of similarity, and the share of analogies solved.
--
--     embla scripts/bench/word_vectors.lua [--binary] VECTORS…
--
-- VECTORS are files in word2vec's format, words in lower case. The ratings are those of crowdws102, the questions those
-- of analogies/questions-dev.txt, both below the folder named by EMBLA_DATA (default ../shared/data). An analogy
-- "a b c d" is solved if d is the word nearest to b - a + c on unit vectors, but for a, b and c (3CosAdd). Pairs and
-- questions with an unknown word are left out, and their number is told.

local embla = require "embla"

local DATA = os.getenv "EMBLA_DATA" or "../shared/data"

local function lines_of(path)
  local file = assert(io.open(path))
  return file:lines()
end

-- ---- ratings ---------------------------------------------------------------------------------------------------

-- Rows "pair,x,y,"[1.0, 2.0]",sim" as {x, y, mean rating}.
local function read_ratings(path)
  local rows = {}
  for line in lines_of(path) do
    local x, y, scores = line:match '^[^,]*,([^,]*),([^,]*),"%[(.-)%]",sim%s*$'
    if x then
      local sum, n = 0, 0
      for score in scores:gmatch "[%d.]+" do sum, n = sum + tonumber(score), n + 1 end
      rows[#rows + 1] = {x:lower(), y:lower(), sum / n}
    end
  end
  return rows
end

-- ---- files -----------------------------------------------------------------------------------------------------

local ratings = read_ratings(DATA .. "/crowdws102/crowdws-102.csv")

local function report(path, binary)
  local kv = embla.io.word2vec.load(path, {binary = binary})
  local whole = {restrict = #kv}
  local likeness = kv:evaluate_word_pairs(ratings, whole)
  local analogies = kv:evaluate_word_analogies(DATA .. "/analogies/questions-dev.txt", whole)
  print(("%s\tSpearman %.4f (%d of %d pairs)\tanalogies %.2f %% (%d of %d questions)"):format(path, likeness.spearman,
        likeness.n, #ratings, 100 * analogies.accuracy, analogies.n, analogies.n + analogies.unknown))
  table.sort(analogies.sections, function(a, b) return a.name < b.name end)
  for _, section in ipairs(analogies.sections) do
    print(("  %-28s %5.1f %% of %d"):format(section.name, 100 * section.accuracy, section.n))
  end
  return likeness.spearman, analogies.accuracy
end

local binary, paths = nil, {}
for _, word in ipairs(arg) do
  if word == "--binary" then binary = true else paths[#paths + 1] = word end
end
if #paths == 0 then error("usage: embla scripts/bench/word_vectors.lua [--binary] VECTORS…", 0) end
local rho_sum, share_sum = 0, 0
for _, path in ipairs(paths) do
  local rho, share = report(path, binary)
  rho_sum, share_sum = rho_sum + rho, share_sum + share
end
if #paths > 1 then
  print(("mean of %d\tSpearman %.4f\tanalogies %.2f %%"):format(#paths, rho_sum / #paths, 100 * share_sum / #paths))
end
