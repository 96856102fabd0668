/* Unpacking gzip on the way, by zlib. */
#include "base/gzip.h"

#include <limits.h>
#include <string.h>

#include <zlib.h>

#include "base/memory.h"

enum { PACKED = 1 << 16 };

struct em__gzip {
    z_stream z;
    const char *path;
    em__byte_source *source;
    void *context;
    int64_t taken;              /* packed bytes that were given to zlib */
    bool between;               /* a member has ended, and no other has begun */
    unsigned char packed[PACKED];
};

static void *allocate(void *unused, unsigned n, unsigned size)
{
    (void)unused;
    return em__alloc_sized((size_t)n * size);
}

static void release(void *unused, void *block)
{
    (void)unused;
    em__free_sized(block);
}

bool em__gzip_begins(const unsigned char *first, size_t n) { return n >= 2 && first[0] == 0x1F && first[1] == 0x8B; }

em_status em__gzip_new(em__gzip **out, const char *path, em__byte_source *source, void *context,
                       const unsigned char *first, size_t n)
{
    em__gzip *g = *out = em__alloc_zeroed(sizeof *g);
    if (!g) return em__fail_memory("unpacking a file", sizeof *g);
    *g = (em__gzip){.path = path, .source = source, .context = context, .z = {.zalloc = allocate, .zfree = release}};
    enum { GZIP = 16 };         /* added to the size of the window: no other format */
    if (inflateInit2(&g->z, GZIP + MAX_WBITS) != Z_OK) {
        em__free(g, sizeof *g);
        *out = NULL;
        return em__fail_memory("unpacking a file", 0);
    }
    memcpy(g->packed, first, n);
    g->z.next_in = g->packed;
    g->z.avail_in = (unsigned)n;
    g->taken = (int64_t)n;
    return EM_OK;
}

void em__gzip_free(em__gzip *g)
{
    if (!g) return;
    inflateEnd(&g->z);
    em__free(g, sizeof *g);
}

static em_status fail(const em__gzip *g, const char *what)
{
    return em__fail(EM_EFORMAT, "%s: byte %lld of the packed file: %s", g->path,
                    (long long)(g->taken - (int64_t)g->z.avail_in), what);
}

/* More packed bytes, if none are left. */
static em_status refill(em__gzip *g)
{
    if (g->z.avail_in) return EM_OK;
    size_t got;
    EM_TRY(g->source(g->context, g->packed, PACKED, &got));
    g->taken += (int64_t)got;
    g->z.next_in = g->packed;
    g->z.avail_in = (unsigned)got;
    return EM_OK;
}

/* After a member: another one begins, or zeros fill the file up, or it ends. */
static em_status next_member(em__gzip *g, bool *ended)
{
    *ended = false;
    EM_TRY(refill(g));
    if (g->z.avail_in && *g->z.next_in) {
        g->between = false;
        return inflateReset(&g->z) == Z_OK ? EM_OK : fail(g, "zlib fails");
    }
    while (g->z.avail_in) {
        for (; g->z.avail_in && !*g->z.next_in; g->z.next_in++) g->z.avail_in--;
        if (g->z.avail_in) return fail(g, "something that is not gzip follows");
        EM_TRY(refill(g));
    }
    *ended = true;
    return EM_OK;
}

static em_status unpack(em__gzip *g)
{
    EM_TRY(refill(g));
    if (!g->z.avail_in) return fail(g, "the file ends in the middle of what gzip has packed");
    switch (inflate(&g->z, Z_NO_FLUSH)) {
    case Z_OK:
    case Z_BUF_ERROR: return EM_OK;
    case Z_STREAM_END: g->between = true; return EM_OK;
    case Z_MEM_ERROR: return em__fail_memory("unpacking a file", 0);
    default: return fail(g, g->z.msg ? g->z.msg : "what gzip has packed is damaged");
    }
}

em_status em__gzip_read(em__gzip *g, unsigned char *to, size_t most, size_t *got)
{
    bool ended = false;
    for (*got = 0; *got < most && !ended;) {
        const size_t room = most - *got < UINT_MAX ? most - *got : UINT_MAX;
        g->z.next_out = to + *got;
        g->z.avail_out = (unsigned)room;
        EM_TRY(g->between ? next_member(g, &ended) : unpack(g));
        *got += room - g->z.avail_out;
    }
    return EM_OK;
}
