-- text.Classifier: classes of short texts, learnt from words, n-grams of words and of characters.

local Vocab = require "embla.text.vocab"
local class = require "embla.base.class"
local core = require "embla.core"
local lines = require "embla.io.lines"
local list_of = require("embla.base.list").of
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local spec = options.spec("Classifier", {
  {name = "dim", type = "integer", default = 100, range = ">= 1", doc = "numbers in a row"},
  {name = "epochs", type = "integer", default = 5, range = ">= 1", doc = "times the texts are gone through"},
  {name = "lr", type = "number", default = 0.1, range = ">= 0", doc = "step size, falling in a line to 0"},
  {name = "word_ngrams", type = "integer", default = 1, range = ">= 1", doc = "words of the longest n-gram of words"},
  {name = "minn", type = "integer", default = 0, range = ">= 0", doc = "characters of a word's shortest n-gram"},
  {name = "maxn", type = "integer", default = 0, range = ">= 0", doc = "and of the longest; 0: none"},
  {name = "buckets", type = "integer", default = 2000000, range = ">= 1", doc = "rows shared by n-grams, by hash"},
  {name = "min_count", type = "integer", default = 1, range = ">= 1", doc = "words counted less often have no row"},
  {name = "seed", type = "integer", doc = "of the first rows; default: that of embla.manual_seed"},
})
local predict_spec = options.spec("Classifier.predict", {
  {name = "k", type = "integer", default = 1, range = ">= 1", doc = "at most so many labels"},
  {name = "threshold", type = "number", default = 0, doc = "labels of lower probability are left out"},
})

--- A linear classifier of texts as fastText's (Joulin et al. 2017): a text is the mean h of the rows of its words
-- (whatever stands between ASCII blanks, and </s> at the end), of the n-grams of its words and of their characters;
-- the probability of its label is softmax(output h). Learnt by stochastic gradient descent, text after text in the
-- order given, on one thread: the same seed gives the same bits.
--
--   local model = text.Classifier{dim = 50, epochs = 25, lr = 0.5, word_ngrams = 2}
--   model:fit(texts, labels)
--   model:predict("free prize, call now")               --> {{label = "spam", score = 0.98}}
--   embla.save("model.st", model)
--
-- Fields: `vocab` and `labels` Vocab; `input` Tensor (rows, dim) and `output` Tensor (labels, dim); nil before fit.
local Classifier = class "Classifier"
Classifier.spec = spec

--- Notes the options.
-- @param opt the options
-- @raise if one does not fit
function Classifier:init(opt)
  self._options = spec.read(opt)
end

-- ---- examples --------------------------------------------------------------------------------------------------

local function read_file(caller, path)
  local texts, labels, line_number = {}, {}, 0
  for line in lines(path) do
    line_number = line_number + 1
    local label, rest
    for found in line:gmatch "__label__(%S+)" do
      if label then
        raise("Classifier.%s: %s, line %d: more than one label", caller, path, line_number)
      end
      label = found
    end
    rest = line:gsub("__label__%S+", "")
    if label then texts[#texts + 1], labels[#labels + 1] = rest, label end
  end
  return texts, labels
end

local function check_strings(caller, name, list)
  if type(list) ~= "table" then
    raise("Classifier.%s: argument %s: expected a list of strings, got %s", caller, name, options.show(list))
  end
  for i = 1, #list do
    if type(list[i]) ~= "string" then
      raise("Classifier.%s: argument %s: [%d]: expected a string, got %s", caller, name, i, options.show(list[i]))
    end
  end
end

local function read_examples(caller, texts, labels)
  if type(texts) == "string" and labels == nil then texts, labels = read_file(caller, texts) end
  check_strings(caller, "texts", texts)
  check_strings(caller, "labels", labels)
  if #texts == 0 then raise("Classifier.%s: there are no texts with a label", caller) end
  if #texts ~= #labels then raise("Classifier.%s: %d texts, but %d labels", caller, #texts, #labels) end
  return texts, labels
end

-- ---- learning --------------------------------------------------------------------------------------------------

local function words_of(texts)
  local words, n = {}, 0
  for _, text in ipairs(texts) do
    for word in text:gmatch "[^ \n\r\t\v\f\0]+" do
      n = n + 1
      words[n] = word
    end
    n = n + 1
    words[n] = "</s>"
  end
  return words
end

local function bucket_count(o) return (o.word_ngrams > 1 or o.maxn > 0) and o.buckets or 0 end

local function features(self, texts)
  local o = self._options
  return core.classifier_features(texts, self.vocab.handle, o.word_ngrams, o.minn, o.maxn, bucket_count(o))
end

--- Learns from the beginning. Stopped by Ctrl-C, the model is as far as it came.
-- @param texts  list of strings; or the path of a file in fastText's form, a text a line with its __label__name
-- @param labels list of strings, a label for each text; nil with a path
-- @return mean loss of the last epoch
-- @raise if there are no texts, lists of different lengths, or a line has two labels
function Classifier:fit(texts, labels)
  texts, labels = read_examples("fit", texts, labels)
  local o = self._options
  local vocab, names = Vocab(words_of(texts), {min_count = o.min_count}), Vocab(labels)
  local classes = {}
  for i, label in ipairs(labels) do classes[i] = names:id(label) end
  local input, output = core.empty({#vocab + bucket_count(o), o.dim}, "float32"), core.zeros({#names, o.dim}, "float32")
  core.fill_uniform(input, -1 / o.dim, 1 / o.dim, o.seed or core.initial_seed())
  self.vocab, self.labels, self.input, self.output = vocab, names, core.handle(input), core.handle(output)
  local ids, starts = features(self, texts)
  return core.classifier_train(self.input, self.output, ids, starts, core.tensor(classes, "int64"), o.epochs, o.lr)
end

-- ---- asking ----------------------------------------------------------------------------------------------------

local function score(self, caller, texts)
  if not self.vocab then raise("Classifier.%s: it has learnt nothing yet (call fit)", caller) end
  local ids, starts = features(self, texts)
  return core.classifier_scores(self.input, self.output, ids, starts)
end

-- The best labels of a row of probabilities, equal ones in the order of their ids.
local function best(self, row, o)
  local records = {}
  for i, p in ipairs(row) do
    if p >= o.threshold then records[#records + 1] = {label = self.labels:word(i - 1), score = p, id = i - 1} end
  end
  table.sort(records, function(a, b) return a.score > b.score or (a.score == b.score and a.id < b.id) end)
  for i = #records, o.k + 1, -1 do records[i] = nil end
  return list_of(records)
end

--- The likeliest labels.
-- @param texts a string, or a list of strings
-- @param opt   the options
-- @return list of records {label =, score =, id =}, the best first; of a list of texts a list of such lists
-- @raise if nothing has been learnt
function Classifier:predict(texts, opt)
  local o = predict_spec.read(opt)
  local single = type(texts) == "string"
  if not single then check_strings("predict", "texts", texts) end
  local rows = score(self, "predict", single and {texts} or texts):tolist()
  if single then return best(self, rows[1], o) end
  local all = {}
  for i, row in ipairs(rows) do all[i] = best(self, row, o) end
  return list_of(all)
end

--- Precision and recall at k: of the labels predicted, and of the labels given, the share that is right. Texts whose
-- label was never learnt are left out and counted, as fastText does.
-- @param texts  as in fit
-- @param labels as in fit
-- @param opt    the options of predict
-- @return record {n =, precision =, recall =, unknown =}
-- @raise if there are no texts, or nothing has been learnt
function Classifier:test(texts, labels, opt)
  texts, labels = read_examples("test", texts, labels)
  local predicted, right, given, n = self:predict(texts, opt), 0, 0, 0
  for i, label in ipairs(labels) do
    if self.labels:id(label) then
      n, given = n + 1, given + #predicted[i]
      for _, record in ipairs(predicted[i]) do right = right + (record.label == label and 1 or 0) end
    end
  end
  return list_of {n = n, precision = right / math.max(1, given), recall = right / math.max(1, n), unknown = #labels - n}
end

-- ---- keeping ---------------------------------------------------------------------------------------------------

function Classifier.__keep(self)
  return {options = self._options, vocab = self.vocab, labels = self.labels, input = self.input, output = self.output}
end

local function is_table_of(t, rows, dim)
  return core.is_tensor(t) and t.dtype == "float32" and t:dim() == 2 and t:size(0) == rows and t:size(1) == dim
end

function Classifier.__restore(value)
  if type(value) ~= "table" then raise "Classifier: what was kept of it is malformed" end
  local self = Classifier(value.options)
  if value.vocab == nil then return self end
  local o = self._options
  if getmetatable(value.vocab) ~= Vocab or getmetatable(value.labels) ~= Vocab
     or not is_table_of(value.input, #value.vocab + bucket_count(o), o.dim)
     or not is_table_of(value.output, #value.labels, o.dim) then
    raise "Classifier: what was kept of it is malformed"
  end
  self.vocab, self.labels, self.input, self.output = value.vocab, value.labels, value.input, value.output
  return self
end

function Classifier.__tostring(self)
  if not self.vocab then return "Classifier(nothing learnt)" end
  return ("Classifier(%d words, %d labels, %d numbers each)"):format(#self.vocab, #self.labels, self._options.dim)
end

return Classifier
