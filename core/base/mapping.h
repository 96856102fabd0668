/* Regular files read at any place, by several threads at once, or mapped into memory. Failures are EM_EIO and name the
 * path and the system's reason. */
#ifndef EM_BASE_MAPPING_H
#define EM_BASE_MAPPING_H

#include "base/status.h"

typedef struct em__source {
    const char *path;           /* borrowed */
    int fd;
    int64_t size;               /* when it was opened */
} em__source;

/* A folder, a pipe and a device are refused. */
em_status em__source_open(em__source *s, const char *path);
void em__source_close(em__source *s);           /* again does nothing */

/* The source of a file that gzip has packed becomes that of its unpacked bytes: see em__input_open_seekable. */
em_status em__source_unpack(em__source *s);

/* Bytes from a place of the file on. The first is for parallel loops, and returns what em__source_check makes an error
 * of, after the loop; 0 is none. */
int em__source_read_at(const em__source *s, void *to, size_t n, int64_t at);
em_status em__source_check(const em__source *s, int fault);

/* The whole file in memory, read when it is looked at. What is written there stays in memory: the file does not change.
 * The parts that are lent keep it; so does who made it, until it is released. */
typedef struct em__mapping em__mapping;
em_status em__mapping_new(em__mapping **out, const em__source *s);      /* of a file that is not empty */
const char *em__mapping_at(const em__mapping *m, int64_t at);
em_foreign em__mapping_lend(em__mapping *m, int64_t at, size_t bytes);
void em__mapping_release(em__mapping *m);       /* null is fine */

#endif
