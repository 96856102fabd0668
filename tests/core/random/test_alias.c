/* Alias tables: the weights they hold, and draws that follow them. */
#include "random/alias.h"

#include <math.h>

#include "random/rng.h"
#include "support.h"

/* The probability of each number, read off the table itself. */
static void assert_table(const double *weights, int64_t n)
{
    em__alias a;
    assert_ok(em__alias_new(&a, weights, n));
    double total = 0, *mass = calloc((size_t)n, sizeof *mass);
    for (int64_t i = 0; i < n; i++) {
        const double own = a.columns[i].own / 4294967296.0;
        mass[i] += own;
        assert_in_range(a.columns[i].other, 0, n - 1);
        mass[a.columns[i].other] += 1 - own;
        total += weights[i];
    }
    for (int64_t i = 0; i < n; i++) {
        assert_true(fabs(mass[i] / (double)n - weights[i] / total) < 1e-9);
        if (weights[i] == 0) assert_true(mass[i] == 0);
    }
    free(mass);
    em__alias_free(&a);
    em__alias_free(&a);
}

static void the_table_holds_the_weights(void **state)
{
    (void)state;
    assert_table((double[]){3}, 1);
    assert_table((double[]){1, 1, 1}, 3);
    assert_table((double[]){0, 0, 5, 0}, 4);
    assert_table((double[]){1e-300, 2e-300}, 2);
    assert_table((double[]){1, 2, 3, 4}, 4);
    double zipf[1000];
    for (int i = 0; i < 1000; i++) zipf[i] = i % 7 == 3 ? 0 : pow(i + 1, -1.1);
    assert_table(zipf, 1000);
    for (int i = 0; i < 1000; i++) zipf[i] = 0.1;          /* sums to 1 only roughly */
    assert_table(zipf, 1000);
}

static void draws_follow_the_weights(void **state)
{
    (void)state;
    const double weights[] = {1, 0, 2, 7};
    int counts[4] = {0};
    em__alias a;
    assert_ok(em__alias_new(&a, weights, 4));
    for (uint64_t i = 0; i < 100000; i++) {
        uint32_t b[4];
        em__rng_at(1, i, b);
        counts[em__alias_draw(&a, em__join_bits(b[0], b[1]))]++;
    }
    assert_int_equal(counts[1], 0);
    for (int i = 0; i < 4; i++) assert_true(fabs(counts[i] - 10000 * weights[i]) < 4 * 160);
    assert_true(em__alias_draw(&a, UINT64_MAX) <= 3 && em__alias_draw(&a, 0) >= 0);
    em__alias_free(&a);
}

static em_status make_table(void *context, em_tensor *created[EM_MAX_OUT])
{
    (void)context;
    (void)created;
    em__alias a;
    EM_TRY(em__alias_new(&a, (double[]){1, 2}, 2));
    em__alias_free(&a);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    assert_int_equal(each_allocation_fails(&(fallible){.call = make_table}, NULL), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_holds_the_weights),
        cmocka_unit_test(draws_follow_the_weights),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
