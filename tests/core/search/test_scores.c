/* Scores of tiles of every size, against a naive loop; the bits of one do not depend on its tile. */
#include "search/scores.h"

#include <math.h>

#include "support.h"

enum { QUERIES = 9, ROWS = 11, WIDTH = 70 };

static float random_float(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(int32_t)*seed * 0x1p-31f;
}

static void check(const float *queries, const float *rows, int64_t width, bool distance)
{
    const em__scores *how = em__scores_find(EM_F32);
    for (int64_t n = 1; n <= QUERIES; n++)
        for (int64_t m = 1; m <= ROWS; m++) {
            float all[QUERIES * ROWS], one;
            const em__tile t = {queries, rows, n, m, width, all, ROWS, NULL};
            (distance ? how->l2 : how->dot)(&t);
            for (int64_t i = 0; i < n; i++)
                for (int64_t j = 0; j < m; j++) {
                    double want = 0;
                    for (int64_t d = 0; d < width; d++) {
                        const double q = queries[i * width + d], x = rows[j * width + d];
                        want += distance ? -(q - x) * (q - x) : q * x;
                    }
                    assert_true(fabs(all[i * ROWS + j] - want) <= 1e-5);
                    const em__tile alone = {queries + i * width, rows + j * width, 1, 1, width, &one, 1, NULL};
                    (distance ? how->l2 : how->dot)(&alone);
                    assert_memory_equal(&one, all + i * ROWS + j, sizeof one);
                }
        }
}

static void test_tiles(void **state)
{
    (void)state;
    float queries[QUERIES * WIDTH], rows[ROWS * WIDTH];
    uint32_t seed = 3;
    for (int i = 0; i < QUERIES * WIDTH; i++) queries[i] = random_float(&seed);
    for (int i = 0; i < ROWS * WIDTH; i++) rows[i] = random_float(&seed);
    for (int64_t width = 0; width <= WIDTH; width += width < 10 ? 1 : 13) {
        check(queries, rows, width, false);
        check(queries, rows, width, true);
    }
}

static void test_lengths(void **state)
{
    (void)state;
    const em__scores *how = em__scores_find(EM_F64);
    double rows[] = {3, 4, 0, 0, 0, 2, NAN, 1}, out[4], scores[] = {10, 1, 4, 1};
    how->inverse_norms(out, rows, 4, 2);
    assert_true(out[0] == 0.2 && out[1] == 0 && out[2] == 0.5 && isnan(out[3]));
    how->scale(scores, out, 3);
    assert_true(scores[0] == 2 && scores[1] == 0 && scores[2] == 2 && scores[3] == 1);
    how->to_unit(rows, 3, 2);
    assert_true(fabs(rows[0] - 0.6) < 1e-15 && rows[2] == 0 && rows[5] == 1);
    const double norms[] = {0, 4};
    how->invert(out, norms, 2);
    assert_true(out[0] == 0 && out[1] == 0.25);
}

/* Squares that are no float32: cosines of such rows need their lengths all the same. */
static void test_lengths_of_any_size(void **state)
{
    (void)state;
    const em__scores *how = em__scores_find(EM_F32);
    const float sizes[] = {1e-30f, 1e-22f, 1, 1e19f, 1e30f};
    for (int i = 0; i < 5; i++) {
        float row[] = {3 * sizes[i], 4 * sizes[i]}, out;
        how->inverse_norms(&out, row, 1, 2);
        assert_true(fabs((double)out * 5 * (double)sizes[i] - 1) < 1e-6);
        how->to_unit(row, 1, 2);
        assert_true(fabs((double)row[0] - 0.6) < 1e-6 && fabs((double)row[1] - 0.8) < 1e-6);
    }
}

/* Rows by their numbers have the scores that they have in line. */
static void test_rows_by_number(void **state)
{
    (void)state;
    const float query[] = {1, 2}, rows[] = {1, 1, 2, 0, 0, 3};
    const int32_t which[] = {2, 0, 2, 1, 0};
    float out[5];
    const em__tile t = {query, rows, 1, 5, 2, out, 5, which};
    em__scores_find(EM_F32)->dot(&t);
    const float want[] = {6, 3, 6, 2, 3};
    assert_memory_equal(out, want, sizeof want);
}

static void test_above(void **state)
{
    (void)state;
    const em__scores *how = em__scores_find(EM_F32);
    float scores[50];
    int32_t at[50];
    for (int64_t n = 0; n <= 50; n++) {
        for (int i = 0; i < 50; i++) scores[i] = (float)(i * 7 % 10);
        scores[3] = NAN;
        int64_t want = 0, found = how->above(at, scores, n, 7);
        for (int32_t i = 0; i < n; i++)
            if (i != 3 && i * 7 % 10 > 7) assert_int_equal(at[want++], i);
        assert_int_equal(found, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles), cmocka_unit_test(test_lengths), cmocka_unit_test(test_above),
        cmocka_unit_test(test_lengths_of_any_size), cmocka_unit_test(test_rows_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
