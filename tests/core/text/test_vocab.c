/* Vocabularies: ids, counts, trimming, special words. */
#include "text/vocab.h"

#include <stdio.h>

#include "support.h"

static em_vocab *vocab_of(int n, const char *const *words, const int64_t *counts)
{
    em_vocab *v;
    assert_ok(em_vocab_new(&v));
    for (int i = 0; i < n; i++) assert_ok(em_vocab_add(v, words[i], strlen(words[i]), counts[i], NULL));
    return v;
}

static void assert_word(const em_vocab *v, int64_t id, const char *word, int64_t count)
{
    size_t length;
    const char *got = em_vocab_word(v, id, &length);
    assert_int_equal(length, strlen(word));
    assert_memory_equal(got, word, length);
    assert_int_equal(em_vocab_count(v, id), count);
    assert_int_equal(em_vocab_find(v, word, strlen(word)), id);
}

static void words_get_ids_in_order(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(4, (const char *[]){"b", "a", "b", ""}, (int64_t[]){1, 5, 2, 0});
    assert_int_equal(em_vocab_size(v), 3);
    assert_int_equal(em_vocab_total(v), 8);
    assert_word(v, 0, "b", 3);
    assert_word(v, 1, "a", 5);
    assert_word(v, 2, "", 0);
    assert_int_equal(em_vocab_find(v, "c", 1), -1);
    assert_int_equal(em_vocab_find(v, "ab", 2), -1);
    assert_int_equal(em_vocab_unknown(v), -1);
    em_vocab_release(v);
}

static void words_may_hold_any_byte(void **state)
{
    (void)state;
    em_vocab *v;
    int64_t id;
    assert_ok(em_vocab_new(&v));
    assert_ok(em_vocab_add(v, "a\0b", 3, 1, &id));
    assert_int_equal(id, 0);
    assert_ok(em_vocab_add(v, "a\0c", 3, 1, &id));
    assert_int_equal(id, 1);
    assert_int_equal(em_vocab_find(v, "a", 1), -1);
    assert_int_equal(em_vocab_find(v, "a\0b", 3), 0);
    em_vocab_release(v);
}

static void many_words_are_all_found(void **state)
{
    (void)state;
    enum { MANY = 50000 };
    em_vocab *v;
    char word[32];
    assert_ok(em_vocab_new(&v));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++) {
            const size_t n = (size_t)sprintf(word, "%dx%d", i, i % 7);
            assert_ok(em_vocab_add(v, word, n, 1, NULL));
        }
    assert_int_equal(em_vocab_size(v), MANY);
    for (int i = 0; i < MANY; i++) {
        sprintf(word, "%dx%d", i, i % 7);
        assert_word(v, i, word, 2);
    }
    em_vocab_release(v);
}

static void counts_do_not_overflow(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(1, (const char *[]){"a"}, (int64_t[]){INT64_MAX});
    assert_fails(em_vocab_add(v, "b", 1, 1, NULL), EM_EVALUE, "count");
    assert_fails(em_vocab_add(v, "a", 1, -1, NULL), EM_EVALUE, "count of -1");
    assert_int_equal(em_vocab_size(v), 1);
    assert_word(v, 0, "a", INT64_MAX);
    em_vocab_release(v);
}

static const char *const six[] = {"<pad>", "<unk>", "rare", "often", "some", "any"};
static const int64_t six_counts[] = {0, 1, 2, 50, 7, 7};

static void trimming_sorts_by_count_then_age(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(6, six, six_counts);
    em_tensor *ids;
    assert_ok(em_vocab_trim(v, 0, -1, &ids));
    assert_tensor(ids, EM_I32, SHAPE(6), VALUES(5, 4, 3, 0, 1, 2));
    assert_word(v, 0, "often", 50);
    assert_word(v, 1, "some", 7);
    assert_word(v, 2, "any", 7);
    assert_word(v, 5, "<pad>", 0);
    em_tensor_release(ids);
    em_vocab_release(v);
}

static void trimming_drops_the_rare(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(6, six, six_counts);
    em_tensor *ids;
    assert_ok(em_vocab_trim(v, 7, -1, &ids));
    assert_tensor(ids, EM_I32, SHAPE(6), VALUES(-1, -1, -1, 0, 1, 2));
    assert_int_equal(em_vocab_size(v), 3);
    assert_int_equal(em_vocab_total(v), 64);
    assert_int_equal(em_vocab_find(v, "rare", 4), -1);
    assert_word(v, 1, "some", 7);
    assert_ok(em_vocab_add(v, "new", 3, 1, NULL));         /* and goes on */
    assert_word(v, 3, "new", 1);
    em_tensor_release(ids);
    em_vocab_release(v);
}

static void special_words_stay_and_the_unknown_counts_the_lost(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(6, six, six_counts);
    em_tensor *ids;
    assert_ok(em_vocab_set_special(v, 2));
    assert_ok(em_vocab_set_unknown(v, 1));
    assert_ok(em_vocab_trim(v, 3, 4, &ids));
    assert_tensor(ids, EM_I32, SHAPE(6), VALUES(0, 1, 1, 2, 3, 1));
    assert_int_equal(em_vocab_size(v), 4);
    assert_int_equal(em_vocab_total(v), 67);
    assert_word(v, 0, "<pad>", 0);
    assert_word(v, 1, "<unk>", 1 + 2 + 7);
    assert_word(v, 2, "often", 50);
    assert_ok(em_vocab_trim(v, 0, 0, NULL));                /* no room for any but the special ones */
    assert_int_equal(em_vocab_size(v), 2);
    em_tensor_release(ids);
    em_vocab_release(v);
}

static void special_words_are_checked(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(2, six, six_counts);
    assert_fails(em_vocab_set_special(v, 3), EM_ERANGE, "3 special words, but it has 2");
    assert_fails(em_vocab_set_unknown(v, 0), EM_ERANGE, "0 is none of the 0 special");
    assert_ok(em_vocab_set_special(v, 1));
    assert_ok(em_vocab_set_unknown(v, 0));
    assert_fails(em_vocab_set_unknown(v, -2), EM_ERANGE, "-2");
    em_vocab_release(v);
}

static em_status build(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    em_vocab *v;
    EM_TRY(em_vocab_new(&v));
    em_status s = EM_OK;
    char word[200] = "";
    for (int i = 0; i < 300 && !s; i++) {
        sprintf(word, "%0150d", i);
        s = em_vocab_add(v, word, 150, i, NULL);
        if (s) assert_int_equal(em_vocab_find(v, word, 150), -1);
    }
    const int64_t size = em_vocab_size(v), total = em_vocab_total(v);
    if (!s) s = em_vocab_trim(v, 100, -1, out);
    if (s) {                                               /* as it was */
        assert_int_equal(em_vocab_size(v), size);
        assert_int_equal(em_vocab_total(v), total);
        for (int i = 0; i < size; i++) {
            sprintf(word, "%0150d", i);
            assert_word(v, i, word, i);
        }
    }
    em_vocab_release(v);
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    assert_true(each_allocation_fails(&(fallible){.call = build}, NULL) >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_get_ids_in_order),
        cmocka_unit_test(words_may_hold_any_byte),
        cmocka_unit_test(many_words_are_all_found),
        cmocka_unit_test(counts_do_not_overflow),
        cmocka_unit_test(trimming_sorts_by_count_then_age),
        cmocka_unit_test(trimming_drops_the_rare),
        cmocka_unit_test(special_words_stay_and_the_unknown_counts_the_lost),
        cmocka_unit_test(special_words_are_checked),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
