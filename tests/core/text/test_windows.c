/* Windows and negatives against a slow way. */
#include <math.h>

#include "base/status.h"
#include "corpus_of.h"
#include "random/rng.h"
#include "text/windows.h"

static em_corpus *corpus;

static int make_corpus(void **state)
{
    (void)state;
    corpus = zipf_corpus(8000, 300, 37);
    return 0;
}

static int drop_corpus(void **state)
{
    (void)state;
    em_corpus_release(corpus);
    corpus = NULL;
    return 0;
}

/* Word after word of the corpus, with the draws that the header promises. */
static void windows_are_those_of_the_slow_way(void **state)
{
    (void)state;
    em__windows w;
    assert_ok(em__windows_new(&w, "Test", corpus, 4, 1e-2, 77));
    em__windows_epoch(&w, 2);
    em__windows_load(&w, 0);
    assert_int_equal(em__windows_portions(&w), 1);
    assert_int_equal(w.words, 8000);
    const int32_t *ids = em_tensor_data(em_corpus_ids(corpus));
    const int64_t *starts = em_tensor_data(em_corpus_starts(corpus));
    int64_t kept = 0, pairs = 0, sentence_first = 0, sentence = 0;
    int64_t reach[8000], sentence_of[8000], first_of[500], last_of[500];
    for (int64_t t = 0; t < 8000; t++) {
        if (starts[sentence + 1] == t || t == 0) {
            if (t) sentence++;
            sentence_first = kept;
        }
        uint32_t b[4];
        em__philox(77, (uint64_t)t, (uint64_t)2 << 32 | EM_STREAM_WINDOWS, b);
        const double f = (double)em_vocab_count(em_corpus_vocab(corpus), ids[t]) / 8000;
        const double p = (sqrt(f / 1e-2) + 1) * 1e-2 / f;
        if (p < 1 && b[0] / 4294967296.0 >= p) continue;
        assert_int_equal(w.id[kept], ids[t]);
        assert_int_equal(w.position[kept], t);
        reach[kept] = 1 + (int64_t)(b[1] / 4294967296.0 * 4);
        sentence_of[kept] = sentence;
        first_of[sentence] = sentence_first;
        last_of[sentence] = kept++;
    }
    assert_int_equal(w.kept, kept);
    for (int64_t k = 0; k < kept; k++) {
        const int64_t s = sentence_of[k];
        const int64_t first = k - reach[k] > first_of[s] ? k - reach[k] : first_of[s];
        const int64_t last = k + reach[k] < last_of[s] ? k + reach[k] : last_of[s];
        assert_int_equal(w.first[k], first);
        assert_int_equal(w.last[k], last);
        assert_int_equal(w.pair[k], pairs);
        pairs += last - first;
        if (last > first) assert_int_equal(em__windows_word_of_pair(&w, pairs - 1), k);
    }
    assert_int_equal(w.pairs, pairs);
    em__windows_free(&w);
    em__windows_free(&w);
}

static void negatives_avoid_a_word_and_follow_the_weights(void **state)
{
    (void)state;
    em__windows w;
    assert_ok(em__windows_new(&w, "Test", corpus, 5, INFINITY, 5));
    em__windows_load(&w, 0);
    assert_int_equal(w.kept, 8000);
    double drawn[400] = {0}, total = 0, weight = 0;
    const int32_t avoid = 0;
    for (int64_t k = 0; k < w.kept; k++)
        for (int64_t which = 0; which < 4; which++) {
            int32_t out[3], again[3];
            em__windows_negatives(&w, out, 3, k, which, 4, avoid);
            em__windows_negatives(&w, again, 3, k, which, 4, avoid);
            assert_memory_equal(out, again, sizeof out);
            for (int i = 0; i < 3; i++, total++) {
                assert_int_not_equal(out[i], avoid);
                drawn[out[i]]++;
            }
        }
    for (int64_t v = 1; v < w.vocab; v++) weight += pow((double)em_vocab_count(em_corpus_vocab(corpus), v), 0.75);
    for (int64_t v = 1; v < w.vocab; v++) {
        const double p = pow((double)em_vocab_count(em_corpus_vocab(corpus), v), 0.75) / weight;
        assert_true(fabs(drawn[v] - p * total) < 5 * sqrt(p * total));
    }
    em__windows_free(&w);
}

static int make_single(void **state)
{
    (void)state;
    corpus = corpus_of("a a a");
    return 0;
}

static void a_lone_word_is_not_avoided(void **state)
{
    (void)state;
    em__windows w;
    int32_t out[2] = {-1, -1};
    assert_ok(em__windows_new(&w, "Test", corpus, 5, INFINITY, 5));
    em__windows_load(&w, 0);
    em__windows_negatives(&w, out, 2, 0, 0, 1, 0);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[1], 0);
    em__windows_free(&w);
}

static int make_empty(void **state)
{
    (void)state;
    corpus = corpus_of("");
    return 0;
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    em__windows w;
    assert_fails(em__windows_new(&w, "Test", corpus, 5, 1, 5), EM_EVALUE, "Test: the corpus is empty");
    drop_corpus(NULL);
    corpus = corpus_of("a b");
    assert_fails(em__windows_new(&w, "Test", corpus, 0, 1, 5), EM_EVALUE, "Test: window = 0");
    assert_fails(em__windows_new(&w, "Test", corpus, 1001, 1, 5), EM_EVALUE, "Test: window = 1001");
    assert_fails(em__windows_new(&w, "Test", corpus, 5, 0, 5), EM_EVALUE, "Test: sample = 0");
    assert_fails(em__windows_new(&w, "Test", corpus, 5, NAN, 5), EM_EVALUE, "Test: sample = nan");
    assert_ok(em_vocab_trim(em_corpus_vocab(corpus), 0, 1, NULL));      /* id 1 means no word any more */
    assert_fails(em__windows_new(&w, "Test", corpus, 5, 1, 5), EM_EVALUE,
                 "Test: the corpus has a word with id 1, its vocabulary only 1 words");
}

static em_status make_windows(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    (void)out;
    em__windows w;
    EM_TRY(em__windows_new(&w, "Test", corpus, 5, 1, 5));
    em__windows_free(&w);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    assert_true(each_allocation_fails(&(fallible){.call = make_windows}, NULL) >= 10);
}

#define TEST(name, make) cmocka_unit_test_setup_teardown(name, make, drop_corpus)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(windows_are_those_of_the_slow_way, make_corpus),
        TEST(negatives_avoid_a_word_and_follow_the_weights, make_corpus),
        TEST(a_lone_word_is_not_avoided, make_single),
        TEST(what_does_not_fit_is_refused, make_empty),
        TEST(allocations_may_fail, make_single),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
