/* Comma-separated text as rows and cells. A row ends with \n, \r\n or \r outside quotes; lines of blanks alone, and
 * those that begin with the comment character, are none. A cell that begins with the quote ends with the next one, two
 * quotes standing for one; a quote elsewhere is a character like others. All texts are followed by a line end and
 * EM_NUMBER_PADDING bytes more. */
#ifndef EM_IO_CSV_SCAN_H
#define EM_IO_CSV_SCAN_H

#include "io/number.h"

typedef struct em__csv_dialect {
    char sep, quote, comment, decimal;
    bool runs;                  /* any run of blanks is one separator */
    const char *const *missing; /* texts (n_missing) */
    int64_t n_missing;
    bool numbers_missing;       /* some of them may be read as numbers */
    bool starts[256], lengths[256];     /* of the texts: first bytes, lengths (255: that or more) */
    bool ends[256];             /* bytes that may end a cell that is not quoted */
} em__csv_dialect;

/* `d` from its options: sep, quote, comment, decimal and missing are set. */
void em__csv_dialect_finish(em__csv_dialect *d);

/* What is wrong with a text, found at a place in it. */
#define EM_CSV_FAULTS(X) \
    X(EM_CSV_FINE, "") \
    X(EM_CSV_ZERO, "a zero byte") \
    X(EM_CSV_UTF8, "not UTF-8") \
    X(EM_CSV_UNCLOSED, "a quote that is not closed") \
    X(EM_CSV_AFTER_QUOTE, "text behind the closing quote of a cell") \
    X(EM_CSV_FEW_CELLS, "too few cells") \
    X(EM_CSV_MANY_CELLS, "too many cells") \
    X(EM_CSV_TYPE, "a cell of another type")
#define X(name, text) name,
typedef enum em__csv_fault { EM_CSV_FAULTS(X) EM_CSV_FAULT_COUNT } em__csv_fault;
#undef X
extern const char *const em__csv_fault_text[];

typedef struct em__csv_cell {
    const char *at;             /* without its quotes */
    int64_t n;
    bool quoted;
    int64_t doubled;            /* pairs of quotes in it */
    const char *next;           /* the byte that ended it: a separator or line end */
    em__csv_fault fault;        /* at `next` */
} em__csv_cell;

/* The cell that begins at p, of a text that ends at `end`. */
void em__csv_cell_read(const em__csv_dialect *d, const char *p, const char *end, em__csv_cell *out);

static inline bool em__csv_is_end(char c) { return c == '\n' || c == '\r'; }
static inline bool em__csv_is_blank(char c) { return c == ' ' || c == '\t'; }

/* Whether another cell of the row follows the one that ended at *p: then *p is where it begins, else the line end. */
static inline bool em__csv_more(const em__csv_dialect *d, const char **p)
{
    if (d->runs)
        while (em__csv_is_blank(**p)) ++*p;
    if (em__csv_is_end(**p)) return false;
    *p += !d->runs;
    return true;
}

/* The cell's text, with single quotes for double ones, to `to`; returns its length. */
int64_t em__csv_cell_copy(const em__csv_dialect *d, const char *at, int64_t n, char *to);

/* Whether a cell, blanks around it left out, is one of the texts that stand for nothing. */
bool em__csv_is_missing(const em__csv_dialect *d, const char *at, int64_t n);
void em__csv_strip(const char **at, int64_t *n);

/* Behind the line end at p. */
static inline const char *em__csv_over_end(const char *p) { return p + 1 + (p[0] == '\r' && p[1] == '\n'); }

/* If the line at p is no row, where the next begins; else p. */
const char *em__csv_skip_line(const em__csv_dialect *d, const char *p, const char *end);

/* Where the row or skipped line at p ends, its line end included; NULL: not before `end`, and *quote is where a quoted
 * cell begins that does not end (or NULL). */
const char *em__csv_row_end(const em__csv_dialect *d, const char *p, const char *end, const char **quote);

/* Zero bytes and bytes that are no UTF-8: the first place, or NULL. */
const char *em__csv_bad_byte(const char *p, const char *end, em__csv_fault *fault);

/* Line ends in a text, \r\n counted once. */
int64_t em__csv_lines(const char *p, const char *end);

#endif
