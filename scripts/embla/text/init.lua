-- text: words and their ids, files of text as ids, and batches to learn word vectors from.

return {
  Vocab = require "embla.text.vocab",
  Corpus = require "embla.text.corpus",
  SkipGram = require "embla.text.skipgram",
  Word2Vec = require "embla.text.word2vec",
}
