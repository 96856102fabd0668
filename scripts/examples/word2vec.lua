-- Word vectors from plain text: skip-gram with negative sampling (Mikolov et al., "Distributed representations of words
-- and phrases and their compositionality", 2013).
--
--   embla scripts/examples/word2vec.lua [FILE…] [--dim 100] [--epochs 5] [--save FOLDER [--resume]] …
--
-- Without a file it reads the C headers of this machine. It ends with the nearest neighbours of some frequent words,
-- and saves the vectors in word2vec's text format.

package.path = (arg[0]:match "^(.*/)" or "./") .. "?.lua;" .. package.path
local checkpoints = require "checkpoints"
local embla = require "embla"
local nn, F, optim, text = embla.nn, embla.F, embla.optim, embla.text

-- ---- what was asked for ----------------------------------------------------------------------------------------

local function read_arguments()
  local rows = {
    {name = "files", positional = true, many = true, type = "string", metavar = "FILE",
     doc = "texts; without any, the C headers of this machine"},
    {name = "dim", type = "integer", default = 100, range = ">= 1", doc = "numbers in a vector"},
    {name = "epochs", type = "integer", range = ">= 1",
     doc = "times the text is gone through; by default enough for ten million words, 1 to 10"},
    {name = "window", type = "integer", default = 5, range = ">= 1", doc = "contexts are at most so many words off"},
    {name = "negative", type = "integer", default = 5, range = ">= 1", doc = "negatives a pair"},
    {name = "sample", type = "number", default = 1e-4, doc = "threshold of leaving out frequent words"},
    {name = "min_count", type = "integer", default = 5, doc = "words that occur less often are skipped"},
    {name = "max_words", type = "integer", default = 15000000, doc = "read at most so many words"},
    {name = "batch", type = "integer", default = 1024, range = ">= 1", doc = "pairs in a step"},
    {name = "fused", type = "boolean", doc = "text.Word2Vec: all in one loop of C, several times as fast"},
    {name = "cbow", type = "boolean", doc = "--fused with the mean of a window instead of each of its words"},
    {name = "hogwild", type = "boolean",
     doc = "--fused without locks between threads: faster still, each run different"},
    {name = "lr", type = "number",
     doc = "learning rate, falling to 0; by default 0.6, with --fused 0.05, with --cbow 0.2"},
    {name = "steps", type = "integer", range = ">= 1", doc = "stop after so many steps"},
    {name = "seed", type = "integer", default = 1, doc = "of all random draws"},
    {name = "threads", type = "integer", range = ">= 1",
     doc = "processors to train on; if one is left, it draws the batches meanwhile"},
    {name = "words", type = "string", metavar = "A,B,…", doc = "show the neighbours of these words"},
    {name = "out", type = "string", default = "vectors.txt", metavar = "PATH", doc = "where the vectors go"},
  }
  table.move(checkpoints.rows("steps", 1000), 1, 3, #rows + 1, rows)
  local o = embla.args("Word vectors from plain text: skip-gram with negative sampling.", rows)
  o.steps = o.steps or math.huge
  o.fused = o.fused or o.cbow or o.hogwild
  o.lr = o.lr or o.cbow and 0.2 or o.fused and 0.05 or 0.6
  return o
end

-- ---- text ------------------------------------------------------------------------------------------------------

local function read_corpus(o)
  local files = #o.files > 0 and o.files or embla.io.files("/usr/include", {suffix = ".h"})
  local corpus = text.Corpus(files, {sentence = "paragraph", min_count = o.min_count, max_words = o.max_words})
  print(("%d words, %d of them different, in %d paragraphs"):format(#corpus, #corpus.vocab, corpus:sentences()))
  if #corpus == 0 then error("there is nothing to learn from", 0) end
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
  local parts = {centres = centres, contexts = contexts, optimizer = opt, batches = batches, decay = decay,
                 extra = {loss = 0, pairs = 0}}
  local _, sums, keep = checkpoints.open(o, parts)
  local bar = embla.progress.bar(batches.words_total, {desc = "training", unit = "words"})

  -- The true context should score high (+), the negatives low (-).
  local signs = embla.ones(1 + o.negative):neg()
  signs[0] = 1

  for centre, targets in batches:iter() do
    if batches.batches > o.steps then break end
    local scores = F.embedding_dot(centres(centre), targets, contexts.weight, {sparse = true})  -- (B, 1 + negative)
    local loss = -F.logsigmoid(scores * signs):sum()
    opt:zero_grad()
    loss:backward()
    opt:step()
    decay:step()

    sums.loss, sums.pairs = sums.loss + loss:item(), sums.pairs + centre:size(0)
    keep(batches.batches)
    bar:update(batches.words_done, ("loss %.4f"):format(sums.loss / sums.pairs))
  end
  bar:finish()
  print(("mean loss %.4f over %d pairs"):format(sums.loss / math.max(1, sums.pairs), sums.pairs))
  return centres.weight.data
end

-- The same in one loop of C; a step is 100,000 words.
local function train_fused(corpus, o)
  local model = text.Word2Vec(corpus, {dim = o.dim, model = o.cbow and "cbow" or "skipgram", window = o.window,
    negative = o.negative, sample = o.sample, lr = o.lr, epochs = o.epochs, seed = o.seed,
    mode = o.hogwild and "hogwild" or "deterministic"})
  local steps, last, keep = checkpoints.open(o, {model = model, extra = {loss = 0}})
  local bar = embla.progress.bar(model.words_total, {desc = "training", unit = "words"})
  while model.progress < 1 and steps < o.steps do
    last.loss, steps = model:train(100000), steps + 1
    keep(steps)
    bar:update(model.words_done, ("loss %.4f"):format(last.loss))
  end
  bar:finish()
  print(("mean loss %.4f at the end"):format(last.loss))
  return model.vectors
end

-- ---- looking at it ---------------------------------------------------------------------------------------------

-- Frequent words, though not the most frequent, which say least: eight of at least four letters.
local function some_words(vocab)
  local words = {}
  for id = math.min(60, #vocab // 10), #vocab - 1, math.max(1, math.min(40, #vocab // 100)) do
    if #words < 8 and vocab:word(id):match "^%a%a%a%a+$" then words[#words + 1] = vocab:word(id) end
  end
  return words
end

local function show_neighbours(kv, words)
  for _, word in ipairs(words) do
    local shown = {}
    for i, near in ipairs(kv:contains(word) and kv:most_similar(word, {topn = 6}) or {}) do
      shown[i] = ("%s %.2f"):format(near.word, near.score)
    end
    print(("%-16s %s"):format(word, #shown > 0 and table.concat(shown, ", ") or "(no vector)"))
  end
end

local function split(list)
  local words = {}
  for word in list:gmatch "[^,]+" do words[#words + 1] = word end
  return words
end

local o = read_arguments()
if o.threads then embla.set_num_threads(o.threads) end
embla.manual_seed(o.seed)
local corpus = read_corpus(o)
o.epochs = o.epochs or math.max(1, math.min(10, 10000000 // #corpus))
local kv = text.KeyedVectors(corpus.vocab, o.fused and train_fused(corpus, o) or train(corpus, o))
show_neighbours(kv, o.words and split(o.words) or some_words(corpus.vocab))
kv:save(o.out)
print("vectors saved to " .. o.out)
