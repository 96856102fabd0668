/* Variance and standard deviation: a naive loop over all kinds of shapes, too few elements, a large mean. */
#include <math.h>

#include "over_dims.h"

static double squares_of(const double *x, int64_t n)
{
    long double mean = 0, s = 0;
    for (int64_t i = 0; i < n; i++) mean += (long double)x[i] / (long double)n;
    for (int64_t i = 0; i < n; i++) s += ((long double)x[i] - mean) * ((long double)x[i] - mean);
    return (double)s;
}
static double unbiased_of(const double *x, int64_t n) { return n > 1 ? squares_of(x, n) / (double)(n - 1) : NAN; }
static double biased_of(const double *x, int64_t n) { return squares_of(x, n) / (double)n; }
static double std_of(const double *x, int64_t n) { return sqrt(unbiased_of(x, n)); }

static void all_shapes_and_dims(void **state)
{
    (void)state;
    for (em_dtype d = EM_F32; d <= EM_F64; d++) {
        const double rtol = d == EM_F32 ? 1e-6 : 1e-11;
        check_over_dims("var", "", d, unbiased_of, rtol);
        check_over_dims("var", "unbiased=false", d, biased_of, rtol);
        check_over_dims("std", "", d, std_of, rtol);
    }
}

/* sum of squares minus square of the sum would lose all digits here */
static void a_large_mean_costs_no_digits(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(4), VALUES(4194304, 4194305, 4194306, 4194307));
    em_tensor *y = op_call("var", "", 1, &x);
    assert_tensor_close(1e-6, 0, y, EM_F32, SCALAR, VALUES(5. / 3));
    em_tensor_release(x);
    em_tensor_release(y);
}

static void too_few_elements(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(1), VALUES(3)), *empty = tensor_of(EM_F32, SHAPE(0), NO_VALUES);
    em_tensor *a = op_call("var", "", 1, &x), *b = op_call("std", "unbiased=false", 1, &x);
    em_tensor *c = op_call("var", "", 1, &empty);
    assert_tensor(a, EM_F32, SCALAR, VALUES(NAN));
    assert_tensor(b, EM_F32, SCALAR, VALUES(0));
    assert_tensor(c, EM_F32, SCALAR, VALUES(NAN));
    release_all(TENSORS(x, empty, a, b, c));
}

static void gradients_by_hand(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2, 3), VALUES(1, 2, 6, 4, 4, 4)));
    op_backward(op_call("var", "dim=1", 1, &x));
    assert_tensor_close(1e-12, 1e-12, em_tensor_grad(x), EM_F64, SHAPE(2, 3), VALUES(-2, -1, 3, 0, 0, 0));
    assert_ok(em_tensor_set_grad(x, NULL));
    op_backward(op_call("std", "dim=1", 1, &x));        /* where all are equal: 0, not 0 / 0 */
    const double s = 2 * sqrt(7);
    assert_tensor_close(1e-12, 1e-12, em_tensor_grad(x), EM_F64, SHAPE(2, 3), VALUES(-2 / s, -1 / s, 3 / s, 0, 0, 0));
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_shapes_and_dims),
        cmocka_unit_test(a_large_mean_costs_no_digits),
        cmocka_unit_test(too_few_elements),
        cmocka_unit_test(gradients_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
