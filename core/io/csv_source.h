/* A file of rows as blocks of whole rows, so that it is never held as a whole. */
#ifndef EM_IO_CSV_SOURCE_H
#define EM_IO_CSV_SOURCE_H

#include "base/array.h"
#include "base/file.h"
#include "io/csv_scan.h"

typedef struct em__csv_source {
    em__input in;
    char *text;                 /* capacity + EM_NUMBER_PADDING bytes; what is behind `held` begins with a line end */
    int64_t capacity, held;
    int64_t begin;              /* text[begin .. held-1] is not taken yet */
    bool ended;                 /* nothing comes behind it: it ends with a line end */
    int64_t line, taken;        /* line ends and bytes of the file before `begin` */
} em__csv_source;

em_status em__csv_source_open(em__csv_source *s, const char *path);
void em__csv_source_close(em__csv_source *s);           /* again does nothing; fine on a zeroed one */

/* What is not taken yet moves to the front, with more behind it. EM_EFORMAT where that is too much for a block. */
em_status em__csv_source_fill(em__csv_source *s);

/* What may be looked at: without a \r at its end whose \n may be yet to come. */
static inline const char *em__csv_source_end(const em__csv_source *s)
{
    return s->text + s->held - (!s->ended && s->held > s->begin && s->text[s->held - 1] == '\r');
}

/* The bytes before `to` are taken; `pass`: with so many line ends in them, which have been counted already. */
void em__csv_source_take(em__csv_source *s, const char *to);
void em__csv_source_pass(em__csv_source *s, const char *to, int64_t lines);

/* Exactly the next n bytes of the file, into a text that holds so many; if a line end was added to them, it is again.
 * EM_EFORMAT: the file has changed. */
em_status em__csv_source_reread(em__csv_source *s, int64_t n);

/* "PATH: line L, column C: …" for a place in the text: C counts characters. */
em_status em__csv_source_fail(const em__csv_source *s, const char *at, const char *format, ...) EM_PRINTF(3, 4);

/* Whole rows of text .. end-1 in stretches of `size` bytes or a little more, at most `limit` rows (< 0: all): where
 * each ends goes to ends[0 .. *n-1]. Returns the end of the last, or NULL if there is no whole row; *quote is then a
 * quote that is not closed, or NULL. `ends` has room for (end - text) / size + 1. */
const char *em__csv_cut(const em__csv_dialect *d, const char *text, const char *end, int64_t size, int64_t limit,
                        const char **ends, int64_t *n, int64_t *rows, const char **quote);

#endif
