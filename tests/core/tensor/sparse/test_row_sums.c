/* Sums of rows against a naive loop: every term and width, several parts, large sources. */
#include <math.h>

#include "support.h"
#include "tensor/sparse/row_sparse.h"

enum { ROWS = 7, ENTRIES = 45, SOURCES = 9, WIDEST = 130 };

static double noise(void)
{
    static uint32_t seed = 1;
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 24) / 64 - 2;           /* few of them, so that some differences are 0 */
}

static em_tensor *noisy(em_dtype dtype, int64_t rows, int64_t width)
{
    static double values[SOURCES * WIDEST];
    for (int64_t i = 0; i < rows * width; i++) values[i] = noise();
    return tensor_of(dtype, 2, (int64_t[]){rows, width}, (int)(rows * width), values);
}

static double at(const em_tensor *t, int64_t i)
{
    return t->dtype == EM_F32 ? EM_DATA(float, t)[i] : EM_DATA(double, t)[i];
}

/* Entries that repeat ids, of any term; the last of the source's rows is used by none. */
static em_row_part a_part(em_dtype dtype, em_row_term term, int64_t width, bool indexed)
{
    double ids[ENTRIES], index[ENTRIES], coef[ENTRIES];
    for (int e = 0; e < ENTRIES; e++) {
        ids[e] = (e * e + 1) % ROWS;
        index[e] = (3 * e) % (SOURCES - 1);
        coef[e] = noise();
    }
    em_row_part p = {.every = (ENTRIES + SOURCES - 1) / SOURCES, .scale = -0.5, .term = term};
    const int64_t n = ENTRIES;
    p.ids = tensor_of(EM_I64, 1, &n, ENTRIES, ids);
    p.coef = tensor_of(dtype, 1, &n, ENTRIES, coef);
    p.source = noisy(dtype, SOURCES, width);
    if (indexed) p.index = tensor_of(EM_I64, 1, &n, ENTRIES, index);
    if (term != EM_TERM_ROW) p.table = noisy(dtype, ROWS, width), p.version = em_tensor_version(p.table);
    return p;
}

/* want (ROWS, width) += the entries, one by one. */
static void add_naively(double *want, const em_row_part *p, int64_t width)
{
    for (int64_t e = 0; e < ENTRIES; e++) {
        const int64_t id = EM_DATA(int64_t, p->ids)[e];
        const int64_t row = p->index ? EM_DATA(int64_t, p->index)[e] : e / p->every;
        for (int64_t d = 0; d < width; d++) {
            const double x = at(p->source, row * width + d), own = p->table ? at(p->table, id * width + d) : 0;
            const double of_term = p->term == EM_TERM_ROW    ? x
                                   : p->term == EM_TERM_SIGN ? (double)((x > own) - (x < own))
                                                             : own - x;
            want[id * width + d] += p->scale * at(p->coef, e) * of_term;
        }
    }
}

static void check_sums(em_tensor *t, const double *want, int64_t width)
{
    em_tensor *dense, *compact, *values, *again;
    const double most = t->dtype == EM_F32 ? 2e-4 : 1e-12;
    assert_ok(em_rows_to_dense(&dense, t));
    for (int64_t i = 0; i < ROWS * width; i++) assert_true(fabs(at(dense, i) - want[i]) < most);
    assert_ok(em_rows_coalesce(&compact, t));
    assert_ok(em_rows_to_dense(&again, compact));
    for (int64_t i = 0; i < ROWS * width; i++) assert_true(at(dense, i) == at(again, i));
    assert_ok(em_rows_values(&values, t));
    double sum = 0, of_values = 0;
    for (int64_t i = 0; i < values->count; i++) of_values += at(values, i);
    for (int64_t i = 0; i < dense->count; i++) sum += at(dense, i);
    assert_true(fabs(sum - of_values) < 100 * most);
    assert_ok(em_rows_add_to(dense, t, -1));
    for (int64_t i = 0; i < ROWS * width; i++) assert_true(fabs(at(dense, i)) < most);
    em_tensor *const created[] = {dense, compact, values, again};
    for (int k = 0; k < 4; k++) em_tensor_release(created[k]);
}

static const int64_t widths[] = {1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 33, 63, 64, 65, 67, 100, 128, 130};

static void entries_of_any_term_and_width_are_summed(void **state)
{
    (void)state;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (int k = 0; k < 12; k++) {
            const em_dtype dtype = k % 2 ? EM_F64 : EM_F32;
            const em_row_term term = (em_row_term)(k / 2 % 3);
            em_row_part p = a_part(dtype, term, widths[w], k >= 6);
            em_tensor *t;
            double want[ROWS * WIDEST] = {0};
            add_naively(want, &p, widths[w]);
            assert_ok(em__rows_from_part(&t, dtype, 2, (int64_t[]){ROWS, widths[w]}, &p, -1));
            check_sums(t, want, widths[w]);
            em_tensor_release(t);
            em__row_part_release(&p);
        }
}

/* A row's entries may come from several parts, each of its own term. */
static void parts_of_different_terms_are_summed(void **state)
{
    (void)state;
    const int64_t width = 21, sizes[] = {ROWS, width};
    em_tensor *sum = NULL;
    double want[ROWS * WIDEST] = {0};
    for (int k = 0; k < 4; k++) {
        em_row_part p = a_part(EM_F32, (em_row_term)(k % 3), width, k == 1);
        em_tensor *t, *more = NULL;
        add_naively(want, &p, width);
        assert_ok(em__rows_from_part(&t, EM_F32, 2, sizes, &p, -1));
        if (sum) {
            assert_ok(em_rows_add(&more, sum, t));
            em_tensor_release(sum);
            em_tensor_release(t);
        }
        sum = more ? more : t;
        em__row_part_release(&p);
    }
    check_sums(sum, want, width);
    em_tensor_release(sum);
}

/* A row that is not a number has no sign, and one with coefficient 0 still makes its sum so. */
static void rows_that_are_not_numbers(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        em_row_part p = a_part(EM_F32, k ? EM_TERM_ROW : EM_TERM_SIGN, 20, false);
        em_tensor *t, *dense;
        EM_DATA(float, p.coef)[0] = 0;
        EM_DATA(float, p.source)[17] = NAN;
        assert_ok(em__rows_from_part(&t, EM_F32, 2, (int64_t[]){ROWS, 20}, &p, -1));
        assert_ok(em_rows_to_dense(&dense, t));
        const int64_t id = EM_DATA(int64_t, p.ids)[0];
        assert_int_equal(isnan(at(dense, id * 20 + 17)), k);
        em_tensor_release(dense);
        em_tensor_release(t);
        em__row_part_release(&p);
    }
}

/* Rows of a source beyond the caches are asked for ahead of their turn, also across parts: integers, so that the
 * sums are exact. */
static em_row_part far_part(int64_t n, int64_t width, bool indexed)
{
    em_row_part p = {.every = indexed ? 1 : 2, .scale = 1};
    assert_ok(em_tensor_empty(&p.ids, EM_I64, 1, &n));
    assert_ok(em_tensor_empty(&p.source, EM_F32, 2, (int64_t[]){n, width}));
    if (indexed) assert_ok(em_tensor_empty(&p.index, EM_I64, 1, &n));
    for (int64_t e = 0; e < n; e++) {
        EM_DATA(int64_t, p.ids)[e] = e * e % 1001;
        if (indexed) EM_DATA(int64_t, p.index)[e] = n - 1 - e;
        for (int64_t d = 0; d < width; d++) EM_DATA(float, p.source)[e * width + d] = (float)((7 * e + d) % 11 - 5);
    }
    return p;
}

static void rows_of_large_sources_are_summed(void **state)
{
    (void)state;
    enum { N = 20000, WIDTH = 70, TABLE = 1001 };
    static float want[TABLE * WIDTH];
    em_row_part parts[2] = {far_part(N, WIDTH, true), far_part(N, WIDTH, false)};
    em_tensor *t[2], *both, *dense;
    for (int k = 0; k < 2; k++) {
        for (int64_t e = 0; e < N; e++)
            for (int64_t d = 0; d < WIDTH; d++)
                want[e * e % TABLE * WIDTH + d] += (float)((7 * (k ? e / 2 : N - 1 - e) + d) % 11 - 5);
        assert_ok(em__rows_from_part(&t[k], EM_F32, 2, (int64_t[]){TABLE, WIDTH}, &parts[k], -1));
        em__row_part_release(&parts[k]);
    }
    assert_ok(em_rows_add(&both, t[0], t[1]));
    assert_ok(em_rows_to_dense(&dense, both));
    assert_memory_equal(em_tensor_data(dense), want, sizeof want);
    em_tensor *const created[] = {t[0], t[1], both, dense};
    for (int k = 0; k < 4; k++) em_tensor_release(created[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_any_term_and_width_are_summed),
        cmocka_unit_test(parts_of_different_terms_are_summed),
        cmocka_unit_test(rows_that_are_not_numbers),
        cmocka_unit_test(rows_of_large_sources_are_summed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
