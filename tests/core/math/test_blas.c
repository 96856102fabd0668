/* The name of the BLAS library, and products on a team. */
#include "math/blas.h"

#include "support.h"

#include <cblas.h>
#include <math.h>

#include "parallel/parallel.h"

/* The name and version, then how it runs; this project asks for the OpenMP build. */
static void the_library_is_named(void **state)
{
    (void)state;
    const char *text = em_blas();
    if (strncmp(text, "OpenBLAS ", 9)) skip();              /* EMBLA_BLAS=any */
    assert_true(text[9] >= '0' && text[9] <= '9');
    assert_non_null(strstr(text, " (OpenMP)"));
    assert_string_equal(text, em_blas());
}

/* Each thread of the team multiplies at once, in buffers that were there before. */
static void a_team_multiplies_once_it_is_ready(void **state)
{
    (void)state;
    enum { N = 64, TASKS = 64 };
    static float a[N * N], c[TASKS][N * N];
    for (int i = 0; i < N * N; i++) a[i] = i % (N + 1) == 0 ? 2 : 0;         /* 2 I */
    const int threads = em_threads();
    em_set_threads(4);
    assert_int_equal(em__blas_ready(), EM_OK);
    EM_PARALLEL_EACH(t, TASKS, 1e6)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, a, N, 0, c[t], N);
    for (int t = 0; t < TASKS; t++)
        for (int i = 0; i < N * N; i++) assert_true(fabsf(c[t][i] - (i % (N + 1) == 0 ? 4.0f : 0.0f)) < 1e-6f);
    assert_int_equal(em__blas_ready(), EM_OK);
    em_set_threads(threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_is_named),
        cmocka_unit_test(a_team_multiplies_once_it_is_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
