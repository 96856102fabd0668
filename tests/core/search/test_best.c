/* The best few of many hits, against sorting all. */
#include "search/best.h"

#include <math.h>

#include "support.h"

static int by_rank(const void *a, const void *b)
{
    const em__hit *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

static void test_best(void **state)
{
    (void)state;
    enum { N = 200 };
    uint32_t seed = 7;
    for (int64_t most = 0; most <= N + 1; most = most * 2 + 1) {
        em__hit all[N], room[2 * N + 2];
        em__best best = {.at = room, .most = most};
        for (int i = 0; i < N; i++) {
            seed = seed * 1664525u + 1013904223u;
            all[i] = (em__hit){(double)(seed >> 28), (int64_t)((i * 77) % N)};  /* 16 scores: many are equal */
            const bool room_left = best.n < most;
            assert_true(em__best_offer(&best, all[i]) || !room_left);
        }
        qsort(all, N, sizeof *all, by_rank);
        const int64_t n = most < N ? most : N;
        assert_int_equal(best.n, n);
        if (n) assert_int_equal(best.at[0].id, all[n - 1].id);
        em__best_sort(&best);
        assert_int_equal(best.n, n);
        for (int64_t i = 0; i < n; i++) assert_int_equal(best.at[i].id, all[i].id);
    }
}

static void test_pop_gives_the_worst(void **state)
{
    (void)state;
    em__hit room[4];
    em__best best = {.at = room, .most = 4};
    const em__hit hits[] = {{1, 5}, {-INFINITY, 0}, {1, 2}, {3, 9}};
    for (int i = 0; i < 4; i++) assert_true(em__best_offer(&best, hits[i]));
    assert_true(em__best_is_full(&best));
    assert_false(em__best_offer(&best, (em__hit){-INFINITY, 1}));
    const int64_t want[] = {0, 5, 2, 9};
    for (int i = 0; i < 4; i++) assert_int_equal(em__best_pop(&best).id, want[i]);
    assert_int_equal(best.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best), cmocka_unit_test(test_pop_gives_the_worst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
