/* Grouping ids: a stable least-significant-digit radix sort of (id, entry) pairs. Each pass is cut into chunks fixed by
 * the number of entries; chunks count their digits in parallel, the counts are laid end to end in order of digit, then
 * chunk, and each chunk writes to its own places: the same order for any number of threads. */
#include <string.h>

#include "base/memory.h"
#include "parallel/parallel.h"
#include "tensor/rows.h"

enum { BITS = 11, DIGITS = 1 << BITS, MOST_CHUNKS = 64, CHUNK = 1 << 14, INSERT = 48 };

typedef struct pair {
    int64_t id, entry;
} pair;

typedef struct small_pair {         /* for fewer than 2^32 rows and entries: half the memory to move */
    uint32_t id, entry;
} small_pair;

#define CHUNKS_OF(n) em__max(1, em__min(MOST_CHUNKS, ((n) + CHUNK - 1) / CHUNK))

/* Runs one pass over chunks of from[], in parallel where there are several. */
#define PASSES(type) \
    static void count_##type(const type *from, int64_t lo, int64_t hi, int shift, uint32_t mask, uint32_t *count) \
    { \
        memset(count, 0, (mask + 1) * sizeof *count); \
        for (int64_t i = lo; i < hi; i++) count[(uint64_t)from[i].id >> shift & mask]++; \
    } \
    static void place_##type(type *to, const type *from, int64_t lo, int64_t hi, int shift, uint32_t mask, \
                             uint32_t *at) \
    { \
        for (int64_t i = lo; i < hi; i++) to[at[(uint64_t)from[i].id >> shift & mask]++] = from[i]; \
    } \
    static type *insert_##type(type *a, int64_t n) \
    { \
        for (int64_t i = 1; i < n; i++) { \
            const type moved = a[i]; \
            int64_t j = i; \
            for (; j > 0 && a[j - 1].id > moved.id; j--) a[j] = a[j - 1]; \
            a[j] = moved; \
        } \
        return a; \
    } \
    static type *sort_##type(type *a, type *b, int64_t n, int bits, uint32_t *count) \
    { \
        if (n <= INSERT) return insert_##type(a, n); \
        const int64_t chunks = CHUNKS_OF(n), each = (n + chunks - 1) / chunks; \
        const int passes = (bits + BITS - 1) / BITS, digit = passes ? (bits + passes - 1) / passes : 0; \
        const uint32_t mask = (1u << digit) - 1; \
        for (int shift = 0; shift < bits; shift += digit) { \
            EM_PARALLEL_EACH(c, chunks, 4.0 * (double)each) \
                count_##type(a, c * each, em__min(n, (c + 1) * each), shift, mask, count + c * DIGITS); \
            uint32_t total = 0; \
            for (uint32_t d = 0; d <= mask; d++) \
                for (int64_t c = 0; c < chunks; c++) { \
                    const uint32_t here = count[c * DIGITS + d]; \
                    count[c * DIGITS + d] = total; \
                    total += here; \
                } \
            EM_PARALLEL_EACH(c, chunks, 4.0 * (double)each) \
                place_##type(b, a, c * each, em__min(n, (c + 1) * each), shift, mask, count + c * DIGITS); \
            type *swap = a; \
            a = b; \
            b = swap; \
        } \
        return a; \
    } \
    static void fill_##type(type *to, const int64_t *const *ids, const int64_t *counts, int lists) \
    { \
        int64_t e = 0; \
        for (int l = 0; l < lists; l++) \
            for (int64_t i = 0; i < counts[l]; i++, e++) { \
                to[e].id = (__typeof__(to[e].id))ids[l][i]; \
                to[e].entry = (__typeof__(to[e].entry))e; \
            } \
    } \
    static int64_t unique_##type(const type *sorted, int64_t n) \
    { \
        int64_t u = 0; \
        for (int64_t i = 0; i < n; i++) u += i == 0 || sorted[i].id != sorted[i - 1].id; \
        return u; \
    } \
    static void write_##type(em_groups *g, const type *sorted) \
    { \
        int64_t u = 0; \
        for (int64_t i = 0; i < g->entries; i++) { \
            if (i == 0 || sorted[i].id != sorted[i - 1].id) { \
                g->ids[u] = (int64_t)sorted[i].id; \
                g->start[u++] = i; \
            } \
            g->order[i] = (int64_t)sorted[i].entry; \
        } \
        g->start[u] = g->entries; \
    }
PASSES(pair)
PASSES(small_pair)

static int bits_of(int64_t rows)
{
    int bits = 0;
    while (bits < 62 && (int64_t)1 << bits < rows) bits++;
    return bits;
}

/* The block of a groups object: its header and three arrays. */
static em_groups *new_groups(int64_t n, int64_t entries)
{
    const size_t bytes = sizeof(em_groups) + (size_t)(2 * n + 1 + entries) * sizeof(int64_t);
    em_groups *g = em__alloc(bytes);
    if (!g) return NULL;
    *g = (em_groups){.n = n, .entries = entries, .bytes = bytes};
    g->ids = (int64_t *)(void *)(g + 1);
    g->start = g->ids + n;
    g->order = g->start + n + 1;
    return g;
}

void em__groups_free(em_groups *g)
{
    if (g) em__free(g, g->bytes);
}

em_status em__group(em_groups **out, const int64_t *const *ids, const int64_t *counts, int lists, int64_t rows)
{
    *out = NULL;
    int64_t n = 0;
    for (int l = 0; l < lists; l++) n += counts[l];
    const bool small = rows <= UINT32_MAX && n < UINT32_MAX;
    const size_t each = small ? sizeof(small_pair) : sizeof(pair);
    const size_t tables = n <= INSERT ? 0 : (size_t)CHUNKS_OF(n) * DIGITS * sizeof(uint32_t);
    const size_t bytes = tables + 2 * (size_t)n * each;
    char *block = em__alloc(bytes);
    if (!block) return em__fail_memory("grouping ids", bytes);
    uint32_t *const count = (uint32_t *)(void *)block;
    void *const a = block + tables, *const b = block + tables + (size_t)n * each;
    if (small) {
        fill_small_pair(a, ids, counts, lists);
        const small_pair *sorted = sort_small_pair(a, b, n, bits_of(rows), count);
        *out = new_groups(unique_small_pair(sorted, n), n);
        if (*out) write_small_pair(*out, sorted);
    } else {
        fill_pair(a, ids, counts, lists);
        const pair *sorted = sort_pair(a, b, n, bits_of(rows), count);
        *out = new_groups(unique_pair(sorted, n), n);
        if (*out) write_pair(*out, sorted);
    }
    em__free(block, bytes);
    return *out ? EM_OK : em__fail_memory("grouping ids", (size_t)n * sizeof(int64_t));
}
