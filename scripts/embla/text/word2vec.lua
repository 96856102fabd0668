-- text.Word2Vec: word vectors learnt in one loop of C.

local Corpus = require "embla.text.corpus"
local class = require "embla.base.class"
local core = require "embla.core"
local course = require "embla.text.course"
local list_of = require("embla.base.list").of
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local two_steps = require "embla.base.two_steps"

local rows = options.rows(core.word2vec_options)
table.insert(rows, 1, {name = "dim", type = "integer", default = 100, range = ">= 1", doc = "numbers in a vector"})
rows[#rows + 1] = {name = "dtype", choices = {"float32", "float64"}, default = "float32", doc = "of the tables"}
local spec = options.spec("Word2Vec", rows)

--- Word vectors by skip-gram or CBOW with negative sampling (Mikolov et al. 2013): drawing, forward, backward and
-- update of both tables in one loop of C. Frequent words are left out and windows shrunk at random as in text.SkipGram.
-- With v the rows of `vectors` and u those of `contexts`, a word i of the window of centre c with negatives n adds
-- -log sigmoid(v_i . u_c) - sum over n of log sigmoid(-v_i . u_n) to the loss; in CBOW v_i is the mean over the window.
-- Rows move by -lr times its gradient.
--
-- In deterministic mode the corpus is gone through in rounds of up to 16 workers, each of at most 32 words. A worker
-- sees the tables as they were before the round and what it has learnt itself; after the round the changes of all
-- workers are added, in order, those of a row divided by the root of the number of workers that moved it. There is one
-- for each 1024 words of the vocabulary: below 2048 only one, which writes to the tables at once, on one thread. In
-- hogwild mode (Niu et al. 2011) threads read and write the same rows with no locks: races by intent, and no two runs
-- alike; a thread sanitizer reports them.
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
local function new_tables(words, o)
  local vectors, contexts = core.empty({words, o.dim}, o.dtype), core.zeros({words, o.dim}, o.dtype)
  core.fill_uniform(vectors, -0.5 / o.dim, 0.5 / o.dim, o.seed)
  return core.handle(vectors), core.handle(contexts)      -- which outlast a scope around the call
end

--- Makes the tables.
-- @param corpus text.Corpus
-- @param opt    the options
-- @raise if it is no corpus, it is empty, or an option does not fit
function Word2Vec:init(corpus, opt)
  if getmetatable(corpus) ~= Corpus then
    raise("Word2Vec: argument corpus: expected a Corpus, got %s", options.show(corpus))
  end
  local o = spec.read(opt)
  o.seed = o.seed or core.initial_seed()
  self.corpus, self._options = corpus, o
  self.vectors, self.contexts = new_tables(#corpus.vocab, o)
  self.handle = core.word2vec_new(corpus.handle, self.vectors, self.contexts, o)
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

--- Tables, position and options, to go on later with the same bits: for embla.save.
-- @return table
function Word2Vec:state_dict()
  local epoch, portion, word = core.word2vec_where(self.handle)
  return list_of {vectors = self.vectors, contexts = self.contexts, epoch = epoch, portion = portion, word = word,
                  words_done = self.words_done, options = course.options(self)}
end

local function check_state(self, state)
  if type(state) ~= "table" then
    raise("Word2Vec: load_state_dict: argument state: expected a state_dict, got %s", options.show(state))
  end
  course.check_integers("Word2Vec", state, {"epoch", "portion", "word", "words_done"})
  for _, name in ipairs {"vectors", "contexts"} do
    local given, own = state[name], self[name]
    if not core.is_tensor(given) or given.dtype ~= own.dtype or given:dim() ~= 2 or given:size(0) ~= own:size(0)
       or given:size(1) ~= own:size(1) then
      raise("Word2Vec: load_state_dict: argument state: %s: expected a tensor of %s (%d, %d)", name,
            own.dtype, own:size(0), own:size(1))
    end
  end
end

function Word2Vec:_prepare_load(state)
  check_state(self, state)
  local o = course.resumed(self, state)
  local fresh = core.word2vec_new(self.corpus.handle, self.vectors, self.contexts, o)
  core.word2vec_seek(fresh, state.epoch, state.portion, state.word)
  return function()
    self.handle, self._options = fresh, o
    self.vectors:copy_(state.vectors)
    self.contexts:copy_(state.contexts)
    self.words_done, self.progress = state.words_done, state.words_done / self.words_total
  end
end

--- Takes over tables, position and seed. The corpus and the other options must be those of the model that was saved.
-- @param state what state_dict gave
-- @raise if something is missing or does not fit; nothing is loaded then
function Word2Vec:load_state_dict(state) self:_prepare_load(state)() end
two_steps.note(Word2Vec)

function Word2Vec.__tostring(self)
  return ("Word2Vec(%d words, %d numbers each)"):format(self.vectors:size(0), self.vectors:size(1))
end

return Word2Vec
