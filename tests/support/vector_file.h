/* Help for the tests of files of word vectors: a file of given bytes, read by a format. */
#ifndef EMBLA_TESTS_VECTOR_FILE_H
#define EMBLA_TESTS_VECTOR_FILE_H

#include "io/vector_rows.h"
#include "temporary_file.h"

void assert_file(const char *want, size_t n);

/* What a format reads of the file, both new references, or both null. */
em_status read_vectors(em_vocab **words, em_tensor **matrix, const char *format, const em__vector_options *o);

/* Options as the defaults, but for one. */
em__vector_options vector_options(void);

/* Whether words are these, joined by '|'. */
void assert_words(const em_vocab *v, const char *joined);

/* Reads the file with each format option at every cut and with bits flipped: each time it fails with EM_EFORMAT and the
 * path, leaving no block behind, or gives as many words as rows. */
void read_damaged(const char *format, const em__vector_options *o, const char *bytes, size_t n);

#endif
