/* Training word vectors against a slow way: threads, going on later, interrupts, Hogwild. */
#include <math.h>

#include "base/status.h"
#include "corpus_of.h"
#include "text/windows.h"

enum { D = 19, MOST_WORKERS = 16 };

static em_corpus *corpus;
static int64_t V;

static int take(em_corpus *created)
{
    corpus = created;
    V = em_vocab_size(em_corpus_vocab(corpus));
    return 0;
}

/* Over 3072 different words, so three workers or more; many rounds. */
static int make_corpus(void **state)
{
    (void)state;
    take(zipf_corpus(6000, 1e8, 37));
    assert_true(V >= 3 * 32 * 32);
    return 0;
}

static int make_small(void **state)
{
    (void)state;
    return take(corpus_of("a b c a b d\na c b"));
}

static int drop_corpus(void **state)
{
    (void)state;
    em_corpus_release(corpus);
    corpus = NULL;
    return 0;
}

static const em_word2vec_opts usual = {.shared = true, .window = 4, .negative = 3, .sample = 0.02, .lr = 0.05,
                                       .epochs = 2, .seed = 9};

typedef struct tables {
    em_tensor *of[2];
} tables;

static tables new_tables(em_dtype dtype)
{
    tables t;
    em_rng rng = {.seed = 4};
    for (int i = 0; i < 2; i++) {
        assert_ok(em_tensor_empty(&t.of[i], dtype, 2, (int64_t[]){V, D}));
        em_tensor_fill_uniform(t.of[i], -0.5, 0.5, &rng);
    }
    return t;
}

static void drop_tables(tables *t)
{
    em_tensor_release(t->of[0]);
    em_tensor_release(t->of[1]);
}

static em_word2vec *start(const tables *t, const em_word2vec_opts *o)
{
    em_word2vec *w;
    assert_ok(em_word2vec_new(&w, corpus, t->of[0], t->of[1], o));
    return w;
}

/* ---- the slow way -------------------------------------------------------------------------------------- */

typedef struct slow {
    double *x, *y;              /* (V, D) */
    double loss;
    int64_t pairs;
} slow;

/* Inputs, by id, against targets, by id, of which the first is near: whatever moves, moves at once. */
static void slow_step(slow *s, const int32_t *inputs, int64_t n, const int32_t *targets, int64_t m, double lr,
                      bool mean)
{
    double *dx = calloc((size_t)(n * D), sizeof *dx), *dy = calloc((size_t)(m * D), sizeof *dy), h[D] = {0};
    for (int64_t a = 0; a < n; a++)
        for (int d = 0; d < D; d++) h[d] += s->x[inputs[a] * D + d] / (double)n;
    for (int64_t a = 0; a < (mean ? 1 : n); a++)
        for (int64_t b = 0; b < m; b++) {
            const double *x = mean ? h : s->x + inputs[a] * D, *y = s->y + targets[b] * D;
            double dot = 0;
            for (int d = 0; d < D; d++) dot += x[d] * y[d];
            const double slope = b == 0 ? 1 / (1 + exp(-dot)) - 1 : 1 / (1 + exp(-dot));
            s->loss += log1p(exp(b == 0 ? -dot : dot));
            for (int d = 0; d < D; d++) {
                dy[b * D + d] -= lr * slope * x[d];
                for (int64_t to = mean ? 0 : a; to < (mean ? n : a + 1); to++)
                    dx[to * D + d] -= lr * slope * y[d] / (mean ? (double)n : 1);
            }
        }
    for (int64_t i = 0; i < n * D; i++) s->x[inputs[i / D] * D + i % D] += dx[i];
    for (int64_t i = 0; i < m * D; i++) s->y[targets[i / D] * D + i % D] += dy[i];
    free(dx);
    free(dy);
}

static void slow_word(slow *s, const em__windows *w, const em_word2vec_opts *o, int64_t k, double lr)
{
    int32_t inputs[100], targets[100];
    int64_t n = 0;
    for (int64_t j = w->first[k]; j <= w->last[k]; j++)
        if (j != k) inputs[n++] = w->id[j];
    if (n == 0) return;
    targets[0] = w->id[k];
    s->pairs += o->cbow ? 1 : n;
    const bool one = o->cbow || o->shared;
    for (int64_t a = 0; a < (one ? 1 : n); a++) {
        em__windows_negatives(w, targets + 1, o->negative, k, a, one ? 1 : 2 * o->window, w->id[k]);
        slow_step(s, one ? inputs : inputs + a, one ? n : 1, targets, 1 + o->negative, lr, o->cbow);
    }
}

/* A row of `to` takes the changes of `n` workers from `was`, divided by the root of how many workers changed it. */
static void slow_merge(double *to, const double *was, double *const *workers, int n)
{
    for (int64_t v = 0; v < V; v++) {
        double changed_by = 0;
        for (int i = 0; i < n; i++) changed_by += memcmp(workers[i] + v * D, was + v * D, D * sizeof *was) != 0;
        for (int64_t at = v * D; at < (v + 1) * D; at++)
            for (int i = 0; i < n; i++) to[at] += changed_by > 0 ? (workers[i][at] - was[at]) / sqrt(changed_by) : 0;
    }
}

/* A round: each worker starts from the same tables. */
static void slow_round(slow *s, const em__windows *w, const em_word2vec_opts *o, int64_t from, int workers,
                       int64_t words, double lr)
{
    const size_t bytes = (size_t)(V * D) * sizeof(double);
    double *x[MOST_WORKERS], *y[MOST_WORKERS], *was[2] = {malloc(bytes), malloc(bytes)};
    memcpy(was[0], s->x, bytes);
    memcpy(was[1], s->y, bytes);
    for (int i = 0; i < workers; i++) {
        slow own = {.x = x[i] = malloc(bytes), .y = y[i] = malloc(bytes)};
        memcpy(own.x, s->x, bytes);
        memcpy(own.y, s->y, bytes);
        for (int64_t k = from + i * words; k < from + (i + 1) * words && k < w->kept; k++)
            slow_word(&own, w, o, k, lr);
        s->loss += own.loss;
        s->pairs += own.pairs;
    }
    slow_merge(s->x, was[0], x, workers);
    slow_merge(s->y, was[1], y, workers);
    for (int i = 0; i < workers; i++) {
        free(x[i]);
        free(y[i]);
    }
    free(was[0]);
    free(was[1]);
}

/* Words of a worker: 32, but no more than 2048 rows of targets need. */
static int64_t worker_words(const em_word2vec_opts *o)
{
    const int64_t lists = o->cbow || o->shared ? 1 : 2 * o->window, most = 2048 / (1 + lists * o->negative);
    return most < 1 ? 1 : most < 32 ? most : 32;
}

/* Workers: 32 different words for each word of a round; one at least, 16 at most. */
static int worker_count(int64_t words)
{
    const int64_t most = V / (32 * words);
    return most < 1 ? 1 : most < MOST_WORKERS ? (int)most : MOST_WORKERS;
}

static slow slow_training(const tables *t, const em_word2vec_opts *o)
{
    const int64_t words = worker_words(o);
    const int workers = worker_count(words);
    slow s = {.x = malloc((size_t)(V * D) * sizeof(double)), .y = malloc((size_t)(V * D) * sizeof(double))};
    for (int64_t i = 0; i < V * D; i++) {
        s.x[i] = element(t->of[0], i);
        s.y[i] = element(t->of[1], i);
    }
    em__windows w;
    assert_ok(em__windows_new(&w, "Test", corpus, o->window, o->sample, o->seed));
    const double total = (double)em_tensor_count(em_corpus_ids(corpus));
    for (int64_t epoch = 0; epoch < o->epochs; epoch++) {
        em__windows_epoch(&w, epoch);
        em__windows_load(&w, 0);
        for (int64_t from = 0; from < w.kept; from += workers * words) {
            const double done = (double)epoch * total + (from ? (double)w.position[from] : 0);
            slow_round(&s, &w, o, from, workers, words, o->lr * (1 - done / (total * (double)o->epochs)));
        }
    }
    em__windows_free(&w);
    return s;
}

static void assert_table(const em_tensor *t, const double *want, double tolerance)
{
    for (int64_t i = 0; i < V * D; i++)
        if (!(fabs(element(t, i) - want[i]) <= tolerance * (1 + fabs(want[i]))))
            fail_msg("element %lld is %.12g, not %.12g", (long long)i, element(t, i), want[i]);
}

static void assert_training(em_dtype dtype, const em_word2vec_opts *o, double tolerance)
{
    tables t = new_tables(dtype);
    slow want = slow_training(&t, o);
    em_word2vec *w = start(&t, o);
    const int64_t version = em_tensor_version(t.of[0]);
    em_word2vec_report report;
    assert_ok(em_word2vec_train(w, INT64_MAX, &report));
    assert_table(t.of[0], want.x, tolerance);
    assert_table(t.of[1], want.y, tolerance);
    assert_int_equal(report.pairs, want.pairs);
    assert_true(fabs(report.loss - want.loss) <= tolerance * want.loss);
    assert_int_equal(report.words_done, report.words_total);
    assert_int_equal(report.words_total, o->epochs * em_tensor_count(em_corpus_ids(corpus)));
    assert_true(em_tensor_version(t.of[0]) > version);
    em_word2vec_release(w);
    drop_tables(&t);
    free(want.x);
    free(want.y);
}

static void training_is_that_of_the_slow_way(void **state)
{
    (void)state;
    em_word2vec_opts o = usual;
    assert_training(EM_F64, &o, 1e-11);
    assert_training(EM_F32, &o, 2e-4);
    o.cbow = true;
    assert_training(EM_F64, &o, 1e-11);
    o.cbow = o.shared = false;
    o.negative = 5;
    assert_training(EM_F64, &o, 1e-11);
    assert_training(EM_F32, &o, 2e-4);
}

static void a_small_corpus_too(void **state)
{
    (void)state;
    em_word2vec_opts o = usual;
    o.sample = INFINITY;
    o.epochs = 3;
    assert_training(EM_F64, &o, 1e-12);
}

/* ---- promises ------------------------------------------------------------------------------------------ */

static void assert_same_tables(const tables *a, const tables *b)
{
    assert_same_bits(a->of[0], b->of[0]);
    assert_same_bits(a->of[1], b->of[1]);
}

static void train_all(em_word2vec *w)
{
    em_word2vec_report report;
    assert_ok(em_word2vec_train(w, INT64_MAX, &report));
}

static void the_bits_do_not_depend_on_threads(void **state)
{
    (void)state;
    for (int form = 0; form < 3; form++) {
        em_word2vec_opts o = usual;
        o.cbow = form == 1;
        o.shared = form != 2;
        em_set_threads(1);
        tables want = new_tables(EM_F32);
        em_word2vec *w = start(&want, &o);
        train_all(w);
        em_word2vec_release(w);
        static const int threads[] = {2, 3, 8};
        for (int i = 0; i < 3; i++) {
            em_set_threads(threads[i]);
            tables t = new_tables(EM_F32);
            w = start(&t, &o);
            train_all(w);
            assert_same_tables(&t, &want);
            em_word2vec_release(w);
            drop_tables(&t);
        }
        em_set_threads(1);
        drop_tables(&want);
    }
}

static void it_can_go_on_later(void **state)
{
    (void)state;
    tables want = new_tables(EM_F32), t = new_tables(EM_F32);
    em_word2vec *w = start(&want, &usual);
    train_all(w);
    em_word2vec_release(w);
    em_word2vec_position at = {0};
    em_word2vec_report report;
    for (int calls = 0; at.epoch < usual.epochs; calls++) {
        assert_true(calls < 200);
        w = start(&t, &usual);
        assert_ok(em_word2vec_seek(w, at));
        assert_ok(em_word2vec_train(w, 100, &report));
        at = em_word2vec_where(w);
        em_word2vec_release(w);
    }
    assert_same_tables(&t, &want);
    w = start(&t, &usual);
    assert_ok(em_word2vec_seek(w, at));
    assert_ok(em_word2vec_train(w, INT64_MAX, &report));        /* nothing is left */
    assert_int_equal(report.pairs, 0);
    assert_same_tables(&t, &want);
    em_word2vec_release(w);
    drop_tables(&want);
    drop_tables(&t);
}

static void interrupted_it_goes_on(void **state)
{
    (void)state;
    tables want = new_tables(EM_F32), t = new_tables(EM_F32);
    em_word2vec *w = start(&want, &usual);
    train_all(w);
    em_word2vec_release(w);
    w = start(&t, &usual);
    em_word2vec_report report;
    for (int i = 0; i < 3; i++) {
        em_interrupt();
        assert_fails(em_word2vec_train(w, INT64_MAX, &report), EM_EINTERRUPT, "Word2Vec: interrupted");
        em_clear_interrupt();
        assert_ok(em_word2vec_train(w, 1, &report));
    }
    train_all(w);
    assert_same_tables(&t, &want);
    em_word2vec_release(w);
    drop_tables(&want);
    drop_tables(&t);
}

/* Threads of the Hogwild variant race by intent, which a thread sanitizer would report. */
#if defined __has_feature
#if __has_feature(thread_sanitizer)
#define RACES_ARE_FOUND
#endif
#endif
#ifdef RACES_ARE_FOUND
enum { HOGWILD_THREADS = 1 };
#else
enum { HOGWILD_THREADS = 4 };
#endif

static void hogwild_learns(void **state)
{
    (void)state;
    em_word2vec_opts o = usual;
    o.hogwild = true;
    o.epochs = 30;
    for (int threads = 1; threads <= HOGWILD_THREADS; threads += 3) {
        em_set_threads(threads);
        tables t = new_tables(EM_F32);
        em_word2vec *w = start(&t, &o);
        em_word2vec_report first, last;
        assert_ok(em_word2vec_train(w, 6000, &first));
        assert_ok(em_word2vec_train(w, 28 * 6000, &last));
        assert_ok(em_word2vec_train(w, INT64_MAX, &last));
        assert_true(last.loss / (double)last.pairs < 0.9 * first.loss / (double)first.pairs);
        em_word2vec_release(w);
        drop_tables(&t);
    }
    em_set_threads(1);
}

static void seeds_differ(void **state)
{
    (void)state;
    tables a = new_tables(EM_F32), b = new_tables(EM_F32);
    em_word2vec_opts o = usual;
    em_word2vec *w = start(&a, &o);
    train_all(w);
    em_word2vec_release(w);
    o.seed++;
    w = start(&b, &o);
    train_all(w);
    em_word2vec_release(w);
    assert_true(element(a.of[0], 0) != element(b.of[0], 0));
    drop_tables(&a);
    drop_tables(&b);
}

/* ---- failures ------------------------------------------------------------------------------------------ */

static void options_are_checked(void **state)
{
    (void)state;
    tables t = new_tables(EM_F32);
    static const struct {
        int64_t window, negative, epochs;
        double sample, lr;
        const char *part;
    } cases[] = {
        {0, 5, 1, 1, 1, "window = 0"},      {5, 0, 1, 1, 1, "negative = 0"}, {5, 1001, 1, 1, 1, "negative = 1001"},
        {5, 5, 0, 1, 1, "epochs = 0"},      {5, 5, 1, 0, 1, "sample = 0"},   {5, 5, 1, 1, -1, "lr = -1"},
        {5, 5, 1, 1, NAN, "lr = nan"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const em_word2vec_opts o = {.window = cases[i].window, .negative = cases[i].negative, .lr = cases[i].lr,
                                    .epochs = cases[i].epochs, .sample = cases[i].sample};
        em_word2vec *w;
        assert_fails(em_word2vec_new(&w, corpus, t.of[0], t.of[1], &o), EM_EVALUE, cases[i].part);
        assert_null(w);
    }
    drop_tables(&t);
}

static void tables_are_checked(void **state)
{
    (void)state;
    tables t = new_tables(EM_F32);
    em_tensor *ids, *few, *wide, *flat, *doubles;
    em_word2vec *w;
    assert_ok(em_tensor_zeros(&ids, EM_I64, 2, (int64_t[]){V, D}));
    assert_ok(em_tensor_zeros(&few, EM_F32, 2, (int64_t[]){V - 1, D}));
    assert_ok(em_tensor_zeros(&wide, EM_F32, 2, (int64_t[]){V, D + 1}));
    assert_ok(em_tensor_zeros(&flat, EM_F32, 1, (int64_t[]){V}));
    assert_ok(em_tensor_zeros(&doubles, EM_F64, 2, (int64_t[]){V, D}));
    assert_fails(em_word2vec_new(&w, corpus, ids, ids, &usual), EM_ETYPE, "vectors: expected a contiguous tensor");
    assert_fails(em_word2vec_new(&w, corpus, few, t.of[1], &usual), EM_ESHAPE, "vectors is (3, 19)");
    assert_fails(em_word2vec_new(&w, corpus, flat, t.of[1], &usual), EM_ESHAPE, "vectors is (4)");
    assert_fails(em_word2vec_new(&w, corpus, t.of[0], few, &usual), EM_ESHAPE, "contexts is (3, 19)");
    assert_fails(em_word2vec_new(&w, corpus, t.of[0], wide, &usual), EM_ESHAPE, "contexts float32 (4, 20)");
    assert_fails(em_word2vec_new(&w, corpus, t.of[0], doubles, &usual), EM_ESHAPE, "contexts float64");
    assert_null(w);
    em_tensor_release(ids);
    em_tensor_release(few);
    em_tensor_release(wide);
    em_tensor_release(flat);
    em_tensor_release(doubles);
    drop_tables(&t);
}

static void positions_are_checked(void **state)
{
    (void)state;
    tables t = new_tables(EM_F32);
    em_word2vec *w = start(&t, &usual);
    static const em_word2vec_position wrong[] = {{-1, 0, 0}, {2, 0, 1}, {3, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, -1},
                                                 {1, 0, 9}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(em_word2vec_seek(w, wrong[i]), EM_EVALUE, "Word2Vec: there is no");
        assert_int_equal(em_word2vec_where(w).epoch, 0);
        assert_int_equal(em_word2vec_where(w).word, 0);
    }
    em_word2vec_release(w);
    drop_tables(&t);
}

static em_status make_and_train(void *context, em_tensor *out[EM_MAX_OUT])
{
    const tables *t = context;
    (void)out;
    em_word2vec *w;
    em_word2vec_report report;
    EM_TRY(em_word2vec_new(&w, corpus, t->of[0], t->of[1], &usual));
    const em_status s = em_word2vec_train(w, 1, &report);
    em_word2vec_release(w);
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    tables t = new_tables(EM_F32);
    const int workers = worker_count(worker_words(&usual));
    assert_true(each_allocation_fails(&(fallible){.call = make_and_train}, &t) > 4 * workers + 10);
    drop_tables(&t);
}

#define LONG_TEST(name) cmocka_unit_test_setup_teardown(name, make_corpus, drop_corpus)
#define SMALL_TEST(name) cmocka_unit_test_setup_teardown(name, make_small, drop_corpus)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LONG_TEST(training_is_that_of_the_slow_way),
        SMALL_TEST(a_small_corpus_too),
        LONG_TEST(the_bits_do_not_depend_on_threads),
        LONG_TEST(it_can_go_on_later),
        LONG_TEST(interrupted_it_goes_on),
        LONG_TEST(hogwild_learns),
        LONG_TEST(seeds_differ),
        SMALL_TEST(options_are_checked),
        SMALL_TEST(tables_are_checked),
        SMALL_TEST(positions_are_checked),
        LONG_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
