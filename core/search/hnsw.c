/* An approximate index: a hierarchical navigable small world graph (Malkov and Yashunin, 2016; see embla/hnsw.h).
 *
 * Rows are linked in batches. Each of a batch looks for its neighbours in the graph as it was before the batch, and
 * among those of the batch before it, whose scores are all worked out; that can be done in parallel, and what comes out
 * does not depend on threads. Then each neighbour takes the batch's links back to it in, again each for itself. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"
#include "random/rng.h"
#include "search/best.h"
#include "search/candidates.h"
#include "search/scores.h"

enum {
    BATCH = 128,                /* rows that are linked at a time */
    MOST_LEVELS = 32,           /* above the ground */
    TOGETHER = 4,               /* rows that scores.c takes together */
    PARTS = 9,                  /* of a thread's memory */
};

typedef struct graph {
    const em_hnsw *h;
    const em__scores *how;
    int64_t rows, width, size;  /* size: bytes of an element of a vector */
    int64_t m, upper_rows, ef;  /* ef: what a pool holds */
    int64_t most;               /* scores that are worked out at a time */
    int64_t parts[PARTS];       /* where those of a thread's memory begin */
    int64_t scratch_bytes, threads;
    char *scratch;              /* (threads, scratch_bytes) */
} graph;

/* A thread's memory. The pool is one sorted list: what falls off its end would not have been walked from. */
typedef struct walk {
    uint64_t *seen;             /* a bit for each row */
    em__hit *pool;              /* the best rows seen, the best first */
    uint8_t *done;              /* of each: whether its neighbours have been looked at */
    int32_t *ids;               /* rows whose scores are worked out */
    void *scores, *query, *mates;
    em__hit *found;             /* candidates for the links of a row */
    int32_t *chosen;
    int64_t n, cursor;          /* of the pool; all before the cursor are done */
} walk;

/* ---- the graph ----------------------------------------------------------------------------------------- */

static bool is_shaped(const em_tensor *t, em_dtype dtype, int dims, int64_t rows)
{
    return t && !em_tensor_is_sparse(t) && t->dtype == dtype && t->dims == dims && t->size[0] == rows &&
           em_tensor_is_contiguous(t);
}

static bool is_float_table(const em_tensor *t)
{
    return t && t->dims == 2 && (t->dtype == EM_F32 || t->dtype == EM_F64) && is_shaped(t, t->dtype, 2, t->size[0]);
}

static em_status open_graph(graph *g, const em_hnsw *h, const char *name)
{
    *g = (graph){.h = h};
    const bool whole = is_float_table(h->vectors) && h->upper && h->upper->dims == 2 && h->links &&
                       is_shaped(h->upper, EM_I32, 2, h->upper->size[0]) &&
                       is_shaped(h->links, EM_I32, 2, h->vectors->size[0]) && h->upper->size[1] > 0 &&
                       h->links->size[1] == 2 * h->upper->size[1] &&
                       is_shaped(h->first, EM_I64, 1, h->vectors->size[0] + 1);
    if (!whole || h->entry < -1 || h->entry >= h->vectors->size[0] || (unsigned)h->metric > EM_L2)
        return em__fail(EM_EVALUE, "%s: what it holds is no index", name);
    g->rows = h->vectors->size[0];
    g->width = h->vectors->size[1];
    g->size = (int64_t)em_dtype_size(h->vectors->dtype);
    g->m = h->upper->size[1];
    g->upper_rows = h->upper->size[0];
    g->how = em__scores_find(h->vectors->dtype);
    if (!g->how) return em__fail(EM_EVALUE, "%s: built without kernels for this processor", name);
    return EM_OK;
}

static int64_t level_of(const graph *g, int64_t id)
{
    const int64_t *first = EM_DATA(int64_t, g->h->first) + id;
    if (first[0] < 0 || first[1] < first[0] || first[1] > g->upper_rows) return 0;
    return em__min(first[1] - first[0], MOST_LEVELS);
}

static int64_t room_on(const graph *g, int64_t level) { return level ? g->m : 2 * g->m; }

/* A row's links on a level, and how many; null if it has no place there. */
static int32_t *links_of(const graph *g, int64_t id, int64_t level, int64_t *n)
{
    const int64_t room = room_on(g, level);
    int32_t *links = NULL;
    *n = 0;
    if (!level)
        links = EM_DATA(int32_t, g->h->links) + id * room;
    else if (level <= level_of(g, id))
        links = EM_DATA(int32_t, g->h->upper) + (EM_DATA(int64_t, g->h->first)[id] + level - 1) * room;
    while (links && *n < room && links[*n] >= 0 && links[*n] < g->rows) ++*n;
    return links;
}

static const void *vector_of(const graph *g, int64_t id) { return g->h->vectors->data + id * g->width * g->size; }

/* ---- a thread's memory --------------------------------------------------------------------------------- */

static em_status reserve(graph *g, int64_t ef, int64_t most, int64_t found)
{
    const int64_t bytes[PARTS] = {(g->rows + 63) / 64 * 8, ef * (int64_t)sizeof(em__hit), ef,
                                  most * (int64_t)sizeof(int32_t), most * g->size, g->width * g->size,
                                  BATCH * (int64_t)sizeof(double), found * (int64_t)sizeof(em__hit),
                                  2 * g->m * (int64_t)sizeof(int32_t)};
    g->ef = ef;
    g->most = most;
    g->threads = em_threads();
    g->scratch_bytes = 0;
    for (int i = 0; i < PARTS; i++) {
        g->parts[i] = g->scratch_bytes;
        g->scratch_bytes += (bytes[i] + 63) & ~(int64_t)63;
    }
    const size_t all = (size_t)(g->scratch_bytes * g->threads);
    g->scratch = em__alloc(all);
    return g->scratch ? EM_OK : em__fail_memory("walks through an index", all);
}

static void close_graph(graph *g)
{
    em__free(g->scratch, (size_t)(g->scratch_bytes * g->threads));
    g->scratch = NULL;
}

static walk walk_of(const graph *g)
{
    void *at[PARTS];
    for (int i = 0; i < PARTS; i++) at[i] = g->scratch + em__thread() * g->scratch_bytes + g->parts[i];
    return (walk){.seen = at[0], .pool = at[1], .done = at[2], .ids = at[3], .scores = at[4], .query = at[5],
                  .mates = at[6], .found = at[7], .chosen = at[8]};
}

/* ---- walks --------------------------------------------------------------------------------------------- */

/* Scores of a vector and n rows, `which` or from `lo` on. */
static void score(const graph *g, walk *w, const void *query, int64_t lo, const int32_t *which, int64_t n)
{
    const em__tile t = {query, vector_of(g, lo), 1, n, g->width, w->scores, n, which};
    if (g->h->metric == EM_L2)
        g->how->l2(&t);
    else
        g->how->dot(&t);
}

static double score_at(const graph *g, const walk *w, int64_t i)
{
    return g->size == sizeof(double) ? ((const double *)w->scores)[i] : (double)((const float *)w->scores)[i];
}

/* Whether a row has been seen; it has then. */
static bool see(walk *w, int64_t id)
{
    const uint64_t bit = (uint64_t)1 << (id & 63);
    const bool seen = w->seen[id >> 6] & bit;
    w->seen[id >> 6] |= bit;
    return seen;
}

static void pool_in(walk *w, int64_t ef, em__hit hit)
{
    if (hit.score != hit.score || (w->n >= ef && !em__better(hit, w->pool[ef - 1]))) return;
    int64_t lo = 0, hi = em__min(w->n, ef);
    while (lo < hi) {
        const int64_t middle = (lo + hi) / 2;
        if (em__better(w->pool[middle], hit))
            lo = middle + 1;
        else
            hi = middle;
    }
    w->n = em__min(w->n + 1, ef);
    memmove(w->pool + lo + 1, w->pool + lo, (size_t)(w->n - 1 - lo) * sizeof *w->pool);
    memmove(w->done + lo + 1, w->done + lo, (size_t)(w->n - 1 - lo));
    w->pool[lo] = hit;
    w->done[lo] = 0;
    w->cursor = em__min(w->cursor, lo);
}

static void begin(const graph *g, walk *w)
{
    const int32_t entry = (int32_t)g->h->entry;
    w->n = w->cursor = 0;
    score(g, w, w->query, 0, &entry, 1);
    pool_in(w, 1, (em__hit){score_at(g, w, 0), entry});
}

/* From the pool, on one level, with `ef` rows in sight. A walk with one only ever goes to a better row, and need not
 * remember which it has seen. */
static void walk_level(const graph *g, walk *w, int64_t level, int64_t ef)
{
    const bool remembers = ef > 1;
    if (remembers) {
        memset(w->seen, 0, (size_t)(g->rows + 63) / 64 * 8);
        for (int64_t i = 0; i < w->n; i++) see(w, w->pool[i].id);
    }
    w->n = em__min(w->n, ef);
    memset(w->done, 0, (size_t)w->n);
    for (w->cursor = 0; w->cursor < w->n;) {
        if (w->done[w->cursor]) {
            w->cursor++;
            continue;
        }
        int64_t count, n = 0;
        const int32_t *links = links_of(g, w->pool[w->cursor].id, level, &count);
        w->done[w->cursor] = 1;
        for (int64_t i = 0; i < count; i++)
            if (!remembers || !see(w, links[i])) w->ids[n++] = links[i];
        if (!n) continue;
        score(g, w, w->query, 0, w->ids, n);
        for (int64_t i = 0; i < n; i++) pool_in(w, ef, (em__hit){score_at(g, w, i), w->ids[i]});
    }
}

/* ---- choosing links ------------------------------------------------------------------------------------ */

/* Whether a candidate is at least as near to one of those chosen as to the row that is linked. */
static bool is_behind(const graph *g, walk *w, em__hit hit, const int32_t *chosen, int64_t n)
{
    for (int64_t lo = 0; lo < n; lo += TOGETHER) {
        const int64_t count = em__min(TOGETHER, n - lo);
        score(g, w, vector_of(g, hit.id), 0, chosen + lo, count);
        for (int64_t i = 0; i < count; i++)
            if (score_at(g, w, i) >= hit.score) return true;
    }
    return false;
}

/* The best of the sorted candidates that lie in different directions, then the best others, until `most` are chosen. */
static int64_t choose(const graph *g, walk *w, const em__best *found, int64_t most, int32_t *chosen)
{
    int64_t n = 0, behind = 0;
    for (int64_t i = 0; i < found->n; i++) {
        const em__hit hit = found->at[i];
        if (n == most) break;
        if (is_behind(g, w, hit, chosen, n))
            found->at[behind++] = hit;
        else
            chosen[n++] = (int32_t)hit.id;
    }
    for (int64_t i = 0; i < behind && n < most; i++) chosen[n++] = (int32_t)found->at[i].id;
    return n;
}

/* ---- building ------------------------------------------------------------------------------------------ */

typedef struct edge {
    int64_t level;
    int32_t to, from;
} edge;

typedef struct build {
    em_hnsw *h;
    graph g;
    int64_t ef, top;            /* top: the entry's level */
    int8_t *levels;             /* (V); -1: the row is left out */
    edge *edges;                /* the links of a batch, and the numbers at which those of a list begin */
    int32_t *starts;
    int64_t rows, most_edges;
} build;

static bool is_finite(const em_tensor *t, int64_t row)
{
    const int64_t width = t->size[1];
    bool finite = true;
    for (int64_t d = row * width; d < (row + 1) * width; d++)
        finite &= isfinite(t->dtype == EM_F64 ? EM_DATA(double, t)[d] : (double)EM_DATA(float, t)[d]) != 0;
    return finite;
}

/* Levels have a geometric distribution, of which M times fewer rows have each next one. */
static void draw_levels(build *b, const em_hnsw_opts *o)
{
    const double scale = 1 / log((double)o->m);
    EM_PARALLEL_EACH(i, b->rows, (double)b->h->vectors->size[1] + 64) {
        uint32_t bits[4];
        em__philox(o->seed, (uint64_t)i, EM_STREAM_LEVELS, bits);
        const double u = 1 - em__uniform_f64(em__join_bits(bits[0], bits[1]));
        const int64_t level = em__min((int64_t)(-log(u) * scale), MOST_LEVELS);
        b->levels[i] = (int8_t)(is_finite(b->h->vectors, i) ? level : -1);
    }
}

static em_status make_links(build *b, const em_hnsw_opts *o)
{
    em_hnsw *h = b->h;
    EM_TRY(em_tensor_empty(&h->first, EM_I64, 1, (const int64_t[]){b->rows + 1}));
    int64_t *first = EM_DATA(int64_t, h->first), most = 0;
    first[0] = 0;
    for (int64_t i = 0; i < b->rows; i++) first[i + 1] = first[i] + em__max(b->levels[i], 0);
    for (int64_t lo = 0; lo < b->rows; lo += BATCH)
        most = em__max(most, first[em__min(lo + BATCH, b->rows)] - first[lo]);
    b->most_edges = (BATCH + most) * o->m;
    EM_TRY(em_tensor_empty(&h->links, EM_I32, 2, (const int64_t[]){b->rows, 2 * o->m}));
    EM_TRY(em_tensor_fill_int(h->links, -1));
    EM_TRY(em_tensor_empty(&h->upper, EM_I32, 2, (const int64_t[]){first[b->rows], o->m}));
    return em_tensor_fill_int(h->upper, -1);
}

static em_status prepare(build *b, const em_tensor *table, const em_hnsw_opts *o)
{
    const em_dtype dtype = em__computed_in(table->dtype);
    const em__scores *how = em__scores_find(dtype);
    if (!how) return em__fail(EM_EVALUE, "search.HNSW: built without kernels for this processor");
    em_tensor *converted = NULL;
    em_tensor_apply_pending(table);
    EM_TRY(em_tensor_to(&converted, table, dtype));
    const em_status s = em_tensor_clone(&b->h->vectors, converted);
    em_tensor_release(converted);
    EM_TRY(s);
    b->levels = em__alloc((size_t)b->rows);
    if (!b->levels) return em__fail_memory("the levels of an index", (size_t)b->rows);
    draw_levels(b, o);
    const int64_t width = table->size[1];
    if (o->metric == EM_COSINE) how->to_unit(b->h->vectors->data, b->rows, width);
    EM_TRY(make_links(b, o));
    EM_TRY(open_graph(&b->g, b->h, "search.HNSW"));
    const size_t bytes = (size_t)b->most_edges * sizeof *b->edges;
    b->edges = em__alloc(bytes);
    b->starts = em__alloc((size_t)(b->most_edges + 1) * sizeof *b->starts);
    if (!b->edges || !b->starts) return em__fail_memory("the links of an index", bytes);
    b->ef = em__max(1, em__min(o->ef_construction, b->rows));
    return reserve(&b->g, b->ef, 2 * o->m + BATCH, em__max(b->ef, 2 * o->m + BATCH));
}

static void clean(build *b)
{
    em__free(b->levels, (size_t)b->rows);
    em__free(b->edges, (size_t)b->most_edges * sizeof *b->edges);
    em__free(b->starts, (size_t)(b->most_edges + 1) * sizeof *b->starts);
    close_graph(&b->g);
}

/* Row i's own links, where no walk comes yet: to what walks find, and to rows of its batch, from `lo` on. */
static void link_row(const build *b, int64_t lo, int64_t i)
{
    const graph *g = &b->g;
    const int64_t level = b->levels[i], top = b->h->entry < 0 ? -1 : b->top;
    walk w = walk_of(g);
    memcpy(w.query, vector_of(g, i), (size_t)(g->width * g->size));
    if (i > lo) score(g, &w, w.query, lo, NULL, i - lo);
    double *mates = w.mates;
    for (int64_t j = lo; j < i; j++) mates[j - lo] = score_at(g, &w, j - lo);
    if (top >= 0) begin(g, &w);
    for (int64_t l = em__max(top, level); l >= 0; l--) {
        if (l <= top) walk_level(g, &w, l, l > level ? 1 : b->ef);
        if (l > level) continue;
        em__best best = {.at = w.found, .most = b->ef};
        for (int64_t j = 0; l <= top && j < w.n; j++) em__best_offer(&best, w.pool[j]);
        for (int64_t j = lo; j < i; j++)
            if (b->levels[j] >= l && mates[j - lo] == mates[j - lo])
                em__best_offer(&best, (em__hit){mates[j - lo], j});
        em__best_sort(&best);
        int64_t n;
        int32_t *links = links_of(g, i, l, &n);
        choose(g, &w, &best, g->m, links);
    }
}

static int by_list(const void *a, const void *b)
{
    const edge *x = a, *y = b;
    if (x->level != y->level) return (x->level > y->level) - (x->level < y->level);
    if (x->to != y->to) return (x->to > y->to) - (x->to < y->to);
    return (x->from > y->from) - (x->from < y->from);
}

/* The links of a batch by the lists that are to lead back; returns how many lists. */
static int64_t collect_edges(build *b, int64_t lo, int64_t hi)
{
    int64_t n = 0, lists = 0;
    for (int64_t i = lo; i < hi; i++)
        for (int64_t l = 0; l <= b->levels[i]; l++) {
            int64_t count;
            const int32_t *links = links_of(&b->g, i, l, &count);
            for (int64_t j = 0; j < count; j++) b->edges[n++] = (edge){l, links[j], (int32_t)i};
        }
    qsort(b->edges, (size_t)n, sizeof *b->edges, by_list);
    for (int64_t i = 0; i < n; i++)
        if (!i || b->edges[i].to != b->edges[i - 1].to || b->edges[i].level != b->edges[i - 1].level)
            b->starts[lists++] = (int32_t)i;
    b->starts[lists] = (int32_t)n;
    return lists;
}

/* Takes links back into a row's list; where there are too many, chooses. */
static void link_back(const build *b, const edge *edges, int64_t count)
{
    const graph *g = &b->g;
    const int64_t level = edges->level, row = edges->to, room = room_on(g, level);
    int64_t n;
    int32_t *links = links_of(g, row, level, &n);
    if (n + count <= room) {
        for (int64_t i = 0; i < count; i++) links[n + i] = edges[i].from;
        return;
    }
    walk w = walk_of(g);
    memcpy(w.ids, links, (size_t)n * sizeof *links);
    for (int64_t i = 0; i < count; i++) w.ids[n + i] = edges[i].from;
    em__best best = {.at = w.found, .most = n + count};
    score(g, &w, vector_of(g, row), 0, w.ids, n + count);
    for (int64_t i = 0; i < n + count; i++) {
        const em__hit hit = {score_at(g, &w, i), w.ids[i]};
        if (hit.score == hit.score) em__best_offer(&best, hit);
    }
    em__best_sort(&best);
    const int64_t chosen = choose(g, &w, &best, room, links);
    for (int64_t i = chosen; i < room; i++) links[i] = -1;
}

static void link_batch(build *b, int64_t lo, int64_t hi)
{
    const double work = (double)b->ef * (double)b->g.m * (double)(b->g.width + 8);
    EM_PARALLEL_DYNAMIC(i, hi - lo, work)
        if (b->levels[lo + i] >= 0 && !em__stop) link_row(b, lo, lo + i);
    const int64_t lists = collect_edges(b, lo, hi);
    EM_PARALLEL_DYNAMIC(i, lists, (double)(b->g.m * (b->g.width + 8)))
        if (!em__stop) link_back(b, b->edges + b->starts[i], b->starts[i + 1] - b->starts[i]);
    for (int64_t i = lo; i < hi; i++)
        if (b->levels[i] > (b->h->entry < 0 ? -1 : b->top)) {
            b->h->entry = i;
            b->top = b->levels[i];
        }
}

static em_status check_opts(const em_tensor *table, const em_hnsw_opts *o)
{
    EM_TRY(em__check_table(table, "search.HNSW"));
    if (table->size[0] > INT32_MAX - BATCH)
        return em__fail(EM_ESHAPE, "search.HNSW: a table of %lld rows: too many", (long long)table->size[0]);
    if (o->m < 2 || o->m > 512) return em__fail(EM_ERANGE, "search.HNSW: M = %lld is not in 2 .. 512", (long long)o->m);
    if (o->ef_construction < 1)
        return em__fail(EM_ERANGE, "search.HNSW: ef_construction = %lld is not positive",
                        (long long)o->ef_construction);
    return EM_OK;
}

em_status em_hnsw_build(em_hnsw *h, const em_tensor *table, const em_hnsw_opts *o)
{
    *h = (em_hnsw){.metric = o->metric, .entry = -1};
    EM_TRY(check_opts(table, o));
    build b = {.h = h, .rows = table->size[0]};
    em_status status = prepare(&b, table, o);
    for (int64_t lo = 0; !status && lo < b.rows && !em__stop; lo += BATCH)
        link_batch(&b, lo, em__min(lo + BATCH, b.rows));
    if (!status && em_interrupted()) status = em__fail(EM_EINTERRUPT, "interrupted!");
    clean(&b);
    if (status) em_hnsw_free(h);
    return status;
}

void em_hnsw_free(em_hnsw *h)
{
    em_tensor_release(h->vectors);
    em_tensor_release(h->links);
    em_tensor_release(h->upper);
    em_tensor_release(h->first);
    *h = (em_hnsw){.entry = -1};
}

/* ---- searching ----------------------------------------------------------------------------------------- */

static void search_query(const graph *g, const em_tensor *queries, int64_t i, em_tensor *scores, em_tensor *ids)
{
    walk w = walk_of(g);
    memcpy(w.query, queries->data + i * g->width * g->size, (size_t)(g->width * g->size));
    if (g->h->entry >= 0) {
        begin(g, &w);
        for (int64_t l = level_of(g, g->h->entry); l >= 0; l--) walk_level(g, &w, l, l ? 1 : g->ef);
    }
    const em__best best = {.at = w.pool, .n = w.n, .most = g->ef};
    em__write_hits(scores, ids, i, scores->size[scores->dims - 1], &best, g->h->metric == EM_L2);
}

em_status em_hnsw_search(em_tensor **scores, em_tensor **ids, const em_hnsw *h, const em_tensor *queries, int64_t k,
                         int64_t ef)
{
    graph g;
    em_tensor *read = NULL;
    *scores = *ids = NULL;
    EM_TRY(open_graph(&g, h, "HNSW.search"));
    EM_TRY(em__check_queries(queries, h->vectors, "HNSW.search"));
    if (k < 0) return em__fail(EM_ERANGE, "HNSW.search: k = %lld is negative", (long long)k);
    if (ef < 1) return em__fail(EM_ERANGE, "HNSW.search: ef = %lld is not positive", (long long)ef);
    const em_dtype dtype = h->vectors->dtype;
    const int64_t sizes[] = {queries->dims == 2 ? queries->size[0] : 1, em__min(k, g.rows)};
    const int64_t *from = sizes + 2 - queries->dims;
    em_status status = em__queries_of(&read, queries, dtype, h->metric == EM_COSINE ? g.how : NULL);
    if (!status) status = reserve(&g, em__max(1, em__min(em__max(ef, k), g.rows)), 2 * g.m, 0);
    if (!status) status = em_tensor_empty(scores, dtype, queries->dims, from);
    if (!status) status = em_tensor_empty(ids, EM_I64, queries->dims, from);
    if (!status && sizes[1]) {
        EM_PARALLEL_DYNAMIC(i, sizes[0], (double)(g.ef * g.m * (g.width + 8)))
            if (!em__stop) search_query(&g, read, i, *scores, *ids);
    }
    if (!status && em_interrupted()) status = em__fail(EM_EINTERRUPT, "interrupted!");
    if (status) {
        em_tensor_release(*scores);
        em_tensor_release(*ids);
        *scores = *ids = NULL;
    }
    em_tensor_release(read);
    close_graph(&g);
    return status;
}
