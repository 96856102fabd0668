#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { BUFFER = 1 << 16 };

static em_status fail_io(const char *path)
{
    return em__fail(EM_EIO, "%s: %s", path, strerror(errno));
}

static em_status new_buffer(unsigned char **buffer)
{
    *buffer = em__alloc(BUFFER);
    return *buffer ? EM_OK : em__fail_memory("a file's buffer", BUFFER);
}

static void free_buffer(unsigned char **buffer)
{
    em__free(*buffer, BUFFER);
    *buffer = NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

em_status em__input_open(em__input *in, const char *path)
{
    *in = (em__input){.path = path, .fd = -1, .size = -1};
    EM_TRY(new_buffer(&in->buffer));
    in->fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (in->fd < 0 || fstat(in->fd, &info)) {
        const em_status s = fail_io(path);
        em__input_close(in);
        return s;
    }
    if (S_ISREG(info.st_mode)) in->size = (int64_t)info.st_size;
    return EM_OK;
}

void em__input_close(em__input *in)
{
    if (!in->buffer) return;
    if (in->fd >= 0) close(in->fd);
    free_buffer(&in->buffer);
}

/* Straight from the system, until `most` bytes are there or the file ends. */
static em_status read_fully(em__input *in, unsigned char *to, size_t most, size_t *got)
{
    *got = 0;
    while (*got < most) {
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: reading was interrupted", in->path);
        const ssize_t n = read(in->fd, to + *got, most - *got);
        if (n == 0) break;
        if (n > 0)
            *got += (size_t)n;
        else if (errno != EINTR)
            return fail_io(in->path);
    }
    return EM_OK;
}

/* Refuses a file whose first bytes say that it is packed: read as text it would be thousands of odd words. */
static em_status refuse_packed(const char *path, const unsigned char *first, size_t n)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *name, *unpack;
    } packed[] = {
        {"\x1F\x8B", 2, "gzip", "gunzip -k"},        {"BZh", 3, "bzip2", "bunzip2 -k"},
        {"\xFD" "7zXZ", 6, "xz", "unxz -k"},          {"\x28\xB5\x2F\xFD", 4, "zstd", "unzstd"},
        {"PK\x03\x04", 4, "zip", "unzip"},
    };
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        if (n >= packed[i].n && !memcmp(first, packed[i].bytes, packed[i].n)) {
            if (packed[i].bytes[0] == 'B' && (n < 10 || memcmp(first + 4, "1AY&SY", 6))) continue;
            return em__fail(EM_EFORMAT, "%s: is %s-compressed; unpack it first (%s %s)", path, packed[i].name,
                            packed[i].unpack, path);
        }
    return EM_OK;
}

em_status em__input_fill(em__input *in)
{
    if (in->at < in->end) return EM_OK;
    in->offset += (int64_t)in->end;
    in->at = in->end = 0;
    EM_TRY(read_fully(in, in->buffer, BUFFER, &in->end));
    return in->offset ? EM_OK : refuse_packed(in->path, in->buffer, in->end);
}

em_status em__input_read(em__input *in, void *to, size_t most, size_t *got)
{
    const size_t ready = in->end - in->at < most ? in->end - in->at : most;
    if (ready) memcpy(to, in->buffer + in->at, ready);
    in->at += ready;
    size_t rest = 0;
    if (ready < most) {
        EM_TRY(read_fully(in, (unsigned char *)to + ready, most - ready, &rest));
        if (!em__input_offset(in)) EM_TRY(refuse_packed(in->path, to, rest));
        in->offset += (int64_t)rest;
    }
    *got = ready + rest;
    return EM_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static void free_temporary(em__output *out)
{
    em__free(out->temporary, out->temporary_bytes);
    out->temporary = NULL;
}

/* A new file beside the old one, with the old one's mode. */
static em_status open_temporary(em__output *out, const struct stat *old)
{
    const size_t room = strlen(out->path) + 48;
    out->temporary = em__alloc(room);
    if (!out->temporary) return em__fail_memory("a file's name", room);
    out->temporary_bytes = room;
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(out->temporary, room, "%s.%ld-%d.tmp", out->path, (long)getpid(), attempt);
        out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (out->fd >= 0 || errno != EEXIST) break;
    }
    if (out->fd < 0) {
        const em_status s = fail_io(out->path);
        free_temporary(out);                /* not ours to unlink */
        return s;
    }
    if (old && fchmod(out->fd, old->st_mode & 07777)) return fail_io(out->path);
    return EM_OK;
}

static em_status open_output(em__output *out)
{
    struct stat old;
    const bool exists = stat(out->path, &old) == 0;
    if (exists && S_ISDIR(old.st_mode)) return em__fail(EM_EIO, "%s: %s", out->path, strerror(EISDIR));
    EM_TRY(new_buffer(&out->buffer));
    if (!exists || S_ISREG(old.st_mode)) return open_temporary(out, exists ? &old : NULL);
    out->fd = open(out->path, O_WRONLY | O_CLOEXEC);
    return out->fd < 0 ? fail_io(out->path) : EM_OK;
}

em_status em__output_open(em__output *out, const char *path)
{
    *out = (em__output){.path = path, .fd = -1};
    const em_status s = open_output(out);
    if (s) em__output_discard(out);
    return s;
}

static em_status write_fully(em__output *out, const unsigned char *from, size_t n)
{
    while (n) {
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: writing was interrupted", out->path);
        const ssize_t k = write(out->fd, from, n);
        if (k >= 0) {
            from += k;
            n -= (size_t)k;
        } else if (errno != EINTR) {
            return fail_io(out->path);
        }
    }
    return EM_OK;
}

static em_status flush(em__output *out)
{
    const size_t n = out->held;
    out->held = 0;
    return write_fully(out, out->buffer, n);
}

em_status em__output_write(em__output *out, const void *bytes, size_t n)
{
    if (n > BUFFER - out->held) EM_TRY(flush(out));
    if (n > BUFFER) return write_fully(out, bytes, n);
    if (n) memcpy(out->buffer + out->held, bytes, n);
    out->held += n;
    return EM_OK;
}

/* The folder's entry must reach the disk too, or a power cut could bring the old name back. Some file systems cannot
 * do it for a folder (EINVAL); then there is nothing to wait for. */
static em_status sync_folder(em__output *out)
{
    char *slash = strrchr(out->temporary, '/');
    if (slash) slash[slash == out->temporary] = 0;
    const int fd = open(slash ? out->temporary : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return EM_OK;               /* a folder may be writable but not readable */
    const em_status s = fsync(fd) && errno != EINVAL ? fail_io(out->path) : EM_OK;
    close(fd);
    return s;
}

static em_status commit(em__output *out)
{
    EM_TRY(flush(out));
    if (out->temporary && fsync(out->fd)) return fail_io(out->path);
    const int fd = out->fd;
    out->fd = -1;
    if (close(fd)) return fail_io(out->path);
    if (!out->temporary) return EM_OK;
    if (rename(out->temporary, out->path)) return fail_io(out->path);
    const em_status s = sync_folder(out);
    free_temporary(out);
    return s;
}

em_status em__output_commit(em__output *out)
{
    const em_status s = commit(out);
    em__output_discard(out);
    return s;
}

void em__output_discard(em__output *out)
{
    if (!out->buffer) return;
    if (out->fd >= 0) close(out->fd);
    if (out->temporary) {
        unlink(out->temporary);
        free_temporary(out);
    }
    free_buffer(&out->buffer);
}
