/* Files read forward and files written whole: what is there afterwards is the old file or the complete new one.
 *
 * A link stays, and the file that it leads to is written. Pipes may be read and written; waiting for their other end
 * stops at an interrupt. Failures are EM_EIO and name the path and the system's reason. */
#ifndef EM_BASE_FILE_H
#define EM_BASE_FILE_H

#include "base/status.h"

typedef struct em__input {
    const char *path;           /* borrowed */
    int fd;
    int64_t size;               /* of a regular file when it was opened; -1 for others */
    int64_t offset;             /* in the file, of buffer[0] */
    size_t at, end;             /* the bytes not yet taken are buffer[at .. end-1] */
    unsigned char *buffer;
} em__input;

/* The first read refuses, with EM_EFORMAT, a file that is packed: gzip, bzip2, xz, zstd, zip. */
em_status em__input_open(em__input *in, const char *path);
void em__input_close(em__input *in);            /* again does nothing; fine on a zeroed one */

/* Up to `most` bytes, fewer only at the end of the file. */
em_status em__input_read(em__input *in, void *to, size_t most, size_t *got);

/* Refills an empty buffer; at the end of the file it stays empty. */
em_status em__input_fill(em__input *in);

/* The next byte; -1 at the end of the file. */
static inline em_status em__input_byte(em__input *in, int *byte)
{
    if (in->at == in->end) EM_TRY(em__input_fill(in));
    *byte = in->at == in->end ? -1 : in->buffer[in->at++];
    return EM_OK;
}

/* Position in the file of the next byte: for messages. */
static inline int64_t em__input_offset(const em__input *in) { return in->offset + (int64_t)in->at; }

typedef struct em__output {
    const char *path;           /* borrowed */
    int fd;
    size_t held;                /* bytes in the buffer */
    char *target;               /* where `path` leads through links */
    char *temporary;            /* file beside `target` that becomes it; null where that is a device */
    size_t temporary_bytes;
    bool waits;                 /* a device or a pipe */
    unsigned char *buffer;
} em__output;

em_status em__output_open(em__output *out, const char *path);
em_status em__output_write(em__output *out, const void *bytes, size_t n);

/* Makes what was written the file at `path`, on the disk. The output is closed, also on failure. */
em_status em__output_commit(em__output *out);

/* Forgets what was written; after a commit, or again, it does nothing; fine on a zeroed one. */
void em__output_discard(em__output *out);

#endif
