#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"
#include "tensor/tensor.h"
#include "text/windows.h"

enum { MOST_NEGATIVE = 1000 };

/* The pairs of a portion are numbered through, so that any stretch of them can be written by itself. */
struct em_skipgram {
    em__windows windows;
    em_skipgram_opts opts;
    int64_t at, pair;                   /* where the next batch begins: portion, pair in it */
};

/* ---- making and letting go ----------------------------------------------------------------------------- */

static em_status check(const em_skipgram_opts *o)
{
    if (o->negative < 0 || o->negative > MOST_NEGATIVE)
        return em__fail(EM_EVALUE, "SkipGram: negative = %lld (expected 0 to %d)", (long long)o->negative,
                        MOST_NEGATIVE);
    if (o->batch_size < 1)
        return em__fail(EM_EVALUE, "SkipGram: batch_size = %lld (expected >= 1)", (long long)o->batch_size);
    if (o->dtype != EM_I64 && o->dtype != EM_I32)
        return em__fail(EM_EVALUE, "SkipGram: dtype = %s (expected int64 or int32)", em_dtype_name(o->dtype));
    return EM_OK;
}

em_status em_skipgram_new(em_skipgram **out, em_corpus *corpus, const em_skipgram_opts *opts)
{
    *out = NULL;
    EM_TRY(check(opts));
    em_skipgram *s = em__alloc_zeroed(sizeof *s);
    if (!s) return em__fail_memory("a skip-gram", sizeof *s);
    s->opts = *opts;
    const em_status status =
        em__windows_new(&s->windows, "SkipGram", corpus, opts->window, opts->sample, opts->seed);
    if (status)
        em_skipgram_release(s);
    else
        *out = s;
    return status;
}

void em_skipgram_release(em_skipgram *s)
{
    if (!s) return;
    em__windows_free(&s->windows);
    em__free(s, sizeof *s);
}

/* ---- a batch ------------------------------------------------------------------------------------------- */

typedef struct batch {
    void *centre, *targets;
    bool wide;                          /* int64 */
} batch;

static inline void put(void *ids, bool wide, int64_t at, int32_t id)
{
    if (wide)
        ((int64_t *)ids)[at] = id;
    else
        ((int32_t *)ids)[at] = id;
}

static void write_pair(const em_skipgram *s, const batch *b, int64_t row, int64_t k, int64_t slot)
{
    const em__windows *w = &s->windows;
    const int64_t negative = s->opts.negative, other = w->first[k] + slot;
    const int32_t context = w->id[other < k ? other : other + 1];
    int32_t ids[MOST_NEGATIVE];
    em__windows_negatives(w, ids, negative, k, slot, 2 * s->opts.window, context);
    put(b->centre, b->wide, row, w->id[k]);
    put(b->targets, b->wide, row * (1 + negative), context);
    for (int64_t i = 0; i < negative; i++) put(b->targets, b->wide, row * (1 + negative) + 1 + i, ids[i]);
}

/* Writes n pairs of the portion, from number `pair` on, to rows row, row + 1, … */
static void write_pairs(const em_skipgram *s, const batch *b, int64_t row, int64_t pair, int64_t n)
{
    const em__windows *w = &s->windows;
    EM_PARALLEL_CHUNKS(lo, hi, n, 16.0 * (double)(1 + s->opts.negative)) {
        int64_t k = em__windows_word_of_pair(w, pair + lo);
        for (int64_t i = lo; i < hi; i++) {
            while (w->pair[k + 1] <= pair + i) k++;
            write_pair(s, b, row + i, k, pair + i - w->pair[k]);
        }
    }
}

/* Fills the batch as far as the epoch goes; returns the number of pairs. */
static int64_t fill_batch(em_skipgram *s, const batch *b)
{
    em__windows *w = &s->windows;
    int64_t rows = 0;
    while (rows < s->opts.batch_size && s->at < em__windows_portions(w) && !em__stop) {
        em__windows_load(w, s->at);
        const int64_t n = em__min(s->opts.batch_size - rows, w->pairs - s->pair);
        write_pairs(s, b, rows, s->pair, n);
        rows += n;
        s->pair += n;
        if (s->pair == w->pairs) {
            s->at++;
            s->pair = 0;
        }
    }
    return rows;
}

static em_status shorten(em_tensor **t, int64_t rows)
{
    em_tensor *whole = *t;
    int64_t sizes[2] = {rows, whole->dims == 2 ? whole->size[1] : 1};
    const em_status status = em_tensor_view(t, whole, 0, whole->dims, sizes, whole->stride);
    if (status) *t = whole;
    else em_tensor_release(whole);
    return status;
}

static em_status make_batch(em_skipgram *s, em_tensor **centre, em_tensor **targets, int64_t *rows)
{
    const int64_t shape[2] = {s->opts.batch_size, 1 + s->opts.negative};
    EM_TRY(em_tensor_empty(centre, s->opts.dtype, 1, shape));
    EM_TRY(em_tensor_empty(targets, s->opts.dtype, 2, shape));
    const batch b = {em_tensor_data(*centre), em_tensor_data(*targets), s->opts.dtype == EM_I64};
    *rows = fill_batch(s, &b);
    if (em_interrupted()) return em__fail(EM_EINTERRUPT, "SkipGram: interrupted");
    if (*rows == 0 || *rows == s->opts.batch_size) return EM_OK;
    EM_TRY(shorten(centre, *rows));
    return shorten(targets, *rows);
}

em_status em_skipgram_next(em_skipgram *s, em_tensor **centre, em_tensor **targets)
{
    *centre = *targets = NULL;
    const int64_t at = s->at, pair = s->pair;
    int64_t rows = 0;
    const em_status status = make_batch(s, centre, targets, &rows);
    if (status) {
        s->at = at;
        s->pair = pair;
        s->windows.portion = -1;        /* an interrupted portion is not whole */
    }
    if (status || rows == 0) {
        em_tensor_release(*centre);
        em_tensor_release(*targets);
        *centre = *targets = NULL;
    }
    return status;
}

void em_skipgram_start(em_skipgram *s, int64_t epoch)
{
    s->at = s->pair = 0;
    em__windows_epoch(&s->windows, epoch);
}

int64_t em_skipgram_done(const em_skipgram *s)
{
    const em__windows *w = &s->windows;
    const int64_t base = em__min(s->at * EM_PORTION, em_corpus_ids(w->corpus)->count);
    if (s->pair == 0 || w->portion != s->at) return base;
    return base + w->place[em__windows_word_of_pair(w, s->pair)];
}
