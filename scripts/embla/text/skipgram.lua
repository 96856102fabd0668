-- text.SkipGram: batches for skip-gram with negative sampling (Mikolov et al. 2013), drawn in C.

local Corpus = require "embla.text.corpus"
local class = require "embla.base.class"
local core = require "embla.core"
local course = require "embla.text.course"
local list_of = require("embla.base.list").of
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local two_steps = require "embla.base.two_steps"

local rows = options.rows(core.skipgram_options)
table.insert(rows, 5, {name = "epochs", type = "integer", default = 1, range = ">= 1",
                       doc = "times the corpus is gone through"})
local spec = options.spec("SkipGram", rows)

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
-- @param opt    the options
-- @raise if it is no corpus, it is empty, or an option does not fit
function SkipGram:init(corpus, opt)
  if getmetatable(corpus) ~= Corpus then
    raise("SkipGram: argument corpus: expected a Corpus, got %s", options.show(corpus))
  end
  local o = spec.read(opt)
  o.seed = o.seed or core.initial_seed()
  self.corpus, self.epochs, self._options = corpus, o.epochs, o
  self.words_total = o.epochs * #corpus
  self.handle = core.skipgram_new(corpus.handle, o)
  self:rewind()
end

--- Goes back to the start of the first epoch.
function SkipGram:rewind()
  core.skipgram_start(self.handle, 0)
  self._resumed, self._over = false, false
  self.epoch, self.batches, self.words_done, self.progress = 0, 0, 0, 0
end

local function note_progress(self, done)
  self.words_done = self.epoch * #self.corpus + done
  self.progress = self.words_done / self.words_total
end

-- The next batch of this epoch or of a later one; nothing after the last.
local function next_batch(self)
  self._resumed = false
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
  self._over = true
end

-- A loop begins at the start, but behind load_state_dict where that says.
local function begin(self)
  if not self._resumed then self:rewind() end
end

--- Iterates over the batches of all epochs, from the start; the first time after load_state_dict from there.
-- @return iterator giving centre, Tensor (B), and targets, Tensor (B, 1 + negative): the context, then the negatives.
--   The last batch of an epoch may be smaller.
function SkipGram:iter()
  begin(self)
  return function() return next_batch(self) end
end

-- A loop calls its iterator with two arguments, the second being what it got last.
function SkipGram.__call(self, ...)
  local _, last = ...
  if select("#", ...) ~= 2 then
    raise("SkipGram: it is not called: write `for centre, targets in batches do`, or use batches:iter()")
  end
  if last == nil then begin(self) end
  return next_batch(self)
end

-- ---- state -----------------------------------------------------------------------------------------------------

--- What is needed to go on behind the batch given last.
-- @return {epoch =, portion =, pair =, over =, batches =, words_done =, options =}
function SkipGram:state_dict()
  local portion, pair = core.skipgram_where(self.handle)
  return list_of {epoch = self.epoch, portion = portion, pair = pair, over = self._over,
                  batches = self.batches, words_done = self.words_done, options = course.options(self)}
end

function SkipGram:_prepare_load(state)
  if type(state) ~= "table" then
    raise("SkipGram: load_state_dict: argument state: expected a state_dict, got %s", options.show(state))
  end
  course.check_integers("SkipGram", state, {"epoch", "portion", "pair", "batches", "words_done"})
  if state.epoch < 0 or state.epoch >= self.epochs then
    raise("SkipGram: load_state_dict: argument state: there is no epoch %d of %d", state.epoch, self.epochs)
  end
  local o = course.resumed(self, state)
  local fresh = core.skipgram_new(self.corpus.handle, o)
  core.skipgram_seek(fresh, state.epoch, state.portion, state.pair)
  return function()
    self.handle, self._options = fresh, o
    self._over = state.over == true                     -- the loop has come to its end: the next one begins anew
    self._resumed = not self._over
    self.epoch, self.batches, self.words_done = state.epoch, state.batches, state.words_done
    self.progress = state.words_done / self.words_total
  end
end

--- Goes on from what state_dict returned: the next loop gives the batches that were still to come, those of the seed
-- that the state has. The corpus and the other options must be those of the sampler that was saved.
-- @param state table
-- @raise if something is missing or does not fit; nothing is loaded then
function SkipGram:load_state_dict(state) self:_prepare_load(state)() end
two_steps.note(SkipGram)

return SkipGram
