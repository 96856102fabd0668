/* Windows and negatives of a corpus: which words stay, how far windows reach, what is drawn. */
#include "text/windows.h"

#include <math.h>

#include "base/memory.h"
#include "base/status.h"
#include "random/rng.h"
#include "tensor/tensor.h"

enum { MOST_WINDOW = 1000, ATTEMPTS = 8 };

/* ---- probabilities ------------------------------------------------------------------------------------- */

static em_status check(const char *owner, const em_corpus *corpus, int64_t window, double sample)
{
    if (em_corpus_ids(corpus)->count == 0) return em__fail(EM_EVALUE, "%s: the corpus is empty", owner);
    if (window < 1 || window > MOST_WINDOW)
        return em__fail(EM_EVALUE, "%s: window = %lld (expected 1 to %d)", owner, (long long)window, MOST_WINDOW);
    if (!(sample > 0)) return em__fail(EM_EVALUE, "%s: sample = %g (expected > 0)", owner, sample);
    return EM_OK;
}

static uint32_t probability(double count, double total, double sample)
{
    const double rare = sample * total / count, p = sqrt(rare) + rare;
    return p >= 1 ? UINT32_MAX : (uint32_t)(p * 0x1p32);
}

/* The vocabulary may have been trimmed since the corpus was read. */
static em_status check_ids(const char *owner, const em__windows *w)
{
    const em_tensor *ids = em_corpus_ids(w->corpus);
    const int32_t *id = EM_DATA(const int32_t, ids);
    int32_t most = 0;
    for (int64_t t = 0; t < ids->count; t++) most = id[t] > most ? id[t] : most;
    if (most < w->vocab) return EM_OK;
    return em__fail(EM_EVALUE, "%s: the corpus has a word with id %d, its vocabulary only %lld words: it was changed "
                    "since the corpus was read", owner, (int)most, (long long)w->vocab);
}

/* `counts` becomes the weights of the negatives. */
static void weigh(em__windows *w, double *counts, double sample)
{
    const em_tensor *ids = em_corpus_ids(w->corpus);
    const int32_t *id = EM_DATA(const int32_t, ids);
    for (int64_t t = 0; t < ids->count; t++) counts[id[t]]++;
    for (int64_t v = 0; v < w->vocab; v++) {
        w->stays[v] = probability(counts[v], (double)ids->count, sample);
        counts[v] = pow(counts[v], 0.75);
    }
}

static em_status prepare(em__windows *w, double sample)
{
    const size_t bytes = (size_t)w->vocab * sizeof(double);
    w->stays = em__alloc((size_t)w->vocab * sizeof *w->stays);
    double *weights = em__alloc_zeroed(bytes);
    em_status status = EM_OK;
    if (!weights || !w->stays) {
        status = em__fail_memory("the weights of words", bytes);
    } else {
        weigh(w, weights, sample);
        status = em__alias_new(&w->weights, weights, w->vocab);
    }
    em__free(weights, bytes);
    return status;
}

/* ---- making and letting go ----------------------------------------------------------------------------- */

static em_status allocate_portion(em__windows *w)
{
    w->size = em__alloc(EM_PORTION * sizeof *w->size);
    w->id = em__alloc(EM_PORTION * sizeof *w->id);
    w->position = em__alloc(EM_PORTION * sizeof *w->position);
    w->first = em__alloc(EM_PORTION * sizeof *w->first);
    w->last = em__alloc(EM_PORTION * sizeof *w->last);
    w->pair = em__alloc((EM_PORTION + 1) * sizeof *w->pair);
    if (!w->size || !w->id || !w->position || !w->first || !w->last || !w->pair)
        return em__fail_memory("windows of words", EM_PORTION * sizeof *w->pair);
    return EM_OK;
}

em_status em__windows_new(em__windows *w, const char *owner, em_corpus *corpus, int64_t window, double sample,
                          uint64_t seed)
{
    *w = (em__windows){.reach = window, .seed = seed, .portion = -1};
    EM_TRY(check(owner, corpus, window, sample));
    em_corpus_retain(w->corpus = corpus);
    w->vocab = em_vocab_size(em_corpus_vocab(corpus));
    em_status status = check_ids(owner, w);
    if (!status) status = prepare(w, sample);
    if (!status) status = allocate_portion(w);
    if (status) em__windows_free(w);
    return status;
}

void em__windows_free(em__windows *w)
{
    em__free(w->size, EM_PORTION * sizeof *w->size);
    em__free(w->id, EM_PORTION * sizeof *w->id);
    em__free(w->position, EM_PORTION * sizeof *w->position);
    em__free(w->first, EM_PORTION * sizeof *w->first);
    em__free(w->last, EM_PORTION * sizeof *w->last);
    em__free(w->pair, (EM_PORTION + 1) * sizeof *w->pair);
    em__free(w->stays, (size_t)w->vocab * sizeof *w->stays);
    em__alias_free(&w->weights);
    em_corpus_release(w->corpus);
    *w = (em__windows){.portion = -1};
}

/* ---- a portion ----------------------------------------------------------------------------------------- */

int64_t em__windows_portions(const em__windows *w)
{
    return (em_corpus_ids(w->corpus)->count + EM_PORTION - 1) / EM_PORTION;
}

void em__windows_epoch(em__windows *w, int64_t epoch)
{
    w->epoch = epoch;
    w->portion = -1;
}

static uint64_t stream(const em__windows *w, uint64_t which) { return (uint64_t)w->epoch << 32 | which; }

/* Draws which words stay and how far their windows reach. */
static void draw_sizes(em__windows *w, const int32_t *ids, int64_t base)
{
    const uint64_t windows = stream(w, EM_STREAM_WINDOWS);
    EM_PARALLEL_CHUNKS(lo, hi, w->words, 16)
        for (int64_t t = lo; t < hi; t++) {
            uint32_t bits[4];
            em__philox(w->seed, (uint64_t)(base + t), windows, bits);
            const uint64_t reach = 1 + ((bits[1] * (uint64_t)w->reach) >> 32);
            w->size[t] = bits[0] <= w->stays[ids[t]] ? (uint16_t)reach : 0;
        }
}

/* Numbers the pairs of the words from..kept-1 that stay, which make one sentence. */
static void number_pairs(em__windows *w, int64_t from)
{
    for (int64_t k = from; k < w->kept; k++) {
        const int64_t reach = w->size[w->position[k]];
        const int64_t first = em__max(from, k - reach), last = em__min(w->kept - 1, k + reach);
        w->first[k] = (int32_t)first;
        w->last[k] = (int32_t)last;
        w->pair[k] = w->pairs;
        w->pairs += last - first;
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

void em__windows_load(em__windows *w, int64_t portion)
{
    if (w->portion == portion) return;
    const em_tensor *all = em_corpus_ids(w->corpus), *starts = em_corpus_starts(w->corpus);
    const int64_t base = portion * EM_PORTION;
    const int32_t *ids = EM_DATA(const int32_t, all) + base;
    w->portion = portion;
    w->words = em__min(EM_PORTION, all->count - base);
    w->kept = w->pairs = 0;
    draw_sizes(w, ids, base);
    int64_t t = 0;
    for (int64_t sentence = sentence_of(starts, base); t < w->words; sentence++) {
        const int64_t from = w->kept, end = em__min(EM_DATA(const int64_t, starts)[sentence + 1] - base, w->words);
        for (; t < end; t++) {
            if (!w->size[t]) continue;
            w->id[w->kept] = ids[t];
            w->position[w->kept++] = (int32_t)t;
        }
        number_pairs(w, from);
    }
    w->pair[w->kept] = w->pairs;
}

int64_t em__windows_word_of_pair(const em__windows *w, int64_t pair)
{
    int64_t lo = 0, hi = w->kept;
    while (hi - lo > 1) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (w->pair[middle] <= pair)
            lo = middle;
        else
            hi = middle;
    }
    return lo;
}

/* ---- negatives ----------------------------------------------------------------------------------------- */

/* A block of numbers serves two negatives; the next attempt at one takes the same place of the next stream. */
static int32_t draw(const em__windows *w, const uint32_t *half)
{
    return em__alias_draw(&w->weights, em__join_bits(half[0], half[1]));
}

static int32_t draw_again(const em__windows *w, uint64_t counter, int64_t half, int32_t avoid)
{
    int32_t id = avoid;
    for (uint64_t attempt = 1; attempt < ATTEMPTS && id == avoid; attempt++) {
        uint32_t bits[4];
        em__philox(w->seed, counter, stream(w, EM_STREAM_NEGATIVES + attempt), bits);
        id = draw(w, bits + 2 * half);
    }
    return id;
}

void em__windows_negatives(const em__windows *w, int32_t *out, int64_t n, int64_t k, int64_t which, int64_t uses,
                           int32_t avoid)
{
    const uint64_t position = (uint64_t)(w->portion * EM_PORTION + w->position[k]);
    const uint64_t counter = (position * (uint64_t)uses + (uint64_t)which) * (uint64_t)((n + 1) / 2);
    uint32_t bits[4] = {0};
    for (int64_t i = 0; i < n; i++) {
        if (i % 2 == 0) em__philox(w->seed, counter + (uint64_t)i / 2, stream(w, EM_STREAM_NEGATIVES), bits);
        const int32_t id = draw(w, bits + 2 * (i % 2));
        out[i] = id == avoid ? draw_again(w, counter + (uint64_t)i / 2, i % 2, avoid) : id;
    }
}
