/* n-grams by hand: which there are, and which rows they have. */
#include "support.h"

/* Row b of the table is 1 in column b alone, so that a vector tells how many n-grams have each row. */
static em_tensor *counting_table(int64_t n)
{
    em_tensor *t;
    assert_ok(em_tensor_zeros(&t, EM_F32, 2, (int64_t[]){n, n}));
    for (int64_t i = 0; i < n; i++) ((float *)em_tensor_data(t))[i * n + i] = 1;
    return t;
}

/* 32-bit FNV-1a modulo 7, worked out with another program: of "<a" (1761008750), "ab" (1294271946), "b>" (2469146561),
 * "<>" (2482446367); with the sign of bytes kept, of "<\xC3\xA9" (672036627) and "\xC3\xA9>" (4247996781). */
enum { HASH_A = 4, HASH_AB = 2, HASH_B = 0, HASH_E = 3, HASH_F = 0, HASH_EMPTY = 2 };

static void ngrams_have_the_rows_of_their_hashes(void **state)
{
    (void)state;
    em_tensor *table = counting_table(7), *got;
    const em_word words[] = {{"ab", 2}, {"\xC3\xA9", 2}, {"", 0}, {"</s>", 4}};
    assert_ok(em_subwords_vectors(&got, words, 4, table, 2, 2));
    double want[4 * 7] = {0};
    want[HASH_A] += 1;
    want[HASH_AB] += 1;
    want[HASH_B] += 1;
    for (int i = 0; i < 7; i++) want[i] *= (double)(float)(1.0 / 3);
    want[7 + HASH_E] += 0.5;
    want[7 + HASH_F] += 0.5;
    want[14 + HASH_EMPTY] += 1;     /* "<>" */
    assert_tensor_close(1e-6, 0, got, EM_F32, SHAPE(4, 7), 28, want);
    em_tensor_release(got);
    em_tensor_release(table);
}

/* With one row all n-grams have it: "ab" between its signs has <a ab b> <ab ab>, and of 1 character a and b alone. */
static void ngrams_are_counted(void **state)
{
    (void)state;
    em_tensor *table = tensor_of(EM_F32, SHAPE(1, 1), VALUES(2));
    static const struct {
        int minn, maxn, ngrams;
    } cases[] = {{2, 3, 5}, {1, 1, 2}, {0, 1, 2}, {1, 4, 8}, {4, 100, 1}, {5, 6, 0}, {3, 2, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_vocab *v;
        em_tensor *m = tensor_of(EM_F32, SHAPE(1, 1), VALUES(7));
        assert_ok(em_vocab_new(&v));
        assert_ok(em_vocab_add(v, "ab", 2, 1, NULL));
        assert_ok(em_subwords_compose(m, v, table, cases[i].minn, cases[i].maxn));
        const double n = cases[i].ngrams;
        assert_tensor_close(1e-6, 0, m, EM_F32, SHAPE(1, 1), VALUES((7 + 2 * n) / (1 + n)));
        em_vocab_release(v);
        em_tensor_release(m);
    }
    em_tensor_release(table);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    em_tensor *table = tensor_of(EM_F32, SHAPE(1, 1), VALUES(2)), *none = tensor_of(EM_F32, SHAPE(0, 1), NO_VALUES),
              *wide = tensor_of(EM_F64, SHAPE(1, 1), VALUES(2)), *m = tensor_of(EM_F32, SHAPE(1, 2), VALUES(1, 2)),
              *got;
    em_vocab *v;
    const em_word word = {"a", 1};
    assert_ok(em_vocab_new(&v));
    assert_ok(em_vocab_add(v, "a", 1, 1, NULL));
    assert_fails(em_subwords_vectors(&got, &word, 1, none, 1, 2), EM_ESHAPE, "a table of 0 n-grams");
    assert_fails(em_subwords_vectors(&got, &word, 1, wide, 1, 2), EM_ESHAPE, "expected a contiguous float32 table");
    assert_fails(em_subwords_vectors(&got, &word, 1, table, 1, 101), EM_EVALUE, "n-grams of 1 to 101 characters");
    assert_fails(em_subwords_vectors(&got, &word, 1, table, -1, 2), EM_EVALUE, "n-grams of -1 to 2 characters");
    assert_null(got);
    assert_fails(em_subwords_compose(m, v, table, 1, 2), EM_ESHAPE, "expected a contiguous float32 matrix (1, 1)");
    em_vocab_release(v);
    release_all(TENSORS(table, none, wide, m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ngrams_have_the_rows_of_their_hashes),
        cmocka_unit_test(ngrams_are_counted),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
