/* Files read at any place, and mapped ones. */
#include "base/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

em_status em__source_open(em__source *s, const char *path)
{
    *s = (em__source){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat info;
    if (s->fd < 0) return em__fail_io(path);
    em_status status = fstat(s->fd, &info) ? em__fail_io(path) : EM_OK;
    if (!status && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        status = em__fail_io(path);
    } else if (!status && !S_ISREG(info.st_mode)) {
        status = em__fail(EM_EIO, "%s: expected a regular file, not a pipe or a device", path);
    }
    if (status)
        em__source_close(s);
    else
        s->size = (int64_t)info.st_size;
    return status;
}

void em__source_close(em__source *s)
{
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

em_status em__source_unpack(em__source *s)
{
    em__input in;
    EM_TRY(em__input_open_seekable(&in, s->path));
    em__source_close(s);
    s->fd = in.fd;
    s->size = in.size;
    in.fd = -1;
    em__input_close(&in);
    return EM_OK;
}

enum { FAULT_END = -1, FAULT_STOP = -2 };

int em__source_read_at(const em__source *s, void *to, size_t n, int64_t at)
{
    while (n) {
        if (em_interrupted()) return FAULT_STOP;
        const ssize_t got = pread(s->fd, to, n, (off_t)at);
        if (got == 0) return FAULT_END;
        if (got < 0 && errno != EINTR) return errno;
        if (got < 0) continue;
        to = (char *)to + got;
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

em_status em__source_check(const em__source *s, int fault)
{
    if (!fault) return EM_OK;
    if (fault == FAULT_STOP) return em__fail(EM_EINTERRUPT, "%s: reading was interrupted!", s->path);
    if (fault == FAULT_END) return em__fail(EM_EIO, "%s: the file has become shorter while it was read", s->path);
    errno = fault;
    return em__fail_io(s->path);
}

/* ---- mapping --------------------------------------------------------------------------------------------- */

struct em__mapping {
    int64_t refs;
    char *at;
    size_t bytes;
};

em_status em__mapping_new(em__mapping **out, const em__source *s)
{
    em__mapping *m = *out = em__alloc(sizeof *m);
    if (!m) return em__fail_memory("a mapped file", sizeof *m);
    *m = (em__mapping){.refs = 1, .bytes = (size_t)s->size};
    void *at = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, s->fd, 0);
    if (at == MAP_FAILED) {
        const em_status status = em__fail_io(s->path);
        em__free(m, sizeof *m);
        *out = NULL;
        return status;
    }
    m->at = at;
    return EM_OK;
}

const char *em__mapping_at(const em__mapping *m, int64_t at) { return m->at + at; }

static void give_back(void *context) { em__mapping_release(context); }

em_foreign em__mapping_lend(em__mapping *m, int64_t at, size_t bytes)
{
    m->refs++;
    return (em_foreign){m->at + at, bytes, give_back, m};
}

void em__mapping_release(em__mapping *m)
{
    if (!m || --m->refs) return;
    munmap(m->at, m->bytes);
    em__free(m, sizeof *m);
}
