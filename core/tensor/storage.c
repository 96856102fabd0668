/* Storages: of the core's own memory or of somebody else's, with filled rows and pending updates. */
#include "tensor/storage.h"

#include <string.h>

#include "base/memory.h"
#if EM_SANITIZED
#include <sanitizer/asan_interface.h>
#endif
#include "parallel/parallel.h"
#include "tensor/sparse/row_sparse.h"

_Static_assert(sizeof(em_storage) == 64, "data begins on a cache line");

/* Rows outside which all was 0 when the storage had this version. */
struct em_filled {
    em_groups *groups;
    int64_t version;            /* -1: it may have been written since */
    size_t row_bytes;
};

/* ---- memory of one's own ------------------------------------------------------------------------------- */

/* Data lies behind the header. A sanitizer is told of a gap before it, so that it sees who reads in front of a
 * tensor. */
enum { GAP = EM_SANITIZED ? 64 : 0 };
static size_t block_bytes(size_t bytes) { return sizeof(em_storage) + GAP + bytes; }

static void guard(em_storage *s)
{
#if EM_SANITIZED
    __asan_poison_memory_region(s + 1, GAP);
#else
    (void)s;
#endif
}

static void unguard(em_storage *s)
{
#if EM_SANITIZED
    __asan_unpoison_memory_region(s + 1, GAP);
#else
    (void)s;
#endif
}

static bool is_known(const em_storage *s) { return s->filled && s->filled->version == s->version; }

static void forget_filled(em_storage *s)
{
    if (!s->filled) return;
    em__groups_free(s->filled->groups);
    em__free(s->filled, sizeof *s->filled);
}

/* Makes zeros of a storage whose filled rows are known, if they are few: else that is left to whoever wants zeros. */
static bool clear(em_storage *s)
{
    if (!is_known(s)) return false;
    const em_groups *g = s->filled->groups;
    const size_t row = s->filled->row_bytes;
    if (2 * (size_t)g->n * row > s->bytes) return false;
    EM_PARALLEL_EACH(i, g->n, (double)row / 8) memset(s->data + (size_t)g->ids[i] * row, 0, row);
    return true;
}

static void release_block(em_storage *s)
{
    const size_t bytes = block_bytes(s->bytes);
    const bool zeros = clear(s);
    unguard(s);
    forget_filled(s);
    if (zeros) {
        memset(s, 0, sizeof *s);
        em__free_zeros(s, bytes);
    } else {
        em__free(s, bytes);
    }
}

em_status em__storage_new(em_storage **out, size_t bytes, bool zeroed)
{
    em_storage *s = *out = zeroed ? em__alloc_zeroed(block_bytes(bytes)) : em__alloc(block_bytes(bytes));
    if (!s) return em__fail_memory("a tensor's elements", bytes);
    *s = (em_storage){.refs = 1, .data = (char *)(s + 1) + GAP, .bytes = bytes, .release = release_block};
    guard(s);
    return EM_OK;
}

void em__storage_dispose(em_storage *s)
{
    if (s->pending) s->pending->release(s->pending);
    s->release(s);
}

/* ---- memory of others ---------------------------------------------------------------------------------- */

typedef struct foreign {
    em_storage base;
    em_foreign memory;
} foreign;

static void give_back(const em_foreign *memory)
{
    if (memory->release) memory->release(memory->context);
}

static void release_foreign(em_storage *s)
{
    foreign *f = (foreign *)(void *)s;
    give_back(&f->memory);
    forget_filled(s);
    em__free(f, sizeof *f);
}

em_status em__storage_foreign(em_storage **out, const em_foreign *memory)
{
    foreign *f = em__alloc(sizeof *f);
    *out = NULL;
    if (!f) {
        give_back(memory);
        return em__fail_memory("a tensor", sizeof *f);
    }
    f->base = (em_storage){.refs = 1, .data = memory->data, .bytes = memory->bytes, .release = release_foreign};
    f->memory = *memory;
    *out = &f->base;
    return EM_OK;
}

/* ---- rows that are filled ------------------------------------------------------------------------------ */

em_status em__storage_set_filled(em_storage *s, em_groups *g, int64_t rows)
{
    em_filled *f = em__alloc(sizeof *f);
    if (!f) {
        em__groups_free(g);
        return em__fail_memory("filled rows", sizeof *f);
    }
    forget_filled(s);
    *f = (em_filled){.groups = g, .version = s->version, .row_bytes = rows ? s->bytes / (size_t)rows : 0};
    s->filled = f;
    return EM_OK;
}

void em__storage_exposed(em_storage *s)
{
    if (s->filled) s->filled->version = -1;
}

const em_groups *em__storage_filled(const em_storage *s, int64_t rows)
{
    return is_known(s) && (size_t)rows * s->filled->row_bytes == s->bytes ? s->filled->groups : NULL;
}

/* ---- pending updates ----------------------------------------------------------------------------------- */

void em__storage_apply_pending(em_storage *s)
{
    em_pending *p = s->pending;
    p->apply(p, NULL, 0);
    if (em__stop) return;       /* an interrupted loop has left some out */
    s->pending = NULL;
    p->release(p);
}
