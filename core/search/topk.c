/* The k best rows of a table for each query. A task is a block of queries against a span of rows, block by block of
 * rows that stay in the cache; it keeps the best it has seen, and the spans' are then merged. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"
#include "search/best.h"
#include "search/candidates.h"
#include "search/scores.h"

enum {
    QUERY_BYTES = 24 << 10,     /* of a tile's queries, which stay in the first cache */
    TILES = 4,                  /* in a block of queries */
    ROW_BYTES = 128 << 10,      /* of a block of rows */
    MOST_QUERIES = 64, MOST_ROWS = 1024,        /* of a tile */
    GROUP = 4,                  /* a tile's queries are a multiple of what scores.c takes together */
    MOST_TASKS = 128,           /* about so many, where queries alone make fewer */
    ROWS_A_HIT = 64,            /* at least so many rows in a span for each hit that it keeps */
};

typedef struct search {
    em_metric metric;
    const em__scores *how;
    em_dtype dtype;             /* of the scores */
    int64_t size;               /* of an element of them */
    em_tensor *queries, *norms;         /* (Q, width), (V) or null, of that dtype and contiguous; owned */
    em__candidates rows;
    int64_t *excluded, excluded_count;  /* sorted, each query's for itself; owned */
    const int64_t *ends;        /* lent by `ends_held`; null: all are every query's */
    em_tensor *ends_held;
    int64_t q, k, width;
    int64_t tile, query_block, row_block;       /* queries of a tile and of a block; rows of both */
    int64_t query_blocks, spans, span;          /* span: rows of one */
    em__best *best;             /* (Q, spans) */
    em__hit *hits;              /* (Q, spans, k) */
    char *scratch;              /* (threads, scratch_bytes) */
    int64_t scratch_bytes, threads;
} search;

/* ---- checks -------------------------------------------------------------------------------------------- */

static em_status check_shapes(const em_tensor *queries, const em_tensor *table, int64_t k)
{
    EM_TRY(em__check_table(table, "search.topk"));
    EM_TRY(em__check_queries(queries, table, "search.topk"));
    if (k < 0) return em__fail(EM_ERANGE, "search.topk: k = %lld is negative", (long long)k);
    return EM_OK;
}

static em_status check_exclude(const em_topk_opts *o, int64_t q, int64_t rows)
{
    if (!o->exclude) return EM_OK;
    const int64_t n = em_tensor_count(o->exclude);
    EM_TRY(em__check_candidate_ids(o->exclude, -1, rows, "search.topk: exclude"));
    if (!o->exclude_ends) return EM_OK;
    EM_TRY(em__check_candidate_ids(o->exclude_ends, 0, n + 1, "search.topk: exclude: ends"));
    int64_t before = 0;
    if (em_tensor_count(o->exclude_ends) != q)
        return em__fail(EM_ESHAPE, "search.topk: exclude has lists for %lld queries, of which there are %lld",
                        (long long)em_tensor_count(o->exclude_ends), (long long)q);
    for (int64_t i = 0; i < q; i++) {
        const int64_t end = em_tensor_get_int(o->exclude_ends, i);
        if (end < before)
            return em__fail(EM_ERANGE, "search.topk: exclude: a list ends at %lld of %lld", (long long)end,
                            (long long)n);
        before = end;
    }
    return EM_OK;
}

static em_status check_norms(const em_topk_opts *o, int64_t rows)
{
    if (!o->norms || (o->norms->dims == 1 && o->norms->count == rows)) return EM_OK;
    return em__fail(EM_ESHAPE, "search.topk: norms of shape %s for a table of %lld rows", EM_SHAPE(o->norms),
                    (long long)rows);
}

/* ---- preparing ----------------------------------------------------------------------------------------- */

static em_status copy_excluded(search *s, const em_topk_opts *o)
{
    if (!o->exclude || !o->exclude->count) return EM_OK;
    em_tensor *ids = NULL;
    EM_TRY(em_tensor_contiguous(&ids, o->exclude));
    const size_t bytes = (size_t)ids->count * sizeof *s->excluded;
    s->excluded = em__alloc(bytes);
    s->excluded_count = ids->count;
    if (s->excluded) memcpy(s->excluded, ids->data, bytes);
    em_tensor_release(ids);
    if (!s->excluded) return em__fail_memory("ids to exclude", bytes);
    if (o->exclude_ends) {
        EM_TRY(em_tensor_contiguous(&s->ends_held, o->exclude_ends));
        s->ends = EM_DATA(int64_t, s->ends_held);
    }
    for (int64_t i = 0, at = 0; i < (s->ends ? s->q : 1); i++) {
        const int64_t end = s->ends ? s->ends[i] : s->excluded_count;
        em__sort_ids(s->excluded + at, end - at);
        at = end;
    }
    return EM_OK;
}

static bool is_excluded(const search *s, int64_t query, int64_t id)
{
    if (!s->excluded) return false;
    int64_t lo = s->ends && query ? s->ends[query - 1] : 0, hi = s->ends ? s->ends[query] : s->excluded_count;
    while (lo < hi) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (s->excluded[middle] == id) return true;
        if (s->excluded[middle] < id)
            lo = middle + 1;
        else
            hi = middle;
    }
    return false;
}

static void plan(search *s)
{
    const int64_t row = em__max(s->width * s->size, 1), n = s->rows.n;
    s->tile = em__max(GROUP, em__min(MOST_QUERIES, QUERY_BYTES / row) / GROUP * GROUP);
    s->query_block = TILES * s->tile;
    s->row_block = em__max(16, em__min(MOST_ROWS, ROW_BYTES / row));
    s->query_blocks = (s->q + s->query_block - 1) / s->query_block;
    const int64_t wanted = em__min((MOST_TASKS + s->query_blocks - 1) / em__max(s->query_blocks, 1),
                                   em__min(n / s->row_block, n / (ROWS_A_HIT * em__max(s->k, 1))));
    s->span = (n + em__max(wanted, 1) - 1) / em__max(wanted, 1);
    s->spans = s->span ? (n + s->span - 1) / s->span : 1;
}

static int64_t padded(int64_t bytes) { return (bytes + 63) & ~(int64_t)63; }

/* Bytes of the parts of a thread's scratch memory: scores, positions, inverse norms, rows. */
static void scratch_parts(const search *s, int64_t bytes[4])
{
    bytes[0] = padded(em__min(s->tile, s->q) * s->row_block * s->size);
    bytes[1] = padded(s->row_block * (int64_t)sizeof(int32_t));
    bytes[2] = s->metric == EM_COSINE ? padded(s->row_block * s->size) : 0;
    bytes[3] = em__candidates_are_copied(&s->rows) ? padded(s->row_block * s->width * s->size) : 0;
}

static em_status reserve(search *s)
{
    int64_t bytes[4];
    scratch_parts(s, bytes);
    s->threads = em_threads();
    s->scratch_bytes = bytes[0] + bytes[1] + bytes[2] + bytes[3];
    const int64_t lists = s->q * s->spans;
    if (lists && s->k > INT64_MAX / (int64_t)sizeof(em__hit) / lists)
        return em__fail(EM_ENOMEM, "search.topk: %lld neighbours of %lld queries", (long long)s->k, (long long)s->q);
    const size_t hits = (size_t)(lists * s->k) * sizeof *s->hits;
    s->scratch = em__alloc((size_t)(s->scratch_bytes * s->threads));
    s->best = em__alloc((size_t)lists * sizeof *s->best);
    s->hits = em__alloc(hits);
    if (!s->scratch || !s->best || !s->hits) return em__fail_memory("the neighbours found", hits);
    for (int64_t i = 0; i < lists; i++) s->best[i] = (em__best){.at = s->hits + i * s->k, .most = s->k};
    return EM_OK;
}

static em_status prepare(search *s, const em_tensor *queries, const em_tensor *table, int64_t k,
                         const em_topk_opts *o)
{
    EM_TRY(em__candidates_open(&s->rows, table, o->only, o->first, "search.topk"));
    s->k = em__min(k, s->rows.n);
    EM_TRY(em__queries_of(&s->queries, queries, s->dtype, s->metric == EM_COSINE ? s->how : NULL));
    if (o->norms && s->metric == EM_COSINE) {
        em_tensor *norms = NULL;
        EM_TRY(em_tensor_to(&norms, o->norms, s->dtype));
        const em_status status = em_tensor_contiguous(&s->norms, norms);
        em_tensor_release(norms);
        EM_TRY(status);
    }
    EM_TRY(copy_excluded(s, o));
    plan(s);
    return reserve(s);
}

static void clean(search *s)
{
    const int64_t lists = s->q * s->spans;
    em_tensor_release(s->queries);
    em_tensor_release(s->norms);
    em_tensor_release(s->ends_held);
    em__candidates_close(&s->rows);
    em__free(s->excluded, (size_t)s->excluded_count * sizeof *s->excluded);
    em__free(s->scratch, (size_t)(s->scratch_bytes * s->threads));
    em__free(s->best, (size_t)lists * sizeof *s->best);
    em__free(s->hits, (size_t)(lists * s->k) * sizeof *s->hits);
}

/* ---- searching ----------------------------------------------------------------------------------------- */

typedef struct scratch {
    void *scores, *inverse, *rows;
    int32_t *at;
} scratch;

static scratch scratch_of(const search *s)
{
    int64_t bytes[4];
    scratch_parts(s, bytes);
    char *p = s->scratch + em__thread() * s->scratch_bytes;
    return (scratch){p, p + bytes[0] + bytes[1], p + bytes[0] + bytes[1] + bytes[2],
                     (int32_t *)(void *)(p + bytes[0])};
}

static double score_at(const search *s, const void *scores, int64_t i)
{
    return s->dtype == EM_F64 ? ((const double *)scores)[i] : (double)((const float *)scores)[i];
}

static void offer(const search *s, em__best *best, int64_t query, int64_t at, double score)
{
    const int64_t id = em__candidate_id(&s->rows, at);
    if (score == score && !is_excluded(s, query, id)) em__best_offer(best, (em__hit){score, id});
}

/* The best so far, and n scores of the rows from `lo` on. Rows come by ascending id: one that is as good as the worst
 * of a full heap is none of the best. */
static void choose(const search *s, em__best *best, int64_t query, int64_t lo, int64_t n, const void *scores,
                   int32_t *at)
{
    int64_t i = 0;
    for (; i < n && !em__best_is_full(best); i++) offer(s, best, query, lo + i, score_at(s, scores, i));
    if (i == n || !best->n) return;
    const char *rest = (const char *)scores + i * s->size;
    const int64_t found = s->how->above(at, rest, n - i, best->at[0].score);
    for (int64_t j = 0; j < found; j++) offer(s, best, query, lo + i + at[j], score_at(s, rest, at[j]));
}

static void inverse_norms(const search *s, const scratch *w, const void *rows, int64_t lo, int64_t n)
{
    if (!s->norms) {
        s->how->inverse_norms(w->inverse, rows, n, s->width);
    } else {
        for (int64_t i = 0; i < n; i++)
            memcpy((char *)w->inverse + i * s->size, s->norms->data + em__candidate_id(&s->rows, lo + i) * s->size,
                   (size_t)s->size);
        s->how->invert(w->inverse, w->inverse, n);
    }
}

/* Queries from `first` on against the rows of a block. */
static void search_tile(const search *s, const scratch *w, em__tile *t, int64_t first, int64_t part, int64_t lo)
{
    t->queries = s->queries->data + first * s->width * s->size;
    if (s->metric == EM_L2)
        s->how->l2(t);
    else
        s->how->dot(t);
    for (int64_t i = 0; i < t->n; i++) {
        void *scores = (char *)t->out + i * t->stride * s->size;
        if (s->metric == EM_COSINE) s->how->scale(scores, w->inverse, t->m);
        choose(s, s->best + (first + i) * s->spans + part, first + i, lo, t->m, scores, w->at);
    }
}

static void search_task(const search *s, int64_t task)
{
    const int64_t block = task / s->spans, part = task % s->spans;
    const int64_t last_query = em__min((block + 1) * s->query_block, s->q);
    const int64_t last_row = em__min((part + 1) * s->span, s->rows.n);
    const scratch w = scratch_of(s);
    em__tile t = {.width = s->width, .out = w.scores, .stride = s->row_block};
    for (int64_t lo = part * s->span; lo < last_row && !em__stop; lo += s->row_block) {
        t.m = em__min(s->row_block, last_row - lo);
        t.rows = em__candidates_at(&s->rows, lo, t.m, w.rows);
        if (s->metric == EM_COSINE) inverse_norms(s, &w, t.rows, lo, t.m);
        for (int64_t first = block * s->query_block; first < last_query && !em__stop; first += s->tile) {
            t.n = em__min(s->tile, last_query - first);
            search_tile(s, &w, &t, first, part, lo);
        }
    }
}

/* All that the spans have found becomes one list, the best first. */
static void merge(const search *s, int64_t query)
{
    em__best *best = s->best + query * s->spans;
    for (int64_t i = 1; i < s->spans; i++)
        for (int64_t j = 0; j < best[i].n; j++) em__best_offer(best, best[i].at[j]);
    em__best_sort(best);
}

static void run(const search *s)
{
    const double queries = (double)em__min(s->query_block, s->q);
    const double work = ((double)s->span * (double)s->width + (double)s->k) * queries;
    if (!s->k) return;
    EM_PARALLEL_DYNAMIC(task, s->query_blocks * s->spans, work)
        search_task(s, task);
    EM_PARALLEL_EACH(query, s->q, (double)(s->k * s->spans) * 16) merge(s, query);
}

em_status em_topk(em_tensor **scores, em_tensor **ids, const em_tensor *queries, const em_tensor *table, int64_t k,
                  const em_topk_opts *o)
{
    *scores = *ids = NULL;
    EM_TRY(check_shapes(queries, table, k));
    search s = {.metric = o->metric, .dtype = em__computed_in(table->dtype), .width = table->size[1],
                .q = queries->dims == 2 ? queries->size[0] : 1};
    s.how = em__scores_find(s.dtype);
    s.size = (int64_t)em_dtype_size(s.dtype);
    if (!s.how) return em__fail(EM_EVALUE, "search.topk: built without kernels for this processor");
    EM_TRY(check_exclude(o, s.q, table->size[0]));
    EM_TRY(check_norms(o, table->size[0]));
    em_status status = prepare(&s, queries, table, k, o);
    const int64_t sizes[] = {s.q, s.k}, *from = sizes + 2 - queries->dims;
    if (!status) status = em_tensor_empty(scores, s.dtype, queries->dims, from);
    if (!status) status = em_tensor_empty(ids, EM_I64, queries->dims, from);
    if (!status) {
        run(&s);
        for (int64_t i = 0; i < s.q && s.k; i++)
            em__write_hits(*scores, *ids, i, s.k, s.best + i * s.spans, s.metric == EM_L2);
        if (em_interrupted()) status = em__fail(EM_EINTERRUPT, "interrupted!");
    }
    if (status) {
        em_tensor_release(*scores);
        em_tensor_release(*ids);
        *scores = *ids = NULL;
    }
    clean(&s);
    return status;
}
