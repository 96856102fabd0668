/* The p-norm: a naive loop for each kind of p, gradients at 0 and at ties, no overflow, what is refused. */
#include <math.h>

#include "over_dims.h"

static double power;

static double norm_of(const double *x, int64_t n)
{
    long double s = 0;
    double most = 0, least = INFINITY;
    for (int64_t i = 0; i < n; i++) {
        s += power == 0 ? x[i] != 0 : (long double)pow(fabs(x[i]), power);
        most = fmax(most, fabs(x[i]));
        least = fmin(least, fabs(x[i]));
    }
    return isinf(power) ? (power > 0 ? most : least) : power == 0 ? (double)s : pow((double)s, 1 / power);
}

static void all_shapes_and_dims(void **state)
{
    (void)state;
    static const struct { const char *option; double p; } all[] = {
        {"p=2", 2}, {"p=1", 1}, {"p=0", 0}, {"p=3", 3}, {"p=0.5", 0.5}, {"p=-1", -1}, {"p=inf", INFINITY},
        {"p=-inf", -INFINITY},
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (em_dtype d = EM_F32; d <= EM_F64; d++) {
            power = all[k].p;
            check_over_dims("norm", all[k].option, d, norm_of, d == EM_F32 ? 1e-6 : 1e-12);
        }
}

static void check(const char *options, int64_t n, const double *x, double want, const double *dx)
{
    em_tensor *t = wanting_grad(tensor_of(EM_F32, 1, &n, n, x)), *y = op_call("norm", options, 1, &t);
    check_tensor(options, 0, 1e-6, 0, y, EM_F32, SCALAR, VALUES(want));
    op_backward(y);
    check_tensor(options, 1, 1e-6, 1e-7, em_tensor_grad(t), EM_F32, 1, &n, n, dx);
    em_tensor_release(t);
}

static void values_and_gradients_by_hand(void **state)
{
    (void)state;
    check("", 2, (double[]){3, -4}, 5, (double[]){0.6, -0.8});
    check("p=1", 3, (double[]){3, -4, 0}, 7, (double[]){1, -1, 0});
    check("p=0", 3, (double[]){3, -4, 0}, 2, (double[]){0, 0, 0});
    check("p=3", 2, (double[]){1, -2}, cbrt(9), (double[]){1 / cbrt(81), -4 / cbrt(81)});
    check("p=0.5", 2, (double[]){1, 4}, 9, (double[]){3, 1.5});
    check("p=inf", 3, (double[]){2, -2, 1}, 2, (double[]){0.5, -0.5, 0});
    check("p=-inf", 3, (double[]){2, -1, 3}, 1, (double[]){0, -1, 0});
}

static void at_zero_the_gradient_is_zero(void **state)
{
    (void)state;
    static const char *const options[] = {"", "p=1", "p=3", "p=0.5", "p=inf", "p=0"};
    for (int k = 0; k < 6; k++) check(options[k], 2, (double[]){0, 0}, 0, (double[]){0, 0});
}

static void squares_do_not_overflow(void **state)
{
    (void)state;
    check("", 2, (double[]){3e30, -4e30}, 5e30, (double[]){0.6, -0.8});
}

static void not_a_number_stays(void **state)
{
    (void)state;
    static const char *const options[] = {"", "p=1", "p=3", "p=inf", "p=-inf"};
    em_tensor *x = tensor_of(EM_F32, SHAPE(3), VALUES(1, NAN, 2));
    for (int k = 0; k < 5; k++) {
        em_tensor *y = op_call("norm", options[k], 1, &x);
        assert_tensor(y, EM_F32, SCALAR, VALUES(NAN));
        em_tensor_release(y);
    }
    em_tensor_release(x);
}

static void of_nothing(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(0), NO_VALUES), *y = op_call("norm", "", 1, &x), *none = NULL;
    assert_tensor(y, EM_F32, SCALAR, VALUES(0));
    assert_fails(op_try(&none, "norm", "p=inf", 1, &x), EM_EVALUE, "norm: with p = inf");
    assert_fails(op_try(&none, "norm", "p=-1", 1, &x), EM_EVALUE, "shape (0)");
    assert_fails(op_try(&none, "norm", "p=nan", 1, &x), EM_EVALUE, "norm: p is NaN");
    assert_null(none);
    em_tensor_release(x);
    em_tensor_release(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_shapes_and_dims),     cmocka_unit_test(values_and_gradients_by_hand),
        cmocka_unit_test(at_zero_the_gradient_is_zero), cmocka_unit_test(squares_do_not_overflow),
        cmocka_unit_test(not_a_number_stays),      cmocka_unit_test(of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
