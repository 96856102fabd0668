/* Names of columns, and which of them are wanted as what. */
#ifndef EM_IO_CSV_NAMES_H
#define EM_IO_CSV_NAMES_H

#include "io/csv_scan.h"

/* The names in the row at p; NULL: "column_1" and so on for `count` columns. Blanks around them go unless they are
 * quoted. An empty one becomes column_N; one that there is already gets .1, .2, … behind it. */
em_status em__csv_names(em_strings **out, const em__csv_dialect *d, const char *p, const char *end, int64_t count);

/* The number, from 0, of the column meant by a text: '=' and a name, or '#' and a number from 1. EM_EVALUE naming the
 * option, the path and the columns there are. */
em_status em__csv_find(const em_strings *names, const char *path, const char *column, const char *option, int64_t *at);

#endif
