-- text.SkipGram: batches for skip-gram with negative sampling (Mikolov et al. 2013), drawn in C.

local Corpus = require "embla.text.corpus"
local class = require "embla.class"
local core = require "embla.core"
local options = require "embla.options"
local raise = require "embla.raise"

local spec = options.spec("SkipGram", {
  {name = "window", type = "integer", default = 5, range = "[1, 1000]",
   doc = "contexts at most so many words off, drawn from 1 to this"},
  {name = "negative", type = "integer", default = 5, range = "[0, 1000]", doc = "negatives drawn for each pair"},
  {name = "sample", type = "number", default = 1e-3, range = ">= 0",
   doc = "threshold of leaving out frequent words; 0: none"},
  {name = "batch_size", type = "integer", default = 1024, range = ">= 1", doc = "pairs in a batch"},
  {name = "epochs", type = "integer", default = 1, range = ">= 1", doc = "times the corpus is gone through"},
  {name = "seed", type = "integer", doc = "of the draws; default: that of embla.manual_seed"},
  {name = "dtype", choices = {"int64", "int32"}, default = "int64", doc = "of the ids"},
  {name = "prefetch", type = "boolean",
   doc = "draw each batch while the one before it trains; default: if the threads leave a processor free for it"},
})

--- Pairs of a word and another near it in its sentence, with negatives drawn in proportion to count^0.75 (one that
-- equals the pair's context is drawn again). Frequent words are left out at random by word2vec's formula, and windows
-- are shrunk at random. Batches depend on seed, epoch and position alone, not on threads or prefetch.
--
--   local batches = text.SkipGram(corpus, {window = 5, negative = 5, batch_size = 4096, epochs = 3})
--   for centre, targets in batches do … batches.progress … end
--
-- Fields while iterating: `epoch` from 0; `words_done` of `words_total` words of the corpus, all epochs together, those
-- left out counted too; `progress` from 0 to 1; `batches` given so far.
local SkipGram = class "SkipGram"

--- Makes the sampler.
-- @param corpus text.Corpus
-- @param opt    {window = 5, negative = 5, sample = 1e-3, batch_size = 1024, epochs = 1, seed, dtype = "int64",
--               prefetch}
-- @raise if it is no corpus, it is empty, or an option does not fit
function SkipGram:init(corpus, opt)
  if getmetatable(corpus) ~= Corpus then
    raise("SkipGram: argument corpus: expected a Corpus, got %s", options.show(corpus))
  end
  local o = spec.read(opt)
  self.corpus, self.epochs = corpus, o.epochs
  self.words_total = o.epochs * #corpus
  self.handle = core.skipgram_new(corpus.handle, o.window, o.negative, o.sample > 0 and o.sample or math.huge,
    o.batch_size, o.dtype, o.seed or core.initial_seed(), o.prefetch)
  self:rewind()
end

--- Goes back to the start of the first epoch.
function SkipGram:rewind()
  core.skipgram_start(self.handle, 0)
  self.epoch, self.batches, self.words_done, self.progress = 0, 0, 0, 0
end

local function note_progress(self, done)
  self.words_done = self.epoch * #self.corpus + done
  self.progress = self.words_done / self.words_total
end

-- The next batch of this epoch or of a later one; nothing after the last.
local function next_batch(self)
  while self.epoch < self.epochs do
    local done, centre, targets = core.skipgram_next(self.handle)
    note_progress(self, done)
    if centre then
      self.batches = self.batches + 1
      return centre, targets
    end
    if self.epoch + 1 == self.epochs then break end
    self.epoch = self.epoch + 1
    core.skipgram_start(self.handle, self.epoch)
  end
end

--- Iterates over the batches of all epochs, from the start.
-- @return iterator giving centre, Tensor (B), and targets, Tensor (B, 1 + negative): the context, then the negatives.
--   The last batch of an epoch may be smaller.
function SkipGram:iter()
  self:rewind()
  return function() return next_batch(self) end
end

-- A loop calls its iterator with two arguments, the second being what it got last.
function SkipGram.__call(self, ...)
  local _, last = ...
  if select("#", ...) ~= 2 then
    raise("SkipGram: it is not called: write `for centre, targets in batches do`, or use batches:iter()")
  end
  if last == nil then self:rewind() end
  return next_batch(self)
end

return SkipGram
