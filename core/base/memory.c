/* The allocator: slabs for small blocks, lists of freed ones, counts, and failures on demand. */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks come in classes of 4, 5, 6 and 7 times a power of two, so a block wastes at most a fifth. Freed blocks
 * wait in a list per class: memory fresh from the system costs a page fault for each 4 KiB, more than most kernels
 * take to fill it. */
enum {
    SMALLEST = 64,              /* bytes, and the alignment of every block */
    CLASSES = 4 * 60,           /* enough for any size_t */
    SMALL = 1024,               /* blocks up to here are cut from slabs */
    SLAB = 256 << 10,           /* bytes, and the alignment of every slab */
    MAPPED = 1 << 20,           /* blocks from here on are mapped, not malloc'ed: freeing them returns them */
    HUGE_PAGE = 2 << 20,
    MAY_WAIT = 192 << 20,       /* bytes of freed blocks that are kept in any case */
};

/* A sanitizer sees a block's bounds and leaks only if it comes from malloc, as long as it was asked for, and goes back
 * there. It counts as what it would take otherwise. */
#define CACHES !EM_SANITIZED

#if EM_SANITIZED
/* Too much memory asked for is a failed allocation, as without it, and no end of the program; too much is what a test's
 * machine may not have. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1:max_allocation_size_mb=4096"; }
#endif

typedef struct block {
    struct block *next;
    size_t zeros;               /* so many bytes from the block's start are known to be 0, but for this header */
} block;

static block *cached[CLASSES];
static int64_t used_at[CLASSES], mapped_calls;      /* when each class was last asked for, counted in mapped blocks */
static size_t used_bytes, cached_bytes, peak_bytes;
static int64_t used_blocks;
static int64_t fail_after = -1, fail_sticky;
static bool fail_plausibly, on_demand;      /* on_demand: the last failure was asked for, and no real one */

/* Bytes that may wait. As much as is in use, so that the gradient of a large table finds its memory again, and more. */
static size_t cache_limit(void) { return used_bytes + MAY_WAIT; }

static size_t class_of(size_t bytes, int *class)
{
    size_t units = bytes <= SMALLEST ? 1 : (bytes + SMALLEST - 1) / SMALLEST;
    if (units <= 4) {
        *class = (int)units - 1;
        return units * SMALLEST;
    }
    const int shift = 61 - __builtin_clzll(units - 1);
    const size_t step = (units + ((size_t)1 << shift) - 1) >> shift;        /* 5 .. 8 */
    *class = 4 * shift + (int)step - 1;
    return (step << shift) * SMALLEST;
}

static bool fails_now(void)
{
    if (fail_after < 0) return false;
    if (fail_after > 0) {
        fail_after--;
        return false;
    }
    if (!fail_sticky) fail_after = -1;
    on_demand = true;
    return true;
}

/* ---- slabs --------------------------------------------------------------------------------------------- */

/* A slab begins with this, in a block's room. The slab of a small block is found by its address. */
typedef struct slab {
    struct slab *next, *before;
    size_t cut, free;           /* bytes cut into blocks; bytes of those that wait, counted by trim_slabs alone */
} slab;

static slab *slabs;             /* the first is the one that is being cut */
static size_t small_bytes;      /* in small blocks that wait */
static size_t small_limit = MAY_WAIT;       /* so many may, before it is looked whether whole slabs are free */

static slab *slab_of(void *p) { return (slab *)((uintptr_t)p & ~(uintptr_t)(SLAB - 1)); }

/* Mapped twice as large and cut to its place, unless it happens to lie well. */
static void *map_slab(void)
{
    enum { MODE = PROT_READ | PROT_WRITE, KIND = MAP_PRIVATE | MAP_ANONYMOUS };
    char *p = mmap(NULL, SLAB, MODE, KIND, -1, 0);
    if (p == MAP_FAILED) return NULL;
    if (slab_of(p) == (slab *)(void *)p) return p;
    munmap(p, SLAB);
    p = mmap(NULL, 2 * (size_t)SLAB, MODE, KIND, -1, 0);
    if (p == MAP_FAILED) return NULL;
    char *at = (char *)slab_of(p + SLAB - 1);
    if (at > p) munmap(p, (size_t)(at - p));
    munmap(at + SLAB, (size_t)(p + SLAB - at));
    return at;
}

static void *from_slab(size_t bytes)
{
    slab *s = slabs;
    if (!s || SLAB - s->cut < bytes + SMALLEST) {
        s = map_slab();
        if (!s) return NULL;
        *s = (slab){.next = slabs};
        if (slabs) slabs->before = s;
        slabs = s;
    }
    void *p = (char *)s + SMALLEST + s->cut;
    s->cut += bytes;
    return p;
}

static void release_slab(slab *s)
{
    if (s->next) s->next->before = s->before;
    *(s->before ? &s->before->next : &slabs) = s->next;
    munmap(s, SLAB);
}

static size_t size_of_class(int class);

/* Gives back the slabs all of whose blocks wait. */
static void trim_slabs(void)
{
    for (slab *s = slabs; s; s = s->next) s->free = 0;
    for (int c = 0; size_of_class(c) <= SMALL; c++)
        for (block *b = cached[c]; b; b = b->next) slab_of(b)->free += size_of_class(c);
    for (int c = 0; size_of_class(c) <= SMALL; c++) {
        block **at = &cached[c];
        while (*at) {
            const slab *s = slab_of(*at);
            if (s->free == s->cut) {
                *at = (*at)->next;
                small_bytes -= size_of_class(c);
            } else {
                at = &(*at)->next;
            }
        }
    }
    for (slab *s = slabs, *next; s; s = next) {
        next = s->next;
        if (s->free == s->cut) release_slab(s);
    }
    small_limit = 2 * small_bytes > MAY_WAIT ? 2 * small_bytes : MAY_WAIT;
}

/* ---- blocks -------------------------------------------------------------------------------------------- */

static void *exactly(size_t bytes)
{
    void *p;
    return posix_memalign(&p, SMALLEST, bytes ? bytes : 1) ? NULL : p;
}

static void *from_system(size_t bytes)
{
    if (bytes <= SMALL) return from_slab(bytes);
    if (bytes < MAPPED) return aligned_alloc(SMALLEST, bytes);
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= 2 * HUGE_PAGE) madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

static void to_system(void *p, size_t bytes)
{
    if (!CACHES || bytes < MAPPED)
        free(p);
    else
        munmap(p, bytes);
}

/* A block, and in `zeros` how many of its first bytes are known to be 0, as far as they lie behind a header. */
static block *allocate(size_t bytes, size_t *zeros)
{
    *zeros = 0;
    on_demand = false;
    if (bytes > PTRDIFF_MAX / 2 || fails_now()) return NULL;
    int class;
    const size_t size = class_of(bytes, &class);
    block *b = cached[class];
    if (size >= MAPPED) used_at[class] = ++mapped_calls;
    if (b) {
        cached[class] = b->next;
        *zeros = b->zeros;
        *(size > SMALL ? &cached_bytes : &small_bytes) -= size;
    } else {
        b = CACHES ? from_system(size) : exactly(bytes);
        if (!b && (cached_bytes || small_bytes)) {
            em_memory_trim();
            b = from_system(size);
        }
        if (!b) return NULL;
        if (CACHES && size >= MAPPED) *zeros = size;
    }
    used_bytes += size;
    used_blocks++;
    if (used_bytes > peak_bytes) peak_bytes = used_bytes;
    return b;
}

void *em__alloc(size_t bytes)
{
    size_t zeros;
    return allocate(bytes, &zeros);
}

void *em__alloc_zeroed(size_t bytes)
{
    size_t zeros;
    block *b = allocate(bytes, &zeros);
    if (!b) return NULL;
    if (CACHES) *b = (block){0};
    if (zeros < bytes) memset((char *)b + zeros, 0, bytes - zeros);
    return b;
}

static size_t size_of_class(int class)
{
    if (class < 4) return (size_t)(class + 1) * SMALLEST;
    /* class = 4 * shift + step - 1 with step in 5 .. 8 */
    const int shift = (class - 4) / 4, step = 5 + (class - 4) % 4;
    return ((size_t)step << shift) * SMALLEST;
}

/* Hands the first cached block of a class above SMALL back to the system. */
static void give_back(int class)
{
    block *b = cached[class];
    cached[class] = b->next;
    cached_bytes -= size_of_class(class);
    to_system(b, size_of_class(class));
}

/* Gives back mapped blocks of sizes that a script has ceased to use, so that those it uses now find room; and any where
 * more was in use before, so that too many wait now. */
static void trim_idle(size_t bytes)
{
    enum { IDLE = 256 };
    const size_t limit = cache_limit();
    for (int c = CLASSES - 1; c >= 0 && cached_bytes + bytes > limit; c--) {
        if (!cached[c] || size_of_class(c) < MAPPED) continue;
        const bool idle = mapped_calls - used_at[c] >= IDLE;
        while (cached[c] && (idle ? cached_bytes + bytes > limit : cached_bytes > limit)) give_back(c);
    }
}

/* `zeros`: as in a block. */
static void give(void *p, size_t bytes, size_t zeros)
{
    if (!p) return;
    int class;
    const size_t size = class_of(bytes, &class);
    used_bytes -= size;
    used_blocks--;
    if (CACHES && size >= MAPPED) trim_idle(size);
    if (!CACHES || (size > SMALL && cached_bytes + size > cache_limit())) {
        to_system(p, size);
        return;
    }
    block *b = p;
    b->next = cached[class];
    b->zeros = zeros;
    cached[class] = b;
    if (size > SMALL)
        cached_bytes += size;
    else if ((small_bytes += size) > small_limit)
        trim_slabs();
}

void em__free(void *p, size_t bytes) { give(p, bytes, 0); }
void em__free_zeros(void *p, size_t bytes) { give(p, bytes, bytes); }

enum { SIZED = 16 };            /* bytes in front of a block, which hold its size */

void *em__alloc_sized(size_t bytes)
{
    size_t *p = bytes <= SIZE_MAX - SIZED ? em__alloc(bytes + SIZED) : NULL;
    if (!p) return NULL;
    *p = bytes + SIZED;
    return (char *)p + SIZED;
}

void em__free_sized(void *p)
{
    if (!p) return;
    size_t *whole = (size_t *)(void *)((char *)p - SIZED);
    em__free(whole, *whole);
}

void em_memory_trim(void)
{
    for (int c = 0; c < CLASSES; c++)
        while (cached[c] && size_of_class(c) > SMALL) give_back(c);
    if (CACHES) trim_slabs();
}

/* ---- collecting ---------------------------------------------------------------------------------------- */

static em_collector collector;

em_collector em_memory_set_collector(em_collector now)
{
    const em_collector before = collector;
    collector = now;
    return before;
}

bool em_memory_reclaim(void)
{
    if (!collector.collect || (on_demand && !fail_plausibly) || !collector.collect(collector.context)) return false;
    em_memory_trim();
    return true;
}

/* ---- counts -------------------------------------------------------------------------------------------- */

int64_t em_memory_used(void) { return (int64_t)used_bytes; }
int64_t em_memory_blocks(void) { return used_blocks; }
int64_t em_memory_cached(void) { return (int64_t)cached_bytes; }
int64_t em_memory_peak(void) { return (int64_t)peak_bytes; }

void em_memory_fail_after(int64_t count, bool sticky)
{
    fail_after = count;
    fail_sticky = sticky;
}

void em_memory_fail_plausibly(bool on) { fail_plausibly = on; }
