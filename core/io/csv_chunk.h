/* A stretch of rows as values: what one thread does. Every cell becomes 8 bytes: a number, or where its text lies. */
#ifndef EM_IO_CSV_CHUNK_H
#define EM_IO_CSV_CHUNK_H

#include "io/csv_scan.h"

/* Types of columns. Those found out: whole numbers (int64) where all are and none is missing; numbers (float64, NaN for
 * missing); booleans, where all are true or false (float64 1, 0, NaN if some are missing); else text. */
#define EM_CSV_TYPES(X) X(EM_CSV_ANY, "any") X(EM_CSV_BOOLEAN, "boolean") X(EM_CSV_INTEGER, "integer") \
    X(EM_CSV_NUMBER, "number") X(EM_CSV_TEXT, "text")
#define X(name, text) name,
typedef enum em__csv_type { EM_CSV_TYPES(X) EM_CSV_TYPE_COUNT } em__csv_type;
#undef X

/* What the cells of a column are, as far as they are known. NONE: all are missing. LATE: text, in a column that began
 * as something else: it has to be read once more from where it began, as TEXT. */
typedef enum em__csv_kind {
    EM_CSV_IS_NONE,
    EM_CSV_IS_BOOLEAN,          /* 1, 0, NaN */
    EM_CSV_IS_INTEGER,          /* none missing */
    EM_CSV_IS_NUMBER,
    EM_CSV_IS_LATE,
    EM_CSV_IS_TEXT,
    EM_CSV_IS_LEFT_OUT,
} em__csv_kind;

/* The kind of a column that has cells of both kinds, neither TEXT nor LEFT_OUT; NONE stands for cells there are. */
em__csv_kind em__csv_kind_of_both(em__csv_kind a, em__csv_kind b);

typedef union em__csv_value {
    double x;
    int64_t i;
    struct {
        uint32_t at, n;         /* bytes from the block's beginning; how many, EM_CSV_DOUBLED if quotes are doubled */
    } text;
} em__csv_value;
enum { EM_CSV_MOST = 1 << 30 };         /* bytes of a block */
#define EM_CSV_DOUBLED ((uint32_t)1 << 31)
#define EM_CSV_NO_TEXT UINT32_MAX       /* as n: missing */

/* What all chunks of a block share. */
typedef struct em__csv_block {
    const em__csv_dialect *d;
    const char *text;
    int64_t columns;
    const em__csv_type *types;   /* (columns) asked for */
    const int64_t *place;       /* (columns) of a column that is wanted: which one of those it is */
    em__csv_value *values;      /* (those wanted, rows) */
    int64_t rows;               /* that there is room for */
} em__csv_block;

typedef struct em__csv_chunk {
    const char *begin, *end;
    int64_t first, lines;       /* of its rows in the block's values; line ends in its text */
    int64_t rows;               /* read */
    int64_t row;                /* the first of them, among those of the block */
    unsigned char *kinds;       /* (columns) as at first; then of what was read, if that is wider */
    int64_t *missing, *bytes;   /* (columns) cells missing; bytes of text */
    em__csv_fault fault;        /* the first, at fault_at in this column */
    const char *fault_at;
    int64_t column;
} em__csv_chunk;

/* Rows that a text can have at most, and one begun. */
int64_t em__csv_most_rows(int64_t bytes, int64_t lines, int64_t columns);

void em__csv_chunk_read(const em__csv_block *b, em__csv_chunk *c);

/* What a text, blanks around it left out, is: BOOLEAN, INTEGER, NUMBER or TEXT. */
em__csv_kind em__csv_kind_of(const em__csv_dialect *d, const char *at, int64_t n, em__csv_value *value);

#endif
