/* Words spelled like another: distances by hand, order, limits. */
#include "support.h"

static void assert_nearest(const em_vocab *v, const char *word, int64_t most, const char *want)
{
    int64_t ids[16], n = most;
    char got[200];
    size_t used = 0;
    assert_ok(em_vocab_nearest(v, word, strlen(word), ids, &n));
    for (int64_t i = 0; i < n; i++) {
        size_t length;
        const char *near = em_vocab_word(v, ids[i], &length);
        if (i) got[used++] = ' ';
        memcpy(got + used, near, length);
        used += length;
    }
    got[used] = 0;
    assert_string_equal(got, want);
}

static void the_nearest_come_first(void **state)
{
    (void)state;
    static const char *const words[] = {"queen", "king", "kind", "ring", "kingdom", "a", "international",
                                        "kin", "sing"};
    em_vocab *v;
    assert_ok(em_vocab_new(&v));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_ok(em_vocab_add(v, words[i], strlen(words[i]), 1, NULL));
    assert_nearest(v, "kng", 3, "king kind ring");
    assert_nearest(v, "knig", 9, "king kin");
    assert_nearest(v, "King", 2, "king ring");
    assert_nearest(v, "king", 1, "king");
    assert_nearest(v, "quen", 9, "queen");
    assert_nearest(v, "internatoinl", 9, "international");
    assert_nearest(v, "xyz", 9, "");
    assert_nearest(v, "king", 0, "");
    assert_nearest(v, "b", 9, "a");
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_nearest(v, longer, 9, "");
    em_vocab_release(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_nearest_come_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
