/* Word vectors by skip-gram or CBOW with negative sampling (Mikolov et al. 2013): rounds, workers and their changes.
 *
 * The words of a portion that stay are gone through in rounds, and the words of a round are dealt to workers: virtual
 * ones, each of which some thread runs word after word. So that the bits are the same for any number of threads, a
 * worker of the deterministic variant keeps its changes to itself: it sees the tables as they were before the round and
 * what it has learnt itself. After the round the changes of all workers are added to the tables, those of a row in the
 * order of the workers and divided by the root of their number: workers that move a row together have seen the same
 * slope, and their steps in one sum would go too far.
 *
 * That division has a price: neighbours in the text are moved together, drawn words are not, so what pulls words
 * together would count less than what pushes them apart. Therefore workers should seldom meet: one has many more words
 * than a window, and there are only as many as the vocabulary allows. A small one allows one worker, which then has the
 * tables for itself and writes to them at once: the plain method.
 *
 * In the Hogwild variant (Niu et al. 2011) workers write to the tables at once, and what one reads may be half of what
 * another writes: races by intent, harmless but for the order of additions and a lost one now and then. */
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"
#include "tensor/tensor.h"
#include "text/window_step.h"
#include "text/windows.h"

enum {
    MOST_WORKERS = 16, HOGWILD_WORKERS = 64,
    WORKER_WORDS = 32,                  /* at most, and */
    WORD_VOCAB = 32,                    /* so many different words for each of a round */
    WORKER_ROWS = 2048,                 /* rows of targets that a worker may touch, roughly: those in cache */
    MOST_NEGATIVE = 1000,
};

enum { INPUTS, TARGETS, TABLES };

typedef struct table {
    char *rows;
    size_t bytes;                       /* of a row */
} table;

/* What a worker adds to some rows of a table. */
typedef struct changes {
    int64_t count;
    int32_t *id;                        /* (most) */
    char *rows;                         /* (most, padded width) */
} changes;

typedef struct worker {
    changes of[TABLES];
    double loss;
    int64_t pairs;
} worker;

/* The rows of one word's window. Shared negatives: one list of targets; else one for each input. */
typedef struct window_rows {
    int64_t inputs;
    em__moving_row *input;              /* (2 window) */
    em__moving_row *target;             /* (lists, 1 + negative) */
} window_rows;

/* What a thread needs for itself. */
typedef struct thread_memory {
    int32_t *slot[TABLES];              /* (V) where the worker's changes hold a row; -1: nowhere */
    int32_t *negative;
    window_rows now, next;
    em__window_scratch scratch;
} thread_memory;

struct em_word2vec {
    em__windows windows;
    em_word2vec_opts opts;
    em_tensor *tensor[TABLES];
    table table[TABLES];
    const em__window_step *step;
    int64_t width, lists;               /* lists of targets a window */
    int worker_count;                   /* workers of a round */
    int64_t worker_words, most[TABLES]; /* words of a worker, and rows that these can touch */
    bool at_once;                       /* workers write to the tables themselves */
    worker workers[HOGWILD_WORKERS];
    uint8_t *changed_by[TABLES];        /* (V) workers of the round that move a row; zeros between rounds */
    double share[MOST_WORKERS + 1];     /* of its changes that it takes, by the number of workers that move it */
    int64_t epoch, portion, word;       /* where the next round begins */
};

/* ---- which variant ------------------------------------------------------------------------------------- */

EM_DECLARE_VARIANTS(em__window_step, em__window_step)

const em__window_step *em__window_step_find(em_dtype dtype)
{
    static const em__window_step *const steps[][2] = EM_VARIANTS(em__window_step, em__window_step);
    return em__isa() < 0 ? NULL : steps[em__isa()][dtype == EM_F64];
}

/* ---- checks -------------------------------------------------------------------------------------------- */

static em_status check_options(const em_word2vec_opts *o)
{
    if (o->negative < 1 || o->negative > MOST_NEGATIVE)
        return em__fail(EM_EVALUE, "Word2Vec: negative = %lld (expected 1 to %d)", (long long)o->negative,
                        MOST_NEGATIVE);
    if (o->epochs < 1) return em__fail(EM_EVALUE, "Word2Vec: epochs = %lld (expected >= 1)", (long long)o->epochs);
    if (!(o->lr >= 0)) return em__fail(EM_EVALUE, "Word2Vec: lr = %g (expected >= 0)", o->lr);
    return EM_OK;
}

static em_status check_table(const char *name, const em_tensor *t, const em_tensor *like, int64_t words)
{
    if (!em_dtype_is_float(t->dtype) || t->rows || !em_tensor_is_contiguous(t))
        return em__fail(EM_ETYPE, "Word2Vec: %s: expected a contiguous tensor of float32 or float64, given %s%s", name,
                        t->rows ? "a sparse one of " : "", em_dtype_name(t->dtype));
    if (t->dims != 2 || t->size[0] != words || t->size[1] < 1)
        return em__fail(EM_ESHAPE, "Word2Vec: %s is %s, expected a row for each of %lld words", name, EM_SHAPE(t),
                        (long long)words);
    if (t->dtype != like->dtype || t->size[1] != like->size[1])
        return em__fail(EM_ESHAPE, "Word2Vec: vectors are %s %s, contexts %s %s", em_dtype_name(like->dtype),
                        EM_SHAPE(like), em_dtype_name(t->dtype), EM_SHAPE(t));
    if (t != like && em_tensor_same_storage(t, like))
        return em__fail(EM_EVALUE, "Word2Vec: vectors and contexts must not share memory");
    return EM_OK;
}

/* ---- making and letting go ----------------------------------------------------------------------------- */

static void plan(em_word2vec *w)
{
    const em_word2vec_opts *o = &w->opts;
    w->lists = o->cbow || o->shared ? 1 : 2 * o->window;
    const int64_t a_word = 1 + w->lists * o->negative;
    w->worker_words = em__max(1, em__min(WORKER_WORDS, WORKER_ROWS / a_word));
    const int64_t most = w->windows.vocab / (WORD_VOCAB * w->worker_words);
    w->worker_count = o->hogwild ? HOGWILD_WORKERS : (int)em__max(1, em__min(MOST_WORKERS, most));
    w->at_once = o->hogwild || w->worker_count == 1;
    w->most[INPUTS] = em__min(w->windows.vocab, w->worker_words + 2 * o->window);
    w->most[TARGETS] = em__min(w->windows.vocab, w->worker_words * a_word);
}

/* Bytes of a change. */
static size_t change_bytes(const em_word2vec *w)
{
    return (size_t)em__padded_width(w->width) * em_dtype_size(w->tensor[INPUTS]->dtype);
}

static em_status allocate_workers(em_word2vec *w)
{
    for (int i = 1; i <= w->worker_count; i++) w->share[i] = 1 / sqrt(i);
    for (int t = 0; t < TABLES; t++) {
        w->changed_by[t] = em__alloc_zeroed((size_t)w->windows.vocab);
        if (!w->changed_by[t]) return em__fail_memory("word vectors", (size_t)w->windows.vocab);
    }
    for (int i = 0; i < w->worker_count; i++)
        for (int t = 0; t < TABLES; t++) {
            changes *c = &w->workers[i].of[t];
            c->id = em__alloc((size_t)w->most[t] * sizeof *c->id);
            c->rows = em__alloc((size_t)w->most[t] * change_bytes(w));
            if (!c->id || !c->rows)
                return em__fail_memory("changes of word vectors", (size_t)w->most[t] * change_bytes(w));
        }
    return EM_OK;
}

static void keep_table(em_word2vec *w, int which, em_tensor *t)
{
    em_tensor_retain(w->tensor[which] = t);
    w->width = t->size[1];
}

/* A script has the tables too: since the last time they may have got other rows, or others may refer to theirs. */
static em_status take_tables(em_word2vec *w)
{
    static const char *const names[TABLES] = {"vectors", "contexts"};
    for (int i = 0; i < TABLES; i++) {
        EM_TRY(check_table(names[i], w->tensor[i], w->tensor[INPUTS], w->windows.vocab));
        if (w->tensor[i]->size[1] != w->width)
            return em__fail(EM_ESHAPE, "Word2Vec: %s is %s, expected rows of %lld numbers", names[i],
                            EM_SHAPE(w->tensor[i]), (long long)w->width);
    }
    for (int i = 0; i < TABLES; i++) {
        EM_TRY(em__before_change(w->tensor[i], "Word2Vec"));
        em__apply_pending(w->tensor[i]);
        w->table[i] = (table){w->tensor[i]->data, (size_t)w->width * em_dtype_size(w->tensor[i]->dtype)};
    }
    return EM_OK;
}

static em_status make(em_word2vec *w, em_corpus *corpus, em_tensor *vectors, em_tensor *contexts)
{
    const em_word2vec_opts *o = &w->opts;
    EM_TRY(em__windows_new(&w->windows, "Word2Vec", corpus, o->window, o->sample, o->seed));
    EM_TRY(check_table("vectors", vectors, vectors, w->windows.vocab));
    EM_TRY(check_table("contexts", contexts, vectors, w->windows.vocab));
    keep_table(w, INPUTS, vectors);
    keep_table(w, TARGETS, contexts);
    w->step = em__window_step_find(vectors->dtype);
    if (!w->step) return em__fail(EM_EVALUE, "Word2Vec: this build has no kernels for this processor");
    plan(w);
    return w->at_once ? EM_OK : allocate_workers(w);
}

em_status em_word2vec_new(em_word2vec **out, em_corpus *corpus, em_tensor *vectors, em_tensor *contexts,
                          const em_word2vec_opts *opts)
{
    *out = NULL;
    EM_TRY(check_options(opts));
    em_word2vec *w = em__alloc_zeroed(sizeof *w);
    if (!w) return em__fail_memory("a word2vec", sizeof *w);
    w->opts = *opts;
    const em_status s = make(w, corpus, vectors, contexts);
    if (s)
        em_word2vec_release(w);
    else
        *out = w;
    return s;
}

void em_word2vec_release(em_word2vec *w)
{
    if (!w) return;
    for (int i = 0; i < MOST_WORKERS; i++)
        for (int t = 0; t < TABLES; t++) {
            em__free(w->workers[i].of[t].id, (size_t)w->most[t] * sizeof(int32_t));
            if (w->workers[i].of[t].rows) em__free(w->workers[i].of[t].rows, (size_t)w->most[t] * change_bytes(w));
        }
    for (int t = 0; t < TABLES; t++) em__free(w->changed_by[t], (size_t)w->windows.vocab);
    em__windows_free(&w->windows);
    em_tensor_release(w->tensor[INPUTS]);
    em_tensor_release(w->tensor[TARGETS]);
    em__free(w, sizeof *w);
}

/* ---- memory of threads --------------------------------------------------------------------------------- */

/* Hands out pieces of one block, each aligned; with no block it only adds up. */
static void *take(char *block, size_t *used, size_t bytes)
{
    void *piece = block ? block + *used : NULL;
    *used += (bytes + 63) & ~(size_t)63;
    return piece;
}

/* Lays one thread's things out in `block`; returns the bytes they take. */
static size_t lay_out(const em_word2vec *w, thread_memory *k, char *block)
{
    const em_word2vec_opts *o = &w->opts;
    const size_t inputs = (size_t)(2 * o->window), targets = (size_t)(1 + o->negative), row = change_bytes(w),
                 slots = w->at_once ? 0 : (size_t)w->windows.vocab * sizeof(int32_t),
                 element = em_dtype_size(w->tensor[INPUTS]->dtype);
    size_t used = 0;
    for (int t = 0; t < TABLES; t++) k->slot[t] = take(block, &used, slots);
    k->negative = take(block, &used, (size_t)o->negative * sizeof(int32_t));
    window_rows *const both[] = {&k->now, &k->next};
    for (int i = 0; i < 2; i++) {
        both[i]->input = take(block, &used, inputs * sizeof(em__moving_row));
        both[i]->target = take(block, &used, (size_t)w->lists * targets * sizeof(em__moving_row));
    }
    k->scratch.x = take(block, &used, (inputs + 1) * row);
    k->scratch.y = take(block, &used, targets * row);
    k->scratch.score = take(block, &used, (size_t)em__padded_width((int64_t)(inputs * targets)) * element);
    return used;
}

typedef struct thread_team {
    int count;
    size_t bytes;                       /* of the block */
    char *block;
    thread_memory memory[EM_MAX_THREADS];
} thread_team;

static em_status new_team(thread_team *team, const em_word2vec *w)
{
    team->count = em_threads();
    const size_t each = lay_out(w, &team->memory[0], NULL);
    team->bytes = each * (size_t)team->count;
    team->block = em__alloc(team->bytes);
    if (!team->block) return em__fail_memory("threads of word2vec", team->bytes);
    for (int i = 0; i < team->count; i++) {
        lay_out(w, &team->memory[i], team->block + each * (size_t)i);
        for (int t = 0; t < TABLES && !w->at_once; t++)
            memset(team->memory[i].slot[t], -1, (size_t)w->windows.vocab * sizeof(int32_t));
    }
    return EM_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static void prefetch(const char *row, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(row + at);
}

static em__moving_row find_row(const em_word2vec *w, thread_memory *k, worker *own, int t, int32_t id)
{
    char *base = w->table[t].rows + (size_t)id * w->table[t].bytes;
    prefetch(base, w->table[t].bytes);
    if (w->at_once) return (em__moving_row){base, base};
    changes *c = &own->of[t];
    const size_t bytes = change_bytes(w);
    int32_t slot = k->slot[t][id];
    if (slot < 0) {
        slot = k->slot[t][id] = (int32_t)c->count++;
        c->id[slot] = id;
        memset(c->rows + (size_t)slot * bytes, 0, bytes);
    }
    return (em__moving_row){base, c->rows + (size_t)slot * bytes};
}

static void find_targets(const em_word2vec *w, thread_memory *k, worker *own, window_rows *g, int64_t word,
                         int64_t list)
{
    const int64_t negative = w->opts.negative;
    const int32_t centre = w->windows.id[word];
    em__moving_row *target = g->target + list * (1 + negative);
    em__windows_negatives(&w->windows, k->negative, negative, word, list, w->lists, centre);
    target[0] = find_row(w, k, own, TARGETS, centre);
    for (int64_t i = 0; i < negative; i++) target[1 + i] = find_row(w, k, own, TARGETS, k->negative[i]);
}

/* Rows of the window around a word, on their way into the cache. */
static void find_window(const em_word2vec *w, thread_memory *k, worker *own, window_rows *g, int64_t word)
{
    const em__windows *text = &w->windows;
    g->inputs = 0;
    for (int64_t j = text->first[word]; j <= text->last[word]; j++)
        if (j != word) g->input[g->inputs++] = find_row(w, k, own, INPUTS, text->id[j]);
    const int64_t lists = w->lists == 1 ? g->inputs > 0 : g->inputs;
    for (int64_t list = 0; list < lists; list++) find_targets(w, k, own, g, word, list);
}

/* ---- a worker ------------------------------------------------------------------------------------------ */

static double learn_window(const em_word2vec *w, const thread_memory *k, const window_rows *g, double lr)
{
    em__window step = {
        .width = w->width, .write = w->at_once ? w->width : em__padded_width(w->width), .inputs = g->inputs,
        .targets = 1 + w->opts.negative, .input = g->input, .target = g->target, .lr = lr, .scratch = k->scratch,
    };
    if (w->opts.cbow) return w->step->mean(&step);
    if (w->lists == 1) return w->step->each(&step);
    double loss = 0;
    step.inputs = 1;
    for (int64_t a = 0; a < g->inputs; a++) {
        step.input = g->input + a;
        step.target = g->target + a * step.targets;
        loss += w->step->each(&step);
    }
    return loss;
}

static void swap(window_rows *a, window_rows *b)
{
    const window_rows c = *a;
    *a = *b;
    *b = c;
}

static void run_worker(const em_word2vec *w, thread_memory *k, worker *own, int64_t from, int64_t to, double lr)
{
    own->loss = 0;
    own->pairs = 0;
    own->of[INPUTS].count = own->of[TARGETS].count = 0;
    if (from < to) find_window(w, k, own, &k->next, from);
    for (int64_t word = from; word < to; word++) {
        swap(&k->now, &k->next);
        if (word + 1 < to) find_window(w, k, own, &k->next, word + 1);
        if (!k->now.inputs) continue;
        own->loss += learn_window(w, k, &k->now, lr);
        own->pairs += w->opts.cbow ? 1 : k->now.inputs;
    }
    for (int t = 0; t < TABLES && !w->at_once; t++)
        for (int64_t i = 0; i < own->of[t].count; i++) k->slot[t][own->of[t].id[i]] = -1;
}

/* ---- a round ------------------------------------------------------------------------------------------- */

/* to += scale * change */
static void add_row(char *to, const char *change, double scale, int64_t width, em_dtype dtype)
{
    if (dtype == EM_F32) {
        float *restrict x = (float *)(void *)to;
        const float *dx = (const float *)(const void *)change, k = (float)scale;
        for (int64_t d = 0; d < width; d++) x[d] += k * dx[d];
    } else {
        double *restrict x = (double *)(void *)to;
        const double *dx = (const double *)(const void *)change;
        for (int64_t d = 0; d < width; d++) x[d] += scale * dx[d];
    }
}

static void count_changes(uint8_t *changed_by, const changes *c, uint32_t shard, uint32_t shards)
{
    for (int64_t i = 0; i < c->count; i++)
        if ((uint32_t)c->id[i] % shards == shard) changed_by[c->id[i]]++;
}

static void clear_counts(uint8_t *changed_by, const changes *c, uint32_t shard, uint32_t shards)
{
    for (int64_t i = 0; i < c->count; i++)
        if ((uint32_t)c->id[i] % shards == shard) changed_by[c->id[i]] = 0;
}

/* Adds one worker's changes of the rows that belong to this shard of the table. */
static void add_changes(const em_word2vec *w, int t, const changes *c, uint32_t shard, uint32_t shards)
{
    enum { AHEAD = 16 };
    const size_t bytes = change_bytes(w);
    for (int64_t i = 0; i < c->count; i++) {
        if (i + AHEAD < c->count && (uint32_t)c->id[i + AHEAD] % shards == shard)
            prefetch(w->table[t].rows + (size_t)c->id[i + AHEAD] * w->table[t].bytes, w->table[t].bytes);
        if ((uint32_t)c->id[i] % shards != shard) continue;
        add_row(w->table[t].rows + (size_t)c->id[i] * w->table[t].bytes, c->rows + (size_t)i * bytes,
                w->share[w->changed_by[t][c->id[i]]], w->width, w->tensor[t]->dtype);
    }
}

/* A row belongs to one shard, so its changes are added in the order of the workers whatever the number of shards. */
static void add_all_changes(const em_word2vec *w)
{
    const uint32_t shards = (uint32_t)em_threads();
    const int workers = w->worker_count;
    EM_PARALLEL_EACH(p, (int64_t)shards, 1e6) {
        const uint32_t shard = (uint32_t)p;
        for (int t = 0; t < TABLES; t++) {
            for (int i = 0; i < workers; i++) count_changes(w->changed_by[t], &w->workers[i].of[t], shard, shards);
            for (int i = 0; i < workers; i++) add_changes(w, t, &w->workers[i].of[t], shard, shards);
            for (int i = 0; i < workers; i++) clear_counts(w->changed_by[t], &w->workers[i].of[t], shard, shards);
        }
    }
}

static int64_t words_done(const em_word2vec *w)
{
    const em__windows *text = &w->windows;
    const int64_t corpus = em_corpus_ids(text->corpus)->count, base = w->portion * EM_PORTION;
    const bool inside = w->word > 0 && text->portion == w->portion && w->word < text->kept;
    return w->epoch * corpus + base + (inside ? text->position[w->word] : 0);
}

static int64_t words_total(const em_word2vec *w)
{
    return w->opts.epochs * em_corpus_ids(w->windows.corpus)->count;
}

/* Falls in a line to 1 / 10,000 of the first, as word2vec's. */
static double learning_rate(const em_word2vec *w)
{
    const double left = 1 - (double)words_done(w) / (double)words_total(w);
    return w->opts.lr * (left > 1e-4 ? left : 1e-4);
}

static void advance(em_word2vec *w, int64_t to)
{
    w->word = to;
    if (w->word < w->windows.kept) return;
    w->word = 0;
    if (++w->portion < em__windows_portions(&w->windows)) return;
    w->portion = 0;
    em__windows_epoch(&w->windows, ++w->epoch);
}

static em_status load(em_word2vec *w)
{
    if (w->windows.portion == w->portion) return EM_OK;
    em__windows_load(&w->windows, w->portion);
    if (!em_interrupted()) return EM_OK;
    w->windows.portion = -1;                    /* it may lack words */
    return em__fail(EM_EINTERRUPT, "Word2Vec: interrupted");
}

static em_status learn_round(em_word2vec *w, thread_team *team, em_word2vec_report *report)
{
    if (em_interrupted()) return em__fail(EM_EINTERRUPT, "Word2Vec: interrupted");
    EM_TRY(load(w));
    const int workers = w->worker_count;
    const int64_t from = w->word, to = em__min(from + workers * w->worker_words, w->windows.kept);
    const double lr = learning_rate(w), a_worker = (double)w->worker_words * (double)w->width * 100;
    EM_PARALLEL_DYNAMIC(i, workers, workers > 1 ? a_worker : 0)
        run_worker(w, &team->memory[em__thread()], &w->workers[i], em__min(from + i * w->worker_words, to),
                   em__min(from + (i + 1) * w->worker_words, to), lr);
    if (!w->at_once) add_all_changes(w);
    for (int i = 0; i < workers; i++) {
        report->loss += w->workers[i].loss;
        report->pairs += w->workers[i].pairs;
    }
    advance(w, to);
    return EM_OK;
}

em_status em_word2vec_train(em_word2vec *w, int64_t words, em_word2vec_report *report)
{
    thread_team team;
    *report = (em_word2vec_report){.words_total = words_total(w)};
    EM_TRY(take_tables(w));
    if (w->epoch < w->opts.epochs) EM_TRY(load(w));
    report->words_done = words_done(w);
    EM_TRY(new_team(&team, w));
    em_status s = EM_OK;
    const int64_t stop = words < INT64_MAX - report->words_done ? report->words_done + words : INT64_MAX;
    while (!s && w->epoch < w->opts.epochs && words_done(w) < stop) s = learn_round(w, &team, report);
    em__free(team.block, team.bytes);
    em_tensor_touch(w->tensor[INPUTS]);
    em_tensor_touch(w->tensor[TARGETS]);
    report->words_done = words_done(w);
    return s;
}

/* ---- where it stands ----------------------------------------------------------------------------------- */

em_word2vec_position em_word2vec_where(const em_word2vec *w)
{
    return (em_word2vec_position){w->epoch, w->portion, w->word};
}

static void go_to(em_word2vec *w, em_word2vec_position at)
{
    if (w->windows.epoch != at.epoch) em__windows_epoch(&w->windows, at.epoch);
    w->epoch = at.epoch;
    w->portion = at.portion;
    w->word = at.word;
}

em_status em_word2vec_seek(em_word2vec *w, em_word2vec_position at)
{
    const em_word2vec_position was = em_word2vec_where(w);
    const bool end = at.epoch == w->opts.epochs && at.portion == 0 && at.word == 0;
    const bool inside = at.epoch >= 0 && at.epoch < w->opts.epochs && at.portion >= 0 &&
                        at.portion < em__windows_portions(&w->windows) && at.word >= 0;
    if (!end && !inside)
        return em__fail(EM_EVALUE, "Word2Vec: there is no place %lld, %lld, %lld in %lld epochs of this corpus",
                        (long long)at.epoch, (long long)at.portion, (long long)at.word, (long long)w->opts.epochs);
    go_to(w, at);
    em_status s = end ? EM_OK : load(w);
    if (!s && at.word > 0 && at.word >= w->windows.kept)
        s = em__fail(EM_EVALUE, "Word2Vec: there is no word %lld in portion %lld of this corpus", (long long)at.word,
                     (long long)at.portion);
    if (s) go_to(w, was);
    return s;
}
