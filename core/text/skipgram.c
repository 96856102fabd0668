#include <math.h>

#include "base/memory.h"
#include "parallel/parallel.h"
#include "random/alias.h"
#include "random/rng.h"
#include "tensor/tensor.h"

enum { MOST_WINDOW = 1000, MOST_NEGATIVE = 1000, ATTEMPTS = 8 };

/* The corpus is gone through in portions of EM_PORTION words. Loading one decides which of its words stay, and how far
 * the window of each reaches; the pairs are then numbered through, so that any stretch of them can be written by
 * itself. */
typedef struct portion {
    int64_t index;                      /* in the corpus; -1: none is loaded */
    int64_t words, kept;                /* words of the corpus in it; words that stay */
    int64_t pairs;
    uint16_t *window;                   /* (EM_PORTION) by place in the corpus; 0: left out */
    int32_t *id, *place;                /* (EM_PORTION) by number among the words that stay */
    int32_t *first;                     /* first word of the window */
    int64_t *pair;                      /* (EM_PORTION + 1) number of the first pair */
} portion;

struct em_skipgram {
    em_corpus *corpus;
    em_skipgram_opts opts;
    em__alias negatives;
    uint32_t *stays;                    /* (V) probability of staying, of 2^32 - 1 */
    int64_t vocab;
    int64_t epoch, at, pair;            /* where the next batch begins: portion, pair in it */
    portion now;
};

/* ---- probabilities ------------------------------------------------------------------------------------- */

static em_status check(const em_corpus *corpus, const em_skipgram_opts *o)
{
    if (em_corpus_ids(corpus)->count == 0) return em__fail(EM_EVALUE, "SkipGram: the corpus is empty");
    if (o->window < 1 || o->window > MOST_WINDOW)
        return em__fail(EM_EVALUE, "SkipGram: window = %lld (expected 1 to %d)", (long long)o->window, MOST_WINDOW);
    if (o->negative < 0 || o->negative > MOST_NEGATIVE)
        return em__fail(EM_EVALUE, "SkipGram: negative = %lld (expected 0 to %d)", (long long)o->negative,
                        MOST_NEGATIVE);
    if (!(o->sample > 0)) return em__fail(EM_EVALUE, "SkipGram: sample = %g (expected > 0)", o->sample);
    if (o->batch_size < 1)
        return em__fail(EM_EVALUE, "SkipGram: batch_size = %lld (expected >= 1)", (long long)o->batch_size);
    if (o->dtype != EM_I64 && o->dtype != EM_I32)
        return em__fail(EM_EVALUE, "SkipGram: dtype = %s (expected int64 or int32)", em_dtype_name(o->dtype));
    return EM_OK;
}

static uint32_t probability(double count, double total, double sample)
{
    const double rare = sample * total / count, p = sqrt(rare) + rare;
    return p >= 1 ? UINT32_MAX : (uint32_t)(p * 0x1p32);
}

/* `counts` becomes the weights of the negatives. */
static void weigh(em_skipgram *s, double *counts)
{
    const em_tensor *ids = em_corpus_ids(s->corpus);
    const int32_t *id = EM_DATA(const int32_t, ids);
    for (int64_t t = 0; t < ids->count; t++) counts[id[t]]++;
    for (int64_t v = 0; v < s->vocab; v++) {
        s->stays[v] = probability(counts[v], (double)ids->count, s->opts.sample);
        counts[v] = pow(counts[v], 0.75);
    }
}

static em_status prepare(em_skipgram *s)
{
    const size_t bytes = (size_t)s->vocab * sizeof(double);
    s->stays = em__alloc((size_t)s->vocab * sizeof *s->stays);
    double *weights = em__alloc_zeroed(bytes);
    em_status status = EM_OK;
    if (!weights || !s->stays) {
        status = em__fail_memory("a skip-gram's weights", bytes);
    } else {
        weigh(s, weights);
        status = em__alias_new(&s->negatives, weights, s->vocab);
    }
    em__free(weights, bytes);
    return status;
}

/* ---- making and letting go ----------------------------------------------------------------------------- */

static em_status allocate_portion(portion *p)
{
    p->index = -1;
    p->window = em__alloc(EM_PORTION * sizeof *p->window);
    p->id = em__alloc(EM_PORTION * sizeof *p->id);
    p->place = em__alloc(EM_PORTION * sizeof *p->place);
    p->first = em__alloc(EM_PORTION * sizeof *p->first);
    p->pair = em__alloc((EM_PORTION + 1) * sizeof *p->pair);
    if (!p->window || !p->id || !p->place || !p->first || !p->pair)
        return em__fail_memory("a skip-gram's windows", EM_PORTION * sizeof *p->pair);
    return EM_OK;
}

em_status em_skipgram_new(em_skipgram **out, em_corpus *corpus, const em_skipgram_opts *opts)
{
    *out = NULL;
    EM_TRY(check(corpus, opts));
    em_skipgram *s = em__alloc_zeroed(sizeof *s);
    if (!s) return em__fail_memory("a skip-gram", sizeof *s);
    em_corpus_retain(s->corpus = corpus);
    s->opts = *opts;
    s->vocab = em_vocab_size(em_corpus_vocab(corpus));
    em_status status = prepare(s);
    if (!status) status = allocate_portion(&s->now);
    if (status)
        em_skipgram_release(s);
    else
        *out = s;
    return status;
}

void em_skipgram_release(em_skipgram *s)
{
    if (!s) return;
    portion *p = &s->now;
    em__free(p->window, EM_PORTION * sizeof *p->window);
    em__free(p->id, EM_PORTION * sizeof *p->id);
    em__free(p->place, EM_PORTION * sizeof *p->place);
    em__free(p->first, EM_PORTION * sizeof *p->first);
    em__free(p->pair, (EM_PORTION + 1) * sizeof *p->pair);
    em__free(s->stays, (size_t)s->vocab * sizeof *s->stays);
    em__alias_free(&s->negatives);
    em_corpus_release(s->corpus);
    em__free(s, sizeof *s);
}

/* ---- a portion ----------------------------------------------------------------------------------------- */

static uint64_t stream(const em_skipgram *s, uint64_t which) { return (uint64_t)s->epoch << 32 | which; }

/* Draws which words stay and how far their windows reach. */
static void draw_windows(em_skipgram *s, const int32_t *ids, int64_t base)
{
    portion *p = &s->now;
    const uint64_t windows = stream(s, EM_STREAM_WINDOWS);
    EM_PARALLEL_CHUNKS(lo, hi, p->words, 16)
        for (int64_t t = lo; t < hi; t++) {
            uint32_t bits[4];
            em__philox(s->opts.seed, (uint64_t)(base + t), windows, bits);
            const uint64_t reach = 1 + ((bits[1] * (uint64_t)s->opts.window) >> 32);
            p->window[t] = bits[0] <= s->stays[ids[t]] ? (uint16_t)reach : 0;
        }
}

/* Numbers the pairs of the words from..kept-1 that stay, which make one sentence. */
static void number_pairs(portion *p, int64_t from)
{
    for (int64_t k = from; k < p->kept; k++) {
        const int64_t reach = p->window[p->place[k]];
        const int64_t first = em__max(from, k - reach), last = em__min(p->kept - 1, k + reach);
        p->first[k] = (int32_t)first;
        p->pair[k] = p->pairs;
        p->pairs += last - first;
    }
}

/* The sentence that holds word t of the corpus. */
static int64_t sentence_of(const em_tensor *starts, int64_t t)
{
    const int64_t *start = EM_DATA(const int64_t, starts);
    int64_t lo = 0, hi = starts->count - 1;
    while (hi - lo > 1) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (start[middle] <= t)
            lo = middle;
        else
            hi = middle;
    }
    return lo;
}

static void load_portion(em_skipgram *s, int64_t index)
{
    portion *p = &s->now;
    const em_tensor *all = em_corpus_ids(s->corpus), *starts = em_corpus_starts(s->corpus);
    const int64_t base = index * EM_PORTION;
    const int32_t *ids = EM_DATA(const int32_t, all) + base;
    p->index = index;
    p->words = em__min(EM_PORTION, all->count - base);
    p->kept = p->pairs = 0;
    draw_windows(s, ids, base);
    int64_t t = 0;
    for (int64_t sentence = sentence_of(starts, base); t < p->words; sentence++) {
        const int64_t from = p->kept, end = em__min(EM_DATA(const int64_t, starts)[sentence + 1] - base, p->words);
        for (; t < end; t++) {
            if (!p->window[t]) continue;
            p->id[p->kept] = ids[t];
            p->place[p->kept++] = (int32_t)t;
        }
        number_pairs(p, from);
    }
    p->pair[p->kept] = p->pairs;
}

/* The word whose pairs include number `pair`. */
static int64_t word_of_pair(const portion *p, int64_t pair)
{
    int64_t lo = 0, hi = p->kept;
    while (hi - lo > 1) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (p->pair[middle] <= pair)
            lo = middle;
        else
            hi = middle;
    }
    return lo;
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

/* A block of numbers serves two negatives; the next attempt at a pair's context takes the same place of the next
 * stream. */
static int32_t draw_negative(const em_skipgram *s, const uint32_t *half)
{
    return em__alias_draw(&s->negatives, em__join_bits(half[0], half[1]));
}

static int32_t draw_again(const em_skipgram *s, uint64_t counter, int64_t which, int32_t context)
{
    int32_t id = context;
    for (uint64_t attempt = 1; attempt < ATTEMPTS && id == context; attempt++) {
        uint32_t bits[4];
        em__philox(s->opts.seed, counter, stream(s, EM_STREAM_NEGATIVES + attempt), bits);
        id = draw_negative(s, bits + 2 * which);
    }
    return id;
}

static void write_pair(const em_skipgram *s, const batch *b, int64_t row, int64_t k, int64_t slot)
{
    const portion *p = &s->now;
    const int64_t negative = s->opts.negative, other = p->first[k] + slot;
    const int32_t context = p->id[other < k ? other : other + 1];
    const uint64_t place = (uint64_t)(p->index * EM_PORTION + p->place[k]);
    const uint64_t counter = (place * 2 * (uint64_t)s->opts.window + (uint64_t)slot) * (uint64_t)((negative + 1) / 2);
    uint32_t bits[4] = {0};
    put(b->centre, b->wide, row, p->id[k]);
    put(b->targets, b->wide, row * (1 + negative), context);
    for (int64_t i = 0; i < negative; i++) {
        if (i % 2 == 0) em__philox(s->opts.seed, counter + (uint64_t)i / 2, stream(s, EM_STREAM_NEGATIVES), bits);
        int32_t id = draw_negative(s, bits + 2 * (i % 2));
        if (id == context) id = draw_again(s, counter + (uint64_t)i / 2, i % 2, context);
        put(b->targets, b->wide, row * (1 + negative) + 1 + i, id);
    }
}

/* Writes n pairs of the portion, from number `pair` on, to rows row, row + 1, … */
static void write_pairs(const em_skipgram *s, const batch *b, int64_t row, int64_t pair, int64_t n)
{
    const portion *p = &s->now;
    EM_PARALLEL_CHUNKS(lo, hi, n, 16.0 * (double)(1 + s->opts.negative)) {
        int64_t k = word_of_pair(p, pair + lo);
        for (int64_t i = lo; i < hi; i++) {
            while (p->pair[k + 1] <= pair + i) k++;
            write_pair(s, b, row + i, k, pair + i - p->pair[k]);
        }
    }
}

static int64_t portions(const em_skipgram *s)
{
    return (em_corpus_ids(s->corpus)->count + EM_PORTION - 1) / EM_PORTION;
}

/* Fills the batch as far as the epoch goes; returns the number of pairs. */
static int64_t fill_batch(em_skipgram *s, const batch *b)
{
    int64_t rows = 0;
    while (rows < s->opts.batch_size && s->at < portions(s) && !em__stop) {
        if (s->now.index != s->at) load_portion(s, s->at);
        const int64_t n = em__min(s->opts.batch_size - rows, s->now.pairs - s->pair);
        write_pairs(s, b, rows, s->pair, n);
        rows += n;
        s->pair += n;
        if (s->pair == s->now.pairs) {
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
        s->now.index = -1;              /* an interrupted portion is not whole */
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
    s->epoch = epoch;
    s->at = s->pair = 0;
    s->now.index = -1;
}

int64_t em_skipgram_done(const em_skipgram *s)
{
    const int64_t base = em__min(s->at * EM_PORTION, em_corpus_ids(s->corpus)->count);
    if (s->pair == 0 || s->now.index != s->at) return base;
    return base + s->now.place[word_of_pair(&s->now, s->pair)];
}
