/* Batches of pairs against a slow way, distributions, seeds, interrupts. */
#include <math.h>
#include <time.h>

#include "base/status.h"
#include "corpus_of.h"
#include "random/rng.h"
#include "text/windows.h"

static em_corpus *corpus;

/* Three portions and a bit. */
static int make_corpus(void **state)
{
    (void)state;
    corpus = zipf_corpus(3 * EM_PORTION + 1000, 2000, 60);
    return 0;
}

static int make_corpus_of(const char *text)
{
    corpus = corpus_of(text);
    return 0;
}

static int remove_corpus(void **state)
{
    (void)state;
    em_corpus_release(corpus);
    corpus = NULL;
    return 0;
}

static const em_skipgram_opts usual = {.window = 5, .negative = 5, .sample = 1e-3, .batch_size = 1000, .dtype = EM_I64,
                                       .seed = 12};

/* ---- the slow way -------------------------------------------------------------------------------------- */

typedef struct pairs {
    int64_t n, capacity;
    int64_t (*at)[3];                   /* centre, context, position of the centre */
} pairs;

static void add_pair(pairs *p, int64_t centre, int64_t context, int64_t position)
{
    if (p->n == p->capacity) p->at = realloc(p->at, (size_t)(p->capacity = 2 * p->capacity + 1000) * sizeof *p->at);
    p->at[p->n][0] = centre;
    p->at[p->n][1] = context;
    p->at[p->n++][2] = position;
}

static void sentence_pairs(pairs *p, const em_skipgram_opts *o, uint64_t epoch, int64_t from, int64_t to,
                           const double *counts)
{
    const int32_t *ids = em_tensor_data(em_corpus_ids(corpus));
    const double total = (double)em_tensor_count(em_corpus_ids(corpus));
    int64_t kept[EM_PORTION], n = 0;
    for (int64_t t = from; t < to; t++) {
        uint32_t b[4];
        em__philox(o->seed, (uint64_t)t, epoch << 32 | EM_STREAM_WINDOWS, b);
        const double f = counts[ids[t]] / total, keep = (sqrt(f / o->sample) + 1) * o->sample / f;
        if (keep >= 1 || b[0] / 4294967296.0 < keep) kept[n++] = t;
    }
    for (int64_t k = 0; k < n; k++) {
        uint32_t b[4];
        em__philox(o->seed, (uint64_t)kept[k], epoch << 32 | EM_STREAM_WINDOWS, b);
        const int64_t reach = 1 + (int64_t)floor(b[1] / 4294967296.0 * (double)o->window);
        for (int64_t j = k - reach; j <= k + reach; j++)
            if (j >= 0 && j < n && j != k) add_pair(p, ids[kept[k]], ids[kept[j]], kept[k]);
    }
}

static pairs slow_pairs(const em_skipgram_opts *o, uint64_t epoch)
{
    pairs p = {0};
    const int32_t *ids = em_tensor_data(em_corpus_ids(corpus));
    const int64_t *starts = em_tensor_data(em_corpus_starts(corpus));
    const int64_t total = em_tensor_count(em_corpus_ids(corpus));
    double *counts = calloc((size_t)em_vocab_size(em_corpus_vocab(corpus)), sizeof *counts);
    for (int64_t t = 0; t < total; t++) counts[ids[t]]++;
    for (int64_t s = 0; starts[s] < total; s++)
        for (int64_t from = starts[s]; from < starts[s + 1];) {
            const int64_t edge = (from / EM_PORTION + 1) * EM_PORTION, to = edge < starts[s + 1] ? edge : starts[s + 1];
            sentence_pairs(&p, o, epoch, from, to, counts);
            from = to;
        }
    free(counts);
    return p;
}

/* ---- against it ---------------------------------------------------------------------------------------- */

static em_skipgram *skipgram(const em_skipgram_opts *o)
{
    em_skipgram *s;
    assert_ok(em_skipgram_new(&s, corpus, o));
    return s;
}

/* One epoch of batches must be these pairs, in order. */
static void assert_epoch(em_skipgram *s, const em_skipgram_opts *o, int64_t epoch)
{
    pairs want = slow_pairs(o, (uint64_t)epoch);
    const int64_t columns = 1 + o->negative;
    em_skipgram_start(s, epoch);
    int64_t seen = 0;
    for (;;) {
        em_tensor *centre, *targets;
        assert_ok(em_skipgram_next(s, &centre, &targets));
        if (!centre) break;
        const int64_t rows = em_tensor_size(centre, 0);
        assert_int_equal(rows, want.n - seen < o->batch_size ? want.n - seen : o->batch_size);
        assert_int_equal(em_tensor_dims(targets), 2);
        assert_int_equal(em_tensor_size(targets, 0), rows);
        assert_int_equal(em_tensor_size(targets, 1), columns);
        assert_int_equal(em_tensor_dtype(centre), o->dtype);
        for (int64_t i = 0; i < rows; i++, seen++)
            if (element_int(centre, i) != want.at[seen][0] || element_int(targets, i * columns) != want.at[seen][1])
                fail_msg("pair %lld is (%lld, %lld), not (%lld, %lld)", (long long)seen,
                         (long long)element_int(centre, i), (long long)element_int(targets, i * columns),
                         (long long)want.at[seen][0], (long long)want.at[seen][1]);
        const int64_t done = em_skipgram_done(s), next = seen < want.n ? want.at[seen][2] : INT64_MAX;
        assert_true(done <= next && done >= want.at[seen - 1][2]);
        em_tensor_release(centre);
        em_tensor_release(targets);
    }
    assert_int_equal(seen, want.n);
    assert_int_equal(em_skipgram_done(s), em_tensor_count(em_corpus_ids(corpus)));
    free(want.at);
}

static void pairs_are_those_of_the_slow_way(void **state)
{
    (void)state;
    em_skipgram_opts o = usual;
    em_skipgram *s = skipgram(&o);
    assert_epoch(s, &o, 0);
    assert_epoch(s, &o, 3);
    assert_epoch(s, &o, 0);
    em_skipgram_release(s);
    o = (em_skipgram_opts){.window = 1, .negative = 0, .sample = 1e-5, .batch_size = 77, .dtype = EM_I32,
                           .seed = UINT64_MAX, .prefetch = true};
    s = skipgram(&o);
    assert_epoch(s, &o, 0);
    em_skipgram_release(s);
    o = (em_skipgram_opts){.window = 100, .negative = 1, .sample = INFINITY, .batch_size = 1 << 20, .dtype = EM_I64};
    s = skipgram(&o);
    assert_epoch(s, &o, 1);
    em_skipgram_release(s);
}

static void a_word_by_hand(void **state)
{
    (void)state;
    em_skipgram_opts o = {.window = 1, .negative = 0, .sample = INFINITY, .batch_size = 10, .dtype = EM_I64};
    em_skipgram *s = skipgram(&o);              /* "a b a\nc\n": a 0, b 1, c 2; window 1 is always 1 */
    em_tensor *centre, *targets;
    assert_ok(em_skipgram_next(s, &centre, &targets));
    assert_tensor(centre, EM_I64, SHAPE(4), VALUES(0, 1, 1, 0));
    assert_tensor(targets, EM_I64, SHAPE(4, 1), VALUES(1, 0, 0, 1));
    assert_int_equal(em_skipgram_done(s), 4);
    em_tensor_release(centre);
    em_tensor_release(targets);
    assert_ok(em_skipgram_next(s, &centre, &targets));
    assert_null(centre);
    assert_null(targets);
    em_skipgram_release(s);
}

static int make_small(void **state)
{
    (void)state;
    return make_corpus_of("a b a\nc\n");
}

static int make_single(void **state)
{
    (void)state;
    return make_corpus_of("a a a a");
}

/* A vocabulary of one word has no other negative than the context. */
static void one_word_is_its_own_negative(void **state)
{
    (void)state;
    em_skipgram_opts o = {.window = 1, .negative = 2, .sample = INFINITY, .batch_size = 2, .dtype = EM_I64};
    em_skipgram *s = skipgram(&o);
    em_tensor *centre, *targets;
    assert_ok(em_skipgram_next(s, &centre, &targets));
    assert_tensor(targets, EM_I64, SHAPE(2, 3), VALUES(0, 0, 0, 0, 0, 0));
    em_tensor_release(centre);
    em_tensor_release(targets);
    em_skipgram_release(s);
}

/* ---- negatives ----------------------------------------------------------------------------------------- */

static void negatives_follow_count_to_the_three_quarters(void **state)
{
    (void)state;
    const int64_t vocab = em_vocab_size(em_corpus_vocab(corpus)), most = 200000;
    double *drawn = calloc((size_t)vocab, sizeof *drawn), total = 0, weight = 0;
    em_skipgram_opts o = usual;
    o.negative = 3;
    em_skipgram *s = skipgram(&o);
    for (int64_t seen = 0; seen < most;) {
        em_tensor *centre, *targets;
        assert_ok(em_skipgram_next(s, &centre, &targets));
        for (int64_t i = 0; i < em_tensor_size(targets, 0); i++, seen++)
            for (int64_t k = 1; k <= 3; k++) {
                const int64_t id = element_int(targets, 4 * i + k);
                assert_true(id != element_int(targets, 4 * i));
                drawn[id]++;
                total++;
            }
        em_tensor_release(centre);
        em_tensor_release(targets);
    }
    for (int64_t v = 0; v < vocab; v++) weight += pow((double)em_vocab_count(em_corpus_vocab(corpus), v), 0.75);
    for (int64_t v = 100; v < 400; v += 10) { /* those that are seldom contexts, hence seldom drawn again */
        const double p = pow((double)em_vocab_count(em_corpus_vocab(corpus), v), 0.75) / weight;
        assert_true(fabs(drawn[v] - p * total) < 5 * sqrt(p * total) + 0.03 * p * total);
    }
    free(drawn);
    em_skipgram_release(s);
}

static uint64_t digest_rest(em_skipgram *s)
{
    uint64_t h = 1;
    for (;;) {
        em_tensor *out[2];
        assert_ok(em_skipgram_next(s, out, out + 1));
        if (!out[0]) return h;
        for (int i = 0; i < 2; i++) {
            const int64_t *ids = em_tensor_data(out[i]);
            for (int64_t k = 0; k < em_tensor_count(out[i]); k++) h = (h ^ (uint64_t)ids[k]) * 0x9E3779B97F4A7C15u;
            em_tensor_release(out[i]);
        }
    }
}

static uint64_t digest_epoch(em_skipgram *s, int64_t epoch)
{
    em_skipgram_start(s, epoch);
    return digest_rest(s);
}

static void batches_depend_on_seed_and_epoch_alone(void **state)
{
    (void)state;
    em_skipgram_opts o = usual;
    o.batch_size = 9000;
    em_skipgram *s = skipgram(&o);
    em_set_threads(1);
    const uint64_t want = digest_epoch(s, 2), other = digest_epoch(s, 1);
    assert_true(want != other);
    o.prefetch = true;
    em_skipgram *ahead = skipgram(&o);
    for (int threads = 1; threads <= 8; threads *= 2) {
        em_set_threads(threads);
        assert_true(digest_epoch(s, 2) == want);
        assert_true(digest_epoch(ahead, 1) == other);
        assert_true(digest_epoch(ahead, 2) == want);
    }
    em_set_threads(1);
    em_skipgram_release(ahead);
    em_skipgram_release(s);
    o.seed++;
    s = skipgram(&o);
    assert_true(digest_epoch(s, 2) != want);
    em_skipgram_release(s);
}

/* ---- places -------------------------------------------------------------------------------------------- */

/* From behind any batch on, another sampler gives what the first one would have given; `ahead` says which of them draws
 * in advance. */
static void an_epoch_goes_on_from_any_place(void **state)
{
    (void)state;
    em_skipgram_opts o = usual;
    o.batch_size = 70000;               /* the batches begin in several portions */
    for (int ahead = 0; ahead < 2; ahead++) {
        int64_t batches = 1;
        for (int64_t stop = 0; stop <= batches; stop++) {
            o.prefetch = ahead;
            em_skipgram *first = skipgram(&o);
            o.prefetch = !ahead;
            em_skipgram *second = skipgram(&o);
            em_skipgram_start(first, 1);
            em_tensor *out[2] = {NULL, NULL};
            for (int64_t n = 0; n < stop; n++) {
                assert_ok(em_skipgram_next(first, out, out + 1));
                em_tensor_release(out[0]);
                em_tensor_release(out[1]);
            }
            const em_skipgram_position at = em_skipgram_where(first);
            assert_ok(em_skipgram_seek(second, 1, at));
            assert_int_equal(em_skipgram_where(second).pair, at.pair);
            assert_true(digest_rest(second) == digest_rest(first));
            if (stop == batches && out[0]) batches++;
            em_skipgram_release(second);
            em_skipgram_release(first);
        }
        assert_true(batches > 4);
    }
}

static void places_that_there_are_not(void **state)
{
    (void)state;
    em_skipgram *s = skipgram(&usual);
    const em_skipgram_position wrong[] = {{-1, 0}, {5, 0},         {4, 1},        {0, -1},
                                          {0, INT64_MAX}, {INT64_MIN, 0}, {3, 1 << 20}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(em_skipgram_seek(s, 2, wrong[i]), EM_EVALUE, "SkipGram: there is no place");
        assert_int_equal(em_skipgram_where(s).portion, 0);
        assert_int_equal(em_skipgram_where(s).pair, 0);
    }
    em_interrupt();
    assert_fails(em_skipgram_seek(s, 2, (em_skipgram_position){1, 7}), EM_EINTERRUPT, "SkipGram: interrupted");
    em_clear_interrupt();
    em_skipgram *other = skipgram(&usual);
    em_skipgram_start(other, 2);
    assert_true(digest_rest(s) == digest_rest(other));
    assert_ok(em_skipgram_seek(s, 2, (em_skipgram_position){4, 0}));    /* the end */
    assert_true(digest_rest(s) == 1);
    em_skipgram_release(other);
    em_skipgram_release(s);
}

/* ---- failures ------------------------------------------------------------------------------------------ */

static void options_are_checked(void **state)
{
    (void)state;
    static const struct {
        int64_t window, negative, batch_size;
        double sample;
        em_dtype dtype;
        const char *part;
    } cases[] = {
        {0, 5, 1, 1, EM_I64, "window = 0"},           {1001, 5, 1, 1, EM_I64, "window = 1001"},
        {5, -1, 1, 1, EM_I64, "negative = -1"},       {5, 1001, 1, 1, EM_I64, "negative = 1001"},
        {5, 5, 0, 1, EM_I64, "batch_size = 0"},       {5, 5, 1, 0, EM_I64, "sample = 0"},
        {5, 5, 1, NAN, EM_I64, "sample = nan"},       {5, 5, 1, 1, EM_F32, "dtype = float32"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_skipgram *s;
        const em_skipgram_opts o = {.window = cases[i].window, .negative = cases[i].negative, .sample = cases[i].sample,
                                    .batch_size = cases[i].batch_size, .dtype = cases[i].dtype};
        assert_fails(em_skipgram_new(&s, corpus, &o), EM_EVALUE, cases[i].part);
        assert_null(s);
    }
    em_skipgram_opts o = usual;
    o.batch_size = INT64_MAX;
    em_skipgram *s = skipgram(&o);
    em_tensor *centre, *targets;
    assert_fails(em_skipgram_next(s, &centre, &targets), EM_ESHAPE, "too many");
    em_skipgram_release(s);
}

static int make_empty(void **state)
{
    (void)state;
    return make_corpus_of("");
}

static void an_empty_corpus_is_refused(void **state)
{
    (void)state;
    em_skipgram *s;
    assert_fails(em_skipgram_new(&s, corpus, &usual), EM_EVALUE, "empty");
}

static void an_interrupted_batch_is_given_again(void **state)
{
    (void)state;
    em_skipgram *s = skipgram(&usual);
    const uint64_t want = digest_epoch(s, 0);
    em_skipgram_start(s, 0);
    em_tensor *centre, *targets;
    em_interrupt();
    assert_fails(em_skipgram_next(s, &centre, &targets), EM_EINTERRUPT, "interrupted");
    em_clear_interrupt();
    assert_null(centre);
    assert_int_equal(em_skipgram_done(s), 0);
    assert_true(digest_epoch(s, 0) == want);
    em_skipgram_release(s);
}

static void pause_for(int64_t microseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

static void draw(em_skipgram *s, em_tensor *batch[2]) { assert_ok(em_skipgram_next(s, batch, batch + 1)); }

static void let_go(em_tensor *batch[2])
{
    for (int i = 0; i < 2; i++) em_tensor_release(batch[i]);
}

static void assert_same_batch(em_tensor *a[2], em_tensor *b[2])
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(em_tensor_count(a[i]), em_tensor_count(b[i]));
        assert_memory_equal(em_tensor_data(a[i]), em_tensor_data(b[i]), 8 * (size_t)em_tensor_count(a[i]));
    }
}

static int64_t pairs_of_the_first_portion(const em_skipgram_opts *o)
{
    em__windows w;
    assert_ok(em__windows_new(&w, "test", corpus, o->window, o->sample, o->seed));
    em__windows_epoch(&w, 0);
    em__windows_load(&w, 0);
    const int64_t count = w.pairs;
    em__windows_free(&w);
    return count;
}

/* An interrupt comes and goes at some point of the second batch's being drawn, which begins with loading a portion. */
static void a_batch_interrupted_meanwhile_is_drawn_again(void **state)
{
    (void)state;
    em_skipgram_opts o = {.window = 2, .negative = 1, .sample = INFINITY, .dtype = EM_I64, .prefetch = true};
    o.batch_size = pairs_of_the_first_portion(&o);
    em_tensor *want[2], *batch[2];
    em_skipgram *s = skipgram(&o);
    draw(s, want);
    let_go(want);
    const int64_t done = em_skipgram_done(s);
    draw(s, want);
    for (int64_t delay = 0; delay < 60; delay++) {
        em_skipgram_start(s, 0);
        draw(s, batch);
        let_go(batch);
        pause_for(25 * delay);
        em_interrupt();
        if (delay % 2)
            pause_for(3000);
        else
            assert_fails(em_skipgram_next(s, batch, batch + 1), EM_EINTERRUPT, "interrupted");
        em_clear_interrupt();
        assert_int_equal(em_skipgram_done(s), done);
        draw(s, batch);
        assert_same_batch(batch, want);
        let_go(batch);
    }
    let_go(want);
    em_skipgram_release(s);
}

static em_status make_and_draw(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    em_skipgram *s;
    EM_TRY(em_skipgram_new(&s, corpus, &usual));
    const em_status status = em_skipgram_next(s, out, out + 1);
    if (status) assert_int_equal(em_skipgram_done(s), 0);
    em_skipgram_release(s);
    return status;
}

static em_status draw_the_last(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    em_skipgram *s;
    EM_TRY(
        em_skipgram_new(&s, corpus, &(em_skipgram_opts){.window = 1, .sample = 1, .batch_size = 10, .dtype = EM_I64}));
    const em_status status = em_skipgram_next(s, out, out + 1);
    em_skipgram_release(s);
    return status;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    assert_true(each_allocation_fails(&(fallible){.call = make_and_draw}, NULL) >= 12);
}

static void allocations_may_fail_at_the_end(void **state)
{
    (void)state;
    assert_true(each_allocation_fails(&(fallible){.call = draw_the_last}, NULL) >= 14);
}

#define LONG_TEST(name) cmocka_unit_test_setup_teardown(name, make_corpus, remove_corpus)
#define SMALL_TEST(name) cmocka_unit_test_setup_teardown(name, make_small, remove_corpus)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LONG_TEST(pairs_are_those_of_the_slow_way),
        SMALL_TEST(a_word_by_hand),
        cmocka_unit_test_setup_teardown(one_word_is_its_own_negative, make_single, remove_corpus),
        LONG_TEST(negatives_follow_count_to_the_three_quarters),
        LONG_TEST(batches_depend_on_seed_and_epoch_alone),
        LONG_TEST(an_epoch_goes_on_from_any_place),
        LONG_TEST(places_that_there_are_not),
        SMALL_TEST(options_are_checked),
        cmocka_unit_test_setup_teardown(an_empty_corpus_is_refused, make_empty, remove_corpus),
        LONG_TEST(an_interrupted_batch_is_given_again),
        LONG_TEST(a_batch_interrupted_meanwhile_is_drawn_again),
        LONG_TEST(allocations_may_fail),
        SMALL_TEST(allocations_may_fail_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
