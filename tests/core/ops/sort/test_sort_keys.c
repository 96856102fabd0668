#include "ops/sort/sort_keys.h"

#include "support.h"

#include <math.h>

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 20;
}

/* Keys of several kinds: few different ones, all different, only high digits, all the same. */
static em_item *items_of(int64_t n, int kind, uint64_t seed)
{
    em_item *items = malloc((size_t)(n + 1) * sizeof *items);
    uint64_t state = seed;
    for (int64_t i = 0; i < n; i++) {
        const uint64_t x = next(&state);
        items[i] = (em_item){kind == 0 ? x % 7 : kind == 1 ? x * x : kind == 2 ? x << 40 : 42, i};
    }
    return items;
}

/* Place of item i in a stable sort, by counting. */
static int64_t rank(const em_item *items, int64_t n, int64_t i)
{
    int64_t before = 0;
    for (int64_t k = 0; k < n; k++) before += items[k].key < items[i].key || (items[k].key == items[i].key && k < i);
    return before;
}

static void every_item_goes_to_its_rank(void **unused)
{
    (void)unused;
    static const int64_t counts[] = {0, 1, 2, 3, 39, 40, 41, 100, 257, 1000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int kind = 0; kind < 4; kind++) {
            const int64_t n = counts[c];
            em_item *items = items_of(n, kind, 3), *sorted = items_of(n, kind, 3), *room = items_of(n, 0, 1);
            em__sort_items(sorted, room, n);
            for (int64_t i = 0; i < n; i++) {
                const int64_t r = rank(items, n, i);
                assert_int_equal(sorted[r].at, i);
                assert_true(sorted[r].key == items[i].key);
                assert_int_equal(em__nth_item(items, n, r).at, i);
            }
            for (int64_t k = 1; k <= n; k += 1 + n / 7) {
                em_item *first = items_of(n, kind, 3);
                em__first_items(first, room, n, k);
                for (int64_t i = 0; i < k; i++) assert_int_equal(first[i].at, sorted[i].at);
                free(first);
            }
            free(items);
            free(sorted);
            free(room);
        }
}

static void keys_compare_as_numbers_do(void **unused)
{
    (void)unused;
    static const double x[] = {-INFINITY, -1e300, -1e30, -2,  -1,   -1e-40, -1e-310,  0,
                               1e-310,    1e-40,  1,     1.5, 1e30, 1e300,  INFINITY, NAN};
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++) {
            assert_int_equal(em__key_of_double(x[i]) < em__key_of_double(x[k]), i < k);
            const float a = (float)x[i], b = (float)x[k];
            const bool less = a < b || (b != b && a == a);
            assert_int_equal(em__key_of_float(a) < em__key_of_float(b), less);
        }
    assert_true(em__key_of_float(-0.0f) == em__key_of_float(0.0f));
    assert_true(em__key_of_double(-0.0) == em__key_of_double(0.0));
    assert_true(em__key_of_float(-NAN) == em__key_of_float(NAN));
    assert_true(em__key_of_integer(INT64_MIN) < em__key_of_integer(-1));
    assert_true(em__key_of_integer(-1) < em__key_of_integer(0));
    assert_true(em__key_of_integer(0) < em__key_of_integer(INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_goes_to_its_rank),
        cmocka_unit_test(keys_compare_as_numbers_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
