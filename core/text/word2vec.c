#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"
#include "tensor/tensor.h"
#include "text/window_step.h"
#include "text/windows.h"

/* The words of a portion that stay are gone through in rounds, a round is cut in lanes, and a lane is worked off by one
 * thread word after word. So that the bits are the same for any number of threads, a lane of the deterministic form
 * keeps its changes apart: it sees the tables as they were before the round and what it has learnt itself. After the
 * round the changes of all lanes are added to the tables, those of a row in the order of the lanes and divided by the
 * root of their number: lanes that move a row together have seen the same slope, and their steps in one sum would go
 * too far.
 *
 * That division has a price: neighbours in the text are moved together, drawn words are not, so what pulls words
 * together would count less than what pushes them apart. Therefore lanes should seldom meet: a lane is much longer
 * than a window, and there are only as many as the vocabulary has room for. A small one has room for one, which then
 * has the tables for itself and writes to them at once: the plain form of the method.
 *
 * In Hogwild form (Niu et al. 2011) lanes write to the tables at once, and what one reads may be half of what another
 * writes: races by intent, harmless but for the order of additions and a lost one now and then. */
enum {
    MOST_LANES = 16, HOGWILD_LANES = 64,
    LANE_WORDS = 32,                    /* at most, and */
    WORD_VOCAB = 32,                    /* so many different words for each of a round */
    LANE_ROWS = 2048,                   /* rows of targets that a lane may touch, roughly: they should stay in cache */
    MOST_NEGATIVE = 1000,
};

enum { INPUTS, TARGETS, TABLES };

typedef struct table {
    char *rows;
    size_t bytes;                       /* of a row */
} table;

/* What a lane adds to some rows of a table. */
typedef struct changes {
    int64_t count;
    int32_t *id;                        /* (most) */
    char *rows;                         /* (most, room) */
} changes;

typedef struct lane {
    changes of[TABLES];
    double loss;
    int64_t pairs;
} lane;

/* The rows of one word's window. Shared negatives: one list of targets; else one for each input. */
typedef struct gathered {
    int64_t inputs;
    em__moving_row *input;              /* (2 window) */
    em__moving_row *target;             /* (lists, 1 + negative) */
} gathered;

/* What a thread needs for itself. */
typedef struct worker {
    int32_t *slot[TABLES];              /* (V) where the lane's changes hold a row; -1: nowhere */
    int32_t *negative;
    gathered now, next;
    em__window_scratch scratch;
} worker;

struct em_word2vec {
    em__windows windows;
    em_word2vec_opts opts;
    em_tensor *tensor[TABLES];
    table table[TABLES];
    const em__window_step *step;
    int64_t width, lists;               /* lists of targets a window */
    int lane_count;                     /* lanes of a round */
    int64_t lane_words, most[TABLES];   /* words of a lane, and rows that these can touch */
    bool at_once;                       /* lanes write to the tables themselves */
    lane lanes[HOGWILD_LANES];
    uint8_t *movers[TABLES];            /* (V) lanes of the round that move a row; zeros between rounds */
    double share[MOST_LANES + 1];       /* of its changes that it takes, by the number of lanes that move it */
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
    w->lane_words = em__max(1, em__min(LANE_WORDS, LANE_ROWS / a_word));
    const int64_t room = w->windows.vocab / (WORD_VOCAB * w->lane_words);
    w->lane_count = o->hogwild ? HOGWILD_LANES : (int)em__max(1, em__min(MOST_LANES, room));
    w->at_once = o->hogwild || w->lane_count == 1;
    w->most[INPUTS] = em__min(w->windows.vocab, w->lane_words + 2 * o->window);
    w->most[TARGETS] = em__min(w->windows.vocab, w->lane_words * a_word);
}

/* Bytes of a change. */
static size_t change_bytes(const em_word2vec *w)
{
    return (size_t)em__row_room(w->width) * em_dtype_size(w->tensor[INPUTS]->dtype);
}

static em_status allocate_lanes(em_word2vec *w)
{
    for (int i = 1; i <= w->lane_count; i++) w->share[i] = 1 / sqrt(i);
    for (int t = 0; t < TABLES; t++) {
        w->movers[t] = em__alloc_zeroed((size_t)w->windows.vocab);
        if (!w->movers[t]) return em__fail_memory("word vectors", (size_t)w->windows.vocab);
    }
    for (int i = 0; i < w->lane_count; i++)
        for (int t = 0; t < TABLES; t++) {
            changes *c = &w->lanes[i].of[t];
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
        em__settle(w->tensor[i]);
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
    return w->at_once ? EM_OK : allocate_lanes(w);
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
    for (int i = 0; i < MOST_LANES; i++)
        for (int t = 0; t < TABLES; t++) {
            em__free(w->lanes[i].of[t].id, (size_t)w->most[t] * sizeof(int32_t));
            if (w->lanes[i].of[t].rows) em__free(w->lanes[i].of[t].rows, (size_t)w->most[t] * change_bytes(w));
        }
    for (int t = 0; t < TABLES; t++) em__free(w->movers[t], (size_t)w->windows.vocab);
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
static size_t lay_out(const em_word2vec *w, worker *k, char *block)
{
    const em_word2vec_opts *o = &w->opts;
    const size_t inputs = (size_t)(2 * o->window), targets = (size_t)(1 + o->negative), row = change_bytes(w),
                 slots = w->at_once ? 0 : (size_t)w->windows.vocab * sizeof(int32_t),
                 element = em_dtype_size(w->tensor[INPUTS]->dtype);
    size_t used = 0;
    for (int t = 0; t < TABLES; t++) k->slot[t] = take(block, &used, slots);
    k->negative = take(block, &used, (size_t)o->negative * sizeof(int32_t));
    gathered *const both[] = {&k->now, &k->next};
    for (int i = 0; i < 2; i++) {
        both[i]->input = take(block, &used, inputs * sizeof(em__moving_row));
        both[i]->target = take(block, &used, (size_t)w->lists * targets * sizeof(em__moving_row));
    }
    k->scratch.x = take(block, &used, (inputs + 1) * row);
    k->scratch.y = take(block, &used, targets * row);
    k->scratch.score = take(block, &used, (size_t)em__row_room((int64_t)(inputs * targets)) * element);
    return used;
}

typedef struct team {
    int count;
    size_t bytes;                       /* of the block */
    char *block;
    worker worker[EM_MAX_THREADS];
} team;

static em_status gather_team(team *crew, const em_word2vec *w)
{
    crew->count = em_threads();
    const size_t each = lay_out(w, &crew->worker[0], NULL);
    crew->bytes = each * (size_t)crew->count;
    crew->block = em__alloc(crew->bytes);
    if (!crew->block) return em__fail_memory("threads of word2vec", crew->bytes);
    for (int i = 0; i < crew->count; i++) {
        lay_out(w, &crew->worker[i], crew->block + each * (size_t)i);
        for (int t = 0; t < TABLES && !w->at_once; t++)
            memset(crew->worker[i].slot[t], -1, (size_t)w->windows.vocab * sizeof(int32_t));
    }
    return EM_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static void prefetch(const char *row, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(row + at);
}

static em__moving_row find_row(const em_word2vec *w, worker *k, lane *own, int t, int32_t id)
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

static void find_targets(const em_word2vec *w, worker *k, lane *own, gathered *g, int64_t word, int64_t list)
{
    const int64_t negative = w->opts.negative;
    const int32_t centre = w->windows.id[word];
    em__moving_row *target = g->target + list * (1 + negative);
    em__windows_negatives(&w->windows, k->negative, negative, word, list, w->lists, centre);
    target[0] = find_row(w, k, own, TARGETS, centre);
    for (int64_t i = 0; i < negative; i++) target[1 + i] = find_row(w, k, own, TARGETS, k->negative[i]);
}

/* Rows of the window around a word, on their way into the cache. */
static void gather(const em_word2vec *w, worker *k, lane *own, gathered *g, int64_t word)
{
    const em__windows *text = &w->windows;
    g->inputs = 0;
    for (int64_t j = text->first[word]; j <= text->last[word]; j++)
        if (j != word) g->input[g->inputs++] = find_row(w, k, own, INPUTS, text->id[j]);
    const int64_t lists = w->lists == 1 ? g->inputs > 0 : g->inputs;
    for (int64_t list = 0; list < lists; list++) find_targets(w, k, own, g, word, list);
}

/* ---- a lane -------------------------------------------------------------------------------------------- */

static double learn_window(const em_word2vec *w, const worker *k, const gathered *g, double lr)
{
    em__window step = {
        .width = w->width, .write = w->at_once ? w->width : em__row_room(w->width), .inputs = g->inputs,
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

static void swap(gathered *a, gathered *b)
{
    const gathered c = *a;
    *a = *b;
    *b = c;
}

static void learn_lane(const em_word2vec *w, worker *k, lane *own, int64_t from, int64_t to, double lr)
{
    own->loss = 0;
    own->pairs = 0;
    own->of[INPUTS].count = own->of[TARGETS].count = 0;
    if (from < to) gather(w, k, own, &k->next, from);
    for (int64_t word = from; word < to; word++) {
        swap(&k->now, &k->next);
        if (word + 1 < to) gather(w, k, own, &k->next, word + 1);
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

static void count_movers(uint8_t *movers, const changes *c, uint32_t part, uint32_t parts)
{
    for (int64_t i = 0; i < c->count; i++)
        if ((uint32_t)c->id[i] % parts == part) movers[c->id[i]]++;
}

static void forget_movers(uint8_t *movers, const changes *c, uint32_t part, uint32_t parts)
{
    for (int64_t i = 0; i < c->count; i++)
        if ((uint32_t)c->id[i] % parts == part) movers[c->id[i]] = 0;
}

/* Adds one lane's changes of the rows that belong to this part of the table. */
static void add_changes(const em_word2vec *w, int t, const changes *c, uint32_t part, uint32_t parts)
{
    enum { AHEAD = 16 };
    const size_t bytes = change_bytes(w);
    for (int64_t i = 0; i < c->count; i++) {
        if (i + AHEAD < c->count && (uint32_t)c->id[i + AHEAD] % parts == part)
            prefetch(w->table[t].rows + (size_t)c->id[i + AHEAD] * w->table[t].bytes, w->table[t].bytes);
        if ((uint32_t)c->id[i] % parts != part) continue;
        add_row(w->table[t].rows + (size_t)c->id[i] * w->table[t].bytes, c->rows + (size_t)i * bytes,
                w->share[w->movers[t][c->id[i]]], w->width, w->tensor[t]->dtype);
    }
}

/* A row belongs to one part, so its changes are added in the order of the lanes whatever the number of parts. */
static void add_all_changes(const em_word2vec *w)
{
    const uint32_t parts = (uint32_t)em_threads();
    const int lanes = w->lane_count;
    EM_PARALLEL_EACH(p, (int64_t)parts, 1e6) {
        const uint32_t part = (uint32_t)p;
        for (int t = 0; t < TABLES; t++) {
            for (int i = 0; i < lanes; i++) count_movers(w->movers[t], &w->lanes[i].of[t], part, parts);
            for (int i = 0; i < lanes; i++) add_changes(w, t, &w->lanes[i].of[t], part, parts);
            for (int i = 0; i < lanes; i++) forget_movers(w->movers[t], &w->lanes[i].of[t], part, parts);
        }
    }
}

static int64_t words_done(const em_word2vec *w)
{
    const em__windows *text = &w->windows;
    const int64_t corpus = em_corpus_ids(text->corpus)->count, base = w->portion * EM_PORTION;
    const bool inside = w->word > 0 && text->portion == w->portion && w->word < text->kept;
    return w->epoch * corpus + base + (inside ? text->place[w->word] : 0);
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

static em_status learn_round(em_word2vec *w, team *crew, em_word2vec_report *report)
{
    if (em_interrupted()) return em__fail(EM_EINTERRUPT, "Word2Vec: interrupted");
    EM_TRY(load(w));
    const int lanes = w->lane_count;
    const int64_t from = w->word, to = em__min(from + lanes * w->lane_words, w->windows.kept);
    const double lr = learning_rate(w), a_lane = (double)w->lane_words * (double)w->width * 100;
    EM_PARALLEL_DYNAMIC(i, lanes, lanes > 1 ? a_lane : 0)
        learn_lane(w, &crew->worker[em__thread()], &w->lanes[i], em__min(from + i * w->lane_words, to),
                   em__min(from + (i + 1) * w->lane_words, to), lr);
    if (!w->at_once) add_all_changes(w);
    for (int i = 0; i < lanes; i++) {
        report->loss += w->lanes[i].loss;
        report->pairs += w->lanes[i].pairs;
    }
    advance(w, to);
    return EM_OK;
}

em_status em_word2vec_train(em_word2vec *w, int64_t words, em_word2vec_report *report)
{
    team crew;
    *report = (em_word2vec_report){.words_total = words_total(w)};
    EM_TRY(take_tables(w));
    if (w->epoch < w->opts.epochs) EM_TRY(load(w));
    report->words_done = words_done(w);
    EM_TRY(gather_team(&crew, w));
    em_status s = EM_OK;
    const int64_t stop = words < INT64_MAX - report->words_done ? report->words_done + words : INT64_MAX;
    while (!s && w->epoch < w->opts.epochs && words_done(w) < stop) s = learn_round(w, &crew, report);
    em__free(crew.block, crew.bytes);
    em_tensor_touch(w->tensor[INPUTS]);
    em_tensor_touch(w->tensor[TARGETS]);
    report->words_done = words_done(w);
    return s;
}

/* ---- where it stands ----------------------------------------------------------------------------------- */

em_word2vec_place em_word2vec_where(const em_word2vec *w)
{
    return (em_word2vec_place){w->epoch, w->portion, w->word};
}

static void go_to(em_word2vec *w, em_word2vec_place at)
{
    if (w->windows.epoch != at.epoch) em__windows_epoch(&w->windows, at.epoch);
    w->epoch = at.epoch;
    w->portion = at.portion;
    w->word = at.word;
}

em_status em_word2vec_seek(em_word2vec *w, em_word2vec_place at)
{
    const em_word2vec_place was = em_word2vec_where(w);
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
