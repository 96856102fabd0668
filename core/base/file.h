/* Files read forward and files written whole: what is there afterwards is the old file or the complete new one.
 *
 * A link stays, and the file that it leads to is written. Pipes may be read and written; waiting for their other end
 * stops at an interrupt. Failures are EM_EIO and name the path and the system's reason. */
#ifndef EM_BASE_FILE_H
#define EM_BASE_FILE_H

#include "base/gzip.h"
#include "base/status.h"

/* EM_EIO with the path and what errno says. */
em_status em__fail_io(const char *path);

typedef struct em__input {
    const char *path;           /* borrowed */
    int fd;
    int64_t size;               /* of a regular file when it was opened; -1 for others, and for one that is packed */
    int64_t offset;             /* of buffer[0] among the bytes that are read */
    bool begun;                 /* its first bytes have been looked at */
    struct em__gzip *gzip;      /* what unpacks it; or null */
    em__byte_source *source;    /* what gives the bytes instead of a file; or null */
    void *context;
    size_t at, end;             /* the bytes not yet taken are buffer[at .. end-1] */
    unsigned char *buffer;
} em__input;

/* A file that begins as gzip does is unpacked on the way, whatever its name; positions are then those of the unpacked
 * bytes. Packed otherwise (bzip2, xz, zstd, zip) it is refused, with EM_EFORMAT, here or by the first read. */
em_status em__input_open(em__input *in, const char *path);

/* The bytes as they lie in the file. */
em_status em__input_open_raw(em__input *in, const char *path);

/* A file whose reader goes to and fro in it, and knows archives. What gzip has packed, and what a pipe gives, is copied
 * to a temporary file without a name, in the folder TMPDIR or /tmp: it takes no memory, and goes when it is closed. A
 * device is refused. */
em_status em__input_open_seekable(em__input *in, const char *path);

/* The bytes that a function gives, such as a member of an archive; `path` names them in messages, `size` is how many
 * they are, or -1. */
em_status em__input_open_source(em__input *in, const char *path, em__byte_source *source, void *context, int64_t size);

/* Goes to a byte of a regular file that was opened raw or seekable. */
em_status em__input_seek(em__input *in, int64_t offset);
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

/* Files that grow at their ends, files in one piece and folders are public: em_appender, em_bytes, em_make_folder. */

#endif
