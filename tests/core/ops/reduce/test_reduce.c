/* Sums, means, products, counts: a naive loop over all kinds of shapes and dims, accuracy of long sums, empty tensors,
 * dtypes of results, gradients by hand. */
#include <math.h>

#include "over_dims.h"

static double sum_of(const double *x, int64_t n)
{
    long double s = 0;
    for (int64_t i = 0; i < n; i++) s += (long double)x[i];
    return (double)s;
}
static double mean_of(const double *x, int64_t n) { return sum_of(x, n) / (double)n; }
static double product_of(const double *x, int64_t n)
{
    long double p = 1;
    for (int64_t i = 0; i < n; i++) p *= (long double)x[i];
    return (double)p;
}
static double all_of(const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (x[i] == 0) return 0;
    return 1;
}
static double any_of(const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (x[i] != 0) return 1;
    return 0;
}
static double count_of(const double *x, int64_t n)
{
    double count = 0;
    for (int64_t i = 0; i < n; i++) count += x[i] != 0;
    return count;
}

static void all_shapes_and_dims(void **state)
{
    (void)state;
    for (em_dtype d = EM_F32; d <= EM_BOOL; d++) {
        const double rtol = d == EM_F32 ? 1e-6 : d == EM_F64 ? 1e-13 : 0;
        check_over_dims("sum", "", d, sum_of, rtol);
        check_over_dims("all", "", d, all_of, 0);
        check_over_dims("any", "", d, any_of, 0);
        check_over_dims("count_nonzero", "", d, count_of, 0);
        if (!em_dtype_is_float(d)) continue;
        check_over_dims("mean", "", d, mean_of, rtol);
        check_over_dims("prod", "", d, product_of, d == EM_F32 ? 1e-6 : 1e-10);
    }
}

/* 0.1 in float is not 0.1: adding it up one by one in float would be off in the second digit. */
static void long_sums_are_accurate(void **state)
{
    (void)state;
    const int64_t n = 10000019;
    for (em_dtype d = EM_F32; d <= EM_F64; d++) {
        em_tensor *x;
        assert_ok(em_tensor_empty(&x, d, 1, &n));
        em_tensor_fill(x, 0.1);
        const double each = element(x, 0), rtol = d == EM_F32 ? 1e-7 : 1e-13;
        em_tensor *sum = op_call("sum", "", 1, &x), *mean = op_call("mean", "", 1, &x);
        assert_tensor_close(rtol, 0, sum, d, SCALAR, VALUES(each * (double)n));
        assert_tensor_close(rtol, 0, mean, d, SCALAR, VALUES(each));
        em_tensor_release(x);
        em_tensor_release(sum);
        em_tensor_release(mean);
    }
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    em_rng rng = {3, 0};
    em_tensor *x;
    assert_ok(em_tensor_empty(&x, EM_F32, SHAPE(1003, 1009)));
    em_tensor_fill_normal(x, 0, 1, &rng);
    wanting_grad(x);
    static const char *const ops[] = {"sum", "mean", "prod"};
    static const char *const options[] = {"", "dim=0", "dim=1", "dim=0,1 keepdim=true"};
    for (int k = 0; k < 3; k++)
        for (int o = 0; o < 4; o++) check_threads(ops[k], options[o], 1, &x);
    em_tensor_release(x);
}

static void over_nothing(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 0), NO_VALUES), *none = NULL;
    static const struct { const char *op; double want; em_dtype dtype; } all[] = {
        {"sum", 0, EM_F32}, {"mean", NAN, EM_F32}, {"prod", 1, EM_F32}, {"all", 1, EM_BOOL}, {"any", 0, EM_BOOL},
        {"count_nonzero", 0, EM_I64},
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        em_tensor *y = op_call(all[k].op, "", 1, &x), *z = op_call(all[k].op, "dim=1", 1, &x);
        em_tensor *empty = op_call(all[k].op, "dim=0", 1, &x);
        assert_tensor(y, all[k].dtype, SCALAR, VALUES(all[k].want));
        assert_tensor(z, all[k].dtype, SHAPE(2), VALUES(all[k].want, all[k].want));
        assert_tensor(empty, all[k].dtype, SHAPE(0), NO_VALUES);
        em_tensor_release(y);
        em_tensor_release(z);
        em_tensor_release(empty);
    }
    assert_fails(op_try(&none, "sum", "dim=2", 1, &x), EM_ERANGE, "sum: dim 2 is out of range");
    em_tensor_release(x);
}

static void single_numbers(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SCALAR, VALUES(3)), *y = op_call("sum", "dim=-1 keepdim=true", 1, &x);
    assert_tensor(y, EM_F64, SCALAR, VALUES(3));
    em_tensor_release(x);
    em_tensor_release(y);
}

static void dtypes_of_results(void **state)
{
    (void)state;
    for (em_dtype d = EM_I64; d <= EM_BOOL; d++) {
        em_tensor *x = tensor_of(d, SHAPE(3), VALUES(1, 1, 1)), *none = NULL;
        em_tensor *sum = op_call("sum", "", 1, &x), *prod = op_call("prod", "", 1, &x);
        em_tensor *all = op_call("all", "", 1, &x);
        assert_tensor(sum, EM_I64, SCALAR, VALUES(3));
        assert_tensor(prod, EM_I64, SCALAR, VALUES(1));
        assert_tensor(all, d == EM_U8 ? EM_U8 : EM_BOOL, SCALAR, VALUES(1));
        assert_fails(op_try(&none, "mean", "", 1, &x), EM_ETYPE, "mean: input: expected float32 or float64, got");
        em_tensor_release(x);
        em_tensor_release(sum);
        em_tensor_release(prod);
        em_tensor_release(all);
    }
    em_tensor *x = tensor_of(EM_U8, SHAPE(3), VALUES(255, 255, 255)), *sum = op_call("sum", "", 1, &x);
    assert_tensor(sum, EM_I64, SCALAR, VALUES(765));
    em_tensor_release(x);
    em_tensor_release(sum);
}

static void not_a_number_and_infinity(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(3), VALUES(1, NAN, 2));
    em_tensor *y = tensor_of(EM_F32, SHAPE(2), VALUES(INFINITY, 1));
    em_tensor *a = op_call("sum", "", 1, &x), *b = op_call("sum", "", 1, &y), *c = op_call("count_nonzero", "", 1, &x);
    assert_tensor(a, EM_F32, SCALAR, VALUES(NAN));
    assert_tensor(b, EM_F32, SCALAR, VALUES(INFINITY));
    assert_tensor(c, EM_I64, SCALAR, VALUES(3));
    release_all(TENSORS(x, y, a, b, c));
}

/* The gradient of a product is the product of the others, with none, one and two zeros among them. */
static void product_with_zeros(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(3, 3), VALUES(2, 5, 3, 2, 0, 3, 2, 0, 0)));
    op_backward(op_call("prod", "dim=1", 1, &x));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(3, 3), VALUES(15, 6, 10, 0, 6, 0, 0, 0, 0));
    em_tensor_release(x);
}

static void gradients_of_sum_and_mean(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)));
    op_backward(op_call("sum", "dim=0", 1, &x));
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2, 2), VALUES(1, 1, 1, 1));
    op_backward(op_call("mean", "", 1, &x));
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2, 2), VALUES(1.25, 1.25, 1.25, 1.25));
    em_tensor_release(x);
}

static void dims_are_checked(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *none = NULL;
    assert_fails(op_try(&none, "sum", "dim=1,-1", 1, &x), EM_EVALUE, "dim 1 is given twice");
    assert_fails(op_try(&none, "mean", "dim=-3", 1, &x), EM_ERANGE, "mean: dim -3");
    assert_null(none);
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_shapes_and_dims),
        cmocka_unit_test(long_sums_are_accurate),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(over_nothing),
        cmocka_unit_test(single_numbers),
        cmocka_unit_test(dtypes_of_results),
        cmocka_unit_test(not_a_number_and_infinity),
        cmocka_unit_test(product_with_zeros),
        cmocka_unit_test(gradients_of_sum_and_mean),
        cmocka_unit_test(dims_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
