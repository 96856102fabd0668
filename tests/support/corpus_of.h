/* Corpora for C tests. They come from a file, which is gone again, as any corpus does; words between blanks, a sentence
 * a line. */
#ifndef EMBLA_TESTS_CORPUS_OF_H
#define EMBLA_TESTS_CORPUS_OF_H

#include "support.h"

em_corpus *corpus_of(const char *text);

/* So many words of roughly Zipf's frequencies out of w1 … w<words - 1>, in sentences of 1 to `longest` words. The same
 * at every call. */
em_corpus *zipf_corpus(int64_t count, double words, int64_t longest);

#endif
