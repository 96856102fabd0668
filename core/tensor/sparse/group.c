/* Grouping ids: a stable radix sort of (id, entry) pairs, the lowest digit first; where ids are about as many as rows,
 * in one pass with the id for the digit. Chunks of the ids count their digits in parallel, the counts are laid end to
 * end in order of digit, then chunk, and each chunk writes to its own range: the same order for any number of threads.
 */
#include <string.h>

#include "base/memory.h"
#include "parallel/parallel.h"
#include "tensor/sparse/row_sparse.h"

enum {
    BITS = 11, DIGITS = 1 << BITS,      /* of a digit, at most */
    INSERT = 48,                        /* so few ids are sorted by insertion */
    CHUNK = 1 << 13, MOST_CHUNKS = 64,
};

typedef struct pair {
    int64_t id, entry;
} pair;

typedef struct small_pair {             /* for fewer than 2^32 rows and entries: half the memory to move */
    uint32_t id, entry;
} small_pair;

/* How n ids are sorted. */
typedef struct plan {
    const int64_t *ids;
    int64_t n, chunks;
    int passes, digit;                  /* digits of an id, and the bits of each */
    uint32_t *count;                    /* (chunks, DIGITS): of a pass; then where the next of each digit goes */
} plan;

static int64_t chunk_at(const plan *p, int64_t c) { return p->n * c / p->chunks; }

/* The digit that a pass sorts by is id >> shift & mask. */
#define DIGIT_OF_PASS(p, pass, shift, mask) \
    const int shift = (pass) * (p)->digit; \
    const uint64_t mask = ((uint64_t)1 << (p)->digit) - 1

static void count_ids(const plan *p, int64_t c)
{
    DIGIT_OF_PASS(p, 0, shift, mask);
    uint32_t *restrict count = p->count + c * DIGITS;
    const int64_t *ids = p->ids;
    memset(count, 0, (size_t)(mask + 1) * sizeof *count);
    for (int64_t i = chunk_at(p, c), end = chunk_at(p, c + 1); i < end; i++)
        count[(uint64_t)ids[i] >> shift & mask]++;
}

/* Counts become positions, end to end in order of digit, then chunk. */
static void lay_out(const plan *p)
{
    uint32_t next[DIGITS] = {0}, total = 0;
    const int64_t digits = (int64_t)1 << p->digit;
    for (int64_t c = 0; c < p->chunks; c++)
        for (int64_t d = 0; d < digits; d++) next[d] += p->count[c * DIGITS + d];
    for (int64_t d = 0; d < digits; d++) {
        const uint32_t here = next[d];
        next[d] = total;
        total += here;
    }
    for (int64_t c = 0; c < p->chunks; c++) {
        uint32_t *restrict count = p->count + c * DIGITS;
        for (int64_t d = 0; d < digits; d++) {
            const uint32_t here = count[d];
            count[d] = next[d];
            next[d] += here;
        }
    }
}

#define EACH_CHUNK(c, p) EM_PARALLEL_EACH(c, (p)->chunks, 8.0 * (double)(p)->n / (double)(p)->chunks)

/* The sort, and how it is read: group_pair and group_small_pair. */
#define PAIR pair
#define OF_PAIR(name) name##_pair
#include "tensor/sparse/group_pairs.h"
#define PAIR small_pair
#define OF_PAIR(name) name##_small_pair
#include "tensor/sparse/group_pairs.h"

/* ---- by counting --------------------------------------------------------------------------------------- */

/* A counter for each row sorts the ids in one pass, and the groups are read off the counters. A stable order does not
 * depend on how the ids are cut: here into as many chunks as threads, since each has counters for all rows. */
enum { BLOCK = 1 << 11 };       /* rows laid out at a time */

static bool are_counted(int64_t n, int64_t rows) { return n > INSERT && rows <= n + n / 4; }

typedef struct block {
    int64_t groups, entries;    /* in it; then before it */
} block;

static void count_rows(const plan *p, int64_t rows, int64_t c)
{
    uint32_t *restrict count = p->count + c * rows;
    memset(count, 0, (size_t)rows * sizeof *count);
    for (int64_t i = chunk_at(p, c), end = chunk_at(p, c + 1); i < end; i++) count[p->ids[i]]++;
}

static block sum_block(const plan *p, int64_t rows, int64_t first)
{
    block b = {0};
    for (int64_t r = first, end = em__min(first + BLOCK, rows); r < end; r++) {
        uint32_t n = 0;
        for (int64_t c = 0; c < p->chunks; c++) n += p->count[c * rows + r];
        b.entries += n;
        b.groups += n > 0;
    }
    return b;
}

/* Counters become positions; groups are written by way of a buffer, as whether a row has any is hard to foresee. */
static void lay_out_block(const plan *p, em_groups *g, int64_t rows, int64_t first, block before)
{
    uint32_t id[BLOCK + 1], start[BLOCK + 1], at = (uint32_t)before.entries;
    int64_t n = 0;
    for (int64_t r = first, end = em__min(first + BLOCK, rows); r < end; r++) {
        id[n] = (uint32_t)r;
        start[n] = at;
        for (int64_t c = 0; c < p->chunks; c++) {
            uint32_t *const count = &p->count[c * rows + r];
            const uint32_t here = *count;
            *count = at;
            at += here;
        }
        n += at != start[n];
    }
    for (int64_t k = 0; k < n; k++) {
        g->ids[before.groups + k] = id[k];
        g->start[before.groups + k] = start[k];
    }
}

static void place_entries(const plan *p, em_groups *g, int64_t rows, int64_t c)
{
    uint32_t *restrict at = p->count + c * rows;
    int64_t *restrict order = g->order;
    for (int64_t i = chunk_at(p, c), end = chunk_at(p, c + 1); i < end; i++) order[at[p->ids[i]]++] = i;
}

static void group_by_counting(const plan *p, em_groups *g, int64_t rows, block *blocks, int64_t n_blocks)
{
    EACH_CHUNK(c, p) count_rows(p, rows, c);
    EM_PARALLEL_EACH(b, n_blocks, 2.0 * BLOCK) blocks[b] = sum_block(p, rows, b * BLOCK);
    block sum = {0};
    for (int64_t b = 0; b < n_blocks; b++) {
        const block here = blocks[b];
        blocks[b] = sum;
        sum.groups += here.groups;
        sum.entries += here.entries;
    }
    EM_PARALLEL_EACH(b, n_blocks, 4.0 * BLOCK) lay_out_block(p, g, rows, b * BLOCK, blocks[b]);
    EACH_CHUNK(c, p) place_entries(p, g, rows, c);
    g->n = sum.groups;
    g->start[g->n] = p->n;
}

/* ---- either -------------------------------------------------------------------------------------------- */

static int bits_of(int64_t rows)
{
    int bits = 0;
    while (bits < 62 && (int64_t)1 << bits < rows) bits++;
    return bits;
}

/* The block of a groups object: its header and three arrays, for as many groups as entries. */
static em_groups *new_groups(int64_t entries)
{
    const size_t bytes = sizeof(em_groups) + (size_t)(3 * entries + 1) * sizeof(int64_t);
    em_groups *g = em__alloc(bytes);
    if (!g) return NULL;
    *g = (em_groups){.entries = entries, .bytes = bytes};
    g->ids = (int64_t *)(void *)(g + 1);
    g->order = g->ids + entries;
    g->start = g->order + entries;
    g->start[0] = 0;
    return g;
}

void em__groups_free(em_groups *g)
{
    if (g) em__free(g, g->bytes);
}

em_status em__group(em_groups **out, const int64_t *const *ids, const int64_t *counts, int lists, int64_t rows)
{
    *out = NULL;
    plan p = {.n = 0, .ids = lists ? ids[0] : NULL};
    for (int l = 0; l < lists; l++) p.n += counts[l];
    p.chunks = em__max(1, em__min(MOST_CHUNKS, p.n / CHUNK));
    const int bits = bits_of(rows);
    p.passes = (bits + BITS - 1) / BITS;
    p.digit = p.passes ? (bits + p.passes - 1) / p.passes : 0;

    const bool small = rows <= UINT32_MAX && p.n < UINT32_MAX, counted = small && are_counted(p.n, rows);
    if (counted) p.chunks = em__max(1, em__min(em_threads(), p.n / CHUNK));
    const int64_t blocks = counted ? (rows + BLOCK - 1) / BLOCK : 0;
    const size_t pairs = counted ? 0 : (size_t)p.n * (small ? sizeof(small_pair) : sizeof(pair));
    const size_t joined = lists > 1 ? (size_t)p.n * sizeof *p.ids : 0;
    const size_t counters = counted ? (size_t)rows : p.n > INSERT ? DIGITS : 0;
    const size_t bytes = joined + 2 * pairs + (size_t)blocks * sizeof(block) +
                         (size_t)p.chunks * counters * sizeof *p.count;
    char *const memory = em__alloc(bytes);
    *out = memory ? new_groups(p.n) : NULL;
    if (!*out) {
        em__free(memory, bytes);
        return em__fail_memory("grouping ids", bytes);
    }
    if (lists > 1) {
        int64_t *to = (int64_t *)(void *)memory;
        p.ids = to;
        for (int l = 0; l < lists; to += counts[l++]) memcpy(to, ids[l], (size_t)counts[l] * sizeof *to);
    }
    char *const to = memory + joined, *const from = to + pairs;
    p.count = (uint32_t *)(void *)(from + pairs + (size_t)blocks * sizeof(block));
    if (counted)
        group_by_counting(&p, *out, rows, (block *)(void *)to, blocks);
    else if (small)
        group_small_pair(&p, *out, to, from);
    else
        group_pair(&p, *out, to, from);
    em__free(memory, bytes);
    return EM_OK;
}
