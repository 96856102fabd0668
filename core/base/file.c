/* Files read forward through a buffer, and files written beside the old one, which they then replace. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/gzip.h"
#include "base/memory.h"

enum { BUFFER = 1 << 16 };

/* Of a path that would fill the sentence only the end is told, so that the reason is. */
em_status em__fail_io(const char *path)
{
    enum { MOST = 500 };
    const size_t n = strlen(path);
    if (n <= MOST) return em__fail(EM_EIO, "%s: %s", path, strerror(errno));
    return em__fail(EM_EIO, "...%s: %s", path + n - MOST, strerror(errno));
}

/* Pipes and terminals are waited for here rather than in a call that goes on after Ctrl-C; a signal that comes just
 * before is seen soon. */
static em_status wait_for(int fd, short events, const char *path, const char *doing)
{
    enum { SOON = 100 };        /* milliseconds */
    struct pollfd p = {.fd = fd, .events = events};
    int ready = 0;
    while (ready == 0 || (ready < 0 && errno == EINTR)) {
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: %s was interrupted!", path, doing);
        ready = poll(&p, 1, SOON);
    }
    return ready < 0 ? em__fail_io(path) : EM_OK;
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

em_status em__input_open_raw(em__input *in, const char *path)
{
    *in = (em__input){.path = path, .fd = -1, .size = -1, .begun = true};
    EM_TRY(new_buffer(&in->buffer));
    in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);         /* of a pipe without a writer too */
    struct stat info;
    if (in->fd < 0 || fstat(in->fd, &info)) {
        const em_status s = em__fail_io(path);
        em__input_close(in);
        return s;
    }
    if (S_ISREG(info.st_mode)) in->size = (int64_t)info.st_size;
    return EM_OK;
}

em_status em__input_open_source(em__input *in, const char *path, em__byte_source *source, void *context, int64_t size)
{
    *in = (em__input){.path = path, .fd = -1, .size = size, .begun = true, .source = source, .context = context};
    return new_buffer(&in->buffer);
}

void em__input_close(em__input *in)
{
    if (!in->buffer) return;
    if (in->fd >= 0) close(in->fd);
    em__gzip_free(in->gzip);
    in->gzip = NULL;
    free_buffer(&in->buffer);
}

/* Straight from the system, until `most` bytes are there or the file ends. */
static em_status read_raw(em__input *in, unsigned char *to, size_t most, size_t *got)
{
    *got = 0;
    if (in->source) return in->source(in->context, to, most, got);
    while (*got < most) {
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: reading was interrupted!", in->path);
        if (in->size < 0) EM_TRY(wait_for(in->fd, POLLIN, in->path, "reading"));
        const ssize_t n = read(in->fd, to + *got, most - *got);
        if (n == 0) break;
        if (n > 0)
            *got += (size_t)n;
        else if (errno != EINTR && errno != EAGAIN)
            return em__fail_io(in->path);
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
        {"BZh", 3, "bzip2", "bunzip2 -k"}, {"\xFD" "7zXZ", 6, "xz", "unxz -k"},
        {"\x28\xB5\x2F\xFD", 4, "zstd", "unzstd"}, {"PK\x03\x04", 4, "zip", "unzip"},
    };
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        if (n >= packed[i].n && !memcmp(first, packed[i].bytes, packed[i].n)) {
            if (packed[i].bytes[0] == 'B' && (n < 10 || memcmp(first + 4, "1AY&SY", 6))) continue;
            return em__fail(EM_EFORMAT, "%s: is %s-compressed; unpack it first (%s %s)", path, packed[i].name,
                            packed[i].unpack, path);
        }
    return EM_OK;
}

static em_status read_packed(void *context, unsigned char *to, size_t most, size_t *got)
{
    return read_raw(context, to, most, got);
}

static em_status read_fully(em__input *in, unsigned char *to, size_t most, size_t *got)
{
    return in->gzip ? em__gzip_read(in->gzip, to, most, got) : read_raw(in, to, most, got);
}

/* The first bytes become the buffer's, unpacked if gzip has packed them. */
static em_status read_first(em__input *in)
{
    in->begun = true;
    EM_TRY(read_raw(in, in->buffer, BUFFER, &in->end));
    if (!em__gzip_begins(in->buffer, in->end)) return EM_OK;
    const size_t n = in->end;
    in->end = 0;
    in->size = -1;
    EM_TRY(em__gzip_new(&in->gzip, in->path, read_packed, in, in->buffer, n));
    return em__gzip_read(in->gzip, in->buffer, BUFFER, &in->end);
}

static em_status begin(em__input *in)
{
    EM_TRY(read_first(in));
    return in->gzip ? EM_OK : refuse_packed(in->path, in->buffer, in->end);
}

em_status em__input_open(em__input *in, const char *path)
{
    EM_TRY(em__input_open_raw(in, path));
    in->begun = false;
    if (in->size < 0) return EM_OK;             /* a pipe may have nothing to read yet */
    const em_status s = begin(in);
    if (s) em__input_close(in);
    return s;
}

em_status em__input_fill(em__input *in)
{
    if (in->at < in->end) return EM_OK;
    if (!in->begun) return begin(in);
    in->offset += (int64_t)in->end;
    in->at = in->end = 0;
    return read_fully(in, in->buffer, BUFFER, &in->end);
}

em_status em__input_read(em__input *in, void *to, size_t most, size_t *got)
{
    if (!in->begun) EM_TRY(begin(in));
    const size_t ready = in->end - in->at < most ? in->end - in->at : most;
    if (ready) memcpy(to, in->buffer + in->at, ready);
    in->at += ready;
    size_t rest = 0;
    if (ready < most) {
        EM_TRY(read_fully(in, (unsigned char *)to + ready, most - ready, &rest));
        in->offset += (int64_t)rest;
    }
    *got = ready + rest;
    return EM_OK;
}

em_status em__input_seek(em__input *in, int64_t offset)
{
    if (lseek(in->fd, (off_t)offset, SEEK_SET) < 0) return em__fail_io(in->path);
    in->offset = offset;
    in->at = in->end = 0;
    return EM_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static void free_temporary(em__output *out)
{
    em__free(out->temporary, out->temporary_bytes);
    out->temporary = NULL;
}

/* The path that `path` leads to through links, in `target`: the end of the links need not exist. */
static em_status follow_links(const char *path, char target[PATH_MAX])
{
    enum { MOST = 40 };
    const size_t length = strlen(path);
    errno = ENAMETOOLONG;
    if (length >= PATH_MAX) return em__fail_io(path);
    memcpy(target, path, length + 1);
    for (int links = 0;; links++) {
        char to[PATH_MAX];
        const ssize_t n = readlink(target, to, sizeof to - 1);
        if (n < 0) return EM_OK;                        /* no link; other faults show when it is opened */
        errno = ELOOP;
        if (links == MOST) return em__fail_io(path);
        to[n] = 0;
        char *slash = strrchr(target, '/');
        char *from = to[0] == '/' || !slash ? target : slash + 1;
        errno = ENAMETOOLONG;
        if ((size_t)(from - target) + (size_t)n >= PATH_MAX) return em__fail_io(path);
        memcpy(from, to, (size_t)n + 1);
    }
}

/* A new file beside the old one, with the old one's mode. Its name is the old one's, cut where it is long, and more. */
static em_status open_temporary(em__output *out, const struct stat *old)
{
    enum { LONGEST = 200 };
    const size_t bytes = strlen(out->target) + 48;
    out->temporary = em__alloc(bytes);
    if (!out->temporary) return em__fail_memory("a file's name", bytes);
    out->temporary_bytes = bytes;
    const char *slash = strrchr(out->target, '/'), *name = slash ? slash + 1 : out->target;
    const size_t length = strlen(name) < LONGEST ? strlen(name) : LONGEST;
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(out->temporary, bytes, "%.*s.%ld-%d.tmp", (int)((size_t)(name - out->target) + length), out->target,
                 (long)getpid(), attempt);
        out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (out->fd >= 0 || errno != EEXIST) break;
    }
    if (out->fd < 0) {
        const em_status s = em__fail_io(out->path);
        free_temporary(out);                /* not ours to unlink */
        return s;
    }
    if (old && fchmod(out->fd, old->st_mode & 07777)) return em__fail_io(out->path);
    return EM_OK;
}

/* A device or a pipe is written to as it is. A pipe without a reader is waited for. */
static em_status open_device(em__output *out)
{
    while ((out->fd = open(out->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK)) < 0) {
        if (errno != ENXIO && errno != EINTR) return em__fail_io(out->path);
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: opening was interrupted!", out->path);
        poll(NULL, 0, 20);
    }
    out->waits = true;
    return EM_OK;
}

static em_status open_output(em__output *out)
{
    struct stat old;
    EM_TRY(new_buffer(&out->buffer));
    out->target = em__alloc(PATH_MAX);
    if (!out->target) return em__fail_memory("a file's name", PATH_MAX);
    EM_TRY(follow_links(out->path, out->target));
    const bool exists = stat(out->target, &old) == 0;
    errno = EISDIR;
    if (exists && S_ISDIR(old.st_mode)) return em__fail_io(out->path);
    if (!exists || S_ISREG(old.st_mode)) return open_temporary(out, exists ? &old : NULL);
    return open_device(out);
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
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: writing was interrupted!", out->path);
        if (out->waits) EM_TRY(wait_for(out->fd, POLLOUT, out->path, "writing"));
        const ssize_t k = write(out->fd, from, n);
        if (k >= 0) {
            from += k;
            n -= (size_t)k;
        } else if (errno != EINTR && errno != EAGAIN) {
            return em__fail_io(out->path);
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

/* ---- what has to be copied first ------------------------------------------------------------------------- */

static em_status open_nameless(int *fd, const char *folder)
{
    char name[PATH_MAX];
    errno = ENAMETOOLONG;
    if (snprintf(name, sizeof name, "%s/embla-XXXXXX", folder) >= (int)sizeof name) return em__fail_io(folder);
    *fd = mkstemp(name);
    return *fd < 0 || unlink(name) || fcntl(*fd, F_SETFD, FD_CLOEXEC) ? em__fail_io(folder) : EM_OK;
}

/* The input goes on with the copy, from its beginning. */
static em_status copy_rest(em__input *in)
{
    const char *set = getenv("TMPDIR"), *folder = set && *set ? set : "/tmp";
    em__output copy = {.path = folder, .fd = -1};
    em_status s = open_nameless(&copy.fd, folder);
    int64_t size = 0;
    while (!s && in->at < in->end) {
        s = write_fully(&copy, in->buffer + in->at, in->end - in->at);
        size += (int64_t)(in->end - in->at);
        in->at = in->end;
        if (!s) s = em__input_fill(in);
    }
    if (s) {
        if (copy.fd >= 0) close(copy.fd);
        return s;
    }
    close(in->fd);
    em__gzip_free(in->gzip);
    in->gzip = NULL;
    in->fd = copy.fd;
    in->size = size;
    return em__input_seek(in, 0);
}

em_status em__input_open_seekable(em__input *in, const char *path)
{
    struct stat info;
    EM_TRY(em__input_open_raw(in, path));
    em_status s = fstat(in->fd, &info) ? em__fail_io(path) : EM_OK;
    if (!s && in->size < 0 && !S_ISFIFO(info.st_mode) && !S_ISDIR(info.st_mode))
        s = em__fail(EM_EIO, "%s: must be a regular file or a pipe, not a device", path);
    if (!s) s = read_first(in);
    if (!s && in->size < 0) s = copy_rest(in);
    if (s) em__input_close(in);
    return s;
}

/* ---- what is written becomes the file -------------------------------------------------------------------- */

/* The folder's entry must reach the disk too, or a power cut could bring the old name back. Some file systems cannot
 * do it for a folder (EINVAL); then there is nothing to wait for. */
static em_status sync_folder(em__output *out)
{
    char *slash = strrchr(out->temporary, '/');
    if (slash) slash[slash == out->temporary] = 0;
    const int fd = open(slash ? out->temporary : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return EM_OK;               /* a folder may be writable but not readable */
    const em_status s = fsync(fd) && errno != EINVAL ? em__fail_io(out->path) : EM_OK;
    close(fd);
    return s;
}

static em_status commit(em__output *out)
{
    EM_TRY(flush(out));
    if (out->temporary && fsync(out->fd)) return em__fail_io(out->path);
    const int fd = out->fd;
    out->fd = -1;
    if (close(fd)) return em__fail_io(out->path);
    if (!out->temporary) return EM_OK;
    if (rename(out->temporary, out->target)) return em__fail_io(out->path);
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
    if (out->target) em__free(out->target, PATH_MAX);
    out->target = NULL;
    free_buffer(&out->buffer);
}

/* ---- appending ----------------------------------------------------------------------------------------- */

struct em_appender {
    char *path;
    size_t path_bytes;
    int fd;
    bool regular;               /* not a device */
};

static em_status fail_kind(const char *path)
{
    return em__fail(EM_EIO, "%s: it is no file that can be appended to", path);
}

static em_status open_appender(em_appender *a)
{
    struct stat info;
    /* Without waiting: for the reader of a pipe, which is then refused. */
    a->fd = open(a->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (a->fd < 0) return errno == ENXIO ? fail_kind(a->path) : em__fail_io(a->path);
    if (fstat(a->fd, &info)) return em__fail_io(a->path);
    a->regular = S_ISREG(info.st_mode);
    return a->regular || S_ISCHR(info.st_mode) ? EM_OK : fail_kind(a->path);
}

em_status em_appender_open(em_appender **out, const char *path)
{
    *out = NULL;
    em_appender *a = em__alloc_zeroed(sizeof *a);
    if (!a) return em__fail_memory("a file to append to", sizeof *a);
    a->fd = -1;
    a->path_bytes = strlen(path) + 1;
    a->path = em__alloc(a->path_bytes);
    em_status s = a->path ? EM_OK : em__fail_memory("a file's name", a->path_bytes);
    if (!s) {
        memcpy(a->path, path, a->path_bytes);
        s = open_appender(a);
    }
    if (s)
        em_appender_release(a);
    else
        *out = a;
    return s;
}

em_status em_appender_size(const em_appender *a, int64_t *size)
{
    struct stat info;
    if (fstat(a->fd, &info)) return em__fail_io(a->path);
    *size = a->regular ? (int64_t)info.st_size : 0;
    return EM_OK;
}

em_status em_appender_cut(em_appender *a, int64_t size)
{
    return a->regular && ftruncate(a->fd, (off_t)size) ? em__fail_io(a->path) : EM_OK;
}

/* Takes back the first bytes of a write that has failed, if they are still the last of the file. The reason of the
 * failure stays what it was. */
static void take_back(em_appender *a, size_t written)
{
    const int reason = errno;
    const off_t end = lseek(a->fd, 0, SEEK_CUR);        /* of what this file descriptor wrote last */
    struct stat info;
    if (a->regular && written && !fstat(a->fd, &info) && info.st_size == end) {
        const int cut = ftruncate(a->fd, end - (off_t)written);
        (void)cut;                                      /* there is nobody else to tell */
    }
    errno = reason;
}

em_status em_appender_write(em_appender *a, const void *bytes, size_t n)
{
    const unsigned char *from = bytes;
    for (size_t done = 0; done < n;) {
        const ssize_t k = write(a->fd, from + done, n - done);
        if (k >= 0) {
            done += (size_t)k;
        } else if (errno == EAGAIN) {                   /* a terminal that is held */
            EM_TRY(wait_for(a->fd, POLLOUT, a->path, "writing"));
        } else if (errno != EINTR) {
            take_back(a, done);
            return em__fail_io(a->path);
        }
    }
    return EM_OK;
}

em_status em_appender_sync(em_appender *a)
{
    return fsync(a->fd) && (a->regular || errno != EINVAL) ? em__fail_io(a->path) : EM_OK;
}

em_status em_appender_close(em_appender *a)
{
    const int fd = a->fd;
    a->fd = -1;
    return fd >= 0 && close(fd) ? em__fail_io(a->path) : EM_OK;
}

void em_appender_release(em_appender *a)
{
    if (!a) return;
    if (a->fd >= 0) close(a->fd);
    if (a->path) em__free(a->path, a->path_bytes);
    em__free(a, sizeof *a);
}

/* ---- in one piece -------------------------------------------------------------------------------------- */

struct em_bytes {
    EM_ARRAY(char) all;
};

static em_status read_all(em_bytes *b, em__input *in)
{
    if (in->size > 0) EM_TRY(EM_ARRAY_RESERVE(&b->all, in->size, in->path));
    for (;;) {
        EM_TRY(em__input_fill(in));
        const size_t n = in->end - in->at;
        if (!n) return EM_OK;
        EM_TRY(EM_ARRAY_RESERVE(&b->all, (int64_t)n, in->path));
        memcpy(b->all.at + b->all.n, in->buffer + in->at, n);
        b->all.n += (int64_t)n;
        in->at = in->end;
    }
}

em_status em_bytes_read(em_bytes **out, const char *path)
{
    *out = NULL;
    em_bytes *b = em__alloc_zeroed(sizeof *b);
    if (!b) return em__fail_memory("a file in one piece", sizeof *b);
    em__input in;
    em_status s = em__input_open(&in, path);
    if (!s) s = read_all(b, &in);
    em__input_close(&in);
    if (s)
        em_bytes_release(b);
    else
        *out = b;
    return s;
}

const char *em_bytes_data(const em_bytes *b) { return b->all.at; }
size_t em_bytes_size(const em_bytes *b) { return (size_t)b->all.n; }

void em_bytes_release(em_bytes *b)
{
    if (!b) return;
    EM_ARRAY_FREE(&b->all);
    em__free(b, sizeof *b);
}

em_status em_bytes_write(const char *path, const void *bytes, size_t n)
{
    em__output out;
    EM_TRY(em__output_open(&out, path));
    const em_status s = em__output_write(&out, bytes, n);
    if (!s) return em__output_commit(&out);
    em__output_discard(&out);
    return s;
}

/* ---- folders ------------------------------------------------------------------------------------------- */

/* A folder that is there is fine, whatever the system says: some file systems say first that none may be made. */
static em_status make_one(const char *path)
{
    struct stat info;
    if (!mkdir(path, 0777)) return EM_OK;
    const int reason = errno;
    if (!stat(path, &info)) {
        if (S_ISDIR(info.st_mode)) return EM_OK;
        errno = ENOTDIR;
    } else {
        errno = reason;
    }
    return em__fail_io(path);
}

em_status em_make_folder(const char *path)
{
    char part[PATH_MAX];
    const size_t length = strlen(path);
    errno = ENAMETOOLONG;
    if (length >= sizeof part) return em__fail_io(path);
    memcpy(part, path, length + 1);
    for (char *slash = part; *slash && (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        EM_TRY(make_one(part));
        *slash = '/';
    }
    return make_one(part);
}

em_status em_remove_file(const char *path) { return unlink(path) && errno != ENOENT ? em__fail_io(path) : EM_OK; }
