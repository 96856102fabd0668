/* Unpacking gzip (RFC 1952) on the way, by zlib: one member or several, zeros after the last. */
#ifndef EM_BASE_GZIP_H
#define EM_BASE_GZIP_H

#include "base/status.h"

typedef struct em__gzip em__gzip;

/* Gives up to `most` bytes, fewer only at their end. */
typedef em_status em__byte_source(void *context, unsigned char *to, size_t most, size_t *got);

bool em__gzip_begins(const unsigned char *first, size_t n);

/* Of packed bytes the first n are given; `path` is borrowed, for messages. */
em_status em__gzip_new(em__gzip **out, const char *path, em__byte_source *source, void *context,
                       const unsigned char *first, size_t n);

/* Up to `most` unpacked bytes, fewer only at their end. EM_EFORMAT with path and byte of the packed file. */
em_status em__gzip_read(em__gzip *g, unsigned char *to, size_t most, size_t *got);
void em__gzip_free(em__gzip *g);                /* null is fine */

#endif
