-- text: words and their ids, files of text as ids, batches to learn word vectors from, and vectors by words.

local lazy = require "embla.base.lazy"

return lazy({
  Vocab = require "embla.text.vocab",
  Corpus = require "embla.text.corpus",
  SkipGram = require "embla.text.skipgram",
  Word2Vec = require "embla.text.word2vec",
}, "embla.text.", {classifier = "Classifier", keyed_vectors = "KeyedVectors", sample = "sample filter_logits"})
