/* Options of comma-separated values. A character is a text of one. A column is meant by '=' and its name, or by '#' and
 * its number from 1. */
#ifndef EM_IO_CSV_H
#define EM_IO_CSV_H

#include "embla.h"

enum { EM_CSV_FIND_HEADER, EM_CSV_NO_HEADER, EM_CSV_HEADER };

typedef struct em__csv_reading {
    const char *sep;            /* " " stands for any run of blanks; "": found out */
    const char *quote;          /* "": none */
    const char *comment;        /* "": none */
    int decimal;                /* 0: a point, 1: a comma */
    int header;
    int64_t skip, limit;        /* limit < 0: all rows */
    em_texts columns;           /* in the order wanted; at null: all */
    em_texts typed, types;      /* columns, and the type of each */
    em_texts missing;
} em__csv_reading;

typedef struct em__csv_writing {
    const char *sep;
    bool header;
    const char *missing;
} em__csv_writing;

/* The format's reader and writer: see embla.h. */
em_status em__csv_read(em_content **out, const char *path, const void *options);
em_status em__csv_write(const char *path, const em_content *content, const void *options);

#endif
