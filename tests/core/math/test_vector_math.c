/* The float functions against the C library's in double, over all magnitudes; special values; tails of loops. */
#define EM_REAL float
#include "math/vector_math.h"

#include "support.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

#define LOOP(name) \
    static void name##_loop(float *y, const float *x, int64_t n) \
    { \
        for (int64_t i = 0; i < n; i++) y[i] = em__##name(x[i]); \
    }
LOOP(exp)
LOOP(expm1)
LOOP(log)
LOOP(log1p)
LOOP(tanh)
LOOP(sigmoid)
LOOP(erf)

static const struct function {
    const char *name;
    void (*loop)(float *y, const float *x, int64_t n);
    double (*truth)(double);
} functions[] = {
    {"exp", exp_loop, exp},       {"expm1", expm1_loop, expm1}, {"log", log_loop, log}, {"log1p", log1p_loop, log1p},
    {"tanh", tanh_loop, tanh},    {"sigmoid", sigmoid_loop, sigmoid}, {"erf", erf_loop, erf},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, BLOCK = 1024 };

/* Distance in units of the last place of the true value. */
static double ulps(float got, double want)
{
    const float nearest = (float)want;
    if (isnan(want)) return isnan(got) ? 0 : INFINITY;
    if (isinf(nearest) || isinf(got)) return got == nearest || fabs(want) > 3.4e38 ? 0 : INFINITY;
    const double size = fmax(fabs(want), 0x1p-126);
    return fabs((double)got - want) / ldexp(1, ilogb(size) - 23);
}

/* Every 997th of all floats, of both signs, infinities and NaN among them. */
static void functions_are_right_to_three_units(void **state)
{
    (void)state;
    for (int f = 0; f < FUNCTIONS; f++) {
        float x[BLOCK], y[BLOCK];
        for (uint64_t bits = 0; bits < (uint64_t)1 << 32; bits += 997 * BLOCK) {
            for (int i = 0; i < BLOCK; i++) x[i] = em__from_bits((uint32_t)(bits + (uint64_t)i * 997));
            functions[f].loop(y, x, BLOCK);
            for (int i = 0; i < BLOCK; i++)
                if (ulps(y[i], functions[f].truth((double)x[i])) > 3)
                    fail_msg("%s(%a) is %a, want %a", functions[f].name, (double)x[i], (double)y[i],
                             functions[f].truth((double)x[i]));
        }
    }
}

static void special_values_are_those_of_the_library(void **state)
{
    (void)state;
    const float x[] = {0, 1, -1, INFINITY, -INFINITY, NAN, FLT_MIN, FLT_MIN / 2, 0x1p-149f, -0x1p-149f, FLT_MAX,
                       -FLT_MAX,
                       88.72283f, 88.72284f, -87.5f, -103.9f, -104.1f, 10, -10, 20, -20, 4, -4, 1e-30f, -1e-30f};
    enum { N = sizeof x / sizeof *x };
    for (int f = 0; f < FUNCTIONS; f++) {
        float y[N];
        functions[f].loop(y, x, N);
        for (int i = 0; i < N; i++)
            if (ulps(y[i], functions[f].truth((double)x[i])) > 3)
                fail_msg("%s(%a) is %a, want %a", functions[f].name, (double)x[i], (double)y[i],
                         functions[f].truth((double)x[i]));
    }
}

static void results_do_not_depend_on_the_position(void **state)
{
    (void)state;
    float x[BLOCK], y[BLOCK], z[BLOCK];
    for (int i = 0; i < BLOCK; i++) x[i] = 0.0123f * (float)(i - BLOCK / 2);
    for (int f = 0; f < FUNCTIONS; f++) {
        functions[f].loop(y, x, BLOCK);
        for (int step = 1; step < 40; step++) {
            for (int i = 0; i < BLOCK; i += step) functions[f].loop(z + i, x + i, i + step < BLOCK ? step : BLOCK - i);
            assert_memory_equal(y, z, sizeof y);
        }
    }
}

static void tanh_and_erf_are_odd(void **state)
{
    (void)state;
    for (float x = 0; x < 12; x += 0.0371f) {
        assert_true(em__tanh(-x) == -em__tanh(x));
        assert_true(em__erf(-x) == -em__erf(x));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_right_to_three_units),
        cmocka_unit_test(special_values_are_those_of_the_library),
        cmocka_unit_test(results_do_not_depend_on_the_position),
        cmocka_unit_test(tanh_and_erf_are_odd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
