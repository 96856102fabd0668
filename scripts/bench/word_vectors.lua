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

-- ---- similarity ------------------------------------------------------------------------------------------------

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

local function similarity(unit, vocab, ratings)
  local ours, theirs = {}, {}
  for _, row in ipairs(ratings) do
    if vocab:contains(row[1]) and vocab:contains(row[2]) then
      ours[#ours + 1] = unit[vocab:id(row[1])]:dot(unit[vocab:id(row[2])]):item()
      theirs[#theirs + 1] = row[3]
    end
  end
  return #ours > 1 and embla.metrics.spearman(ours, theirs) or -(0 / 0), #ours
end

-- ---- analogies -------------------------------------------------------------------------------------------------

local function read_questions(path)
  local questions, section = {}, nil
  for line in lines_of(path) do
    section = line:match "^:%s*(%S+)" or section
    local a, b, c, d = line:lower():match "^(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s*$"
    if a and a ~= ":" then questions[#questions + 1] = {a, b, c, d, section = section} end
  end
  return questions
end

local function known(vocab, questions)
  local list = {}
  for _, q in ipairs(questions) do
    local ids = {section = q.section}
    for i = 1, 4 do ids[i] = vocab:contains(q[i]) and vocab:id(q[i]) or nil end
    if ids[1] and ids[2] and ids[3] and ids[4] then list[#list + 1] = ids end
  end
  return list
end

-- The answers to questions first..last, as ids.
local function answers(unit, list, first, last)
  local given = {{}, {}, {}}
  for i = first, last do
    for k = 1, 3 do given[k][#given[k] + 1] = list[i][k] end
  end
  local ids = {}
  for k = 1, 3 do ids[k] = embla.LongTensor(given[k]) end
  local rows = unit:index_select(0, ids[2]) - unit:index_select(0, ids[1]) + unit:index_select(0, ids[3])
  local scores = rows:matmul(unit:t())
  scores:scatter_(1, embla.stack(ids, 1), -math.huge)
  return scores:argmax(1):tolist()
end

local function analogies(unit, vocab, questions)
  local list, right, sections = known(vocab, questions), 0, {}
  for first = 1, #list, 256 do
    local last = math.min(first + 255, #list)
    for i, id in ipairs(answers(unit, list, first, last)) do
      local q = list[first + i - 1]
      local section = sections[q.section] or {right = 0, n = 0}
      sections[q.section], section.n = section, section.n + 1
      if id == q[4] then right, section.right = right + 1, section.right + 1 end
    end
  end
  return right / #list, #list, sections
end

-- ---- files -----------------------------------------------------------------------------------------------------

local ratings = read_ratings(DATA .. "/crowdws102/crowdws-102.csv")
local questions = read_questions(DATA .. "/analogies/questions-dev.txt")

local function report(path, binary)
  local kv = embla.io.word2vec.load(path, {binary = binary})
  local vocab, vectors = kv.vocab, kv.matrix
  local unit = vectors / vectors:norm(2, 1, true):clamp(1e-12)
  local rho, pairs_used = similarity(unit, vocab, ratings)
  local share, used, sections = analogies(unit, vocab, questions)
  print(("%s\tSpearman %.4f (%d of %d pairs)\tanalogies %.2f %% (%d of %d questions)"):format(path, rho, pairs_used,
        #ratings, 100 * share, used, #questions))
  local names = {}
  for name in pairs(sections) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local section = sections[name]
    print(("  %-28s %5.1f %% of %d"):format(name, 100 * section.right / section.n, section.n))
  end
  return rho, share
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
