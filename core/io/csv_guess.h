/* What the first rows of a file tell: its separator, and whether the first of them has the names of the columns. */
#ifndef EM_IO_CSV_GUESS_H
#define EM_IO_CSV_GUESS_H

#include "io/csv_scan.h"

/* The first rows of text .. end-1, which begins with a row, that are looked at. The last may be cut off: then it is not
 * among them, unless `whole`. Returns how many; rows[i] begins one. */
enum { EM_CSV_SAMPLE = 100, EM_CSV_SAMPLE_BYTES = 1 << 20 };
int64_t em__csv_sample(const em__csv_dialect *d, const char *text, const char *end, bool whole,
                       const char *rows[EM_CSV_SAMPLE]);

/* The separator among tab ; | , blank, tried in this order, that cuts all rows into equally many cells, two at least;
 * if there is none, the first of , ; tab | that stands in the first row; else a comma. */
char em__csv_guess_separator(const em__csv_dialect *d, const char *text, const char *end, bool whole);

/* Whether the first row has names: it has a text above a column of numbers or of booleans; or it is of texts alone, no
 * two of them the same, none of which its column has once more. EM_ENOMEM. */
em_status em__csv_guess_header(const em__csv_dialect *d, const char *text, const char *end, bool whole, bool *header);

/* Cells of the row at p. A cell that is not quoted to its end is the last. */
int64_t em__csv_count_cells(const em__csv_dialect *d, const char *p, const char *end);

#endif
