-- Word vectors from plain text: skip-gram with negative sampling (Mikolov et al., "Distributed representations of words
-- and phrases and their compositionality", 2013).
--
--   embla scripts/examples/word2vec.lua [FILE…] [--dim 100] [--epochs 5] …
--
-- Without a file it reads the C headers of this machine. It ends with the nearest neighbours of some frequent words,
-- and saves the vectors in word2vec's text format.

local embla = require "embla"
local nn, F, optim, text = embla.nn, embla.F, embla.optim, embla.text

local HELP = [[
usage: embla scripts/examples/word2vec.lua [FILE...] [options]
  --dim 100        numbers in a vector
  --epochs N       times the text is gone through; default: enough for ten million words, 1 to 10
  --window 5       contexts are at most so many words off
  --negative 5     negatives a pair
  --sample 1e-4    threshold of leaving out frequent words
  --min-count 5    words that occur less often are skipped
  --max-words N    read at most so many words; default 15000000
  --batch 1024     pairs in a step
  --fused          text.Word2Vec: all in one loop of C, several times as fast
  --cbow           --fused with the mean of a window instead of each of its words
  --hogwild        --fused without locks between threads: faster still, each run different
  --lr X           learning rate, falling to 0; default 0.6, with --fused 0.05, --cbow 0.2
  --steps N        stop after so many steps
  --seed 1         of all random draws
  --threads N      processors to train on; if one is left, it draws the batches meanwhile
  --words a,b,c    show the neighbours of these words
  --out PATH       where the vectors go; default vectors.txt
]]

-- ---- what was asked for ----------------------------------------------------------------------------------------

local NUMBERS = {dim = 100, epochs = false, window = 5, negative = 5, sample = 1e-4, ["min-count"] = 5,
                 ["max-words"] = 15000000, batch = 1024, lr = false, steps = math.huge, seed = 1, threads = false}
local TEXTS = {words = false, out = "vectors.txt"}
local FLAGS = {fused = true, cbow = true, hogwild = true}

local function quit(message, status)
  io.stderr:write(message, "\n")
  os.exit(status, true)
end

local function read_arguments()
  local o, files, i = {}, {}, 1
  for name, value in pairs(NUMBERS) do o[name] = value end
  for name, value in pairs(TEXTS) do o[name] = value end
  while arg[i] do
    local name = arg[i]:match "^%-%-(.+)"
    if name == "help" then quit(HELP, 0) end
    if not name then
      files[#files + 1] = arg[i]
    elseif FLAGS[name] then
      o[name] = true
    else
      if o[name] == nil then quit("unknown option " .. arg[i] .. "\n" .. HELP, 1) end
      i = i + 1
      o[name] = NUMBERS[name] == nil and arg[i] or tonumber(arg[i])
      if o[name] == nil then quit(("option %s: %s is not a number"):format(arg[i - 1], tostring(arg[i])), 1) end
    end
    i = i + 1
  end
  o.fused = o.fused or o.cbow or o.hogwild
  o.lr = o.lr or o.cbow and 0.2 or o.fused and 0.05 or 0.6
  return o, files
end

-- ---- text ------------------------------------------------------------------------------------------------------

local function read_corpus(files, o)
  if #files == 0 then files = embla.io.files("/usr/include", {suffix = ".h"}) end
  local corpus = text.Corpus(files, {sentence = "paragraph", min_count = o["min-count"], max_words = o["max-words"]})
  print(("%d words, %d of them different, in %d paragraphs"):format(#corpus, #corpus.vocab, corpus:sentences()))
  if #corpus == 0 then quit("there is nothing to learn from", 1) end
  return corpus
end

-- ---- learning --------------------------------------------------------------------------------------------------

-- Each word has two vectors: as a centre, which is what we are after, and as a context of others.
local function new_tables(words, dim)
  local function small(weight) weight:uniform_(-0.5 / dim, 0.5 / dim) end
  local function zero(weight) weight:zero_() end
  return nn.Embedding(words, dim, {sparse = true, init = small}), nn.Embedding(words, dim, {sparse = true, init = zero})
end

-- Adagrad divides by the root of 100 and of all squared gradients so far. Rare words stay near the 100: they learn as
-- by SGD with a tenth of lr. Frequent ones slow down, and so do words in bursts, with which SGD would go astray.
local function train(corpus, o)
  local centres, contexts = new_tables(#corpus.vocab, o.dim)
  local opt = optim.Adagrad({centres.weight, contexts.weight}, {lr = o.lr, initial_accumulator_value = 100})
  local batches = text.SkipGram(corpus, {window = o.window, negative = o.negative, sample = o.sample,
                                         batch_size = o.batch, epochs = o.epochs, seed = o.seed})
  local decay = optim.lr_scheduler.LambdaLR(opt, {lr_lambda = function() return 1 - batches.progress end})
  local bar = embla.progress.bar(batches.words_total, {desc = "training", unit = "words"})
  local total, pairs_seen = 0, 0

  -- The true context should score high (+), the negatives low (-).
  local signs = embla.ones(1 + o.negative):neg()
  signs[0] = 1

  for centre, targets in batches:iter() do
    local scores = F.embedding_dot(centres(centre), targets, contexts.weight, {sparse = true})  -- (B, 1 + negative)
    local loss = -F.logsigmoid(scores * signs):sum()
    opt:zero_grad()
    loss:backward()
    opt:step()
    decay:step()

    total, pairs_seen = total + loss:item(), pairs_seen + centre:size(0)
    bar:update(batches.words_done, ("loss %.4f"):format(total / pairs_seen))
    if batches.batches >= o.steps then break end
  end
  bar:finish()
  print(("mean loss %.4f over %d pairs"):format(total / math.max(1, pairs_seen), pairs_seen))
  return centres.weight.data
end

-- The same in one loop of C; a step is 100,000 words.
local function train_fused(corpus, o)
  local model = text.Word2Vec(corpus, {dim = o.dim, model = o.cbow and "cbow" or "skipgram", window = o.window,
    negative = o.negative, sample = o.sample, lr = o.lr, epochs = o.epochs, seed = o.seed,
    mode = o.hogwild and "hogwild" or "deterministic"})
  local bar = embla.progress.bar(model.words_total, {desc = "training", unit = "words"})
  local loss, steps = 0, 0
  while model.progress < 1 and steps < o.steps do
    loss, steps = model:train(100000), steps + 1
    bar:update(model.words_done, ("loss %.4f"):format(loss))
  end
  bar:finish()
  print(("mean loss %.4f at the end"):format(loss))
  return model.vectors
end

-- ---- looking at it ---------------------------------------------------------------------------------------------

-- The k words most like a word: highest cosine of the vectors' angle.
local function nearest(unit, vocab, word, k)
  local scores, best = unit:mv(unit[vocab:id(word)]):tolist(), {}
  for i, score in ipairs(scores) do
    if vocab:word(i - 1) ~= word and (#best < k or score > best[#best].score) then
      best[math.min(#best + 1, k)] = {word = vocab:word(i - 1), score = score}
      table.sort(best, function(a, b) return a.score > b.score end)
    end
  end
  return best
end

-- Frequent words, though not the most frequent, which say least: eight of at least four letters.
local function some_words(vocab)
  local words = {}
  for id = math.min(60, #vocab // 10), #vocab - 1, math.max(1, math.min(40, #vocab // 100)) do
    if #words < 8 and vocab:word(id):match "^%a%a%a%a+$" then words[#words + 1] = vocab:word(id) end
  end
  return words
end

local function show_neighbours(vectors, vocab, words)
  local unit = vectors / vectors:norm(2, 1, true):clamp(1e-12)
  for _, word in ipairs(words) do
    local shown = {}
    if vocab:contains(word) then
      for i, near in ipairs(nearest(unit, vocab, word, 6)) do shown[i] = ("%s %.2f"):format(near.word, near.score) end
    end
    print(("%-16s %s"):format(word, #shown > 0 and table.concat(shown, ", ") or "(no vector)"))
  end
end

local function split(list)
  local words = {}
  for word in list:gmatch "[^,]+" do words[#words + 1] = word end
  return words
end

local o, files = read_arguments()
if o.threads then embla.set_num_threads(o.threads) end
embla.manual_seed(o.seed)
local corpus = read_corpus(files, o)
o.epochs = o.epochs or math.max(1, math.min(10, 10000000 // #corpus))
local vectors = o.fused and train_fused(corpus, o) or train(corpus, o)
show_neighbours(vectors, corpus.vocab, o.words and split(o.words) or some_words(corpus.vocab))
embla.io.word2vec.save(o.out, corpus.vocab, vectors)
print("vectors saved to " .. o.out)
