/* Rows of a word and its numbers, as they come from a file: what the readers of word vectors share. */
#ifndef EM_IO_VECTOR_ROWS_H
#define EM_IO_VECTOR_ROWS_H

#include "base/array.h"
#include "base/file.h"
#include "io/word_text.h"
#include "text/vocab.h"

typedef enum em__duplicates { EM_DUPLICATES_ERROR, EM_DUPLICATES_FIRST } em__duplicates;

typedef struct em__vector_options {
    int64_t limit;              /* rows of the file that are read; < 0: all */
    em__word_errors encoding_errors;
    em__duplicates duplicates;
    int binary;                 /* 1, 0; -1: to be found out */
    bool output;
} em__vector_options;

/* The options that all these readers have. */
#define EM_VECTOR_FIELDS \
    {{"limit", EM_OPT_INT, "", ">= 1", "read at most so many rows"}, EM_FIELD(em__vector_options, limit)}, \
    {{"encoding_errors", EM_OPT_ENUM, "error", "error replace skip", \
      "words that are not UTF-8, or have control characters: an error; U+FFFD for what is wrong; left out"}, \
     EM_FIELD(em__vector_options, encoding_errors)}, \
    {{"duplicates", EM_OPT_ENUM, "error", "error first", \
      "a word that stands twice: an error, or its first row stays"}, \
     EM_FIELD(em__vector_options, duplicates)}

extern const em__vector_options em__vector_defaults;

typedef struct em__rows {
    em__input in;
    em__vector_options o;
    int64_t dims;
    int64_t claimed;            /* rows that the file says it has; < 0: it does not say */
    int64_t read;               /* rows, those left out included */
    em_vocab *words;            /* of the rows kept */
    float *at;                  /* (words, dims) */
    int64_t capacity;           /* of `at`, in numbers */
    EM_ARRAY(char) word, changed;       /* the one being read, and what is made of it */
} em__rows;

em_status em__rows_open(em__rows *r, const char *path, const em__vector_options *o);
void em__rows_close(em__rows *r);               /* what has not been taken is freed; again does nothing */

/* A file cannot hold more than its size: this is looked at before memory is taken for what its first line claims, rows
 * of `least` bytes. EM_EFORMAT. */
em_status em__rows_check_claim(const em__rows *r, double least);

/* Room for `more` numbers behind the rows kept. */
em_status em__rows_reserve(em__rows *r, int64_t more);

/* The next row's word. Its numbers, behind the rows kept, are kept if `kept` says so. `fault` is what em__word_fault
 * says, `at` where to say that the word stands ("line 3, byte 15"). */
em_status em__rows_add(em__rows *r, const char *word, size_t n, uint32_t hash, const char *fault, const char *at,
                       bool *kept);

/* Reads rows of text up to the limit or the end of the file. With `blanks`, words may have blanks in them, and what the
 * dims are is found out: a first line "V D" is then taken for a header.
 *   lines  that stand before
 *   hint   ends messages */
em_status em__rows_read_text(em__rows *r, bool blanks, int64_t lines, const char *hint);

/* How many rows are to be read before what follows is too much, or left unread. */
static inline int64_t em__rows_wanted(const em__rows *r)
{
    const int64_t most = r->o.limit < 0 ? INT64_MAX : r->o.limit;
    return r->claimed < 0 || r->claimed > most ? most : r->claimed;
}
static inline bool em__rows_limited(const em__rows *r)
{
    return r->o.limit >= 0 && (r->claimed < 0 || r->claimed > r->o.limit);
}

/* Reads a file in the format of word2vec. `hint` ends messages about text. */
em_status em__rows_read_word2vec(em__rows *r, const char *hint);

/* What was read, as a new content: vocab, matrix (V, D). */
em_status em__rows_take(em_content **out, em__rows *r);

#endif
