/* Batches of skip-gram pairs with negatives; the next one is drawn by a background thread. */
#include "base/memory.h"
#include "base/status.h"
#include "parallel/background.h"
#include "tensor/tensor.h"
#include "text/windows.h"

enum { MOST_NEGATIVE = 1000 };

/* A batch being filled, or full. */
typedef struct batch {
    em_tensor *centre, *targets;        /* NULL: there is none */
    int64_t rows;
    int64_t at, pair;                   /* where it begins: portion, pair in it */
    int64_t interrupts;                 /* em__interrupts when it was begun */
} batch;

/* The pairs of a portion are numbered through, so that any stretch of them can be written by itself. */
struct em_skipgram {
    em__windows windows;
    em_skipgram_opts opts;
    em__background *background;         /* fills batches; NULL: they are filled when they are asked for */
    batch next;
    int64_t at, pair;                   /* where the batch after `next` begins */
    int64_t done;                       /* words, when the last batch was given out */
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
    em_status status = em__windows_new(&s->windows, "SkipGram", corpus, opts->window, opts->sample, opts->seed);
    if (!status && opts->prefetch) status = em__background_new(&s->background, "SkipGram");
    if (status)
        em_skipgram_release(s);
    else
        *out = s;
    return status;
}

static void drop(batch *b)
{
    em_tensor_release(b->centre);
    em_tensor_release(b->targets);
    *b = (batch){0};
}

void em_skipgram_release(em_skipgram *s)
{
    if (!s) return;
    em__background_free(s->background);
    drop(&s->next);
    em__windows_free(&s->windows);
    em__free(s, sizeof *s);
}

/* ---- filling a batch ----------------------------------------------------------------------------------- */

static inline void put(const em_tensor *ids, int64_t at, int32_t id)
{
    if (ids->dtype == EM_I64)
        EM_DATA(int64_t, ids)[at] = id;
    else
        EM_DATA(int32_t, ids)[at] = id;
}

static void write_pair(const em_skipgram *s, int64_t row, int64_t k, int64_t slot)
{
    const em__windows *w = &s->windows;
    const em_tensor *centre = s->next.centre, *targets = s->next.targets;
    const int64_t negative = s->opts.negative, other = w->first[k] + slot;
    const int32_t context = w->id[other < k ? other : other + 1];
    int32_t ids[MOST_NEGATIVE];
    em__windows_negatives(w, ids, negative, k, slot, 2 * s->opts.window, context);
    put(centre, row, w->id[k]);
    put(targets, row * (1 + negative), context);
    for (int64_t i = 0; i < negative; i++) put(targets, row * (1 + negative) + 1 + i, ids[i]);
}

/* Writes n pairs of the portion, from number `pair` on, to rows row, row + 1, … */
static void write_pairs(const em_skipgram *s, int64_t row, int64_t pair, int64_t n)
{
    const em__windows *w = &s->windows;
    EM_PARALLEL_CHUNKS(lo, hi, n, 16.0 * (double)(1 + s->opts.negative)) {
        int64_t k = em__windows_word_of_pair(w, pair + lo);
        for (int64_t i = lo; i < hi; i++) {
            while (w->pair[k + 1] <= pair + i) k++;
            write_pair(s, row + i, k, pair + i - w->pair[k]);
        }
    }
}

/* Fills the next batch as far as the epoch goes. */
static void fill(void *given)
{
    em_skipgram *s = given;
    em__windows *w = &s->windows;
    int64_t *rows = &s->next.rows;
    while (*rows < s->opts.batch_size && s->at < em__windows_portions(w) && !em__stop) {
        em__windows_load(w, s->at);
        const int64_t n = em__min(s->opts.batch_size - *rows, w->pairs - s->pair);
        write_pairs(s, *rows, s->pair, n);
        *rows += n;
        s->pair += n;
        if (s->pair == w->pairs) {
            s->at++;
            s->pair = 0;
        }
    }
}

/* ---- giving batches out -------------------------------------------------------------------------------- */

/* Makes room for the next batch, and begins to fill it. */
static em_status begin(em_skipgram *s)
{
    batch *b = &s->next;
    const int64_t shape[2] = {s->opts.batch_size, 1 + s->opts.negative};
    b->interrupts = em__interrupts;
    if (em_interrupted()) return em__fail(EM_EINTERRUPT, "SkipGram: interrupted");
    b->rows = 0;
    b->at = s->at;
    b->pair = s->pair;
    em_status status = em_tensor_empty(&b->centre, s->opts.dtype, 1, shape);
    if (!status) status = em_tensor_empty(&b->targets, s->opts.dtype, 2, shape);
    if (status)
        drop(b);
    else if (s->background)
        em__background_start(s->background, fill, s);
    else
        fill(s);
    return status;
}

/* Forgets the next batch. */
static void go_back(em_skipgram *s)
{
    s->at = s->next.at;
    s->pair = s->next.pair;
    s->windows.portion = -1;            /* an interrupted portion is not whole */
    drop(&s->next);
}

/* Waits until the next batch is full. One that an interrupt may have left with holes is drawn once more. */
static em_status finish(em_skipgram *s)
{
    for (;;) {
        if (!s->next.centre) EM_TRY(begin(s));
        em__background_wait(s->background);
        if (s->next.interrupts == em__interrupts) return EM_OK;
        go_back(s);
    }
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

static int64_t words_done(const em_skipgram *s)
{
    const em__windows *w = &s->windows;
    const int64_t base = em__min(s->at * EM_PORTION, em_corpus_ids(w->corpus)->count);
    return s->pair == 0 ? base : base + w->position[em__windows_word_of_pair(w, s->pair)];
}

/* Gives the next batch out, which is full. */
static em_status take(em_skipgram *s, em_tensor **centre, em_tensor **targets)
{
    batch *b = &s->next;
    if (b->rows > 0 && b->rows < s->opts.batch_size) {
        EM_TRY(shorten(&b->centre, b->rows));
        EM_TRY(shorten(&b->targets, b->rows));
    }
    s->done = words_done(s);
    if (b->rows > 0) {
        *centre = b->centre;
        *targets = b->targets;
        *b = (batch){0};
    }
    drop(b);
    return EM_OK;
}

em_status em_skipgram_next(em_skipgram *s, em_tensor **centre, em_tensor **targets)
{
    *centre = *targets = NULL;
    EM_TRY(finish(s));
    EM_TRY(take(s, centre, targets));
    /* Should there be no room for the one after it, the next call will say so. */
    if (s->background && *centre) (void)begin(s);
    return EM_OK;
}

void em_skipgram_start(em_skipgram *s, int64_t epoch)
{
    em__background_wait(s->background);
    drop(&s->next);
    s->at = s->pair = s->done = 0;
    em__windows_epoch(&s->windows, epoch);
}

int64_t em_skipgram_done(const em_skipgram *s) { return s->done; }

em_skipgram_position em_skipgram_where(const em_skipgram *s)
{
    if (s->next.centre) return (em_skipgram_position){s->next.at, s->next.pair};
    return (em_skipgram_position){s->at, s->pair};
}

em_status em_skipgram_seek(em_skipgram *s, int64_t epoch, em_skipgram_position at)
{
    em__windows *w = &s->windows;
    em_skipgram_start(s, epoch);
    const int64_t portions = em__windows_portions(w);
    bool fits = at.portion >= 0 && at.portion < portions;
    if (fits && at.pair != 0) {
        em__windows_load(w, at.portion);
        if (em_interrupted()) {
            em__windows_epoch(w, epoch);        /* an interrupted portion is not whole */
            return em__fail(EM_EINTERRUPT, "SkipGram: interrupted");
        }
        fits = at.pair > 0 && at.pair < w->pairs;
    }
    if (!fits && !(at.portion == portions && at.pair == 0))
        return em__fail(EM_EVALUE, "SkipGram: there is no place %lld, %lld in epoch %lld of this corpus",
                        (long long)at.portion, (long long)at.pair, (long long)epoch);
    s->at = at.portion;
    s->pair = at.pair;
    return EM_OK;
}
