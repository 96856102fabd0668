-- text: words and their ids, files of text as ids, and batches to learn word vectors from.

local later = require "embla.later"

return later({
  Vocab = require "embla.text.vocab",
  Corpus = require "embla.text.corpus",
  SkipGram = require "embla.text.skipgram",
  Word2Vec = require "embla.text.word2vec",
}, "embla.text.", {})
