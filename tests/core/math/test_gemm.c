/* Products of all layouts against a naive loop, batches, long sums, and dot products. */
#include "math/gemm.h"

#include "support.h"

#include <math.h>

/* ---- numbers ------------------------------------------------------------------------------------------- */

static uint64_t state = 1;

static uint64_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
}

static double next_number(void) { return (double)next() / 1073741824.0 - 1; }

static void set(void *data, em_dtype dtype, int64_t i, double x)
{
    if (dtype == EM_F32)
        ((float *)data)[i] = (float)x;
    else
        ((double *)data)[i] = x;
}

static double get(const void *data, em_dtype dtype, int64_t i)
{
    return dtype == EM_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void *numbers(em_dtype dtype, int64_t count)
{
    void *data = malloc((size_t)(count + 1) * em_dtype_size(dtype));
    for (int64_t i = 0; i < count; i++) set(data, dtype, i, next_number());
    return data;
}

/* A product of random matrices that lie in one of several ways. */
typedef struct problem {
    em_gemm g;
    void *a, *b, *c;
    int64_t c_count;
} problem;

static void lay(int64_t rows, int64_t cols, int way, int64_t *row, int64_t *col)
{
    const int64_t gap = way & 2 ? 3 : 0;
    *row = way & 1 ? 1 : cols + gap;
    *col = way & 1 ? rows + gap : 1;
}

static problem make(em_dtype dtype, int64_t m, int64_t n, int64_t k, int way, double alpha, double beta)
{
    problem p = {.g = {.dtype = dtype, .m = m, .n = n, .k = k, .alpha = alpha, .beta = beta}};
    lay(m, k, way, &p.g.a_row, &p.g.a_col);
    lay(k, n, way / 4, &p.g.b_row, &p.g.b_col);
    p.g.c_row = n + (way & 16 ? 2 : 0);
    p.c_count = m * p.g.c_row;
    p.a = numbers(dtype, (m + 3) * (k + 3));
    p.b = numbers(dtype, (k + 3) * (n + 3));
    p.c = numbers(dtype, p.c_count);
    return p;
}

static void drop(problem *p)
{
    free(p->a);
    free(p->b);
    free(p->c);
}

/* Row by row, column by column, in double; `old` is what c held. What lies between the rows of c must not change. */
static void check(const problem *p, const void *old)
{
    const em_gemm *g = &p->g;
    const double unit = g->dtype == EM_F32 ? 6e-8 : 1.2e-16;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->c_row; j++) {
            const int64_t at = i * g->c_row + j;
            const double got = get(p->c, g->dtype, at);
            double want = get(old, g->dtype, at), size = fabs(want);
            if (j < g->n) {
                double sum = 0;
                size *= fabs(g->beta);
                for (int64_t l = 0; l < g->k; l++) {
                    const double x = get(p->a, g->dtype, i * g->a_row + l * g->a_col) *
                                     get(p->b, g->dtype, l * g->b_row + j * g->b_col);
                    sum += x;
                    size += fabs(g->alpha * x);
                }
                want = g->alpha * sum + (g->beta == 0 ? 0 : g->beta * want);
            }
            if (!(fabs(got - want) <= unit * (8 + (double)g->k) * (size + 1e-30)) && got != want)
                fail_msg("(%d, %d, %d) at [%d, %d]: %.9g, expected %.9g", (int)g->m, (int)g->n, (int)g->k, (int)i,
                         (int)j, got, want);
        }
}

static void *copy_of(const problem *p)
{
    const size_t bytes = (size_t)p->c_count * em_dtype_size(p->g.dtype);
    void *copy = malloc(bytes + 1);
    memcpy(copy, p->c, bytes);
    return copy;
}

/* ---- tests --------------------------------------------------------------------------------------------- */

static const int64_t shapes[][3] = {
    {1, 1, 1},      {1, 1, 7},      {1, 5, 3},      {5, 1, 3},      {4, 16, 8},     {3, 4, 1},
    {17, 1, 1},     {1, 17, 1},     {2, 3, 0},      {0, 3, 2},      {3, 0, 2},      {16, 16, 16},
    {33, 17, 65},   {64, 64, 64},   {129, 40, 70},  {200, 300, 50}, {300, 1, 900},  {1, 700, 900},
    {90, 100, 400}, {257, 129, 65}, {30, 40, 5000}, {1, 40, 20000}, {40, 1, 20000},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void products_of_all_layouts(void **unused)
{
    (void)unused;
    for (int s = 0; s < SHAPES; s++)
        for (int way = 0; way < 32; way++) {
            const bool even = way % 2 == 0;
            problem p = make(even ? EM_F32 : EM_F64, shapes[s][0], shapes[s][1], shapes[s][2], way, even ? 1 : -0.5,
                             (double)(way % 3) / 2);
            assert_true(em__gemm_takes(p.g.m, p.g.k, p.g.a_row, p.g.a_col));
            void *old = copy_of(&p);
            assert_ok(em__gemm(&p.g, p.a, p.b, p.c));
            check(&p, old);
            memcpy(p.c, old, (size_t)p.c_count * em_dtype_size(p.g.dtype));
            em__gemm_serial(&p.g, p.a, p.b, p.c);
            check(&p, old);
            free(old);
            drop(&p);
        }
}

static void old_contents_do_not_matter_with_beta_0(void **unused)
{
    (void)unused;
    for (int s = 0; s < SHAPES; s++) {
        problem p = make(EM_F32, shapes[s][0], shapes[s][1], shapes[s][2], 0, 1, 0);
        for (int64_t i = 0; i < p.c_count; i++) ((float *)p.c)[i] = NAN;
        assert_ok(em__gemm(&p.g, p.a, p.b, p.c));
        for (int64_t i = 0; i < p.c_count; i++) assert_true(((float *)p.c)[i] == ((float *)p.c)[i]);
        drop(&p);
    }
}

static void same_bits_for_any_number_of_threads(void **unused)
{
    (void)unused;
    const int threads = em_threads();
    static const int64_t large[][3] = {{1024, 96, 64}, {300, 300, 300}, {128, 2000, 100},
                                       {2048, 64, 64}, {64, 64, 4096},  {5000, 1, 300},
                                       {1, 5000, 300}, {1, 1, 200000},  {130, 257, 511}};
    for (int round = 0; round < 60; round++) {
        const int64_t *fixed = large[round % 9];
        const bool any = round >= 18;
        problem p = make(round & 1 ? EM_F64 : EM_F32, any ? 1 + (int64_t)(next() % 400) : fixed[0],
                         any ? 1 + (int64_t)(next() % 400) : fixed[1], any ? 1 + (int64_t)(next() % 300) : fixed[2],
                         (int)(next() % 32), 1, round % 3 ? 0 : 1);
        void *old = copy_of(&p);
        const size_t bytes = (size_t)p.c_count * em_dtype_size(p.g.dtype);
        em_set_threads(1);
        assert_ok(em__gemm(&p.g, p.a, p.b, p.c));
        void *first = copy_of(&p);
        for (int n = 2; n <= 8; n += n == 2 ? 1 : 5) {
            memcpy(p.c, old, bytes);
            em_set_threads(n);
            assert_ok(em__gemm(&p.g, p.a, p.b, p.c));
            assert_memory_equal(p.c, first, bytes);
        }
        free(old);
        free(first);
        drop(&p);
    }
    em_set_threads(threads);
}

static void batches_and_their_sums(void **unused)
{
    (void)unused;
    enum { B = 3, S = 4, M = 5, N = 6, K = 7 };
    double *a = numbers(EM_F64, S * M * K), *b = numbers(EM_F64, B * S * K * N), c[B * M * N];
    em_iterator each, sum;
    em__iterator_init(&each, 3, 1, (int64_t[]){B},
                      (const int64_t *const[]){(int64_t[]){0}, (int64_t[]){S * K * N}, (int64_t[]){M * N}});
    em__iterator_init(&sum, 3, 1, (int64_t[]){S},
                      (const int64_t *const[]){(int64_t[]){M * K}, (int64_t[]){K * N}, (int64_t[]){0}});
    const em_gemm g = {EM_F64, M, N, K, K, 1, N, 1, N, 1, 0};
    assert_ok(em__gemm_batch(&g, &each, &sum, a, b, c));
    for (int r = 0; r < B; r++)
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N; j++) {
                double want = 0;
                for (int s = 0; s < S; s++)
                    for (int l = 0; l < K; l++) want += a[(s * M + i) * K + l] * b[((r * S + s) * K + l) * N + j];
                assert_true(fabs(c[(r * M + i) * N + j] - want) < 1e-13);
            }
    free(a);
    free(b);
}

static void what_blas_can_read(void **unused)
{
    (void)unused;
    assert_true(em__gemm_takes(3, 4, 4, 1));
    assert_true(em__gemm_takes(3, 4, 9, 1));
    assert_true(em__gemm_takes(3, 4, 1, 3));
    assert_true(em__gemm_takes(1, 4, 0, 1));        /* strides along a size of 1 do not matter */
    assert_true(em__gemm_takes(3, 1, 2, 77));
    assert_false(em__gemm_takes(3, 4, 0, 1));       /* one row three times */
    assert_false(em__gemm_takes(3, 4, 3, 1));       /* rows overlap */
    assert_false(em__gemm_takes(3, 4, 8, 2));
    assert_false(em__gemm_takes(3, 4, (int64_t)1 << 33, 1));
}

static void dots(void **unused)
{
    (void)unused;
    const int threads = em_threads();
    for (int64_t n = 0; n < 300000; n = n * 3 + 1) {
        float *x = numbers(EM_F32, 2 * n), *y = numbers(EM_F32, 3 * n);
        double want = 0, size = 0;
        for (int64_t i = 0; i < n; i++) {
            want += (double)x[2 * i] * (double)y[3 * i];
            size += fabs((double)x[2 * i] * (double)y[3 * i]);
        }
        em_set_threads(1);
        const double got = em__dot(EM_F32, n, x, 2, y, 3);
        assert_true(fabs(got - want) <= 1e-6 * size);
        em_set_threads(8);
        assert_true(em__dot(EM_F32, n, x, 2, y, 3) == got);
        free(x);
        free(y);
    }
    em_set_threads(threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_all_layouts),
        cmocka_unit_test(old_contents_do_not_matter_with_beta_0),
        cmocka_unit_test(same_bits_for_any_number_of_threads),
        cmocka_unit_test(batches_and_their_sums),
        cmocka_unit_test(what_blas_can_read),
        cmocka_unit_test(dots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
