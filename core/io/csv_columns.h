/* The columns of a table while it is read: a piece for each block, whose kind may differ. */
#ifndef EM_IO_CSV_COLUMNS_H
#define EM_IO_CSV_COLUMNS_H

#include "base/array.h"
#include "io/csv_chunk.h"

typedef struct em__csv_piece {
    em__csv_kind kind;
    int64_t first, rows;
    em__csv_value *values;      /* null: NONE, or text, which is elsewhere */
} em__csv_piece;

typedef struct em__csv_column {
    em__csv_kind kind;          /* of all that was read; TEXT and LEFT_OUT stay */
    int64_t missing, rows;
    EM_ARRAY(em__csv_piece) pieces;     /* before it became text */
    em_strings *text;           /* null until it does */
    int64_t late;               /* it became text after so many blocks, which are to be read again; 0: none */
    em_strings *early;          /* the texts of those */
} em__csv_column;

void em__csv_column_free(em__csv_column *c);

/* The column is text from here on: what came before goes, or, if all of it was missing, becomes missing text. */
em_status em__csv_column_become_text(em__csv_column *c);

/* Adds what chunks 0 .. n-1 of a block hold, which have been read as `kind` or less: to `text` if that is given. */
em_status em__csv_column_add(em__csv_column *c, int64_t column, const em__csv_block *b, em__csv_chunk *chunks,
        int64_t n,
                             em__csv_kind kind, em_strings *text);

/* The column as it is kept, a new reference in one of the two. Its pieces go. */
em_status em__csv_column_finish(em__csv_column *c, em_tensor **numbers, em_strings **text);

#endif
