-- text.Word2Vec: word vectors learnt in one loop of C.

local Corpus = require "embla.text.corpus"
local class = require "embla.class"
local core = require "embla.core"
local options = require "embla.options"
local raise = require "embla.raise"

local spec = options.spec("Word2Vec", {
  {name = "dim", type = "integer", default = 100, range = ">= 1", doc = "numbers in a vector"},
  {name = "model", choices = {"skipgram", "cbow"}, default = "skipgram",
   doc = "each word of a window against its centre, or the mean of the window against it"},
  {name = "window", type = "integer", default = 5, range = "[1, 1000]",
   doc = "contexts at most so many words off, drawn from 1 to this"},
  {name = "negative", type = "integer", default = 5, range = "[1, 1000]", doc = "negatives drawn each time"},
  {name = "shared_negatives", type = "boolean", default = true,
   doc = "skipgram: one set of negatives for all words of a window; otherwise one for each"},
  {name = "sample", type = "number", default = 1e-3, range = ">= 0",
   doc = "threshold of leaving out frequent words; 0: none"},
  {name = "lr", type = "number", default = 0.05, range = ">= 0", doc = "step size, falling in a line to lr / 10000"},
  {name = "epochs", type = "integer", default = 5, range = ">= 1", doc = "times the corpus is gone through"},
  {name = "mode", choices = {"deterministic", "hogwild"}, default = "deterministic",
   doc = "deterministic: the same bits for any number of threads; hogwild: threads write to the tables without locks"},
  {name = "seed", type = "integer", doc = "of all draws; default: that of embla.manual_seed"},
  {name = "dtype", choices = {"float32", "float64"}, default = "float32", doc = "of the tables"},
})

--- Word vectors by skip-gram or CBOW with negative sampling (Mikolov et al. 2013): drawing, forward, backward and
-- update of both tables in one loop of C. Frequent words are left out and windows shrunk at random as in text.SkipGram.
-- With v the rows of `vectors` and u those of `contexts`, a word i of the window of centre c with negatives n adds
-- -log sigmoid(v_i . u_c) - sum over n of log sigmoid(-v_i . u_n) to the loss; in CBOW v_i is the mean over the window.
-- Rows move by -lr times its gradient.
--
-- In deterministic mode the corpus is gone through in rounds of up to 16 lanes, each of at most 32 words. A lane sees
-- the tables as they were before the round and what it has learnt itself; after the round the changes of all lanes are
-- added, in order, those of a row divided by the root of the number of lanes that moved it. There is a lane for each
-- 1024 words of the vocabulary: below 2048 there is one, which writes to the tables at once, on one thread. In hogwild
-- mode (Niu et al. 2011) threads read and write the same rows with no locks: races by intent, and no two runs alike; a
-- thread sanitizer reports them.
--
--   local model = text.Word2Vec(corpus, {dim = 100, window = 5, negative = 5, sample = 1e-4})
--   while model.progress < 1 do print(model.progress, model:train(1000000)) end
--   embla.io.word2vec.save("vectors.txt", corpus.vocab, model.vectors)
--
-- Fields: `vectors` and `contexts` Tensor (V, dim); `words_done` of `words_total` words of the corpus, all epochs
-- together, those left out counted too; `progress` from 0 to 1.
local Word2Vec = class "Word2Vec"
Word2Vec.spec = spec

-- Vectors small and random, from a generator of their own; contexts zero.
local function new_tables(words, o, seed)
  local vectors, contexts = core.empty({words, o.dim}, o.dtype), core.zeros({words, o.dim}, o.dtype)
  core.fill_uniform(vectors, -0.5 / o.dim, 0.5 / o.dim, seed)
  return vectors, contexts
end

--- Makes the tables.
-- @param corpus text.Corpus
-- @param opt    {dim = 100, model = "skipgram", window = 5, negative = 5, shared_negatives = true, sample = 1e-3,
--               lr = 0.05, epochs = 5, mode = "deterministic", seed, dtype = "float32"}
-- @raise if it is no corpus, it is empty, or an option does not fit
function Word2Vec:init(corpus, opt)
  if getmetatable(corpus) ~= Corpus then
    raise("Word2Vec: argument corpus: expected a Corpus, got %s", options.show(corpus))
  end
  local o = spec.read(opt)
  local seed = o.seed or core.initial_seed()
  self.corpus = corpus
  self.vectors, self.contexts = new_tables(#corpus.vocab, o, seed)
  self.handle = core.word2vec_new(corpus.handle, self.vectors, self.contexts, o.model == "cbow", o.shared_negatives,
    o.mode == "hogwild", o.window, o.negative, o.sample > 0 and o.sample or math.huge, o.lr, o.epochs, seed)
  self.words_total = o.epochs * #corpus
  self.words_done, self.progress = 0, 0
end

--- Trains on some words more. Ctrl-C stops it between two rounds, and training can go on from there.
-- @param words at least so many words of the corpus, those left out counted too; left out: to the end
-- @return mean loss of a pair of words (CBOW: of a window), number of pairs
-- @raise if interrupted, or without memory
function Word2Vec:train(words)
  if words ~= nil and (type(words) ~= "number" or not math.tointeger(words) or words < 1) then
    raise("Word2Vec.train: argument words: expected integer >= 1, got %s", options.show(words))
  end
  local done, loss, pairs_seen = core.word2vec_train(self.handle, words and math.tointeger(words) or math.maxinteger)
  self.words_done, self.progress = done, done / self.words_total
  return loss / math.max(1, pairs_seen), pairs_seen
end

--- Tables and position, to go on later with the same bits: for embla.save.
-- @return table
function Word2Vec:state_dict()
  local epoch, portion, word = core.word2vec_where(self.handle)
  return {vectors = self.vectors, contexts = self.contexts, epoch = epoch, portion = portion, word = word,
          words_done = self.words_done}
end

local function check_state(self, state)
  if type(state) ~= "table" then
    raise("Word2Vec: load_state_dict: argument state: expected a state_dict, got %s", options.show(state))
  end
  for _, name in ipairs {"epoch", "portion", "word", "words_done"} do
    if not options.is_integer(state[name]) then
      raise("Word2Vec: state_dict: %s: expected an integer, got %s", name, options.show(state[name]))
    end
  end
  for _, name in ipairs {"vectors", "contexts"} do
    local given, own = state[name], self[name]
    if not core.is_tensor(given) or given.dtype ~= own.dtype or given:dim() ~= 2 or given:size(0) ~= own:size(0)
       or given:size(1) ~= own:size(1) then
      raise("Word2Vec: state_dict: %s: expected a tensor of %s (%d, %d)", name, own.dtype, own:size(0), own:size(1))
    end
  end
end

--- Takes over tables and position. The corpus and the options must be those of the model that was saved.
-- @param state what state_dict gave
-- @raise if something is missing or does not fit
function Word2Vec:load_state_dict(state)
  check_state(self, state)
  core.word2vec_seek(self.handle, state.epoch, state.portion, state.word)
  self.vectors:copy_(state.vectors)
  self.contexts:copy_(state.contexts)
  self.words_done, self.progress = state.words_done, state.words_done / self.words_total
end

function Word2Vec.__tostring(self)
  return ("Word2Vec(%d words, %d numbers each)"):format(self.vectors:size(0), self.vectors:size(1))
end

return Word2Vec
