/* Activation functions: values and slopes worked out by hand, corners above all, and what options are refused. */
#include <math.h>

#include "values.h"

#define X(op, options, x, want, dx) {op, options, x, 0, want, dx, NOT_LOOKED_AT}
#define V(op, options, x, want) X(op, options, x, want, NOT_LOOKED_AT)

static void corners(void **state)
{
    (void)state;
    const value_row rows[] = {
        X("leaky_relu", "", -2, -0.02, 0.01), X("leaky_relu", "", 0, 0, 0.01), X("leaky_relu", "", 2, 2, 1),
        X("leaky_relu", "negative_slope=0.2", -2, -0.4, 0.2),
        X("hardsigmoid", "", -3, 0, 0), X("hardsigmoid", "", 0, 0.5, 1. / 6), X("hardsigmoid", "", 3, 1, 0),
        X("hardsigmoid", "", 5, 1, 0),
        X("hardswish", "", -4, 0, 0), X("hardswish", "", 0, 0, 0.5), X("hardswish", "", 1.5, 1.125, 1),
        X("hardswish", "", 4, 4, 1),
        X("hardshrink", "", 0.5, 0, 0), X("hardshrink", "", -0.5, 0, 0), X("hardshrink", "", 0.75, 0.75, 1),
        X("hardshrink", "lambd=1", 0.75, 0, 0),
        X("softshrink", "", 0.5, 0, 0), X("softshrink", "", 0.75, 0.25, 1), X("softshrink", "", -2, -1.5, 1),
        X("softshrink", "lambd=1", -2, -1, 1),
        X("threshold", "threshold=0.5 value=-1", 0.5, -1, 0), X("threshold", "threshold=0.5 value=-1", 0.75, 0.75, 1),
        X("elu", "", 0, 0, 1), X("elu", "", -INFINITY, -1, 0), X("elu", "alpha=0.5", -log(2), -0.25, 0.25),
        X("celu", "alpha=2", -2 * log(2), -1, 0.5), X("celu", "", 3, 3, 1),
        X("selu", "", 1, 1.0507009873554805, 1.0507009873554805),
        X("selu", "", -log(2), -0.8790496704236883, 0.8790496704236883),
    };
    check_value_rows(rows, sizeof rows / sizeof *rows, 1);
}

static void smooth_ones(void **state)
{
    (void)state;
    const double ln2 = log(2);
    const value_row rows[] = {
        X("silu", "", 0, 0, 0.5), V("silu", "", 1, 0.7310585786300049), V("silu", "", 1e3, 1e3), V("silu", "", -1e3, 0),
        X("softplus", "", 0, ln2, 0.5), X("softplus", "", 30, 30, 1), V("softplus", "", -1e3, 0),
        X("softplus", "beta=2", 0, ln2 / 2, 0.5), X("softplus", "beta=2 threshold=3", 2, 2, 1),
        X("softsign", "", -3, -0.75, 1. / 16), X("tanhshrink", "", 0, 0, 0),
        X("tanhshrink", "", 1, 1 - 0.7615941559557649, 0.5800256583859739),
        X("logsigmoid", "", 0, -ln2, 0.5), X("logsigmoid", "", -1e3, -1e3, 1), X("logsigmoid", "", 1e3, 0, 0),
        X("mish", "", 0, 0, 0.6), V("mish", "", 1e3, 1e3), V("mish", "", -1e3, 0),
        X("gelu", "", 0, 0, 0.5), X("gelu", "", 1, 0.8413447460685429, 1.0833154705876864),
        V("gelu", "", 20, 20), V("gelu", "", -20, 0),
        X("gelu", "approximate=tanh", 0, 0, 0.5),
        X("gelu", "approximate=tanh", 1, 0.8411919906082768, 1.0829640838457826),
    };
    check_value_rows(rows, sizeof rows / sizeof *rows, 1);
}

static void not_a_number_stays(void **state)
{
    (void)state;
    static const char *const ops[] = {"silu", "gelu", "softplus", "softsign", "tanhshrink", "logsigmoid", "elu",
                                      "selu", "celu", "mish", "leaky_relu", "hardshrink", "softshrink"};
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
        const value_row row = {ops[k], "", NAN, 0, NAN, NOT_LOOKED_AT, NOT_LOOKED_AT};
        check_value_rows(&row, 1, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corners),
        cmocka_unit_test(smooth_ones),
        cmocka_unit_test(not_a_number_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
